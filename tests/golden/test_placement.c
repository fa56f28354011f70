/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where K and V are changes no bit: every policy, over a device that holds part of the context,
 * gives the logits of the same attention with everything on the device.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "base/clock.h"
#include "device/link.h"
#include "device/transfer.h"
#include "support.h"

enum { PROMPT = 70, STEPS = 90, LENGTH = PROMPT + STEPS, SEQUENCES = 3, MICRO_BATCH = 16 };

typedef struct Fixture {
    AlisaModel *model;
    AlisaEngine *engine;
    uint32_t vocabulary;
} Fixture;

typedef struct Way {
    const char *name;
    AlisaPolicy policy;
    AlisaSchedule schedule;
    double host_share;
    AlisaSelectKind attention;
    AlisaSelectLists lists;
    AlisaKvType type;
    double inputs_share; /* 0: nothing is recomputed */
    AlisaSelectScores scores;
} Way;

static Fixture open_fixture(const char *name, double link_rate) {
    Fixture fixture;
    char path[512];
    AlisaError error;
    snprintf(path, sizeof path, "%s/%s.gguf", MODELS_DIR, name);
    support_must(alisa_model_open(path, &fixture.model, &error), &error);
    AlisaModelInfo info;
    alisa_model_info(fixture.model, &info);
    fixture.vocabulary = info.vocabulary_size;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    options.link_rate = link_rate;
    support_must(
        alisa_engine_create(fixture.model, support_device, &options, &fixture.engine, &error),
        &error);
    return fixture;
}

static void close_fixture(Fixture *fixture) {
    alisa_engine_destroy(fixture->engine);
    alisa_model_close(fixture->model);
}

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
    options.attention.lists = way->lists;
    options.attention.scores = way->scores;
    options.attention.sparsity = 0.8;
    options.session.record_steps = true;
    if (device_share > 0.0) {
        options.placement.policy = way->policy;
        options.placement.schedule = way->schedule;
        options.placement.device_share = device_share;
        options.placement.host_share = way->host_share;
        options.placement.recompute = way->inputs_share > 0.0;
        options.placement.inputs_share = way->inputs_share;
        options.placement.host_memory = 64 << 20;
        options.placement.prompt_length = PROMPT;
    }
    return alisa_session_create(fixture->engine, &options.session, session, error);
}

static int32_t token_of(const Fixture *fixture, uint32_t text, uint32_t position) {
    uint32_t mixed = (text * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % fixture->vocabulary);
}

/* Prompts of different lengths, then all sequences step by step; the second is cut back once on the
 * way. Logits of the steps: [step][sequence][vocabulary]. */
static float *run(const Fixture *fixture, AlisaSession *session) {
    size_t row_size = fixture->vocabulary;
    float *logits = malloc(sizeof *logits * STEPS * SEQUENCES * row_size);
    AlisaRow rows[PROMPT];
    AlisaError error;
    assert_non_null(logits);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        uint32_t count = PROMPT - 5 * s;
        for (uint32_t i = 0; i < count; i++)
            rows[i] = (AlisaRow){token_of(fixture, s, i), s, i + 1 == count};
        support_must(alisa_session_eval(session, rows, count, &error), &error);
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        if (step == STEPS / 2) alisa_session_truncate(session, 1, PROMPT - 10);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){token_of(fixture, s, alisa_session_length(session, s)), s, true};
        support_must(alisa_session_eval(session, rows, SEQUENCES, &error), &error);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            memcpy(logits + (step * SEQUENCES + s) * row_size, alisa_session_logits(session, s),
                   row_size * sizeof *logits);
    }
    return logits;
}

#define DENSE   ALISA_SELECT_DENSE, ALISA_SELECT_LISTS_LAYER
#define SWA     ALISA_SELECT_SWA, ALISA_SELECT_LISTS_LAYER
#define HEADS   ALISA_SELECT_SWA, ALISA_SELECT_LISTS_KV_HEAD
#define OVERLAP ALISA_SCHEDULE_OVERLAP

