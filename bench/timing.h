/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the benches: page-aligned memory, medians, and what the host reaches without OpenCL to
 * hold figures against: the time its threads take to read memory, and that of OpenBLAS for a
 * product.
 */
#ifndef ALISA_BENCH_TIMING_H
#define ALISA_BENCH_TIMING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"

#ifdef ALISA_HAVE_OPENBLAS
#include <cblas.h>
#endif

/* Seconds that all threads need to read `size` bytes once, each a contiguous part. */
static inline double timing_read(const void *data, uint64_t size) {
    const uint64_t *words = data;
    const int64_t chunk = 4096, chunks = (int64_t)(size / sizeof *words) / chunk;
    uint64_t total = 0, start = alisa_clock_now();
#ifdef _OPENMP
#pragma omp parallel for schedule(static) reduction(+ : total)
#endif
    for (int64_t i = 0; i < chunks; i++) {
        const uint64_t *at = words + i * chunk;
        uint64_t sums[16] = {0};
        for (int64_t k = 0; k < chunk; k += 16)
            for (int j = 0; j < 16; j++)
                sums[j] += at[k + j];
        for (int j = 0; j < 16; j++)
            total += sums[j];
    }
    double seconds = (double)(alisa_clock_now() - start) * 1e-9;
    static volatile uint64_t sink; /* the loop must not be optimised away */
    sink = total;
    (void)sink;
    return seconds;
}

/* Seconds of y[rows][outputs] = x[rows][columns] w[outputs][columns]^T; 0 without OpenBLAS. */
static inline double timing_sgemm(const float *x, const float *w, float *y, int rows, int outputs,
                                  int columns) {
#ifdef ALISA_HAVE_OPENBLAS
    uint64_t start = alisa_clock_now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, outputs, columns, 1.0f, x, columns,
                w, columns, 0.0f, y, outputs);
    return (double)(alisa_clock_now() - start) * 1e-9;
#else
    (void)x, (void)w, (void)y, (void)rows, (void)outputs, (void)columns;
    return 0.0;
#endif
}

static inline int timing_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double timing_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, timing_compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Page-aligned, or ends the program with a message. Large pages, where the system gives them: where
 * small ones happen to lie makes a product up to a quarter faster or slower. */
static inline void *timing_allocate(uint64_t size) {
    const uint64_t page = 2u << 20;
    void *data = NULL;
    size = (size + page - 1) / page * page;
    if (posix_memalign(&data, (size_t)page, (size_t)size)) {
        fprintf(stderr, "error: no memory for %llu bytes\n", (unsigned long long)size);
        exit(3);
    }
    madvise(data, (size_t)size, MADV_HUGEPAGE);
    return data;
}

#endif
