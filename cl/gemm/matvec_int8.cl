/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matvec_item.cl computes it, with activations that
 * quantise.cl made bytes.
 *
 *   w  outputs x columns, of a type with blocks, from byte w_offset
 *   codes, factors  ROWS rows of activations (quantise.cl)
 *   y  ROWS x outputs floats from element y_offset
 *
 * Work-item i computes the outputs i * run .. i * run + run - 1, OUTPUTS of them at a time. A vector
 * holds two neighbouring blocks of a weight row.
 *
 * -DWEIGHT_TYPE  see quant.clh; one with blocks
 * -DROWS         activation rows, 1..16
 * -DOUTPUTS      weight rows read side by side
 */
#include "gemm/int8.clh"

#define AHEAD 8192 /* see matvec_item.cl */

/* The same number for all sums of a block, beside that of its neighbour (int8.clh). */
static inline float16 of_pair(const float a, const float b)
{
    return (float16)((float4)a, (float4)b, (float4)a, (float4)b);
}

__kernel void matvec_int8(__global const uchar *w, const ulong w_offset,
                          __global const char *codes, __global const float2 *factors,
                          __global float *y, const ulong y_offset, const uint outputs,
                          const uint columns, const uint accumulate, const uint run)
{
    const uint first = get_global_id(0) * run;
    const uint end = min(first + run, outputs);
    const size_t row_bytes = ROW_BYTES(columns), stride = columns + CODES_PADDING;
    const uint spans = columns / SPAN;

    for (uint base = first; base < end; base += OUTPUTS) {
        /* Past the end the last row is read again and its sums are not stored. */
        span_pointer rows[OUTPUTS];
        float16 sums[OUTPUTS][ROWS];
#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++) {
            rows[n] = w + w_offset + min(base + n, end - 1) * row_bytes;
#pragma unroll
            for (uint r = 0; r < ROWS; r++)
                sums[n][r] = 0.0f;
        }

        for (uint s = 0; s < spans; s += 2) {
            /* An odd block is its own neighbour, which counts for nothing. */
            const uint next = s + 1 < spans;
            uint16 x[ROWS];
            dots bias[ROWS];
            float16 scales[ROWS];
#pragma unroll
            for (uint r = 0; r < ROWS; r++) {
                __global const char *a = codes + r * stride + s * SPAN, *b = a + next * SPAN;
                __global const float2 *factor = factors + r * spans + s;
                x[r] = (uint16)(as_uint4(vload16(0, a)), as_uint4(vload16(0, b)),
                                as_uint4(vload16(1, a)), as_uint4(vload16(1, b)));
                bias[r] = dots_add(dots_none, (uint16)(SPAN_BIAS * 0x01010101u), x[r]);
                scales[r] = of_pair(factor->x, next ? factor[1].x : 0.0f);
            }
#pragma unroll
            for (uint n = 0; n < OUTPUTS; n++) {
                span_pointer a = rows[n] + (size_t)s * SPAN_BYTES, b = a + next * SPAN_BYTES;
                prefetch_later(a + AHEAD);
                if (SPAN_BYTES > 32) prefetch_later(a + 32 + AHEAD);
                const uint16 bytes = span_pair(a, b);
                const float16 both = of_pair(span_scale(a), span_scale(b));
#pragma unroll
                for (uint r = 0; r < ROWS; r++) {
                    const dots part = dots_add(dots_none, bytes, x[r]) - bias[r];
                    sums[n][r] =
                        fma(convert_float16(dots_total(part)), both * scales[r], sums[n][r]);
                }
            }
        }

#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++)
#pragma unroll
            for (uint r = 0; r < ROWS; r++) {
                const float sum = sum16(sums[n][r]);
                if (base + n < end) {
                    __global float *out = y + y_offset + (size_t)r * outputs + base + n;
                    *out = accumulate ? *out + sum : sum;
                }
            }
    }
}
