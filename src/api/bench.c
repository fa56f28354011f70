#include "tune/tune.h"

void alisa_kernel_bench_defaults(AlisaKernelBench *bench) {
    *bench = (AlisaKernelBench){.samples = 9, .seconds = 1.0};
}

AlisaStatus alisa_bench_kernels(AlisaDevice *device, const AlisaKernelBench *bench,
                                AlisaError *error) {
    return alisa_suite_run(device, bench, error);
}