static const Way ways[] = {
    {"accelerate", ALISA_POLICY_ACCELERATE, OVERLAP, -1, DENSE, ALISA_KV_F16},
    {"accelerate, i8", ALISA_POLICY_ACCELERATE, OVERLAP, -1, DENSE, ALISA_KV_I8},
    {"flexgen", ALISA_POLICY_FLEXGEN, OVERLAP, 0.4, DENSE, ALISA_KV_F16},
    {"alisa", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_F16},
    {"alisa, in sequence", ALISA_POLICY_ALISA, ALISA_SCHEDULE_PAPER, -1, SWA, ALISA_KV_F16},
    {"alisa, lists by head", ALISA_POLICY_ALISA, OVERLAP, -1, HEADS, ALISA_KV_F16},
    {"alisa, q8_0", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_Q8_0},
    {"alisa, i8", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_I8},
};

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

static float *run_on_device(const Fixture *fixture, const Way *way) {
    AlisaSession *session;
    AlisaError error;
    support_must(open_session(fixture, way, 0.0, &session, &error), &error);
    float *logits = run(fixture, session);
    alisa_session_destroy(session);
    return logits;
}

typedef struct Difference {
    double worst, mean;
} Difference;

static Difference difference(const Fixture *fixture, const float *logits, const float *expected) {
    Difference found = {0.0, 0.0};
    size_t count = (size_t)STEPS * SEQUENCES * fixture->vocabulary;
    for (size_t i = 0; i < count; i++) {
        found.worst = fmax(found.worst, fabs(logits[i] - expected[i]));
        found.mean += fabs(logits[i] - expected[i]) / (double)count;
    }
    return found;
}

static void placement_changes_no_bit(void **state) {
    (void)state;
    Fixture fixture = open_fixture("stories", 0.0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way *way = &ways[i];
        float *expected = run_on_device(&fixture, way);
        AlisaSession *session = open_smallest(&fixture, way);
        float *logits = run(&fixture, session);
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        if (use.bytes_to_device == 0) fail_msg("%s: nothing was moved to the device", way->name);
        for (size_t j = 0; j < (size_t)STEPS * SEQUENCES; j++)
            if (memcmp(logits + j * fixture.vocabulary, expected + j * fixture.vocabulary,
                       fixture.vocabulary * sizeof *logits) != 0)
                fail_msg("%s: step %zu of sequence %zu differs", way->name, j / SEQUENCES,
                         j % SEQUENCES);
        free(expected);
        free(logits);
        alisa_session_destroy(session);
    }
    close_fixture(&fixture);
}

/* K and V that were computed again come from inputs rounded to halves, 2^-11 of each element at
 * most, and are rounded to halves themselves, as those of the run beside are: their errors are of
 * one size. What that size does to a logit is what halves do against floats, measured here with
 * dense attention. Lists chosen by sums may differ by a token where two sums are near each other.
 */
static void recomputing_is_as_exact_as_halves(void **state) {
    (void)state;
    static const Way recomputing[] = {
        {"dense", ALISA_POLICY_ALISA, OVERLAP, -1, DENSE, ALISA_KV_F16, 0.5},
        {"chosen", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_F16, 1.0},
        {"chosen, in sequence", ALISA_POLICY_ALISA, ALISA_SCHEDULE_PAPER, -1, SWA, ALISA_KV_F16,
         0.7},
        {"chosen by the query", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_F16, 0.8,
         ALISA_SELECT_SCORES_QUERY},
        {"q8_0", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_Q8_0, 1.0,
         ALISA_SELECT_SCORES_QUERY},
    };
    Fixture fixture = open_fixture("stories", 0.0);
    for (size_t i = 0; i < sizeof recomputing / sizeof *recomputing; i++) {
        const Way *way = &recomputing[i];
        Way floats = *way;
        floats.type = ALISA_KV_F32;
        float *expected = run_on_device(&fixture, way), *exact = run_on_device(&fixture, &floats);
        Difference unit = difference(&fixture, exact, expected);
        free(exact);
        AlisaSession *session = open_smallest(&fixture, way);
        float *logits = run(&fixture, session);
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        Difference found = difference(&fixture, logits, expected);
        print_message("%s: %.2g, in the mean %.2g, after %llu rows recomputed; rounding K and V: "
                      "%.2g and %.2g\n",
                      way->name, found.worst, found.mean, (unsigned long long)use.recomputed,
                      unit.worst, unit.mean);
        assert_true(use.recomputed > 0 && use.recomputable_tokens > 0 && use.inputs_from > 0);
        assert_true(unit.mean > 0.0);
        assert_true(found.worst <= 1.5 * unit.worst && found.mean <= 0.7 * unit.mean);
        free(expected);
        free(logits);
        alisa_session_destroy(session);
    }
    close_fixture(&fixture);
}

