/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of sessions over two tiers where everything is hard: a small model, a device that
 * holds no more than one step takes, a text of three sequences that is cut back on the way, and the
 * logits of each of its steps. What the device can do is made up (made_up_rates.h).
 */
#ifndef ALISA_TESTS_FAULT_TIERS_SESSION_H
#define ALISA_TESTS_FAULT_TIERS_SESSION_H

#include <stdlib.h>
#include <string.h>

#include "engine/session.h"
#include "fault/tiers_model.h"
#include "made_up_rates.h"
#include "support.h"

enum { TIERS_SEQUENCES = 3, TIERS_MOST_CONTEXT = 200 };

typedef struct TiersWay {
    const char *name;
    AlisaPolicy policy;
    AlisaKvType type;
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    AlisaSchedule schedule;
    double inputs_share; /* 0: nothing is recomputed */
} TiersWay;

/* The text: prompts of different lengths, `steps` steps of all sequences; then the second is cut
 * back to `cut` tokens, where the policy allows that, and as many steps again. */
typedef struct TiersText {
    uint32_t prompt; /* of the first sequence; 2 and 4 less for the others, 1 at least */
    uint32_t steps;
    uint32_t cut;
    uint32_t micro_batch;
    double sparsity; /* where attention is not dense */
} TiersText;

static AlisaModel *tiers_model;
static AlisaEngine *tiers_engine;

static inline int tiers_open(void) {
    char path[64];
    AlisaError error;
    AlisaEngineOptions options;
    if (support_open_device(NULL) != 0) return 1;
    alisa_engine_options_defaults(&options);
    snprintf(path, sizeof path, "/tmp/alisa-test-tiers-%ld.gguf", (long)getpid());
    tiers_write_model(path);
    AlisaStatus status = alisa_model_open(path, &tiers_model, &error);
    if (status == ALISA_OK)
        status = alisa_engine_create(tiers_model, support_device, &options, &tiers_engine, &error);
    unlink(path); /* what is mapped stays */
    if (status != ALISA_OK) fprintf(stderr, "%s\n", error.message);
    return status == ALISA_OK ? 0 : 1;
}

static inline void tiers_close(void) {
    alisa_engine_destroy(tiers_engine);
    alisa_model_close(tiers_model);
    support_close_device(NULL);
}

static inline uint32_t tiers_context(const TiersText *text) {
    return text->prompt + 2 * text->steps;
}

/* share: of the context's K and V on the device; 0: all of it. */
static inline AlisaStatus tiers_create(const TiersWay *way, const TiersText *text, double share,
                                       AlisaSession **session, AlisaError *error) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = TIERS_SEQUENCES;
    options.session.context_length = tiers_context(text);
    options.session.micro_batch = text->micro_batch;
    options.session.key_type = options.session.value_type = way->type;
    options.attention.kind = way->kind;
    options.attention.scores = way->scores;
    options.attention.lists = way->lists;
    options.attention.sparsity = text->sparsity;
    if (way->policy == ALISA_POLICY_H2O) /* as the policy itself has it */
        options.attention.keep =
            2 * alisa_selector_half_budget(&options.attention, options.session.context_length);
    options.session.record_steps = true;
    if (share > 0) {
        options.placement.policy = way->policy;
        options.placement.schedule = way->schedule;
        options.placement.device_share = share;
        options.placement.recompute = way->inputs_share > 0;
        options.placement.inputs_share = way->inputs_share;
        options.placement.host_memory = 64 << 20;
        options.placement.prompt_length = text->prompt;
    }
    return alisa_session_create(tiers_engine, &options.session, session, error);
}

static inline int32_t tiers_token(uint32_t sequence, uint32_t position) {
    uint32_t mixed = (sequence * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % TIERS_VOCABULARY);
}

static inline size_t tiers_row_count(const TiersText *text) {
    return (size_t)TIERS_SEQUENCES * (1 + 2 * (size_t)text->steps);
}

static inline float *tiers_logits(const TiersText *text) {
    float *logits = calloc(tiers_row_count(text) * TIERS_VOCABULARY, sizeof *logits);
    assert_non_null(logits);
    return logits;
}

/* NULL, or what is wrong with where the tokens of a session are. */
static inline const char *tiers_wrong(AlisaSession *session) {
    const AlisaTiers *tiers = alisa_kv_tiers(session->stages[0].kv);
    AlisaInputs *inputs = alisa_kv_inputs(session->stages[0].kv);
    const char *wrong = tiers ? alisa_residency_check(alisa_tiers_residency(tiers)) : NULL;
    if (!wrong && inputs)
        wrong = alisa_residency_check(alisa_tiers_residency(alisa_inputs_tiers(inputs)));
    return wrong;
}

