/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations as integers of 16 bits: blocks of 32 along a row, x = scale code with scale =
 * max |x| / 32512 and the nearest code (to even where two are as near), so that each is off by half a
 * scale at most. What is smaller than 1e-30 is taken for nothing. Where one is not a number or
 * infinite, the scale is no number, and so are all products.
 *
 *   x               rows x columns floats from element x_offset
 *   codes, factors  as codes.clh says
 *
 * Work-item (b, r) makes block b of row r.
 */
#include "gemm/codes.clh"
#include "prelude.clh"

/* By elements: oclgrind takes the upper ones of a shuffled vector for uninitialised. */
static inline float sum_of(const int16 v)
{
    int some[16], sum = 0;
    vstore16(v, 0, some);
    for (uint i = 0; i < 16; i++)
        sum += some[i];
    return (float)sum;
}

static inline void store_codes(const int16 codes, __global char *to)
{
    const int16 lower = codes << 24 >> 24;
    vstore16(convert_char16((codes - lower) >> 8), 0, to);
    vstore16(convert_char16(lower), 0, to + CODES_LOWER);
}

__kernel void quantise(__global const float *x, const ulong x_offset, __global char *codes,
                       __global float *factors, const uint columns)
{
    const uint block = get_global_id(0), row = get_global_id(1), blocks = codes_blocks(columns);
    const bool inside = block < columns / 32;
    __global const float *from = x + x_offset + (size_t)row * columns + block * 32;
    const float16 x0 = inside ? vload16(0, from) : (float16)0.0f;
    const float16 x1 = inside ? vload16(1, from) : (float16)0.0f;
    float sizes[16], largest = 0.0f;
    vstore16(fmax(fabs(x0), fabs(x1)), 0, sizes);
    for (uint i = 0; i < 16; i++)
        largest = fmax(largest, sizes[i]);
    const float nothing = sum16(fma(x0, 0.0f, x1 * 0.0f)); /* or no number */
    const bool some = largest > 1e-30f && nothing == 0.0f;
    const float inverse = some ? 32512.0f / largest : 0.0f;
    const float scale = (some ? largest / 32512.0f : 0.0f) + nothing;
    const int16 c0 = some ? convert_int16_sat_rte(x0 * inverse) : (int16)0;
    const int16 c1 = some ? convert_int16_sat_rte(x1 * inverse) : (int16)0;
    __global char *to = codes + row * codes_stride(columns) + codes_at(block);
    store_codes(c0, to);
    store_codes(c1, to + CODES_SECOND);
    const float first = sum_of(c0), second = sum_of(c1);
    __global float *of_row = factors + (size_t)row * blocks * 4;
    of_row[block] = scale;
    of_row[blocks + block] = (first + second) * scale;
    of_row[2 * blocks + 2 * block] = first * scale;
    of_row[2 * blocks + 2 * block + 1] = second * scale;
}
