/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RMS and layer norms.
 *
 *   NORM 0 (RMS):    n[r][i] = x[r][i] / sqrt(mean_i(x[r][i]^2) + epsilon) weight[r mod weight_rows][i]
 *   NORM 1 (layer):  n[r][i] = (x[r][i] - m) / sqrt(mean_i((x[r][i] - m)^2) + epsilon)
 *                              weight[r mod weight_rows][i], where m = mean_i(x[r][i])
 *   y = n, with -DBIAS=1 n + bias[i], with -DADD=1 y + n
 *
 *   x, y [rows][columns], weight [weight_rows][columns], bias [columns]; y may be x. Without -DBIAS=1
 *   the bias is not read.
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
#ifndef NORM
#define NORM 0
#endif

#if NORM
#define LESS_MEAN(v) ((v) - mean)
#else
#define LESS_MEAN(v) (v)
#endif
#if BIAS
#define PLUS_BIAS(v, load) ((v) + load)
#else
#define PLUS_BIAS(v, load) (v)
#endif
#if ADD
#define PLUS_Y(v, load) (load + (v))
#else
#define PLUS_Y(v, load) (v)
#endif

#define PARAMETERS                                                                                 \
    __global const float *x, ulong x_offset, __global const float *weight, ulong weight_offset,    \
        uint weight_rows, __global const float *bias, ulong bias_offset, float epsilon,            \
        uint columns, __global float *y, ulong y_offset

#define BEGIN                                                                                      \
    size_t row = get_global_id(1);                                                                 \
    x += x_offset + row * columns;                                                                 \
    y += y_offset + row * columns;                                                                 \
    weight += weight_offset + row % weight_rows * columns;                                         \
    bias += bias_offset

#if NORM_GROUP == 1

#if NORM
static inline float row_sum(__global const float *x, uint columns)
{
    float16 sum[4];
    for (uint j = 0; j < 4; j++)
        sum[j] = 0.0f;
    uint i = 0;
    for (; i + 64 <= columns; i += 64)
#pragma unroll
        for (uint j = 0; j < 4; j++)
            sum[j] += vload16(j, x + i);
    for (; i + 16 <= columns; i += 16)
        sum[0] += vload16(0, x + i);
    float tail = 0.0f;
    for (uint j = i; j < columns; j++)
        tail += x[j];
    return sum16((sum[0] + sum[1]) + (sum[2] + sum[3])) + tail;
}
#endif

__kernel void ewise_norm(PARAMETERS)
{
    BEGIN;
#if NORM
    float mean = row_sum(x, columns) / (float)columns;
#endif
    float16 sum[4];
    for (uint j = 0; j < 4; j++)
        sum[j] = 0.0f;
    uint i = 0;
    for (; i + 64 <= columns; i += 64)
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            float16 v = LESS_MEAN(vload16(j, x + i));
            sum[j] = fma(v, v, sum[j]);
        }
    for (; i + 16 <= columns; i += 16) {
        float16 v = LESS_MEAN(vload16(0, x + i));
        sum[0] = fma(v, v, sum[0]);
    }
    float tail = 0.0f;
    for (uint j = i; j < columns; j++)
        tail = fma(LESS_MEAN(x[j]), LESS_MEAN(x[j]), tail);
    float squares = sum16((sum[0] + sum[1]) + (sum[2] + sum[3])) + tail;
    float factor = 1.0f / sqrt(squares / (float)columns + epsilon);

    for (i = 0; i + 16 <= columns; i += 16) {
        float16 n = LESS_MEAN(vload16(0, x + i)) * factor * vload16(0, weight + i);
        vstore16(PLUS_Y(PLUS_BIAS(n, vload16(0, bias + i)), vload16(0, y + i)), 0, y + i);
    }
    for (; i < columns; i++)
        y[i] = PLUS_Y(PLUS_BIAS(LESS_MEAN(x[i]) * factor * weight[i], bias[i]), y[i]);
}

#else

/* The sum of the work-items' values, in all of them. */
static inline float group_sum(float value, __local float *sums)
{
    uint item = get_local_id(0);
    sums[item] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint count = NORM_GROUP; count > 1;) {
        uint half_count = (count + 1) / 2;
        if (item + half_count < count)
            sums[item] += sums[item + half_count];
        count = half_count;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return sums[0];
}

__kernel __attribute__((reqd_work_group_size(NORM_GROUP, 1, 1))) void ewise_norm(PARAMETERS)
{
    __local float sums[NORM_GROUP];
    uint item = get_local_id(0);
    BEGIN;
#if NORM
    float all = 0.0f;
    for (uint i = item; i < columns; i += NORM_GROUP)
        all += x[i];
    float mean = group_sum(all, sums) / (float)columns;
    barrier(CLK_LOCAL_MEM_FENCE); /* the sums are used again */
#endif
    float sum = 0.0f;
    for (uint i = item; i < columns; i += NORM_GROUP)
        sum = fma(LESS_MEAN(x[i]), LESS_MEAN(x[i]), sum);
    float factor = 1.0f / sqrt(group_sum(sum, sums) / (float)columns + epsilon);
    for (uint i = item; i < columns; i += NORM_GROUP)
        y[i] = PLUS_Y(PLUS_BIAS(LESS_MEAN(x[i]) * factor * weight[i], bias[i]), y[i]);
}

#endif
