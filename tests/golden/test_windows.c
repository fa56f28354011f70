/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models some or all layers of which have a sliding window: these layers keep its tokens only, and
 * memory says so; what they gave up is computed again for a text that was cut back behind it; where
 * the other layers' K and V are changes no bit; tokens are chosen in those others only.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alisa/bench.h"
#include "support.h"

enum { PROMPT = 70, STEPS = 60, LENGTH = PROMPT + STEPS, SEQUENCES = 2, MICRO_BATCH = 8 };

typedef struct Fixture {
    AlisaModel *model;
    AlisaEngine *engine;
    AlisaModelInfo info;
} Fixture;

static Fixture open_path(const char *path) {
    Fixture fixture;
    AlisaError error;
    support_must(alisa_model_open(path, &fixture.model, &error), &error);
    alisa_model_info(fixture.model, &fixture.info);
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    support_must(
        alisa_engine_create(fixture.model, support_device, &options, &fixture.engine, &error),
        &error);
    return fixture;
}

static Fixture open_fixture(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/golden/architectures/%s.gguf", TESTS_DIR, name);
    return open_path(path);
}

/* A model whose layers 1 to 3 of 5 have no window, so that policies have something to place:
 * another one with its array of which layers have it changed. */
static Fixture open_mixed(void) {
    static const char key[] = "exaone4.attention.sliding_window_pattern";
    static const char pattern[5] = {1, 0, 0, 0, 1};
    char path[512], *bytes = malloc(1 << 20), *at = bytes;
    snprintf(path, sizeof path, "%s/golden/architectures/exaone4-window20.gguf", TESTS_DIR);
    FILE *file = fopen(path, "rb");
    assert_true(bytes && file);
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    while (at + sizeof key < bytes + size && memcmp(at, key, sizeof key - 1) != 0)
        at++;
    at += sizeof key - 1 + 4 + 4 + 8; /* type, type of elements, count */
    assert_memory_equal(at, "\1\1\1\0\1", sizeof pattern);
    memcpy(at, pattern, sizeof pattern);
    snprintf(path, sizeof path, "/tmp/alisa-windows-%d.gguf", (int)getpid());
    file = fopen(path, "wb");
    assert_true(file && fwrite(bytes, 1, size, file) == size);
    fclose(file);
    free(bytes);
    Fixture fixture = open_path(path);
    unlink(path);
    return fixture;
}

static void close_fixture(Fixture *fixture) {
    alisa_engine_destroy(fixture->engine);
    alisa_model_close(fixture->model);
}

typedef struct Way {
    const char *name;
    AlisaPolicy policy;
    AlisaSelectKind attention;
    AlisaKvType type;
    double inputs_share; /* 0: nothing is recomputed */
    AlisaSelectScores scores;
} Way;

/* device_share 0: everything on the device. */
static AlisaStatus open_session(const Fixture *fixture, const Way *way, double device_share,
                                AlisaSession **session, AlisaError *error) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = LENGTH;
    options.session.micro_batch = MICRO_BATCH;
    options.session.key_type = options.session.value_type = way->type;
    options.attention.kind = way->attention;
    options.attention.scores = way->scores;
    options.attention.sparsity = 0.8;
    options.session.count_lists = way->attention != ALISA_SELECT_DENSE;
    if (device_share > 0.0) {
        options.placement.policy = way->policy;
        options.placement.device_share = device_share;
        options.placement.recompute = way->inputs_share > 0.0;
        options.placement.inputs_share = way->inputs_share;
        options.placement.host_memory = 64 << 20;
        options.placement.prompt_length = PROMPT;
    }
    return alisa_session_create(fixture->engine, &options.session, session, error);
}

/* In the least memory that a session takes. */
static AlisaSession *open_smallest(const Fixture *fixture, const Way *way) {
    AlisaSession *session = NULL;
    AlisaError error;
    AlisaStatus status = ALISA_ERROR_MEMORY;
    for (double share = 0.1; share < 3.0 && status == ALISA_ERROR_MEMORY; share += 0.1)
        status = open_session(fixture, way, share, &session, &error);
    support_must(status, &error);
    return session;
}

