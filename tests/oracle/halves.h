/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product of halves in plain C, rounded as cl/gemm/matmul_half.cl rounds. */
#ifndef TESTS_ORACLE_HALVES_H
#define TESTS_ORACLE_HALVES_H

#include <stdbool.h>
#include <stdint.h>

/* sums[r][n] = sum_k x[r][k] w[n][k] (+ add[r][n] unless `add` is NULL) with activations rounded to
 * halves in blocks of 32 and sums of `depth` products in halves, which are exact but for rounding
 * after each product; not finite where such a sum is no half, or x is not finite.
 *
 * bounds[r][n]: how far the sums of these may be off, which are floats. Where the device rounds
 * a b + c once (`fused`), not to a float first, or rounds the product too, as it may where it has
 * no such instruction, sums of halves differ now and then by their last bit: one such bit of the
 * largest for each of these sums, two for each product.
 * losses[r][n]: how far the exact product of the floats may be from the sums. */
void oracle_matmul_half(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                        const float *x, uint32_t rows, const float *add, uint32_t depth, bool fused,
                        double *sums, double *bounds, double *losses);

#endif
