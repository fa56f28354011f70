/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of chosen tokens over two tiers, where their tokens are hardest to find: blocks of i8 that
 * are sealed, taken back and sealed again, a list for each KV head, lists that the layer's own
 * queries choose. In the least memory that a session takes the logits are those of the same
 * attention with everything on the device, bit for bit.
 */
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "support.h"

enum { PROMPT = 70, STEPS = 450, LENGTH = PROMPT + STEPS, SEQUENCES = 3, MICRO_BATCH = 16 };

typedef struct Way {
    const char *name;
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    AlisaSchedule schedule;
    AlisaKvType type;
} Way;

#define SPARSE  ALISA_SELECT_SCORES_SPARSE
#define QUERY   ALISA_SELECT_SCORES_QUERY
#define LAYER   ALISA_SELECT_LISTS_LAYER
#define HEAD    ALISA_SELECT_LISTS_KV_HEAD
#define OVERLAP ALISA_SCHEDULE_OVERLAP

static const Way ways[] = {
    {"i8", SPARSE, LAYER, OVERLAP, ALISA_KV_I8},
    {"i8, in sequence", SPARSE, LAYER, ALISA_SCHEDULE_PAPER, ALISA_KV_I8},
    {"query", QUERY, LAYER, OVERLAP, ALISA_KV_F16},
    {"query by head", QUERY, HEAD, OVERLAP, ALISA_KV_F16},
    {"query, i8", QUERY, LAYER, OVERLAP, ALISA_KV_I8},
    {"query by head, i8", QUERY, HEAD, OVERLAP, ALISA_KV_I8},
};

static AlisaEngine *engine;
static uint32_t vocabulary;

/* share 0: everything on the device. */
static AlisaStatus open_session(const Way *way, double share, AlisaSession **session,
                                AlisaError *error) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = LENGTH;
    options.session.micro_batch = MICRO_BATCH;
    options.session.key_type = options.session.value_type = way->type;
    options.attention.kind = ALISA_SELECT_SWA;
    options.attention.scores = way->scores;
    options.attention.lists = way->lists;
    if (share > 0) {
        options.placement.policy = ALISA_POLICY_ALISA;
        options.placement.recompute = false;
        options.placement.schedule = way->schedule;
        options.placement.device_share = share;
        options.placement.host_memory = 64 << 20;
        options.placement.prompt_length = PROMPT;
    }
    return alisa_session_create(engine, &options.session, session, error);
}

static int32_t token_of(uint32_t text, uint32_t position) {
    uint32_t mixed = (text * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % vocabulary);
}

/* Prompts of different lengths, then steps of all sequences; the second is cut back twice, into a
 * sealed block and into one that is not. logits: [step][sequence][vocabulary]. */
static AlisaStatus run(AlisaSession *session, float *logits, AlisaError *error) {
    AlisaRow rows[PROMPT];
    AlisaStatus status = ALISA_OK;
    for (uint32_t s = 0; s < SEQUENCES && status == ALISA_OK; s++) {
        uint32_t count = PROMPT - 5 * s;
        for (uint32_t i = 0; i < count; i++)
            rows[i] = (AlisaRow){token_of(s, i), s, false};
        status = alisa_session_eval(session, rows, count, error);
    }
    for (uint32_t step = 0; step < STEPS && status == ALISA_OK; step++) {
        if (step == STEPS / 2) alisa_session_truncate(session, 1, PROMPT + 33);
        if (step == STEPS / 2 + 20) alisa_session_truncate(session, 1, PROMPT + 43);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){token_of(s, alisa_session_length(session, s)), s, true};
        status = alisa_session_eval(session, rows, SEQUENCES, error);
        for (uint32_t s = 0; s < SEQUENCES && status == ALISA_OK; s++, logits += vocabulary)
            memcpy(logits, alisa_session_logits(session, s), vocabulary * sizeof *logits);
    }
    return status;
}

static void expect_same(const Way *way, const float *expected) {
    AlisaError error = {0};
    AlisaStatus status = ALISA_ERROR_MEMORY;
    uint64_t moved = 0;
    float *logits = calloc((size_t)STEPS * SEQUENCES * vocabulary, sizeof *logits);
    assert_non_null(logits);
    for (double share = 0.2; share < 3 && status == ALISA_ERROR_MEMORY; share += 0.1) {
        AlisaSession *session;
        AlisaPlacementUse use;
        status = open_session(way, share, &session, &error);
        if (status != ALISA_OK) continue;
        status = run(session, logits, &error);
        alisa_session_placement(session, &use);
        moved = use.bytes_to_device;
        alisa_session_destroy(session);
    }
    support_must(status, &error);
    if (moved == 0) fail_msg("%s: nothing was moved to the device", way->name);
    for (size_t i = 0; i < (size_t)STEPS * SEQUENCES; i++)
        if (memcmp(logits + i * vocabulary, expected + i * vocabulary,
                   vocabulary * sizeof *logits) != 0)
            fail_msg("%s: step %zu of sequence %zu differs", way->name, i / SEQUENCES,
                     i % SEQUENCES);
    free(logits);
}

static void placement_changes_no_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        AlisaError error;
        AlisaSession *session;
        float *expected = calloc((size_t)STEPS * SEQUENCES * vocabulary, sizeof *expected);
        assert_non_null(expected);
        support_must(open_session(&ways[i], 0, &session, &error), &error);
        support_must(run(session, expected, &error), &error);
        alisa_session_destroy(session);
        expect_same(&ways[i], expected);
        free(expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(placement_changes_no_bit)};
    AlisaError error;
    AlisaModel *model;
    AlisaModelInfo info;
    AlisaEngineOptions options;
    if (support_open_device(NULL) != 0) return 1;
    alisa_engine_options_defaults(&options);
    if (alisa_model_open(TESTS_DIR "/golden/gqa4-f16.gguf", &model, &error) != ALISA_OK ||
        alisa_engine_create(model, support_device, &options, &engine, &error) != ALISA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    alisa_model_info(model, &info);
    vocabulary = info.vocabulary_size;
    int failed = cmocka_run_group_tests_name("placement of chosen tokens", tests, NULL, NULL);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    support_close_device(NULL);
    return failed;
}
