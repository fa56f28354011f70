/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens per second of prompts (pp) and of generation (tg), in llama-bench's manner.
 */
#ifndef ALISA_CLI_BENCH_RATES_H
#define ALISA_CLI_BENCH_RATES_H

#include "common/terminal.h"

/* Times every combination of the settings' lists. The rows are printed, or, where `collected` is
 * not NULL, appended to that array. */
ExitCode alisa_cli_bench_rates(const Settings *settings, json_t *collected);

#endif
