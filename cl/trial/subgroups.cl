/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_SUBGROUPS: out[i] = in[i] where all that lanes.clh has of them is right,
 * for a group whose work-items count 1, 2, ... */
#define LANES LANES_SUBGROUPS
#include "lanes.clh"

__kernel void trial(__global const float *in, __global float *out)
{
    __local float sums[64];
    const uint i = get_local_id(0), size = get_local_size(0);
    const float sum = lanes_sum((float)(i + 1));
    if (lanes_first() && lanes_index() < 64)
        sums[lanes_index()] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    float total = 0.0f;
    for (uint n = 0; n < lanes_count() && n < 64; n++)
        total += sums[n];
    out[get_global_id(0)] = total == 0.5f * (float)(size * (size + 1)) ? in[get_global_id(0)] : -1.0f;
}
