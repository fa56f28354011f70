/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies given the same batch of texts, one after the other: each fills and generates them in a
 * session of its own, so that nothing is left of the run before.
 */
#ifndef ALISA_CLI_BENCH_TRIAL_H
#define ALISA_CLI_BENCH_TRIAL_H

#include "alisa/bench.h"
#include "bench/row.h"

/* A batch and the space to run it in. The caller sets `runtime`, with an open engine, and `test`.
 */
typedef struct PolicyTrial {
    Runtime *runtime;
    BenchTest test;
    AlisaRow *rows; /* [row_capacity] */
    size_t row_capacity;
    uint32_t *wanted; /* [batch] tokens to be appended next */
    uint32_t *fed;    /* [batch] tokens appended so far */
    bool *admitted;   /* [batch] whether memory lets the sequence go on */
} PolicyTrial;

/* What a policy did. Zeroed is empty. */
typedef struct PolicyRun {
    uint64_t nanoseconds;        /* prompts and generation */
    uint64_t prompt_ns;          /* prompts alone */
    uint64_t to_device, to_host; /* bytes moved */
    uint64_t device_bytes;       /* for weights, KV and scratch */
    SessionChoice choice;        /* the session's options as it carried them out */
    AlisaPlacementUse use;
    double prediction_error; /* see alisa_cli_session_prediction_error */
    /* Each step as [length, phase, sequences running, predicted seconds, measured seconds, bytes to
     * the device, bytes to the host]; NULL when memory ran out. The owner releases it. */
    json_t *steps;
} PolicyRun;

/* Allocates the space for trial->test; false without memory, and finish is to be called then, too.
 */
bool alisa_cli_policy_trial_init(PolicyTrial *trial);
void alisa_cli_policy_trial_finish(PolicyTrial *trial);

/* Runs the batch with `prompt` and then `generate` tokens for each sequence, which may be fewer
 * than the test has. *result is replaced. */
AlisaStatus alisa_cli_policy_trial_run(PolicyTrial *trial, AlisaPolicy policy, uint32_t prompt,
                                       uint32_t generate, PolicyRun *result, AlisaError *error);

/* The options with which such a session is asked for. */
SessionChoice alisa_cli_policy_trial_choice(const PolicyTrial *trial, AlisaPolicy policy);

#endif
