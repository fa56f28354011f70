/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise operations in plain C and double, with how far floats may be off. */
#ifndef TESTS_ORACLE_EWISE_H
#define TESTS_ORACLE_EWISE_H

#include <stdint.h>

/* y[r][i] = x[r][i] weight[i] / sqrt(mean_i(x[r][i]^2) + epsilon). The bound is relative: the
 * squares are summed in at least 64 partial sums (columns / 64 roundings each, then a tree and a
 * tail), and OpenCL allows 3 ulp for a square root, 2.5 for a division. */
void oracle_rms_norm(const float *x, const float *weight, float epsilon, uint32_t rows,
                     uint32_t columns, double *y, double *bounds);

/* y[i] = gate[i] / (1 + exp(-gate[i])) up[i]. 3 ulp for exp and 2.5 for the division, by OpenCL;
 * where exp(-gate) leaves the range of floats the product may be zero instead of tiny. */
void oracle_silu_product(const float *gate, const float *up, uint64_t count, double *y,
                         double *bounds);

/* Index of the largest, the lowest among equals; -1 where one is not a number or infinity. */
int32_t oracle_likeliest(const float *x, uint32_t columns);

#endif
