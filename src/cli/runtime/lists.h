/*
 * What the token lists of sparse attention were: --stats.
 */
#ifndef ALISA_CLI_RUNTIME_LISTS_H
#define ALISA_CLI_RUNTIME_LISTS_H

#include "runtime/runtime.h"

/* A line for each layer and one for all on standard error. */
void alisa_cli_lists_report(const Runtime *runtime);
/* The same as an object: shares of all layers, and "layers", an array of such objects. NULL where
 * nothing was counted. */
json_t *alisa_cli_lists_describe(const Runtime *runtime);

#endif
