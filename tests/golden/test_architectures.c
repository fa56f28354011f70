/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of other shapes than LLaMA's - biases, parallel blocks, norms behind blocks, tables of
 * positions - in stages and with tokens in two places: what a layer reads and what it keeps of a
 * token hold for all of them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "engine/session.h"
#include "support.h"

enum { PROMPT = 50, STEPS = 60, LENGTH = PROMPT + STEPS, SEQUENCES = 2, MICRO_BATCH = 16 };

static const char *const names[] = {
    "qwen2-tied-head24",           /* biases; halves of heads are turned */
    "gptneox-partial",             /* parallel blocks with a norm each */
    "stablelm-parallel-headnorms", /* parallel blocks of one norm; norms of heads */
    "olmo2-head24-bf16",           /* norms behind blocks alone: inputs are the residual stream */
    "gpt2-head24",                 /* a table of positions */
    "granite-head24",              /* scales */
    "smollm3-five-layers",         /* a layer that is not turned */
};

enum { NAMES = sizeof names / sizeof *names };

static AlisaError error;

typedef struct Fixture {
    const char *name;
    AlisaModel *model;
    AlisaEngine *engine;
    uint32_t vocabulary;
} Fixture;

/* Of one stage, or of one a layer. */
static Fixture open_fixture(const char *name, bool in_stages) {
    Fixture fixture = {.name = name};
    AlisaShardSpan spans[8];
    AlisaEngineOptions options;
    char path[512];
    snprintf(path, sizeof path, "%s/golden/architectures/%s.gguf", TESTS_DIR, name);
    support_must(alisa_model_open(path, &fixture.model, &error), &error);
    const AlisaShape *shape = &fixture.model->shape;
    fixture.vocabulary = shape->vocabulary_size;
    assert_in_range(shape->layer_count, 2, sizeof spans / sizeof *spans);
    uint32_t count = in_stages ? shape->layer_count : 1;
    for (uint32_t i = 0; i < count; i++)
        spans[i] = (AlisaShardSpan){support_device, in_stages ? i + 1 : shape->layer_count, 0};
    alisa_engine_options_defaults(&options);
    support_must(alisa_engine_open(fixture.model->gguf, shape, spans, count, &options,
                                   &fixture.engine, &error),
                 &error);
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
} Way;

/* device_share 0: everything on the device. */
static AlisaStatus try_session(const Fixture *fixture, const Way *way, double device_share,
                               AlisaSession **session) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = LENGTH;
    options.session.micro_batch = MICRO_BATCH;
    options.session.key_type = options.session.value_type = way->type;
    options.attention.kind = way->attention;
    options.attention.sparsity = 0.8;
    options.session.record_steps = true;
    if (device_share > 0.0) {
        options.placement.policy = way->policy;
        options.placement.device_share = device_share;
        options.placement.recompute = way->inputs_share > 0.0;
        options.placement.inputs_share = way->inputs_share;
        options.placement.host_memory = 64 << 20;
        options.placement.prompt_length = PROMPT;
    }
    return alisa_session_create(fixture->engine, &options.session, session, &error);
}

/* The prompts, then all sequences step by step. Logits of the steps: [step][sequence][vocabulary].
 */
static float *run(const Fixture *fixture, AlisaSession *session) {
    size_t row_size = fixture->vocabulary;
    float *logits = malloc(sizeof *logits * STEPS * SEQUENCES * row_size);
    AlisaRow rows[PROMPT];
    assert_non_null(logits);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        for (uint32_t i = 0; i < PROMPT; i++)
            rows[i] = (AlisaRow){(int32_t)((s * 977 + i * i * 31 + 11) % row_size), s, false};
        support_must(alisa_session_eval(session, rows, PROMPT, &error), &error);
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){(int32_t)((s * 577 + step * step * 7 + 5) % row_size), s, true};
        support_must(alisa_session_eval(session, rows, SEQUENCES, &error), &error);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            memcpy(logits + (step * SEQUENCES + s) * row_size, alisa_session_logits(session, s),
                   row_size * sizeof *logits);
    }
    return logits;
}

static float *run_on_device(const Fixture *fixture, const Way *way) {
    AlisaSession *session;
    support_must(try_session(fixture, way, 0.0, &session), &error);
    float *logits = run(fixture, session);
    alisa_session_destroy(session);
    return logits;
}

/* In the least memory that a session takes, and that it computes again from inputs in, if it is to;
 * NULL: there is none. */
