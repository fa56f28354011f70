/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/tune.h"

void alisa_bench_options_defaults(AlisaBenchOptions *bench) {
    *bench = (AlisaBenchOptions){.samples = 9, .seconds = 1.0};
}

AlisaStatus alisa_bench_kernels(AlisaDevice *device, const AlisaBenchOptions *bench,
                                AlisaError *error) {
    return alisa_suite_run(device, bench, error);
}
