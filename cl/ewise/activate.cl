/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r][i] = f(x[r][i] + x_bias[i]) (up[r][i] + up_bias[i]); y may be x.
 *
 * f is ACTIVATION, a value of AlisaActivation:
 *   0 SiLU            a / (1 + exp(-a))
 *   1 ReLU            max(a, 0)
 *   2 ReLU squared    max(a, 0)^2
 *   3 GELU            a/2 (1 + erf(a / sqrt 2))
 *   4 GELU by tanh    a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3)))
 *   5 SiLU, clamped   min(a, 7) / (1 + exp(-1.702 min(a, 7))), times 1 + up cut to -7 to 7
 *
 * -DGATED=1: there is `up`. -DX_BIAS=1, -DUP_BIAS=1: there are biases. What is not there is not read.
 * Global size: (columns / 4, rounded up) x rows: a work-item does four elements of a row, the last one of
 * a row what is left.
 */
#include "prelude.clh"

#define RELU(a) ((a) < 0.0f ? 0.0f : (a)) /* leaves what is not a number */

#if ACTIVATION == 0
#define F(a) ((a) / (1.0f + exp(-(a))))
#elif ACTIVATION == 1
#define F(a) RELU(a)
#elif ACTIVATION == 2
#define F(a) (RELU(a) * RELU(a))
#elif ACTIVATION == 3
#define F(a) (0.5f * (a) * (1.0f + erf((a) * 0.70710678f)))
#elif ACTIVATION == 4
#define F(a) (0.5f * (a) * (1.0f + tanh(0.79788456f * ((a) + 0.044715f * (a) * (a) * (a)))))
#else
#define AT_MOST_7(a)  ((a) > 7.0f ? 7.0f : (a)) /* leaves what is not a number */
#define AT_LEAST_7(a) ((a) < -7.0f ? -7.0f : (a))
#define F(a)          (AT_MOST_7(a) / (1.0f + exp(-1.702f * AT_MOST_7(a))))
#endif

#if X_BIAS
#define X(load, bias) (load + bias)
#else
#define X(load, bias) (load)
#endif
#if UP_BIAS
#define UP(load, bias) (load + bias)
#else
#define UP(load, bias) (load)
#endif
#if GATED && ACTIVATION == 5
#define TIMES(f, up) ((f) * (AT_LEAST_7(AT_MOST_7(up)) + 1.0f))
#elif GATED
#define TIMES(f, up) ((f) * up)
#else
#define TIMES(f, up) (f)
#endif

__kernel void ewise_activate(__global const float *x, ulong x_offset, __global const float *x_bias,
                             ulong x_bias_offset, __global const float *up, ulong up_offset,
                             __global const float *up_bias, ulong up_bias_offset, uint columns,
                             __global float *y, ulong y_offset)
{
    uint first = 4 * get_global_id(0);
    size_t row = get_global_id(1);
    x += x_offset + row * columns;
    up += up_offset + row * columns;
    y += y_offset + row * columns;
    x_bias += x_bias_offset;
    up_bias += up_bias_offset;
    if (first + 4 <= columns) {
        float4 a = X(vload4(0, x + first), vload4(0, x_bias + first));
        vstore4(TIMES(F(a), UP(vload4(0, up + first), vload4(0, up_bias + first))), 0, y + first);
        return;
    }
    for (uint i = first; i < columns; i++) {
        float a = X(x[i], x_bias[i]);
        y[i] = TIMES(F(a), UP(up[i], up_bias[i]));
    }
}
