/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's memory read bandwidth, as the other benches measure it: a contiguous read by all
 * OpenMP threads (OMP_NUM_THREADS) over a working set far larger than the caches.
 *
 *   bench_bandwidth [MiB [PASSES]]
 */
#include <string.h>

#include "timing.h"

enum { MAX_PASSES = 1000 };

int main(int argc, char **argv) {
    long mebibytes = argc > 1 ? strtol(argv[1], NULL, 10) : 512;
    long passes = argc > 2 ? strtol(argv[2], NULL, 10) : 10;
    if (argc > 3 || mebibytes < 1 || passes < 1 || passes > MAX_PASSES) {
        fprintf(stderr, "usage: %s [MiB [PASSES]], at most %d passes\n", argv[0], MAX_PASSES);
        return 2;
    }
    uint64_t size = (uint64_t)mebibytes << 20;
    void *data = timing_allocate(size);
    static double seconds[MAX_PASSES];
    memset(data, 1, size);
    timing_read(data, size);
    for (long i = 0; i < passes; i++)
        seconds[i] = timing_read(data, size);
    double median = timing_median(seconds, (int)passes);
    printf("read %ld MiB, %ld passes: median %.1f GB/s, best %.1f, worst %.1f\n", mebibytes, passes,
           (double)size / median * 1e-9, (double)size / seconds[0] * 1e-9,
           (double)size / seconds[passes - 1] * 1e-9);
    free(data);
    return 0;
}
