/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse attention through whole models. What each list must be is the business of
 * kernels/select; here: with nothing left out it is dense attention bit for bit, and a sequence's
 * result does not depend on micro-batches, on other sequences, or on tokens that were taken back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "support.h"

/* Micro-batches of whole tiles that matrix products take alike: the bits of a prompt are the same.
 * Steps go over the ends of blocks of 64 tokens, in which i8 is stored. */
enum { MICRO_BATCH = 32, PROMPT = 117, STEPS = 80, LENGTH = PROMPT + STEPS, SEQUENCES = 3 };

/* Of a logit; measured: half of it, with dense attention too. */
#define I8_TOLERANCE 0.4

typedef struct Fixture {
    AlisaModel *model;
    AlisaEngine *engine;
    uint32_t vocabulary;
} Fixture;

static Fixture open_fixture(const char *name) {
    Fixture fixture;
    char path[512];
    AlisaError error;
    snprintf(path, sizeof path, "%s/golden/%s.gguf", TESTS_DIR, name);
    support_must(alisa_model_open(path, &fixture.model, &error), &error);
    AlisaModelInfo info;
    alisa_model_info(fixture.model, &info);
    fixture.vocabulary = info.vocabulary_size;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    support_must(
        alisa_engine_create(fixture.model, support_device, &options, &fixture.engine, &error),
        &error);
    return fixture;
}

static void close_fixture(Fixture *fixture) {
    alisa_engine_destroy(fixture->engine);
    alisa_model_close(fixture->model);
}

typedef struct Way {
    const char *name;
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    AlisaKvType kv;
} Way;

#define SPARSE ALISA_SELECT_SCORES_SPARSE
#define DENSE  ALISA_SELECT_SCORES_DENSE
#define QUERY  ALISA_SELECT_SCORES_QUERY
#define LAYER  ALISA_SELECT_LISTS_LAYER
#define HEAD   ALISA_SELECT_LISTS_KV_HEAD

static const Way ways[] = {
    {"swa", ALISA_SELECT_SWA, SPARSE, LAYER, ALISA_KV_F16},
    {"swa by head", ALISA_SELECT_SWA, SPARSE, HEAD, ALISA_KV_F16},
    {"swa, all scored", ALISA_SELECT_SWA, DENSE, LAYER, ALISA_KV_F16},
    {"swa by query", ALISA_SELECT_SWA, QUERY, LAYER, ALISA_KV_F16},
    {"swa by query and head", ALISA_SELECT_SWA, QUERY, HEAD, ALISA_KV_F16},
    {"h2o", ALISA_SELECT_H2O, SPARSE, LAYER, ALISA_KV_F16},
    {"local", ALISA_SELECT_LOCAL, SPARSE, LAYER, ALISA_KV_F16},
    {"strided", ALISA_SELECT_STRIDED, SPARSE, LAYER, ALISA_KV_F16},
    {"random", ALISA_SELECT_RANDOM, SPARSE, LAYER, ALISA_KV_F16},
    {"swa, i8", ALISA_SELECT_SWA, SPARSE, LAYER, ALISA_KV_I8},
    {"swa by head, i8", ALISA_SELECT_SWA, SPARSE, HEAD, ALISA_KV_I8},
    {"swa, all scored, i8", ALISA_SELECT_SWA, DENSE, LAYER, ALISA_KV_I8},
    {"swa by query, i8", ALISA_SELECT_SWA, QUERY, LAYER, ALISA_KV_I8},
    {"strided, i8", ALISA_SELECT_STRIDED, SPARSE, LAYER, ALISA_KV_I8},
};

static AlisaSession *open_any_session(const Fixture *fixture, const Way *way, double sparsity,
                                      uint32_t sequences, uint32_t micro_batch, bool counted) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = sequences;
    options.session.context_length = LENGTH + 12;
    options.session.micro_batch = micro_batch;
    options.session.key_type = options.session.value_type = way->kv;
    options.session.count_lists = counted;
    options.attention = (AlisaSelectOptions){.kind = way->kind,
                                             .sparsity = sparsity,
                                             .scores = way->scores,
                                             .lists = way->lists,
                                             .seed = 5};
    AlisaSession *session;
    AlisaError error;
    support_must(alisa_session_create(fixture->engine, &options.session, &session, &error), &error);
    return session;
}

static AlisaSession *open_session(const Fixture *fixture, const Way *way, double sparsity,
                                  uint32_t sequences, uint32_t micro_batch) {
    return open_any_session(fixture, way, sparsity, sequences, micro_batch, false);
}

static int32_t token_of(const Fixture *fixture, uint32_t text, uint32_t position) {
    uint32_t mixed = (text * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % fixture->vocabulary);
}

static void eval(AlisaSession *session, const AlisaRow *rows, size_t count) {
    AlisaError error;
    support_must(alisa_session_eval(session, rows, count, &error), &error);
}