static float *run_in_little(const Fixture *fixture, const Way *way, AlisaPlacementUse *use) {
    for (double share = 0.1; share < 2.0; share += 0.1) {
        AlisaSession *session = NULL;
        AlisaStatus status = try_session(fixture, way, share, &session);
        if (status == ALISA_ERROR_MEMORY) continue;
        support_must(status, &error);
        float *logits = run(fixture, session);
        alisa_session_placement(session, use);
        alisa_session_destroy(session);
        if (way->inputs_share == 0.0 || use->recomputed > 0) return logits;
        free(logits);
    }
    return NULL;
}

static size_t logit_count(const Fixture *fixture) {
    return (size_t)STEPS * SEQUENCES * fixture->vocabulary;
}

static void stages_change_no_bit(void **state) {
    (void)state;
    static const Way way = {"dense", ALISA_POLICY_DEVICE, ALISA_SELECT_DENSE, ALISA_KV_F16, 0};
    for (size_t i = 0; i < NAMES; i++) {
        Fixture whole = open_fixture(names[i], false), cut = open_fixture(names[i], true);
        float *expected = run_on_device(&whole, &way), *logits = run_on_device(&cut, &way);
        if (memcmp(expected, logits, logit_count(&whole) * sizeof *logits) != 0)
            fail_msg("%s: a stage a layer differs from one", names[i]);
        free(expected);
        free(logits);
        close_fixture(&whole);
        close_fixture(&cut);
    }
}

static void placement_changes_no_bit(void **state) {
    (void)state;
    static const Way ways[] = {
        {"accelerate", ALISA_POLICY_ACCELERATE, ALISA_SELECT_DENSE, ALISA_KV_F16, 0},
        {"alisa", ALISA_POLICY_ALISA, ALISA_SELECT_SWA, ALISA_KV_F16, 0},
        {"alisa, i8", ALISA_POLICY_ALISA, ALISA_SELECT_SWA, ALISA_KV_I8, 0},
    };
    for (size_t i = 0; i < NAMES; i++) {
        Fixture fixture = open_fixture(names[i], false);
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            AlisaPlacementUse use;
            float *expected = run_on_device(&fixture, &ways[w]);
            float *logits = run_in_little(&fixture, &ways[w], &use);
            if (!logits || use.bytes_to_host == 0)
                fail_msg("%s, %s: nothing was moved to the host", names[i], ways[w].name);
            if (memcmp(expected, logits, logit_count(&fixture) * sizeof *logits) != 0)
                fail_msg("%s, %s: differs from everything on the device", names[i], ways[w].name);
            free(expected);
            free(logits);
        }
        close_fixture(&fixture);
    }
}

static double mean_difference(const Fixture *fixture, const float *a, const float *b) {
    double sum = 0.0;
    for (size_t i = 0; i < logit_count(fixture); i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum / (double)logit_count(fixture);
}

/* Inputs are kept as halves, so what is computed again is as far off as halves are from floats. */
static void recomputing_is_as_exact_as_halves(void **state) {
    (void)state;
    static const Way way = {"halves", ALISA_POLICY_ALISA, ALISA_SELECT_STRIDED, ALISA_KV_F16, 1.0};
    static const Way exact = {"floats", ALISA_POLICY_DEVICE, ALISA_SELECT_STRIDED, ALISA_KV_F32, 0};
    for (size_t i = 0; i < NAMES; i++) {
        Fixture fixture = open_fixture(names[i], false);
        AlisaPlacementUse use;
        float *expected = run_on_device(&fixture, &way), *floats = run_on_device(&fixture, &exact);
        float *logits = run_in_little(&fixture, &way, &use);
        if (!logits) fail_msg("%s: nothing was recomputed", names[i]);
        double unit = mean_difference(&fixture, expected, floats);
        double found = mean_difference(&fixture, expected, logits);
        print_message("%s: %.2g after %llu rows recomputed; rounding K and V: %.2g\n", names[i],
                      found, (unsigned long long)use.recomputed, unit);
        if (!(unit > 0.0 && found <= 2.0 * unit))
            fail_msg("%s: %g, where rounding K and V makes %g", names[i], found, unit);
        free(expected);
        free(floats);
        free(logits);
        close_fixture(&fixture);
    }
}

/* Contexts past a table of positions have no row there. */
static void tables_of_positions_end(void **state) {
    (void)state;
    Fixture fixture = open_fixture("gpt2-head24", false);
    AlisaSession *session;
    SupportOptions options;
    support_options_defaults(&options);
    options.session.context_length = fixture.model->shape.context_length + 1;
    assert_int_equal(alisa_session_create(fixture.engine, &options.session, &session, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "table of 128 positions"));
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_change_no_bit),
        cmocka_unit_test(placement_changes_no_bit),
        cmocka_unit_test(recomputing_is_as_exact_as_halves),
        cmocka_unit_test(tables_of_positions_end),
    };
    return cmocka_run_group_tests_name("architectures", tests, support_open_device,
                                       support_close_device);
}
