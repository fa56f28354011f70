/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matvec_group.cl computes it, with activations that
 * quantise.cl made bytes, four products at a time (dot4.clh).
 *
 *   w  outputs x columns, of a type with blocks, from byte w_offset
 *   codes, factors  ROWS rows of activations (quantise.cl)
 *   y  ROWS x outputs floats from element y_offset
 *
 * Groups, slices and the meeting of sums are those of matvec_group.cl. The sum of a slice is one of
 * integers, exact; times the scales of both blocks it is added to that of floats.
 *
 * -DWEIGHT_TYPE  see quant.clh; one with blocks
 * -DROWS         activation rows, 1..16
 * -DGROUP        work-items of a group, a power of two
 * -DOUTPUTS      weight rows of a group
 * -DLANES        see lanes.clh
 * -DDOT4         see dot4.clh
 */
#include "dot4.clh"
#include "gemm/codes.clh"
#include "gemm/signed.clh"
#include "lanes.clh"

#define SLICES (SPAN / 8)       /* of a span */
#define SUMS   (OUTPUTS * ROWS) /* results of a group */

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matvec_dot(
    __global const uchar *w, const ulong w_offset, __global const char *codes_of_x,
    __global const float2 *factors, __global float *y, const ulong y_offset, const uint outputs,
    const uint columns, const uint accumulate)
{
    __local float partial[SUMS * GROUP];
    const uint item = get_local_id(0);
    const uint first = get_group_id(0) * OUTPUTS;
    const uint spans = columns / SPAN;
    const size_t stride = columns + CODES_PADDING;

    /* Past the last output the last row is read again; its sums are not stored. */
    span_pointer rows[OUTPUTS];
    float sums[SUMS];
#pragma unroll
    for (uint n = 0; n < OUTPUTS; n++)
        rows[n] = w + w_offset + min(first + n, outputs - 1) * ROW_BYTES(columns);
#pragma unroll
    for (uint i = 0; i < SUMS; i++)
        sums[i] = 0.0f;

    for (uint s = item; s < spans * SLICES; s += GROUP) {
        const uint span = s / SLICES, slice = s % SLICES;
        int wa[OUTPUTS], wb[OUTPUTS];
        float scale[OUTPUTS];
#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++) {
            slice_bytes(rows[n] + (size_t)span * SPAN_BYTES, slice, &wa[n], &wb[n]);
            scale[n] = span_scale(rows[n] + (size_t)span * SPAN_BYTES);
        }
#pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            __global const char *xs = codes_of_x + r * stride + span * SPAN;
            const int xa = *(__global const int *)(xs + SLICE_FIRST(slice));
            const int xb = *(__global const int *)(xs + SLICE_SECOND(slice));
            const float x_scale = factors[(size_t)r * spans + span].x;
            /* What the bias of the weights adds is taken off once for all of them. */
            const int bias = as_int((256u - SLICE_BIAS) % 256u * 0x01010101u);
            const int start = SLICE_BIAS ? dot4(bias, xa, dot4(bias, xb, 0)) : 0;
#pragma unroll
            for (uint n = 0; n < OUTPUTS; n++)
                sums[n * ROWS + r] =
                    fma((float)dot4(wa[n], xa, dot4(wb[n], xb, start)), scale[n] * x_scale,
                        sums[n * ROWS + r]);
        }
    }

#if LANES
#pragma unroll
    for (uint i = 0; i < SUMS; i++) {
        const float sum = lanes_sum(sums[i]);
        if (lanes_first())
            partial[i * GROUP + lanes_index()] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = item; i < SUMS; i += GROUP)
        for (uint n = 1; n < lanes_count(); n++)
            partial[i * GROUP] += partial[i * GROUP + n];
#else
#pragma unroll
    for (uint i = 0; i < SUMS; i++)
        partial[i * GROUP + item] = sums[i];
    for (uint reach = GROUP / 2; reach > 0; reach /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < reach)
#pragma unroll
            for (uint i = 0; i < SUMS; i++)
                partial[i * GROUP + item] += partial[i * GROUP + item + reach];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    for (uint i = item; i < SUMS; i += GROUP) {
        const uint n = first + i / ROWS;
        if (n < outputs) {
            __global float *out = y + y_offset + (size_t)(i % ROWS) * outputs + n;
            *out = accumulate ? *out + partial[i * GROUP] : partial[i * GROUP];
        }
    }
}