/* Tokens first .. end - 1 of text `text` in one call. */
static void append(const Fixture *fixture, AlisaSession *session, uint32_t sequence, uint32_t text,
                   uint32_t first, uint32_t end) {
    AlisaRow rows[LENGTH];
    for (uint32_t i = first; i < end; i++)
        rows[i - first] = (AlisaRow){token_of(fixture, text, i), sequence, i + 1 == end};
    eval(session, rows, end - first);
}

/* Logits of the steps after the prompt of text `text`, [STEPS][vocabulary]. */
static float *run_text(const Fixture *fixture, AlisaSession *session, uint32_t text) {
    size_t row = fixture->vocabulary * sizeof(float);
    float *logits = malloc(STEPS * row);
    assert_non_null(logits);
    append(fixture, session, 0, text, 0, PROMPT);
    for (uint32_t i = 0; i < STEPS; i++) {
        append(fixture, session, 0, text, PROMPT + i, PROMPT + i + 1);
        memcpy(logits + i * fixture->vocabulary, alisa_session_logits(session, 0), row);
    }
    return logits;
}

static float *run_alone(const Fixture *fixture, const Way *way, double sparsity,
                        uint32_t micro_batch, uint32_t text) {
    AlisaSession *session = open_session(fixture, way, sparsity, 1, micro_batch);
    float *logits = run_text(fixture, session, text);
    alisa_session_destroy(session);
    return logits;
}

/* The same with detours: the text is cut back to `kept` tokens from another one that went on to
 * `wrong` tokens. */
static float *run_with_detours(const Fixture *fixture, const Way *way, double sparsity,
                               uint32_t text) {
    static const struct {
        uint32_t kept, wrong;
    } detours[] = {
        {PROMPT, PROMPT + 5},       /* halves of the block are still there */
        {PROMPT + 3, PROMPT + 40},  /* the block was sealed */
        {PROMPT + 20, PROMPT + 22}, /* in the middle of the next one */
    };
    size_t row = fixture->vocabulary * sizeof(float), next = 0;
    float *logits = malloc(STEPS * row);
    assert_non_null(logits);
    AlisaSession *session = open_session(fixture, way, sparsity, 1, 512);
    append(fixture, session, 0, text, 0, PROMPT);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (next < sizeof detours / sizeof *detours && detours[next].kept == PROMPT + i) {
            for (uint32_t at = PROMPT + i; at < detours[next].wrong; at++)
                append(fixture, session, 0, text + 1, at, at + 1);
            alisa_session_truncate(session, 0, detours[next++].kept);
        }
        append(fixture, session, 0, text, PROMPT + i, PROMPT + i + 1);
        memcpy(logits + i * fixture->vocabulary, alisa_session_logits(session, 0), row);
    }
    alisa_session_destroy(session);
    return logits;
}

static void expect_same(const Fixture *fixture, const float *logits, const float *expected,
                        const char *what) {
    for (uint32_t i = 0; i < STEPS; i++)
        if (memcmp(logits + i * fixture->vocabulary, expected + i * fixture->vocabulary,
                   fixture->vocabulary * sizeof *logits) != 0) {
            fail_msg("%s: step %u differs", what, i);
        }
}

static void nothing_left_out_is_dense(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way dense = {.kind = ALISA_SELECT_DENSE, .kv = ways[i].kv};
        float *expected = run_alone(&fixture, &dense, 0.0, 512, 1);
        float *logits = run_alone(&fixture, &ways[i], 0.0, 512, 1);
        expect_same(&fixture, logits, expected, ways[i].name);
        free(expected);
        free(logits);
        expected = run_with_detours(&fixture, &dense, 0.0, 1);
        logits = run_with_detours(&fixture, &ways[i], 0.0, 1);
        expect_same(&fixture, logits, expected, ways[i].name);
        free(expected);
        free(logits);
    }
    close_fixture(&fixture);
}

/* Where positions alone choose, a storage type changes no list: logits stay as close to those with
 * floats as the type's codes are to them (golden/kv_types), through blocks sealed and not. */
static void lists_by_rule_are_those_of_floats(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    static const AlisaSelectKind kinds[] = {ALISA_SELECT_DENSE, ALISA_SELECT_LOCAL,
                                            ALISA_SELECT_STRIDED, ALISA_SELECT_RANDOM};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const Way floats = {.kind = kinds[i], .kv = ALISA_KV_F32};
        const Way codes = {.kind = kinds[i], .kv = ALISA_KV_I8};
        float *expected = run_alone(&fixture, &floats, 0.7, 512, 1);
        float *logits[] = {run_alone(&fixture, &codes, 0.7, 512, 1),
                           run_with_detours(&fixture, &codes, 0.7, 1)};
        for (size_t run = 0; run < sizeof logits / sizeof *logits; run++) {
            double worst = 0;
            for (size_t j = 0; j < (size_t)STEPS * fixture.vocabulary; j++)
                worst = fmax(worst, fabs(logits[run][j] - expected[j]));
            print_message("selector %d: worst difference %.2g\n", kinds[i], worst);
            assert_true(worst <= I8_TOLERANCE);
            free(logits[run]);
        }
        free(expected);
    }
    close_fixture(&fixture);
}

