/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matvec_item.cl computes it, with activations that
 * quantise.cl made bytes.
 *
 *   w  outputs x columns, of a type with blocks, from byte w_offset
 *   codes, factors  ROWS rows of activations (quantise.cl)
 *   y  ROWS x outputs floats from element y_offset
 *
 * Work-item i computes the outputs i * run .. i * run + run - 1, OUTPUTS of them at a time. Vectors
 * hold the blocks of two of them.
 *
 * -DWEIGHT_TYPE  see quant.clh; one with blocks
 * -DROWS         activation rows, 1..16
 * -DOUTPUTS      weight rows read side by side
 */
#include "gemm/int8.clh"

#define AHEAD 8192 /* see matvec_item.cl */
#define PAIRS ((OUTPUTS + 1) / 2)

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
        span_pointer rows[2 * PAIRS];
        float16 sums[PAIRS][ROWS];
#pragma unroll
        for (uint n = 0; n < 2 * PAIRS; n++)
            rows[n] = w + w_offset + min(base + min(n, (uint)OUTPUTS - 1), end - 1) * row_bytes;
#pragma unroll
        for (uint p = 0; p < PAIRS; p++)
#pragma unroll
            for (uint r = 0; r < ROWS; r++)
                sums[p][r] = 0.0f;

        for (uint s = 0; s < spans; s++) {
            uint16 x[ROWS];
            dots bias[ROWS];
            float scale[ROWS];
#pragma unroll
            for (uint r = 0; r < ROWS; r++) {
                __global const char *from = codes + r * stride + s * SPAN;
                const uint4 lo = as_uint4(vload16(0, from)), hi = as_uint4(vload16(1, from));
                x[r] = (uint16)(lo, lo, hi, hi);
                bias[r] = dots_add(dots_none, (uint16)(SPAN_BIAS * 0x01010101u), x[r]);
                scale[r] = factors[r * spans + s].x;
            }
#pragma unroll
            for (uint p = 0; p < PAIRS; p++) {
                span_pointer a = rows[2 * p] + (size_t)s * SPAN_BYTES;
                span_pointer b = rows[2 * p + 1] + (size_t)s * SPAN_BYTES;
                prefetch_later(a + AHEAD);
                prefetch_later(b + AHEAD);
                const uint16 bytes = span_pair(a, b);
                const float4 fa = span_scale(a), fb = span_scale(b);
                const float16 both = (float16)(fa, fb, fa, fb);
#pragma unroll
                for (uint r = 0; r < ROWS; r++) {
                    const dots part = dots_add(dots_none, bytes, x[r]) - bias[r];
                    sums[p][r] = fma(convert_float16(dots_total(part)), both * scale[r], sums[p][r]);
                }
            }
        }

#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++)
#pragma unroll
            for (uint r = 0; r < ROWS; r++) {
                const float16 pair = sums[n / 2][r];
                const float4 four = n % 2 ? pair.s4567 + pair.scdef : pair.s0123 + pair.s89ab;
                const float sum = sum4(four);
                if (base + n < end) {
                    __global float *out = y + y_offset + (size_t)r * outputs + base + n;
                    *out = accumulate ? *out + sum : sum;
                }
            }
    }
}