static int32_t token_of(const Fixture *fixture, uint32_t text, uint32_t position) {
    uint32_t mixed = (text * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % fixture->info.vocabulary_size);
}

/* Appends tokens of every text up to `length`, the last one with logits. */
static void feed(const Fixture *fixture, AlisaSession *session, uint32_t sequence,
                 uint32_t length) {
    AlisaRow rows[LENGTH];
    AlisaError error;
    uint32_t count = 0;
    for (uint32_t i = alisa_session_length(session, sequence); i < length; i++)
        rows[count++] = (AlisaRow){token_of(fixture, sequence, i), sequence, i + 1 == length};
    support_must(alisa_session_eval(session, rows, count, &error), &error);
}

/* Prompts, then all sequences step by step; with cuts, the second is cut back on the way, by little
 * and behind the window. Logits of the tokens after the prompts: [sequence][position][vocabulary];
 * those that came again replace those before. */
static float *run(const Fixture *fixture, AlisaSession *session, bool cuts) {
    size_t row_size = fixture->info.vocabulary_size;
    float *logits = calloc((size_t)SEQUENCES * LENGTH * row_size, sizeof *logits);
    AlisaRow rows[SEQUENCES];
    AlisaError error;
    assert_non_null(logits);
    for (uint32_t s = 0; s < SEQUENCES; s++)
        feed(fixture, session, s, PROMPT - 5 * s);
    for (uint32_t step = 0; step < STEPS; step++) {
        if (cuts && step == STEPS / 3)
            alisa_session_truncate(session, 1, alisa_session_length(session, 1) - 3);
        if (cuts && step == STEPS / 2) alisa_session_truncate(session, 1, PROMPT - 10);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){token_of(fixture, s, alisa_session_length(session, s)), s, true};
        support_must(alisa_session_eval(session, rows, SEQUENCES, &error), &error);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            memcpy(logits + (s * LENGTH + alisa_session_length(session, s) - 1) * row_size,
                   alisa_session_logits(session, s), row_size * sizeof *logits);
    }
    return logits;
}

static const char *const models[] = {"gemma2-window24",  "gemma3-window20", "cohere2-window20",
                                     "exaone4-window20", "phi3-window20",   "llama-window24"};
enum { MODELS = sizeof models / sizeof *models, MIXED = 4 /* the others have windows only */ };

/* Positions that one of the runs has no logits of are zeros there. */
static double difference(const Fixture *fixture, const float *logits, const float *expected) {
    size_t row_size = fixture->info.vocabulary_size, compared = 0;
    double worst = 0.0;
    for (size_t row = 0; row < SEQUENCES * LENGTH; row++) {
        const float *got = logits + row * row_size, *wanted = expected + row * row_size;
        if (got[0] == 0.0f || wanted[0] == 0.0f) continue;
        compared++;
        for (size_t i = 0; i < row_size; i++)
            worst = fmax(worst, fabs(got[i] - wanted[i]));
    }
    assert_true(compared > STEPS);
    return worst;
}

/* Floats differ by the order of sums only; blocks of i8 that were taken back from their codes are
 * not what they were before. */
static void cuts_leave_no_trace(void **state) {
    (void)state;
    static const struct {
        AlisaKvType type;
        double tolerance;
    } types[] = {{ALISA_KV_F32, 1e-3}, {ALISA_KV_I8, 0.3}};
    for (size_t m = 0; m < MODELS; m++) {
        Fixture fixture = open_fixture(models[m]);
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            const Way way = {.attention = ALISA_SELECT_DENSE, .type = types[t].type};
            float *logits[2];
            for (int cuts = 0; cuts < 2; cuts++) {
                AlisaSession *session;
                AlisaError error;
                support_must(open_session(&fixture, &way, 0.0, &session, &error), &error);
                logits[cuts] = run(&fixture, session, cuts);
                alisa_session_destroy(session);
            }
            double worst = difference(&fixture, logits[1], logits[0]);
            print_message("%s, type %d: after cuts %.2g off\n", models[m], types[t].type, worst);
            assert_true(worst <= types[t].tolerance);
            free(logits[0]);
            free(logits[1]);
        }
        close_fixture(&fixture);
    }
}

