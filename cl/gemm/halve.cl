/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations as halves: blocks of 32 along a row, x = scale half with scale the power of two next
 * above max |x|, so that a half is 1 at most and off by 2^-11 of itself or by 2^-25. Floats of
 * 2^126 and above keep a scale of 2^126 (its inverse is no subnormal) and make halves below 4.
 * What is smaller than 1e-30 is taken for nothing. Where one is not a number or infinite, the scale
 * is no number, and so are all products.
 *
 *   x       rows x columns floats from element x_offset
 *   halves  bits of halves, rows of whole blocks with zeros past the last column
 *   scales  rows x blocks
 *
 * Work-item (b, r) makes block b of row r.
 */
#include "prelude.clh"

__kernel void halve(__global const float *x, const ulong x_offset, __global ushort *halves,
                    __global float *scales, const uint columns)
{
    const size_t block = get_global_id(0), row = get_global_id(1), blocks = get_global_size(0);
    const uint count = min(columns - (uint)block * 32, 32u);
    __global const float *from = x + x_offset + row * columns + block * 32;
    __global half *to = (__global half *)(halves + (row * blocks + block) * 32);
    float values[32];
    if (count == 32) {
        vstore16(vload16(0, from), 0, values);
        vstore16(vload16(1, from), 1, values);
    } else {
        for (uint i = 0; i < 32; i++)
            values[i] = i < count ? from[i] : 0.0f;
    }
    float largest = 0.0f, nothing = 0.0f; /* or no number */
    for (uint i = 0; i < 32; i++) {
        largest = fmax(largest, fabs(values[i]));
        nothing = fma(values[i], 0.0f, nothing);
    }
    const bool some = largest > 1e-30f && nothing == 0.0f;
    const uint exponent = min((as_uint(largest) >> 23) + 1, 253u);
    const float inverse = some ? as_float((254 - exponent) << 23) : 0.0f;
    for (uint i = 0; i < 32; i += 4) {
        const float4 four = (float4)(values[i], values[i + 1], values[i + 2], values[i + 3]);
        vstore_half4_rte(some ? four * inverse : (float4)0.0f, i / 4, to);
    }
    scales[row * blocks + block] = (some ? as_float(exponent << 23) : 0.0f) + nothing;
}
