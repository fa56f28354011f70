/* The matrix product in plain C and double. */
#ifndef TESTS_ORACLE_MATMUL_H
#define TESTS_ORACLE_MATMUL_H

#include <stdint.h>

/* sums[r][n] = sum_k x[r][k] w[n][k] and bounds[r][n]: how far floats summed in any order may be
 * off, (columns + 2) 2^-24 sum_k |x[r][k] w[n][k]| (dequantised weights are exact floats). With
 * `add` not NULL its value is added and the bound grows by its rounding. */
void oracle_matmul(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                   const float *x, uint32_t rows, const float *add, double *sums, double *bounds);

#endif
