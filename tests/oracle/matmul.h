/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product in plain C and double. */
#ifndef TESTS_ORACLE_MATMUL_H
#define TESTS_ORACLE_MATMUL_H

#include <stdint.h>

/* sums[r][n] = sum_k x[r][k] w[n][k] and bounds[r][n]: how far floats summed in any order may be
 * off, (columns + 2) 2^-24 sum_k |x[r][k]| size of w[n][k] (oracle_sizes; dequantised weights are
 * floats, exact unless they have minima). With
 * `add` not NULL its value is added and the bound grows by its rounding. */
void oracle_matmul(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                   const float *x, uint32_t rows, const float *add, double *sums, double *bounds);

/* The same with activations of 16 bits, in blocks of 32: the codes times a scale of max |x| /
 * 32512. Where a float is so near the middle of two codes that either is right, the bound has both.
 * losses[r][n]: how far the exact product may be from that of the floats, half a scale for each
 * activation. Weights of a type with blocks; x is finite. */
void oracle_matmul_int16(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                         const float *x, uint32_t rows, const float *add, double *sums,
                         double *bounds, double *losses);

#endif
