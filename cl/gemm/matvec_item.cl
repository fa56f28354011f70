/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) for 1..16 activation rows, on devices whose work-items
 * are threads with long vectors (CPUs).
 *
 *   w  outputs x columns, dequantised as it is read (quant.clh), from byte w_offset
 *   x  ROWS x columns floats from element x_offset;  y  ROWS x outputs floats from element y_offset
 *
 * Work-item i computes the outputs i * run .. i * run + run - 1, OUTPUTS of them at a time: their
 * weight rows stream side by side, and each vector of x that is loaded serves all of them. Weights
 * are dequantised once for all ROWS.
 *
 * -DWEIGHT_TYPE  see quant.clh
 * -DROWS         activation rows, 1..16
 * -DOUTPUTS      weight rows read side by side: ROWS * OUTPUTS + 2 * OUTPUTS + 2 vectors are alive
 */
#include "quant.clh"

/* Bytes between what is read and what is asked for: two pages, because the prefetchers of processors
 * stop at the end of a page. Worth 1.1x to 2x, most where x fills the first cache. */
#define AHEAD 8192

__kernel void matvec_item(__global const uchar *w, const ulong w_offset, __global const float *x,
                          const ulong x_offset, __global float *y, const ulong y_offset,
                          const uint outputs, const uint columns, const uint accumulate,
                          const uint run)
{
    const uint first = get_global_id(0) * run;
    const uint end = min(first + run, outputs);
    const size_t row_bytes = ROW_BYTES(columns);
    const uint spans = columns / SPAN;
    x += x_offset;

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

        for (uint s = 0; s < spans; s++) {
            __global const float *xs = x + s * SPAN;
#pragma unroll
            for (uint n = 0; n < OUTPUTS; n++) {
                span_pointer span = rows[n] + (size_t)s * SPAN_BYTES;
#pragma unroll
                for (uint line = 0; line < SPAN_BYTES; line += 64)
                    prefetch_later(span + line + AHEAD);
                float16 w0 = span_vector(span, 0), w1 = span_vector(span, 1);
#if SPAN_SCALED && ROWS > 2 /* a product for each weight vector, instead of one for each sum */
                w0 *= span_scale(span);
                w1 *= span_scale(span);
#endif
#pragma unroll
                for (uint r = 0; r < ROWS; r++) {
                    float16 x0 = vload16(0, xs + (size_t)r * columns);
                    float16 x1 = vload16(1, xs + (size_t)r * columns);
#if SPAN_SCALED && ROWS <= 2
                    sums[n][r] =
                        fma(fma(w1, x1, w0 * x0), (float16)span_scale(span), sums[n][r]);
#else
                    sums[n][r] = fma(w1, x1, fma(w0, x0, sums[n][r]));
#endif
                }
            }
        }

#pragma unroll
        for (uint n = 0; n < OUTPUTS; n++)
#pragma unroll
            for (uint r = 0; r < ROWS; r++) {
                float sum = sum16(sums[n][r]);
#if SPAN_FLAT
                span_pointer span = rows[n] + (size_t)spans * SPAN_BYTES;
                __global const float *xs = x + (size_t)r * columns + spans * SPAN;
                for (uint k = 0; k < columns % SPAN; k++)
                    sum = fma(span_element(span, k), xs[k], sum);
#endif
                if (base + n < end) {
                    __global float *out = y + y_offset + (size_t)r * outputs + base + n;
                    *out = accumulate ? *out + sum : sum;
                }
            }
    }
}
