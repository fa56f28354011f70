/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors stay in host memory, by -ot, --cpu-moe and --n-cpu-moe.
 */
#ifndef ALISA_CLI_RUNTIME_RULES_H
#define ALISA_CLI_RUNTIME_RULES_H

#include "alisa/alisa.h"
#include "options/options.h"

/* Zeroed: none. */
typedef struct TensorRules {
    AlisaTensorRule items[TENSOR_PLACE_CAPACITY + 2];
    size_t count;
} TensorRules;

/* The rules of -ot in their order, and behind them those of the other flags. False when host memory
 * runs out; there is nothing to free then. */
bool alisa_cli_rules_make(TensorRules *rules, const Settings *settings);
void alisa_cli_rules_free(TensorRules *rules);
/* Whether any of the flags was given. */
bool alisa_cli_rules_given(const Settings *settings);

#endif
