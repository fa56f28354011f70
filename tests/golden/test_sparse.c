/*
 * Sparse attention through whole models. What each list must be is the business of
 * kernels/select; here: with nothing left out it is dense attention bit for bit, and a sequence's
 * result does not depend on micro-batches, on other sequences, or on tokens that were taken back.
 */
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Micro-batches of whole tiles that matrix products take alike: the bits of a prompt are the same.
 */
enum { MICRO_BATCH = 24, PROMPT = 37, STEPS = 30, LENGTH = PROMPT + STEPS, SEQUENCES = 3 };

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

static AlisaSession *open_session(const Fixture *fixture, const AlisaSelectOptions *attention,
                                  uint32_t sequences, uint32_t micro_batch) {
    AlisaSessionOptions options;
    alisa_session_options_defaults(&options);
    options.sequence_count = sequences;
    options.context_length = LENGTH + 8;
    options.micro_batch = micro_batch;
    options.attention = *attention;
    AlisaSession *session;
    AlisaError error;
    support_must(alisa_session_create(fixture->engine, &options, &session, &error), &error);
    return session;
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

/* Logits of the steps after the prompt of text `text`, [STEPS][vocabulary], made alone. */
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

static float *run_alone(const Fixture *fixture, const AlisaSelectOptions *attention,
                        uint32_t micro_batch, uint32_t text) {
    AlisaSession *session = open_session(fixture, attention, 1, micro_batch);
    float *logits = run_text(fixture, session, text);
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

typedef struct Way {
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    const char *name;
} Way;

static const Way ways[] = {
    {ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER, "swa"},
    {ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_KV_HEAD, "swa by head"},
    {ALISA_SELECT_SWA, ALISA_SELECT_SCORES_DENSE, ALISA_SELECT_LISTS_LAYER, "swa, all scored"},
    {ALISA_SELECT_H2O, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER, "h2o"},
    {ALISA_SELECT_LOCAL, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER, "local"},
    {ALISA_SELECT_STRIDED, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER, "strided"},
    {ALISA_SELECT_RANDOM, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER, "random"},
};

static AlisaSelectOptions options_of(const Way *way, double sparsity) {
    return (AlisaSelectOptions){.kind = way->kind,
                                .sparsity = sparsity,
                                .scores = way->scores,
                                .lists = way->lists,
                                .seed = 5};
}

static void nothing_left_out_is_dense(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    AlisaSelectOptions dense;
    alisa_select_options_defaults(&dense);
    float *expected = run_alone(&fixture, &dense, 512, 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        AlisaSelectOptions options = options_of(&ways[i], 0.0);
        float *logits = run_alone(&fixture, &options, 512, 1);
        expect_same(&fixture, logits, expected, ways[i].name);
        free(logits);
    }
    free(expected);
    close_fixture(&fixture);
}

/* Every way at 70 %: a text alone, in small micro-batches, among others that have lengths of their
 * own, and after its steps were taken back. */
static void a_text_is_its_own(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gqa4-f16");
    AlisaSelectOptions dense;
    alisa_select_options_defaults(&dense);
    float *whole = run_alone(&fixture, &dense, 512, 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        AlisaSelectOptions options = options_of(&ways[i], 0.7);
        float *expected = run_alone(&fixture, &options, 512, 1);
        assert_memory_not_equal(expected, whole, STEPS * fixture.vocabulary * sizeof *expected);
        float *logits = run_alone(&fixture, &options, MICRO_BATCH, 1);
        expect_same(&fixture, logits, expected, ways[i].name);
        free(logits);

        AlisaSession *session = open_session(&fixture, &options, SEQUENCES, 512);
        append(&fixture, session, 2, 7, 0, 3);
        append(&fixture, session, 1, 8, 0, PROMPT + 9);
        append(&fixture, session, 0, 1, 0, PROMPT);
        float *together = malloc(STEPS * fixture.vocabulary * sizeof *together);
        assert_non_null(together);
        for (uint32_t j = 0; j < STEPS; j++) {
            AlisaRow rows[SEQUENCES] = {{token_of(&fixture, 7, 3 + j), 2, false},
                                        {token_of(&fixture, 1, PROMPT + j), 0, true},
                                        {token_of(&fixture, 8, PROMPT + 9 + j), 1, false}};
            eval(session, rows, j < 20 ? 3 : 2);
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
    free(whole);
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_left_out_is_dense),
        cmocka_unit_test(a_text_is_its_own),
    };
    return cmocka_run_group_tests_name("sparse attention", tests, support_open_device,
                                       support_close_device);
}