#define DENSE ALISA_SELECT_DENSE
#define SWA   ALISA_SELECT_SWA

static const Way ways[] = {
    {"accelerate", ALISA_POLICY_ACCELERATE, DENSE, ALISA_KV_F16},
    {"accelerate, i8", ALISA_POLICY_ACCELERATE, DENSE, ALISA_KV_I8},
    {"alisa", ALISA_POLICY_ALISA, SWA, ALISA_KV_F16},
    {"alisa, i8", ALISA_POLICY_ALISA, SWA, ALISA_KV_I8},
    {"alisa, by the query", ALISA_POLICY_ALISA, SWA, ALISA_KV_F32, 0, ALISA_SELECT_SCORES_QUERY},
    {"vllm", ALISA_POLICY_VLLM, DENSE, ALISA_KV_F16},
};

static void placement_changes_no_bit(void **state) {
    (void)state;
    Fixture fixture = open_mixed();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way *way = &ways[i];
        AlisaSession *session;
        AlisaError error;
        support_must(open_session(&fixture, way, 0.0, &session, &error), &error);
        float *expected = run(&fixture, session, true);
        alisa_session_destroy(session);
        bool blocks = way->policy == ALISA_POLICY_VLLM; /* both sequences are to fit */
        if (blocks) support_must(open_session(&fixture, way, 2.0, &session, &error), &error);
        if (!blocks) session = open_smallest(&fixture, way);
        float *logits = run(&fixture, session, true);
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        print_message("%s: %llu bytes moved to the device\n", way->name,
                      (unsigned long long)use.bytes_to_device);
        if (!blocks && use.bytes_to_device == 0)
            fail_msg("%s: nothing was moved to the device", way->name);
        if (memcmp(logits, expected,
                   (size_t)SEQUENCES * LENGTH * fixture.info.vocabulary_size * sizeof *logits) != 0)
            fail_msg("%s: logits differ by up to %g", way->name,
                     difference(&fixture, logits, expected));
        free(expected);
        free(logits);
        alisa_session_destroy(session);
    }
    close_fixture(&fixture);
}

/* What is kept as layer inputs is computed again with the rotation of its layer. */
static void layers_without_a_window_are_recomputed(void **state) {
    (void)state;
    const Way way = {"recomputed", ALISA_POLICY_ALISA, DENSE, ALISA_KV_F32, 0.8};
    Fixture fixture = open_mixed();
    AlisaSession *session;
    AlisaError error;
    support_must(open_session(&fixture, &way, 0.0, &session, &error), &error);
    float *expected = run(&fixture, session, true);
    alisa_session_destroy(session);
    session = open_smallest(&fixture, &way);
    float *logits = run(&fixture, session, true);
    AlisaPlacementUse use;
    alisa_session_placement(session, &use);
    double worst = difference(&fixture, logits, expected);
    print_message("%llu rows recomputed, %.2g off\n", (unsigned long long)use.recomputed, worst);
    assert_true(use.recomputed > 0);
    assert_true(worst <= 0.05); /* inputs are kept as halves */
    free(expected);
    free(logits);
    alisa_session_destroy(session);
    close_fixture(&fixture);
}

static uint64_t kv_bytes(const Fixture *fixture, uint32_t context) {
    AlisaSessionOptions options;
    AlisaSession *session;
    AlisaMemoryUse use;
    AlisaError error;
    alisa_session_options_defaults(&options);
    options.context_length = context;
    options.micro_batch = MICRO_BATCH;
    options.key_type = options.value_type = ALISA_KV_F16;
    support_must(alisa_session_create(fixture->engine, &options, &session, &error), &error);
    alisa_session_memory(session, &use);
    alisa_session_destroy(session);
    return use.kv_bytes;
}

