/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans as the rows of a table and as objects.
 */
#ifndef ALISA_CLI_PLAN_OUTPUT_H
#define ALISA_CLI_PLAN_OUTPUT_H

#include "alisa/plan.h"
#include "common/terminal.h"

/* A plan or a refusal for each policy, for one number of sequences. */
typedef struct PlanBatch {
    uint32_t batch;
    AlisaPolicy policies[ALISA_POLICY_COUNT];
    size_t policy_count;
    AlisaPlan plans[ALISA_POLICY_COUNT]; /* without steps where there is a refusal */
    char refusals[ALISA_POLICY_COUNT][sizeof(((AlisaError *)0)->message)]; /* empty: planned */
} PlanBatch;

/* The plan of policy alisa, with which the others are compared; NULL when there is none. */
const AlisaPlan *alisa_cli_plan_reference(const PlanBatch *batch);

/* Prints the model, the device and the lengths that were asked for, and the head of the table. */
void alisa_cli_plan_print_head(const AlisaPlanOptions *options, const AlisaPlan *plan);
/* A line of the table for one plan of the batch. */
void alisa_cli_plan_print_row(const PlanBatch *batch, const Settings *settings,
                              const AlisaPlan *plan);
/* A plan, or the refusal in its place. NULL without memory. */
json_t *alisa_cli_plan_row_json(const PlanBatch *batch, const Settings *settings, size_t index);

#endif
