/*
 * What the host reaches without OpenCL, to hold the engine's figures against: bytes read from
 * memory (plain C on every core) and the single-precision matrix product of OpenBLAS. Measured in
 * the same run as the figure it stands beside, because a machine's speed drifts.
 */
#ifndef ALISA_BENCH_REFERENCE_H
#define ALISA_BENCH_REFERENCE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#ifdef ALISA_HAVE_OPENBLAS
#include <cblas.h>
#endif

/* Larger than any cache by far. */
#define REFERENCE_READ_BYTES ((size_t)512 << 20)

/* Buffer to read from, filled so that no page is shared; freed by the caller. */
static inline uint64_t *reference_read_buffer(void) {
    uint64_t *data = malloc(REFERENCE_READ_BYTES);
    if (!data) return NULL;
    for (size_t i = 0; i < REFERENCE_READ_BYTES / 8; i++)
        data[i] = i * 0x9e3779b97f4a7c15u;
    return data;
}

/* Bytes a second of one pass over the buffer; the sum goes to *sink so that it is computed. */
static inline double reference_read_rate(const uint64_t *data, uint64_t *sink) {
    uint64_t sum = 0;
    uint64_t start = alisa_clock_now();
#pragma omp parallel for simd reduction(+ : sum) schedule(static)
    for (size_t i = 0; i < REFERENCE_READ_BYTES / 8; i++)
        sum += data[i];
    *sink += sum;
    return (double)REFERENCE_READ_BYTES / ((double)(alisa_clock_now() - start) * 1e-9);
}

/* Operations a second of y[rows][outputs] = x[rows][columns] w[outputs][columns]^T; 0 without
 * OpenBLAS. The caller owns the arrays. */
static inline double reference_matmul_rate(const float *x, const float *w, float *y, int rows,
                                           int outputs, int columns) {
#ifdef ALISA_HAVE_OPENBLAS
    uint64_t start = alisa_clock_now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, outputs, columns, 1.0f, x, columns,
                w, columns, 0.0f, y, outputs);
    return 2.0 * rows * outputs * columns / ((double)(alisa_clock_now() - start) * 1e-9);
#else
    (void)x, (void)w, (void)y, (void)rows, (void)outputs, (void)columns;
    return 0.0;
#endif
}

#endif