/* Appends rows of which the last has logits; they go to `logits`. */
static inline AlisaStatus tiers_append(AlisaSession *session, const AlisaRow *rows, size_t count,
                                       float *logits, AlisaError *error) {
    uint32_t wanted[TIERS_SEQUENCES] = {0};
    bool admitted[TIERS_SEQUENCES];
    for (size_t i = 0; i < count; i++)
        wanted[rows[i].sequence]++;
    AlisaStatus status = alisa_session_admit(session, wanted, admitted, error);
    if (status == ALISA_OK) status = alisa_session_eval(session, rows, count, error);
    for (size_t i = 0, n = 0; i < count && status == ALISA_OK; i++) {
        if (!rows[i].logits) continue;
        memcpy(logits + n * TIERS_VOCABULARY, alisa_session_logits(session, n),
               TIERS_VOCABULARY * sizeof *logits);
        n++;
    }
    return status;
}

/* One row of each sequence, together; one after the other where not all may be on the device. */
static inline AlisaStatus tiers_step(AlisaSession *session, bool together, float *logits,
                                     AlisaError *error) {
    AlisaRow rows[TIERS_SEQUENCES];
    AlisaStatus status = ALISA_OK;
    for (uint32_t s = 0; s < TIERS_SEQUENCES; s++)
        rows[s] = (AlisaRow){tiers_token(s, alisa_session_length(session, s)), s, true};
    if (together) return tiers_append(session, rows, TIERS_SEQUENCES, logits, error);
    for (uint32_t s = 0; s < TIERS_SEQUENCES && status == ALISA_OK; s++)
        status = tiers_append(session, rows + s, 1, logits + s * TIERS_VOCABULARY, error);
    return status;
}

/* From the first token on. *rows_done: rows of logits that are there. */
static inline AlisaStatus tiers_run(AlisaSession *session, const TiersWay *way,
                                    const TiersText *text, float *logits, size_t *rows_done,
                                    AlisaError *error) {
    AlisaRow rows[TIERS_MOST_CONTEXT];
    AlisaStatus status = ALISA_OK;
    *rows_done = 0;
    for (uint32_t s = 0; s < TIERS_SEQUENCES && status == ALISA_OK; s++) {
        uint32_t count = text->prompt > 2 * s ? text->prompt - 2 * s : 1;
        for (uint32_t i = 0; i < count; i++)
            rows[i] = (AlisaRow){tiers_token(s, i), s, i + 1 == count};
        status = tiers_append(session, rows, count, logits + *rows_done * TIERS_VOCABULARY, error);
        if (status == ALISA_OK) ++*rows_done;
    }
    for (uint32_t step = 0; step < 2 * text->steps && status == ALISA_OK; step++) {
        const char *wrong = tiers_wrong(session);
        if (wrong) fail_msg("before step %u: %s", step, wrong);
        if (step == text->steps && way->policy != ALISA_POLICY_H2O)
            alisa_session_truncate(session, 1, text->cut);
        status = tiers_step(session, way->policy != ALISA_POLICY_VLLM,
                            logits + *rows_done * TIERS_VOCABULARY, error);
        if (status == ALISA_OK) *rows_done += TIERS_SEQUENCES;
    }
    return status;
}

static inline void tiers_expect_rows(const char *name, const float *logits, const float *expected,
                                     size_t row_count) {
    for (size_t i = 0; i < row_count; i++)
        if (memcmp(logits + i * TIERS_VOCABULARY, expected + i * TIERS_VOCABULARY,
                   TIERS_VOCABULARY * sizeof *logits) != 0)
            fail_msg("%s: row %zu of %zu differs from that of the device", name, i, row_count);
}

static inline float *tiers_run_on_device(const TiersWay *way, const TiersText *text) {
    AlisaSession *session;
    AlisaError error;
    size_t done;
    float *logits = tiers_logits(text);
    support_must(tiers_create(way, text, 0, &session, &error), &error);
    support_must(tiers_run(session, way, text, logits, &done, &error), &error);
    alisa_session_destroy(session);
    return logits;
}

/* The least share of the context, to a tenth of it, in which the text can be computed. */
static inline double tiers_least_share(const TiersWay *way, const TiersText *text) {
    AlisaError error = {0};
    AlisaStatus status = ALISA_ERROR_MEMORY;
    double share = 0.06;
    float *logits = tiers_logits(text);
    while (status == ALISA_ERROR_MEMORY && share < 4) {
        AlisaSession *session;
        size_t done;
        share *= 1.1;
        status = tiers_create(way, text, share, &session, &error);
        if (status == ALISA_OK) status = tiers_run(session, way, text, logits, &done, &error);
        alisa_session_destroy(session);
    }
    free(logits);
    if (status != ALISA_OK) fail_msg("%s: %s", way->name, error.message);
    return share;
}

#endif
