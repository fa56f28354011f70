/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choices[r] = index of the largest of x[r][0 .. columns - 1], the lowest one among equals; -1 where
 * one of them is not a number, or is infinity.
 *
 *   x [rows][columns], choices [rows]
 *
 * Global size: (LIKELIEST_GROUP) x rows, local size LIKELIEST_GROUP x 1: that many work-items share
 * a row. -DLIKELIEST_GROUP=1 (CPUs): one work-item, first for the largest value with long vectors,
 * then for its place. More (GPUs): each has the best of every LIKELIEST_GROUP-th element, and pairs
 * are compared in local memory.
 */
#include "prelude.clh"

#ifndef LIKELIEST_GROUP
#define LIKELIEST_GROUP 1
#endif

#if LIKELIEST_GROUP == 1

__kernel void ewise_likeliest(__global const float *x, ulong x_offset, uint columns,
                              __global int *choices)
{
    size_t row = get_global_id(1);
    x += x_offset + row * columns;

    float16 most = (float16)(-INFINITY);
    int16 unordered = 0;
    uint i = 0;
    for (; i + 16 <= columns; i += 16) {
        float16 v = vload16(0, x + i);
        most = fmax(most, v);
        unordered |= !(v < INFINITY);
    }
    float best = -INFINITY;
    int bad = 0;
    float lanes[16];
    int flags[16];
    vstore16(most, 0, lanes);
    vstore16(unordered, 0, flags);
    for (uint j = 0; j < 16; j++) {
        best = fmax(best, lanes[j]);
        bad |= flags[j];
    }
    for (; i < columns; i++) {
        best = fmax(best, x[i]);
        bad |= !(x[i] < INFINITY);
    }
    int choice = -1;
    if (!bad)
        for (choice = 0; x[choice] != best;)
            choice++;
    choices[row] = choice;
}

#else

__kernel __attribute__((reqd_work_group_size(LIKELIEST_GROUP, 1, 1))) void
ewise_likeliest(__global const float *x, ulong x_offset, uint columns, __global int *choices)
{
    __local float values[LIKELIEST_GROUP];
    __local int places[LIKELIEST_GROUP]; /* -1: met one that is not a number */
    size_t row = get_global_id(1);
    uint item = get_local_id(0);
    x += x_offset + row * columns;

    float best = -INFINITY;
    int place = INT_MAX; /* nothing yet */
    for (uint i = item; i < columns; i += LIKELIEST_GROUP) {
        float v = x[i];
        if (place >= 0 && (place == INT_MAX || v > best)) {
            best = v;
            place = (int)i;
        }
        if (!(v < INFINITY))
            place = -1;
    }
    values[item] = best;
    places[item] = place;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint count = LIKELIEST_GROUP; count > 1;) {
        uint half_count = (count + 1) / 2;
        if (item + half_count < count) {
            float other = values[item + half_count];
            int there = places[item + half_count];
            bool equal = other == values[item];
            if (places[item] >= 0 && (there < 0 || other > values[item] ||
                                      (equal && there < places[item]))) {
                values[item] = other;
                places[item] = there;
            }
        }
        count = half_count;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (item == 0)
        choices[row] = places[0];
}

#endif
