/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --stats: figures of the token lists of sparse attention.
 */
#ifndef ALISA_CLI_RUNTIME_LISTS_H
#define ALISA_CLI_RUNTIME_LISTS_H

#include "runtime/runtime.h"

/* A line for each layer and one for all on standard error. */
void alisa_cli_lists_report(const Runtime *runtime);
/* The figures of all layers as an object, with "layers", an array of such an object for each. NULL
 * where nothing was counted. */
json_t *alisa_cli_lists_describe(const Runtime *runtime);

#endif
