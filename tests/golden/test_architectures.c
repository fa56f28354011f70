/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of other shapes than LLaMA's - biases, parallel blocks, norms behind blocks, tables of
 * positions - in stages and with tokens in two places: what a layer reads and what it keeps of a
 * token hold for all of them. Those that differ in that are named here; where tokens are, and which
 * of them are attended to, is tried with every model that architectures/list.json says runs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/model.h"
#include "engine/session.h"
#include "results.h"
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
    "gemma3-window20",             /* layers with windows, turned otherwise than those without */
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
    bool keeps_all;      /* false: where attention is sparse it leaves out four fifths */
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
    options.attention.sparsity = way->keeps_all ? 0.0 : 0.8;
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

static void place(const Fixture *fixture, const Way *way, float *expected) {
    AlisaPlacementUse use;
    float *logits = run_in_little(fixture, way, &use);
    if (!logits || use.bytes_to_host == 0)
        fail_msg("%s, %s: nothing was moved to the host", fixture->name, way->name);
    if (memcmp(expected, logits, logit_count(fixture) * sizeof *logits) != 0)
        fail_msg("%s, %s: differs from everything on the device", fixture->name, way->name);
    free(logits);
}

/* Lists of all tokens say what attention without lists does, but for the order of sums. */
static void keep_all(const Fixture *fixture) {
    static const Way dense = {"dense", ALISA_POLICY_DEVICE, ALISA_SELECT_DENSE, ALISA_KV_F32, 0};
    static const Way lists = {"lists", ALISA_POLICY_DEVICE, ALISA_SELECT_SWA, ALISA_KV_F32,
                              0,       .keeps_all = true};
    float *expected = run_on_device(fixture, &dense), *logits = run_on_device(fixture, &lists);
    float worst = 0.0f;
    for (size_t i = 0; i < logit_count(fixture); i++)
        worst = fmaxf(worst, fabsf(logits[i] - expected[i]));
    print_message("%s: lists of all tokens %.2g off\n", fixture->name, (double)worst);
    if (!(worst <= 1e-4f)) fail_msg("%s: lists of all tokens say something else", fixture->name);
    free(expected);
    free(logits);
}

static uint32_t layers_with_windows(const AlisaShape *shape) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        count += shape->layers[i].sliding_window > 0;
    return count;
}

static bool is_named(const char *name) {
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Dense attention, and that to a fifth of the tokens, which says something else. In i8, what some
 * of the other models keep, and all with windows, fits in the least memory that there can be. */
static void place_model(const char *name) {
    static const Way dense = {"dense", ALISA_POLICY_ACCELERATE, ALISA_SELECT_DENSE, ALISA_KV_F16,
                              0};
    static const Way sparse[] = {
        {"alisa", ALISA_POLICY_ALISA, ALISA_SELECT_SWA, ALISA_KV_F16, 0},
        {"alisa, i8", ALISA_POLICY_ALISA, ALISA_SELECT_SWA, ALISA_KV_I8, 0},
    };
    Fixture fixture = open_fixture(name, false);
    const AlisaShape *shape = &fixture.model->shape;
    const size_t sparse_ways = is_named(name) && !layers_with_windows(shape) ? 2 : 1;
    keep_all(&fixture);
    size_t bytes = logit_count(&fixture) * sizeof(float);
    float *all = run_on_device(&fixture, &dense);
    place(&fixture, &dense, all);
    for (size_t w = 0; w < sparse_ways; w++) {
        float *expected = run_on_device(&fixture, &sparse[w]);
        if (memcmp(expected, all, bytes) == 0)
            fail_msg("%s, %s: no token was left out", name, sparse[w].name);
        place(&fixture, &sparse[w], expected);
        free(expected);
    }
    result_found("sparse %s %s", shape->architecture->name, name);
    result_found("tiers %s %s", shape->architecture->name, name);
    free(all);
    close_fixture(&fixture);
}

/* Of models all layers of which have a window nothing is placed or left out (test_windows.c). */
static bool has_windows_only(const char *name) {
    Fixture fixture = open_fixture(name, false);
    const AlisaShape *shape = &fixture.model->shape;
    bool only = layers_with_windows(shape) == shape->layer_count;
    close_fixture(&fixture);
    return only;
}

static void placement_changes_no_bit(void **state) {
    (void)state;
    json_error_t problem;
    json_t *list = json_load_file(TESTS_DIR "/golden/architectures/list.json", 0, &problem);
    assert_non_null(list);
    json_t *run = json_object_get(list, "run");
    for (size_t i = 0; i < json_array_size(run); i++) {
        const char *name = json_string_value(json_array_get(run, i));
        /* Those with a dot are other goldens of the model before it. */
        if (!strchr(name, '.') && !has_windows_only(name)) place_model(name);
    }
    json_decref(list);
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