/* On an emulated link every byte takes its time, bits stay, and it ends with the engine. */
static void a_slow_link_changes_no_bit(void **state) {
    (void)state;
    const double rates[] = {0.0, 50e6};
    const Way *way = &ways[0];
    float *logits[2];
    Fixture fixture = {0};
    for (size_t i = 0; i < 2; i++) {
        fixture = open_fixture("stories", rates[i]);
        AlisaSession *session = open_smallest(&fixture, way);
        uint64_t begun = alisa_clock_now();
        logits[i] = run(&fixture, session);
        double seconds = (double)(alisa_clock_now() - begun) * 1e-9;
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        assert_true(use.link_rate == rates[i]);
        if (rates[i] > 0.0) assert_true(seconds >= (double)use.bytes_to_device / rates[i]);
        alisa_session_destroy(session);
        close_fixture(&fixture);
    }
    assert_memory_equal(logits[0], logits[1],
                        (size_t)STEPS * SEQUENCES * fixture.vocabulary * sizeof *logits[0]);
    assert_true(alisa_opencl_emulated_link(support_device).bytes_per_second == 0.0);
    free(logits[0]);
    free(logits[1]);
}

/* A link that becomes a hundred times slower than it was measured: the plan is made anew, in the
 * middle of the text, and the bits stay. */
static void a_plan_made_anew_changes_no_bit(void **state) {
    (void)state;
    Fixture fixture = open_fixture("stories", 0.0);
    static const Way changing[] = {
        {"chosen", ALISA_POLICY_ALISA, OVERLAP, -1, SWA, ALISA_KV_F16},
        {"chosen, in sequence", ALISA_POLICY_ALISA, ALISA_SCHEDULE_PAPER, -1, SWA, ALISA_KV_I8},
        {"dense", ALISA_POLICY_ALISA, OVERLAP, -1, DENSE, ALISA_KV_F16},
    };
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        AlisaError error;
        float *expected = run_on_device(&fixture, &changing[i]);
        AlisaSession *session = open_smallest(&fixture, &changing[i]);
        const AlisaLink slow = {.bytes_per_second = 100e6, .latency = 5e-4};
        support_must(alisa_opencl_emulate_link(support_device, &slow, &error), &error);
        float *logits = run(&fixture, session);
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        print_message("%s: made anew %u times\n", changing[i].name, use.replanned);
        assert_true(use.replanned > 0);
        assert_memory_equal(logits, expected,
                            (size_t)STEPS * SEQUENCES * fixture.vocabulary * sizeof *logits);
        alisa_session_destroy(session);
        support_must(alisa_opencl_emulate_link(support_device, NULL, &error), &error);
        free(expected);
        free(logits);
    }
    close_fixture(&fixture);
}

static void a_link_has_a_rate_or_a_share(void **state) {
    (void)state;
    AlisaModel *model;
    AlisaEngine *engine;
    AlisaError error;
    AlisaEngineOptions options;
    support_must(alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error), &error);
    alisa_engine_options_defaults(&options);
    options.link_rate = 1e9;
    options.link_share = 0.5;
    assert_int_equal(alisa_engine_create(model, support_device, &options, &engine, &error),
                     ALISA_ERROR_ARGUMENT);
    options.link_rate = -1e9;
    options.link_share = 0.0;
    assert_int_equal(alisa_engine_create(model, support_device, &options, &engine, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_null(engine);
    alisa_model_close(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placement_changes_no_bit),
        cmocka_unit_test(recomputing_is_as_exact_as_halves),
        cmocka_unit_test(a_slow_link_changes_no_bit),
        cmocka_unit_test(a_plan_made_anew_changes_no_bit),
        cmocka_unit_test(a_link_has_a_rate_or_a_share),
    };
    return cmocka_run_group_tests_name("placement", tests, support_open_device,
                                       support_close_device);
}
