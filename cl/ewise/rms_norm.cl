/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r][i] = x[r][i] weight[i] / sqrt(mean_i(x[r][i]^2) + epsilon)
 *
 *   x, y [rows][columns], weight [columns]; y may be x
 *
 * Global size: (NORM_GROUP) x rows, local size NORM_GROUP x 1: that many work-items share a row.
 * -DNORM_GROUP=1 (CPUs): one work-item with long vectors. More (GPUs): neighbours read neighbouring
 * elements, partial sums meet in local memory. Either way a row is summed in 64 or more partial sums
 * that are added as a tree, so the rounding error does not grow with the columns.
 */
#include "prelude.clh"

#ifndef NORM_GROUP
#define NORM_GROUP 1
#endif

#if NORM_GROUP == 1

__kernel void ewise_rms_norm(__global const float *x, ulong x_offset, __global const float *weight,
                             ulong weight_offset, float epsilon, uint columns, __global float *y,
                             ulong y_offset)
{
    size_t row = get_global_id(1);
    x += x_offset + row * columns;
    y += y_offset + row * columns;
    weight += weight_offset;

    float16 sum[4];
    for (uint j = 0; j < 4; j++)
        sum[j] = 0.0f;
    uint i = 0;
    for (; i + 64 <= columns; i += 64)
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            float16 v = vload16(j, x + i);
            sum[j] = fma(v, v, sum[j]);
        }
    for (; i + 16 <= columns; i += 16) {
        float16 v = vload16(0, x + i);
        sum[0] = fma(v, v, sum[0]);
    }
    float tail = 0.0f;
    for (uint j = i; j < columns; j++)
        tail = fma(x[j], x[j], tail);
    float squares = sum16((sum[0] + sum[1]) + (sum[2] + sum[3])) + tail;
    float factor = 1.0f / sqrt(squares / (float)columns + epsilon);

    for (i = 0; i + 16 <= columns; i += 16)
        vstore16(vload16(0, x + i) * factor * vload16(0, weight + i), 0, y + i);
    for (; i < columns; i++)
        y[i] = x[i] * factor * weight[i];
}

#else

__kernel __attribute__((reqd_work_group_size(NORM_GROUP, 1, 1))) void
ewise_rms_norm(__global const float *x, ulong x_offset, __global const float *weight,
               ulong weight_offset, float epsilon, uint columns, __global float *y, ulong y_offset)
{
    __local float sums[NORM_GROUP];
    size_t row = get_global_id(1);
    uint item = get_local_id(0);
    x += x_offset + row * columns;
    y += y_offset + row * columns;
    weight += weight_offset;

    float sum = 0.0f;
    for (uint i = item; i < columns; i += NORM_GROUP)
        sum = fma(x[i], x[i], sum);
    sums[item] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint count = NORM_GROUP; count > 1;) {
        uint half_count = (count + 1) / 2;
        if (item + half_count < count)
            sums[item] += sums[item + half_count];
        count = half_count;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    float factor = 1.0f / sqrt(sums[0] / (float)columns + epsilon);
    for (uint i = item; i < columns; i += NORM_GROUP)
        y[i] = x[i] * factor * weight[i];
}

#endif
