/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/matmul.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "oracle/quant.h"

void oracle_matmul(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                   const float *x, uint32_t rows, const float *add, double *sums, double *bounds) {
    float *row = malloc(columns * sizeof *row), *sizes = malloc(columns * sizeof *sizes);
    if (!row || !sizes) abort();
    for (uint32_t n = 0; n < outputs; n++) {
        const uint8_t *blocks = weights + n * alisa_weight_type_row_bytes(type, columns);
        alisa_weight_type_dequantise(type, blocks, columns, row);
        oracle_sizes(type, blocks, columns, sizes);
        for (uint32_t r = 0; r < rows; r++) {
            double sum = 0, magnitude = 0;
            for (uint32_t k = 0; k < columns; k++) {
                double value = x[(uint64_t)r * columns + k];
                sum += value * row[k];
                magnitude += fabs(value) * sizes[k];
            }
            uint64_t at = (uint64_t)r * outputs + n;
            double before = add ? add[at] : 0;
            sums[at] = sum + before;
            bounds[at] = ldexp((columns + 2) * magnitude + 2 * fabs(before), -24);
        }
    }
    free(row);
    free(sizes);
}

enum { BLOCK = 32 };

/* codes[k]; scales[k / 32]; doubtful[k]: another code is as good. */
static void quantise_row(const float *x, uint32_t columns, double *codes, double *scales,
                         double *doubtful) {
    for (uint32_t b = 0; b < columns; b += BLOCK) {
        float largest = 0;
        for (uint32_t k = b; k < b + BLOCK; k++)
            largest = fmaxf(largest, fabsf(x[k]));
        bool some = largest > 1e-30f;
        scales[b / BLOCK] = some ? largest / 32512.0 : 0;
        for (uint32_t k = b; k < b + BLOCK; k++) {
            double code = some ? 32512.0 * x[k] / largest : 0;
            codes[k] = rint(code);
            doubtful[k] = fabs(fabs(code - codes[k]) - 0.5) < 0.02;
        }
    }
}

/* Kernels multiply weights that were made positive, which are twice as large as the largest, and
 * take off what that adds. */
static void largest_sizes(const float *sizes, uint32_t columns, float *largest) {
    for (uint32_t b = 0; b < columns; b += BLOCK) {
        largest[b / BLOCK] = 0;
        for (uint32_t k = b; k < b + BLOCK; k++)
            largest[b / BLOCK] = fmaxf(largest[b / BLOCK], 2 * sizes[k]);
    }
}

/* Weights that share a scale, of a type with codes. */
static uint32_t shares_of(uint32_t type) {
    const AlisaCoding *coding = alisa_weight_type_info(type)->coding;
    uint32_t part = coding->part ? coding->part : coding->shared;
    return part < BLOCK ? part : BLOCK;
}

void oracle_matmul_int16(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                         const float *x, uint32_t rows, const float *add, double *sums,
                         double *bounds, double *losses) {
    float *row = malloc(columns * sizeof *row), *sizes = malloc(columns * sizeof *sizes);
    float *largest = malloc(columns * sizeof *largest);
    double *codes = malloc(columns * sizeof *codes);
    double *scales = malloc(columns * sizeof *scales), *doubtful = malloc(columns * sizeof *codes);
    if (!row || !sizes || !largest || !codes || !scales || !doubtful) abort();
    uint32_t part = shares_of(type);
    for (uint32_t r = 0; r < rows; r++) {
        quantise_row(x + (uint64_t)r * columns, columns, codes, scales, doubtful);
        for (uint32_t n = 0; n < outputs; n++) {
            double sum = 0, magnitude = 0, doubt = 0, loss = 0;
            const uint8_t *blocks = weights + n * alisa_weight_type_row_bytes(type, columns);
            alisa_weight_type_dequantise(type, blocks, columns, row);
            oracle_sizes(type, blocks, columns, sizes);
            largest_sizes(sizes, columns, largest);
            for (uint32_t k = 0; k < columns; k++) {
                double step = scales[k / BLOCK] * row[k];
                sum += codes[k] * step;
                magnitude += fabs(codes[k] * scales[k / BLOCK]) * largest[k / BLOCK];
                doubt += doubtful[k] * fabs(step);
                loss += fabs(step) / 2;
            }
            uint64_t at = (uint64_t)r * outputs + n;
            double before = add ? add[at] : 0;
            sums[at] = sum + before;
            bounds[at] = ldexp((columns / part + 16.0) * magnitude + 2 * fabs(before), -24) + doubt;
            losses[at] = loss + doubt;
        }
    }
    free(row);
    free(sizes);
    free(largest);
    free(codes);
    free(scales);
    free(doubtful);
}
