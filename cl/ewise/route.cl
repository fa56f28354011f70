/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which experts a row takes, and how much of each: the `used` largest of a row of router logits, the
 * largest first and the lowest index first among equals, and their shares of a softmax.
 *
 *   logits [rows][experts], chosen, shares [rows][used]; 0 < used <= experts
 *
 * shares[r][j] = exp(logits[r][chosen[r][j]]) / sum_e exp(logits[r][e]), where the sum is over all
 * experts (over_chosen 0) or over the chosen ones (over_chosen 1).
 *
 * An expert's place is the number of experts before it in a total order of all bit patterns, in
 * which what is not a number comes first. So each place is taken once whatever the logits are, and
 * a row of which one logit is not a number has shares that are none either.
 *
 * Global size: ROUTE_GROUP x rows, local size ROUTE_GROUP x 1: that many work-items share a row.
 */
#include "prelude.clh"

#ifndef ROUTE_GROUP
#define ROUTE_GROUP 1
#endif

/* Grows with the value; larger than that of infinity for what is not a number. */
static inline uint order_of(const float logit)
{
    const uint bits = as_uint(logit);
    if (isnan(logit))
        return UINT_MAX;
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__kernel __attribute__((reqd_work_group_size(ROUTE_GROUP, 1, 1))) void
ewise_route(__global const float *logits, ulong logits_offset, uint experts, uint used,
            uint over_chosen, __global int *chosen, __global float *shares)
{
    const size_t row = get_global_id(1);
    const uint item = get_local_id(0);
    logits += logits_offset + row * experts;
    chosen += row * used;
    shares += row * used;

    for (uint e = item; e < experts; e += ROUTE_GROUP) {
        const uint own = order_of(logits[e]);
        uint place = 0;
        for (uint other = 0; other < experts; other++) {
            const uint theirs = order_of(logits[other]);
            place += theirs > own || (theirs == own && other < e);
        }
        if (place < used)
            chosen[place] = (int)e;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);

    const float largest = logits[chosen[0]];
    for (uint j = item; j < used; j += ROUTE_GROUP) {
        float sum = 0.0f;
        for (uint e = 0; e < (over_chosen ? used : experts); e++)
            sum += exp(logits[over_chosen ? (uint)chosen[e] : e] - largest);
        shares[j] = exp(logits[chosen[j]] - largest) / sum;
    }
}
