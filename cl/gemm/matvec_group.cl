/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) for 1..16 activation rows, on devices where many
 * work-items cooperate (GPUs).
 *
 *   w  outputs x columns, dequantised as it is read (quant.clh), from byte w_offset
 *   x  ROWS x columns floats from element x_offset;  y  ROWS x outputs floats from element y_offset
 *
 * w1, y1 and w2, y2: more products of the same x, of as many columns, in the same launch; the groups
 * after those of one are the next one's.
 *
 * A group of GROUP work-items computes OUTPUTS outputs. Its items walk along the weight rows side by
 * side, a slice of 8 weights each (neighbours read neighbouring bytes), all OUTPUTS rows before the
 * next step: that many independent loads are in flight for each item, and each slice of x that is
 * loaded serves all of them. The items' partial sums meet in local memory at the end; where lanes
 * can add up what they have by themselves (lanes.clh), one sum of all lanes does.
 *
 * -DWEIGHT_TYPE  see quant.clh
 * -DALIGNED      see prelude.clh
 * -DROWS         activation rows, 1..16
 * -DGROUP        work-items of a group, a power of two
 * -DOUTPUTS      weight rows of a group
 * -DLANES        see lanes.clh
 * -DMATRICES     products of a launch, 1..3; default 1
 */
#include "lanes.clh"
#include "quant.clh"

#define SLICES (SPAN / 8)       /* of a span */
#define SUMS   (OUTPUTS * ROWS) /* results of a group */

#ifndef MATRICES
#define MATRICES 1
#endif

#define ONE_MORE(n)                                                                                \
    , __global const uchar *w##n, const ulong w##n##_offset, __global float *y##n,                 \
        const ulong y##n##_offset, const uint outputs##n
#define ITS_GROUPS(n)                                                                              \
    if (group >= (outputs + OUTPUTS - 1) / OUTPUTS) {                                              \
        group -= (outputs + OUTPUTS - 1) / OUTPUTS;                                                \
        w = w##n;                                                                                  \
        w_offset = w##n##_offset;                                                                  \
        y = y##n;                                                                                  \
        y_offset = y##n##_offset;                                                                  \
        outputs = outputs##n;                                                                      \
    }

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matvec_group(
    __global const uchar *w, ulong w_offset, __global const float *x, const ulong x_offset,
    __global float *y, ulong y_offset, uint outputs, const uint columns, const uint accumulate
#if MATRICES > 1
    ONE_MORE(1)
#endif
#if MATRICES > 2
    ONE_MORE(2)
#endif
)
{
    __local float partial[SUMS * GROUP];
    const uint item = get_local_id(0);
    uint group = get_group_id(0);
#if MATRICES > 1
    ITS_GROUPS(1)
#endif
#if MATRICES > 2
    ITS_GROUPS(2)
#endif
    const uint first = group * OUTPUTS;
    const uint slices = columns / SPAN * SLICES;
    x += x_offset;

    /* Past the last output the last row is read again; its sums are not stored. */
    span_pointer rows[OUTPUTS];
    float sums[SUMS];
#pragma unroll
    for (uint n = 0; n < OUTPUTS; n++)
        rows[n] = w + w_offset + min(first + n, outputs - 1) * ROW_BYTES(columns);
#pragma unroll
    for (uint i = 0; i < SUMS; i++)
        sums[i] = 0.0f;

    for (uint s = item; s < slices; s += GROUP) {
        const uint span = s / SLICES, slice = s % SLICES;
        float4 wa[OUTPUTS], wb[OUTPUTS];
        float scale[OUTPUTS];
#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++) {
            span_slice(rows[n] + (size_t)span * SPAN_BYTES, slice, &wa[n], &wb[n]);
            scale[n] = span_scale(rows[n] + (size_t)span * SPAN_BYTES);
        }
#pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            __global const float *xs = x + (size_t)r * columns + span * SPAN;
            const float4 xa = load4(xs + SLICE_FIRST(slice));
            const float4 xb = load4(xs + SLICE_SECOND(slice));
#pragma unroll
            for (uint n = 0; n < OUTPUTS; n++)
                sums[n * ROWS + r] =
                    fma(sum4(fma(wb[n], xb, wa[n] * xa)), scale[n], sums[n * ROWS + r]);
        }
    }
#if SPAN_FLAT
    for (uint k = slices * 8 + item; k < columns; k += GROUP) {
#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++) {
            const float weight = span_element(rows[n], k);
#pragma unroll
            for (uint r = 0; r < ROWS; r++)
                sums[n * ROWS + r] = fma(weight, x[(size_t)r * columns + k], sums[n * ROWS + r]);
        }
    }
#endif

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
