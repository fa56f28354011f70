/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a suite: what was measured, on what device, of which program and model. What its
 * fields mean is in report/report.h.
 */
#ifndef ALISA_CLI_BENCH_SUITE_FILE_H
#define ALISA_CLI_BENCH_SUITE_FILE_H

#include "runtime/runtime.h"

typedef struct SuiteResults {
    json_t *tests;      /* an array of the file's "tests" */
    double matrix_peak; /* flop/s: the best of the matrix products */
} SuiteResults;

/* Writes the file that the runtime's settings name with -o; with the index of the runtime's device
 * before the suffix if `numbered`. Prints its own sentence when it fails. */
ExitCode alisa_cli_suite_write(const Runtime *runtime, const SuiteResults *results, bool numbered);

#endif
