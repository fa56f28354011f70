/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations as bytes: blocks of 32 along a row, x = scale code with scale = max |x| / 127 and the
 * nearest code (to even where two are as near), so that each is off by half a scale at most. What is
 * smaller than 1e-30 is taken for nothing. Where one is not a number or infinite, the scale is no
 * number, and so are all products.
 *
 *   x        rows x columns floats from element x_offset
 *   codes    rows x (columns + CODES_PADDING) bytes (codes.clh)
 *   factors  rows x columns / 32: scale, and the sums of the first and of the last 16 codes in the
 *            bits of a float
 *
 * Work-item (b, r) makes block b of row r.
 */
#include "gemm/codes.clh"
#include "prelude.clh"

__kernel void quantise(__global const float *x, const ulong x_offset, __global char *codes,
                       __global float2 *factors, const uint columns)
{
    const size_t block = get_global_id(0), row = get_global_id(1);
    __global const float *from = x + x_offset + row * columns + block * 32;
    const float16 x0 = vload16(0, from), x1 = vload16(1, from);
    /* By elements: oclgrind takes the upper ones of a shuffled vector for uninitialised. */
    float sizes[16], largest = 0.0f;
    vstore16(fmax(fabs(x0), fabs(x1)), 0, sizes);
    for (uint i = 0; i < 16; i++)
        largest = fmax(largest, sizes[i]);
    const float nothing = sum16(fma(x0, 0.0f, x1 * 0.0f)); /* or no number */
    const bool some = largest > 1e-30f && nothing == 0.0f;
    const float inverse = some ? 127.0f / largest : 0.0f;
    const char16 c0 = some ? convert_char16_sat_rte(x0 * inverse) : (char16)0;
    const char16 c1 = some ? convert_char16_sat_rte(x1 * inverse) : (char16)0;
    __global char *to = codes + row * (columns + CODES_PADDING) + block * 32;
    vstore16(c0, 0, to);
    vstore16(c1, 1, to);
    const short2 sums = (short2)(convert_short(sum16(convert_float16(c0))),
                                 convert_short(sum16(convert_float16(c1))));
    factors[row * (columns / 32) + block] =
        (float2)((some ? largest / 127.0f : 0.0f) + nothing, as_float(sums));
}
