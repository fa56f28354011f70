/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command that computed says of itself: how, as an object in its results; how fast and in
 * how much memory, in lines after them.
 */
#ifndef ALISA_CLI_RUNTIME_SUMMARY_H
#define ALISA_CLI_RUNTIME_SUMMARY_H

#include "runtime/runtime.h"

/* Model, device, policy, types of keys and values and attention as an object; with --stats also
 * what the token lists of sparse attention were. NULL without memory. */
json_t *alisa_cli_summary_describe(const Runtime *runtime);

/* Timings and memory of the runtime's session on standard error, in llama.cpp's form. */
void alisa_cli_summary_print(const Runtime *runtime);

#endif