/* With the context grow the layers without a window, and two lists of slots. */
static void only_layers_without_a_window_grow(void **state) {
    (void)state;
    static const uint32_t whole_layers[MODELS] = {1, 1, 1, 1, 0, 0};
    static const uint32_t windows[MODELS] = {24, 20, 20, 20, 20, 24};
    for (size_t m = 0; m < MODELS; m++) {
        Fixture fixture = open_fixture(models[m]);
        const AlisaModelInfo *info = &fixture.info;
        uint64_t row = 2ull * 2 * info->kv_head_count * info->head_dim;
        uint32_t layers = info->layer_count;
        uint64_t small = kv_bytes(&fixture, 100), large = kv_bytes(&fixture, 200);
        print_message("%s: %llu bytes of K and V for 100 tokens, %llu for 200\n", models[m],
                      (unsigned long long)small, (unsigned long long)large);
        uint64_t whole = whole_layers[m] * row, lists = 2 * sizeof(int32_t);
        assert_int_equal(large - small, 100 * (whole + lists));
        assert_int_equal(small, 100 * (whole + lists) + (uint64_t)(layers - whole_layers[m]) *
                                                            (windows[m] + MICRO_BATCH - 1) * row);
        close_fixture(&fixture);
    }
}

/* What was cut too far back for the windows is not kept. */
static void keeping_says_what_is_there(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gemma2-window24");
    const Way way = {.attention = ALISA_SELECT_DENSE, .type = ALISA_KV_F32};
    AlisaSession *session;
    AlisaError error;
    int32_t text[LENGTH];
    support_must(open_session(&fixture, &way, 0.0, &session, &error), &error);
    for (uint32_t i = 0; i < LENGTH; i++)
        text[i] = token_of(&fixture, 0, i);
    feed(&fixture, session, 0, 100);
    assert_int_equal(alisa_session_keep(session, 0, text, 110), 100);
    assert_int_equal(alisa_session_keep(session, 0, text, 100 - MICRO_BATCH), 100 - MICRO_BATCH);
    feed(&fixture, session, 0, 100);
    assert_int_equal(alisa_session_keep(session, 0, text, 60), 0);
    assert_int_equal(alisa_session_length(session, 0), 0);
    feed(&fixture, session, 0, 20);
    assert_int_equal(alisa_session_keep(session, 0, text, 10), 10); /* nothing was given up yet */
    alisa_session_destroy(session);
    close_fixture(&fixture);
}

/* Lists are those of layers without a window. */
static void windows_are_attended_to_whole(void **state) {
    (void)state;
    const Way way = {.attention = SWA, .type = ALISA_KV_F16};
    for (size_t m = 0; m < MODELS; m++) {
        Fixture fixture = open_fixture(models[m]);
        AlisaSession *session;
        AlisaError error;
        support_must(open_session(&fixture, &way, 0.0, &session, &error), &error);
        free(run(&fixture, session, false));
        uint32_t choosing = 0;
        for (uint32_t layer = 0; layer < fixture.info.layer_count; layer++) {
            AlisaSelectCounts counts;
            alisa_session_lists(session, layer, &counts);
            choosing += counts.lists > 0;
        }
        assert_int_equal(choosing, m < MIXED ? 1 : 0);
        alisa_session_destroy(session);
        close_fixture(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_leave_no_trace),
        cmocka_unit_test(placement_changes_no_bit),
        cmocka_unit_test(layers_without_a_window_are_recomputed),
        cmocka_unit_test(only_layers_without_a_window_grow),
        cmocka_unit_test(keeping_says_what_is_there),
        cmocka_unit_test(windows_are_attended_to_whole),
    };
    return cmocka_run_group_tests_name("windows", tests, support_open_device, support_close_device);
}
