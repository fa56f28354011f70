/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa bench --policy: placements of K and V compared in one engine, turn by turn.
 */
#ifndef ALISA_CLI_BENCH_POLICIES_H
#define ALISA_CLI_BENCH_POLICIES_H

#include "common/terminal.h"

/* Compares the policies of --policy at each batch size. The rows are printed, or, where `collected`
 * is not NULL, appended to that array. */
ExitCode alisa_cli_bench_policies(const Settings *settings, json_t *collected);

#endif
