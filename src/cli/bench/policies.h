/*
 * alisa bench --policy: placements of K and V compared in one engine, turn by turn.
 */
#ifndef ALISA_CLI_BENCH_POLICIES_H
#define ALISA_CLI_BENCH_POLICIES_H

#include "common/terminal.h"

ExitCode alisa_cli_bench_policies(const Settings *settings);
/* The rows go into an array instead of being printed. */
ExitCode alisa_cli_bench_policies_collect(const Settings *settings, json_t *rows);

#endif
