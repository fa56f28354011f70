/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa bench --suite: kernels, copies and a model of a device timed, as a file for --report.
 */
#ifndef ALISA_CLI_BENCH_SUITE_H
#define ALISA_CLI_BENCH_SUITE_H

#include "options/command.h"

/* Prints its own sentence when it fails; with "-dev all" there is a file for each device. */
ExitCode alisa_cli_suite(const Settings *settings);

#endif
