/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/trial.h"

#include <stdlib.h>
#include <string.h>

/* A token that depends on its place alone, so that every policy gets the same text: the place,
 * mixed by the last steps of SplitMix64. */
static int32_t token_at(const PolicyTrial *trial, uint32_t sequence, uint32_t position) {
    uint64_t mixed = ((uint64_t)sequence << 32 | position) + 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (int32_t)((mixed ^ mixed >> 31) % trial->runtime->info.vocabulary_size);
}

/* Sets what every sequence is to get next: its prompt, a token, or nothing. False when all have
 * all. */
static bool want(PolicyTrial *trial, uint32_t prompt, uint32_t generate) {
    bool any = false;
    for (uint32_t i = 0; i < trial->test.batch; i++) {
        uint32_t fed = trial->fed[i];
        trial->wanted[i] = fed == 0 ? prompt : fed < prompt + generate ? 1 : 0;
        any |= trial->wanted[i] > 0;
    }
    return any;
}

/* Appends what was wanted to the admitted sequences that are, or are not, at their beginning. */
static AlisaStatus append(PolicyTrial *trial, bool prompts, AlisaError *error) {
    AlisaSession *session = trial->runtime->session;
    size_t count = 0;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < trial->test.batch && status == ALISA_OK; i++) {
        if (!trial->admitted[i] || (trial->fed[i] == 0) != prompts) continue;
        trial->admitted[i] = false; /* served in this turn */
        if (count + trial->wanted[i] > trial->row_capacity) {
            status = alisa_session_eval(session, trial->rows, count, error);
            count = 0;
        }
        for (uint32_t j = 0; j < trial->wanted[i]; j++)
            trial->rows[count++] = (AlisaRow){token_at(trial, i, trial->fed[i]++), i, false};
        trial->rows[count - 1].logits = true;
    }
    if (status != ALISA_OK || count == 0) return status;
    return alisa_session_eval(session, trial->rows, count, error);
}

/* Sequences that have all their tokens make room for others. */
static void end_sequences(PolicyTrial *trial, uint32_t length) {
    for (uint32_t i = 0; i < trial->test.batch; i++) {
        if (trial->fed[i] == length) alisa_session_truncate(trial->runtime->session, i, 0);
    }
}

static AlisaStatus run(PolicyTrial *trial, AlisaPolicy policy, uint32_t prompt, uint32_t generate,
                       PolicyRun *result, AlisaError *error) {
    AlisaSession *session = trial->runtime->session;
    AlisaProgress progress = alisa_cli_progress();
    char what[64];
    snprintf(what, sizeof what, "%s, batch %u", alisa_policy_name(policy), trial->test.batch);
    uint64_t total = (uint64_t)trial->test.batch * (prompt + generate);
    memset(trial->fed, 0, trial->test.batch * sizeof *trial->fed);
    AlisaStatus status = ALISA_OK;
    while (status == ALISA_OK && want(trial, prompt, generate)) {
        status = alisa_session_admit(session, trial->wanted, trial->admitted, error);
        uint64_t begin = alisa_cli_clock();
        if (status == ALISA_OK) status = append(trial, true, error);
        result->prompt_ns += alisa_cli_clock() - begin;
        if (status == ALISA_OK) status = append(trial, false, error);
        end_sequences(trial, prompt + generate);
        uint64_t done = 0;
        for (uint32_t i = 0; i < trial->test.batch; i++)
            done += trial->fed[i];
        if (progress.update) progress.update(progress.user, what, done, total);
    }
    return status;
}

SessionChoice alisa_cli_policy_trial_choice(const PolicyTrial *trial, AlisaPolicy policy) {
    SessionChoice choice = alisa_cli_session_choose(trial->runtime->settings, policy);
    const BenchTest *test = &trial->test;
    choice.options.sequence_count = test->batch;
    choice.options.context_length = test->prompt_length + test->generate_length;
    choice.options.micro_batch = test->micro_batch;
    choice.options.likeliest_only = true; /* the device chooses tokens, under every policy */
    choice.placement.prompt_length = test->prompt_length;
    return choice;
}

/* The session's steps as PolicyRun has them. */
static json_t *steps_json(const AlisaSession *session) {
    size_t count;
    const AlisaStepRecord *records = alisa_session_steps(session, &count);
    json_t *steps = json_array();
    for (size_t i = 0; i < count && steps; i++) {
        const AlisaStepRecord *step = &records[i];
        json_array_append_new(steps, json_pack("[I, I, I, f, f, I, I]", (json_int_t)step->length,
                                               (json_int_t)step->phase, (json_int_t)step->running,
                                               step->predicted_seconds, step->measured_seconds,
                                               (json_int_t)step->bytes_to_device,
                                               (json_int_t)step->bytes_to_host));
    }
    return steps;
}

AlisaStatus alisa_cli_policy_trial_run(PolicyTrial *trial, AlisaPolicy policy, uint32_t prompt,
                                       uint32_t generate, PolicyRun *result, AlisaError *error) {
    json_decref(result->steps);
    *result = (PolicyRun){0};
    const SessionChoice choice = alisa_cli_policy_trial_choice(trial, policy);
    AlisaSession **session = &trial->runtime->session;
    AlisaStatus status = alisa_cli_session_create(trial->runtime->engine, &choice, session, error);
    if (status != ALISA_OK) return status;
    AlisaMemoryUse before, after;
    alisa_session_memory(*session, &before);
    uint64_t begin = alisa_cli_clock();
    status = run(trial, policy, prompt, generate, result, error);
    result->nanoseconds = alisa_cli_clock() - begin;
    alisa_session_memory(*session, &after);
    result->choice = alisa_cli_session_chosen(*session);
    result->choice.placement.policy = policy; /* as it was asked for */
    alisa_session_placement(*session, &result->use);
    size_t steps;
    result->prediction_error = alisa_cli_session_prediction_error(*session, &steps);
    result->steps = steps_json(*session);
    result->device_bytes = after.weight_bytes + after.kv_bytes + after.scratch_bytes;
    result->to_device =
        result->use.bytes_to_device + after.host_to_device_bytes - before.host_to_device_bytes;
    result->to_host =
        result->use.bytes_to_host + after.device_to_host_bytes - before.device_to_host_bytes;
    alisa_session_destroy(*session);
    *session = NULL;
    return status;
}

bool alisa_cli_policy_trial_init(PolicyTrial *trial) {
    uint32_t batch = trial->test.batch;
    trial->row_capacity = trial->test.batch_size;
    if (trial->row_capacity < trial->test.prompt_length)
        trial->row_capacity = trial->test.prompt_length;
    trial->rows = malloc(trial->row_capacity * sizeof *trial->rows);
    trial->wanted = malloc(batch * sizeof *trial->wanted);
    trial->fed = malloc(batch * sizeof *trial->fed);
    trial->admitted = malloc(batch * sizeof *trial->admitted);
    return trial->rows && trial->wanted && trial->fed && trial->admitted;
}

void alisa_cli_policy_trial_finish(PolicyTrial *trial) {
    free(trial->rows);
    free(trial->wanted);
    free(trial->fed);
    free(trial->admitted);
    trial->rows = NULL;
    trial->wanted = trial->fed = NULL;
    trial->admitted = NULL;
}
