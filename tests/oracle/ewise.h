/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise operations in plain C and double, with how far floats may be off. */
#ifndef TESTS_ORACLE_EWISE_H
#define TESTS_ORACLE_EWISE_H

#include <stdint.h>

#include "base/architecture.h"

/* n[r][i] = x[r][i] / sqrt(mean_i(x[r][i]^2) + epsilon) weight[r mod weight_rows][i], of a layer
 * norm with x less its mean; y = n + bias[i] (NULL: none) + added[r][i] (NULL: none). Sums are made
 * of at least 64 partial sums (columns / 64 roundings each, then a tree and a tail), and OpenCL
 * allows 3 ulp for a square root, 2.5 for a division. */
typedef struct OracleNorm {
    AlisaNorm kind;
    float epsilon;
    const float *weight;
    uint32_t weight_rows;
    const float *bias, *added;
} OracleNorm;
void oracle_norm(const OracleNorm *how, const float *x, uint32_t rows, uint32_t columns, double *y,
                 double *bounds);

/* y[r][i] = f(x[r][i] + x_bias[i]) (up[r][i] + up_bias[i]); what is NULL is not there. OpenCL
 * allows 3 ulp for exp, 16 for erf, 5 for tanh, 2.5 for a division; where exp(-x) leaves the range
 * of floats the product may be zero instead of tiny. */
typedef struct OracleActivated {
    AlisaActivation activation;
    const float *x, *x_bias, *up, *up_bias;
} OracleActivated;
void oracle_activate(const OracleActivated *what, uint32_t rows, uint32_t columns, double *y,
                     double *bounds);

/* y = scale x, or for a cap > 0 cap tanh(scale x / cap). */
void oracle_scale(const float *x, float scale, float cap, uint64_t count, double *y,
                  double *bounds);

/* Index of the largest, the lowest among equals; -1 where one is not a number or infinity. */
int32_t oracle_likeliest(const float *x, uint32_t columns);

#endif