/* Every way at 70 %: a text alone, in small micro-batches, among others that have lengths of their
 * own, and after its steps were taken back. */
static void a_text_is_its_own(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way dense = {.kind = ALISA_SELECT_DENSE, .kv = ways[i].kv};
        float *whole = run_alone(&fixture, &dense, 0.0, 512, 1);
        float *expected = run_alone(&fixture, &ways[i], 0.7, 512, 1);
        assert_memory_not_equal(expected, whole, STEPS * fixture.vocabulary * sizeof *expected);
        free(whole);
        float *logits = run_alone(&fixture, &ways[i], 0.7, MICRO_BATCH, 1);
        expect_same(&fixture, logits, expected, ways[i].name);
        free(logits);

        AlisaSession *session = open_session(&fixture, &ways[i], 0.7, SEQUENCES, 512);
        append(&fixture, session, 2, 7, 0, 3);
        append(&fixture, session, 1, 8, 0, PROMPT + 9);
        append(&fixture, session, 0, 1, 0, PROMPT);
        float *together = malloc(STEPS * fixture.vocabulary * sizeof *together);
        assert_non_null(together);
        for (uint32_t j = 0; j < STEPS; j++) {
            AlisaRow rows[SEQUENCES] = {{token_of(&fixture, 7, 3 + j), 2, false},
                                        {token_of(&fixture, 1, PROMPT + j), 0, true},
                                        {token_of(&fixture, 8, PROMPT + 9 + j), 1, false}};
            eval(session, rows, j < 70 ? 3 : 2);
            memcpy(together + j * fixture.vocabulary, alisa_session_logits(session, 0),
                   fixture.vocabulary * sizeof *together);
        }
        expect_same(&fixture, together, expected, ways[i].name);
        free(together);
        alisa_session_truncate(session, 0, 0);
        float *again = run_text(&fixture, session, 1);
        expect_same(&fixture, again, expected, ways[i].name);
        free(again);
        alisa_session_destroy(session);
        free(expected);
    }
    close_fixture(&fixture);
}

/* Counting changes nothing, and what is counted of every layer is what the budget says of the steps
 * (0.7: of n tokens, k = 0.15 n, rounded). */
static void lists_are_counted(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    AlisaModelInfo info;
    alisa_model_info(fixture.model, &info);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way *way = &ways[i];
        bool local = way->kind == ALISA_SELECT_LOCAL, strided = way->kind == ALISA_SELECT_STRIDED;
        uint64_t lists = way->lists == HEAD ? info.kv_head_count : 1, tokens = 0, half = 0;
        for (uint32_t n = PROMPT + 1; n <= LENGTH; n++) {
            tokens += n;
            half += (uint64_t)(0.15 * n + 0.5);
        }
        float *expected = run_alone(&fixture, way, 0.7, 512, 1);
        AlisaSession *session = open_any_session(&fixture, way, 0.7, 2, 512, true);
        float *logits = run_text(&fixture, session, 1);
        expect_same(&fixture, logits, expected, way->name);
        for (uint32_t layer = 0; layer < info.layer_count; layer++) {
            AlisaSelectCounts counts;
            alisa_session_lists(session, layer, &counts);
            assert_int_equal(counts.lists, STEPS * lists);
            assert_int_equal(counts.tokens, tokens * lists);
            assert_int_equal(counts.kept, 2 * half * lists);
            assert_int_equal(counts.globals, (local ? 0 : strided ? 2 : 1) * half * lists);
            assert_true(counts.revivals <= counts.new_picks && counts.new_picks <= counts.globals);
            /* Chance has no memory; a step moves every stride by one token. */
            if (way->kind == ALISA_SELECT_RANDOM || strided)
                assert_true(counts.new_picks > counts.globals / 2);
            if (way->kind == ALISA_SELECT_SWA && way->scores == SPARSE)
                assert_int_equal(counts.revivals, 0); /* what gets nothing has no sum */
            assert_int_equal(counts.weights, 2 * half * info.head_count);
            assert_true(counts.small_weights < counts.weights);
            alisa_session_lists(session, info.layer_count, &counts);
            assert_int_equal(counts.lists, 0);
        }
        alisa_session_destroy(session);
        free(logits);
        free(expected);
    }
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_left_out_is_dense),
        cmocka_unit_test(lists_by_rule_are_those_of_floats),
        cmocka_unit_test(a_text_is_its_own),
        cmocka_unit_test(lists_are_counted),
    };
    return cmocka_run_group_tests_name("sparse attention", tests, support_open_device,
                                       support_close_device);
}
