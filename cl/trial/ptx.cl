/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confirms ALISA_CAPABILITY_PTX: out[i] = in[i], by a product with the unit matrix. With
 * row = i / 4 and n = i % 4 a lane gets back element (row, 2 n), which is put there from in[i].
 */
#include "ptx.clh"

#define ONE 0x3c00u /* as a half */

__kernel void trial(__global const float *in, __global float *out)
{
    const uint lane = get_local_id(0), row = lane / 4, pair = lane % 4 * 2;
    const uint unit = row == pair ? ONE : row == pair + 1 ? ONE << 16 : 0;
    /* Column `row` of the other matrix: its elements `pair` and `pair + 1`; the lower half is 0. */
    uint b = 0;
    if (row % 2 == 0)
        b = ptx_halves((float2)(in[4 * pair + row / 2], in[4 * (pair + 1) + row / 2]));
    const float4 sums = ptx_mma(unit, 0, 0, unit, b, 0, (float4)0.0f);
    /* 1 - 1 and the sum of 0 .. 31 less what it is, by the other instructions. */
    const float zero = ptx_floats(ptx_sub_halves(ONE << 16 | ONE, ONE << 16 | ONE)).y;
    out[get_global_id(0)] = sums.x + zero + (ptx_warp_sum((float)lane) - 496.0f);
}
