/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions plan from: figures that can be true, for every policy, that are remembered as long
 * as they are, and that `alisa plan` uses too; steps take about as long as they were predicted to.
 */
#include "alisa/bench.h"
#include "alisa/plan.h"
#include "support.h"

#include <math.h>

#include "api/model.h"
#include "engine/open.h"
#include "engine/rates.h"
#include "fault/test_device.h"

typedef struct Way {
    const char *name;
    AlisaPolicy policy;
    AlisaKvType type;
    AlisaSelectKind kind;
    AlisaSelectScores scores;
} Way;

static const Way ways[] = {
    {"device", ALISA_POLICY_DEVICE, ALISA_KV_F16, ALISA_SELECT_DENSE, 0},
    {"accelerate", ALISA_POLICY_ACCELERATE, ALISA_KV_F16, ALISA_SELECT_DENSE, 0},
    {"flexgen", ALISA_POLICY_FLEXGEN, ALISA_KV_Q8_0, ALISA_SELECT_DENSE, 0},
    {"vllm", ALISA_POLICY_VLLM, ALISA_KV_F16, ALISA_SELECT_DENSE, 0},
    {"vllm, i8", ALISA_POLICY_VLLM, ALISA_KV_I8, ALISA_SELECT_DENSE, 0},
    {"h2o", ALISA_POLICY_H2O, ALISA_KV_F16, ALISA_SELECT_H2O, 0},
    {"alisa, past rows", ALISA_POLICY_ALISA, ALISA_KV_F16, ALISA_SELECT_SWA, 0},
    {"alisa", ALISA_POLICY_ALISA, ALISA_KV_I8, ALISA_SELECT_SWA, ALISA_SELECT_SCORES_QUERY},
};

enum { WAYS = sizeof ways / sizeof *ways, SEQUENCES = 6, PROMPT = 128, STEPS = 7 };

static AlisaModel *model;
static AlisaError error;
static char cache_folder[256];

static int set_up(void **state) {
    make_folder(cache_folder, sizeof cache_folder);
    setenv("ALISA_CACHE", cache_folder, 1);
    if (support_open_device(state) != 0) return -1;
    if (alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error) == ALISA_OK) return 0;
    fprintf(stderr, "%s\n", error.message);
    return -1;
}

static int tear_down(void **state) {
    alisa_model_close(model);
    remove_folder(cache_folder);
    return support_close_device(state);
}

static AlisaEngine *open_engine(uint64_t device_memory, double link_rate) {
    AlisaEngine *engine;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    options.device_memory = device_memory;
    options.link_rate = link_rate;
    support_must(alisa_engine_create(model, support_device, &options, &engine, &error), &error);
    return engine;
}

static AlisaSetupOptions options_of(const Way *way) {
    AlisaSessionOptions defaults;
    alisa_session_options_defaults(&defaults);
    AlisaSetupOptions options = alisa_setup_options(&defaults);
    options.sequence_count = SEQUENCES;
    options.context_length = 320;
    options.micro_batch = 64;
    options.key_type = options.value_type = way->type;
    options.attention.kind = way->kind;
    options.attention.scores = way->scores;
    options.placement.policy = way->policy;
    options.placement.device_share = 0.7;
    options.placement.prompt_length = PROMPT;
    options.record_steps = true;
    return options;
}

static void test_figures_can_be_true(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(0, 0);
    for (size_t i = 0; i < WAYS; i++) {
        AlisaSchedProfile profile;
        AlisaSetupOptions options = options_of(&ways[i]);
        support_must(alisa_rates_measure(engine, engine->shards, &options, &profile, &error),
                     &error);
        const char *wrong = alisa_sched_profile_check(&profile);
        if (wrong) fail_msg("%s: %s", ways[i].name, wrong);
        assert_true(profile.attention_dense <= profile.device_bandwidth * 1.001);
        assert_true(profile.attention_gathered <= profile.device_bandwidth * 1.001);
        assert_int_equal(profile.matrix_rate.count, 7); /* up to 64 rows */
        assert_true(profile.row_overhead < 0.01 && profile.step_overhead < 0.1);
    }
    alisa_engine_destroy(engine);
}

/* A budget that holds the weights and little more: measuring does with less. */
static void test_small_budgets(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(9 << 20, 0);
    AlisaSetupOptions options = options_of(&ways[WAYS - 1]);
    options.sequence_count = 200;
    options.context_length = 2048;
    AlisaSchedProfile profile;
    support_must(alisa_rates_measure(engine, engine->shards, &options, &profile, &error), &error);
    assert_null(alisa_sched_profile_check(&profile));
    alisa_engine_destroy(engine);
}

/* ---- Predicted and measured ---------------------------------------------------------------- */

static void append(AlisaSession *session, uint32_t rows_each) {
    static AlisaRow rows[SEQUENCES * PROMPT];
    uint32_t wanted[SEQUENCES];
    bool admitted[SEQUENCES];
    size_t count = 0;
    for (uint32_t i = 0; i < SEQUENCES; i++)
        wanted[i] = rows_each;
    support_must(alisa_session_admit(session, wanted, admitted, &error), &error);
    for (uint32_t i = 0; i < SEQUENCES; i++)
        for (uint32_t j = 0; j < rows_each && admitted[i]; j++, count++)
            rows[count] = (AlisaRow){(int32_t)(i * 31 + j), i, j + 1 == rows_each};
    support_must(alisa_session_eval(session, rows, count, &error), &error);
}

/* The fastest of a few steps, before anything is corrected: others may use the machine as well. */
static void test_predictions(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(0, 0);
    for (size_t i = 1; i < WAYS; i++) { /* where all is on the device nothing is predicted */
        AlisaSession *session;
        AlisaSetupOptions options = options_of(&ways[i]);
        support_must(alisa_engine_session_open(engine, &options, &session, &error), &error);
        append(session, PROMPT);
        for (uint32_t step = 0; step < STEPS; step++)
            append(session, 1);
        size_t count;
        const AlisaStepRecord *records = alisa_session_steps(session, &count);
        assert_int_equal(count, STEPS);
        double seconds = records[0].measured_seconds;
        for (size_t step = 1; step < count; step++)
            seconds = fmin(seconds, records[step].measured_seconds);
        double ratio = records[0].predicted_seconds / seconds;
        print_message("%s: predicted %.2f times what was measured\n", ways[i].name, ratio);
        assert_true(ratio > 0.1 && ratio < 10.0);
        alisa_session_destroy(session);
    }
    alisa_engine_destroy(engine);
}

/* ---- Remembered ---------------------------------------------------------------------------- */

static AlisaSchedProfile measured(AlisaEngine *engine, const AlisaSetupOptions *options) {
    AlisaSchedProfile profile;
    support_must(alisa_rates_measure(engine, engine->shards, options, &profile, &error), &error);
    return profile;
}

/* Measured twice, no two sets of figures are the same: equal ones are remembered ones. */
static bool is_same(const AlisaSchedProfile *a, const AlisaSchedProfile *b) {
    return a->matrix_rate.rates[0] == b->matrix_rate.rates[0] &&
           a->matrix_rate.rates[3] == b->matrix_rate.rates[3] &&
           a->attention_dense == b->attention_dense &&
           a->attention_gathered == b->attention_gathered && a->step_overhead == b->step_overhead &&
           a->row_overhead == b->row_overhead;
}

static void count_records(const char *path, void *user) {
    *(int *)user += strstr(path, "/rates-") != NULL;
}

static int records(void) {
    int count = 0;
    for_each_file(cache_folder, count_records, &count);
    return count;
}

static void damage(const char *path, void *user) {
    uint8_t *file;
    size_t size;
    if (!strstr(path, "/rates-")) return;
    assert_int_equal(alisa_disk_read(path, &file, &size, NULL), ALISA_OK);
    file[size - 20] ^= 1;
    assert_int_equal(alisa_disk_write_atomic(path, file, size - *(size_t *)user, NULL), ALISA_OK);
    free(file);
}

static void test_remembered(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(0, 0);
    AlisaSetupOptions options = options_of(&ways[WAYS - 1]);
    const int before = records();
    AlisaSchedProfile first = measured(engine, &options), again = measured(engine, &options);
    assert_true(is_same(&first, &again));

    /* An entry with another byte, and one that is cut short. */
    for (size_t cut = 0; cut < 16; cut += 8) {
        for_each_file(cache_folder, damage, &cut);
        again = measured(engine, &options);
        assert_false(is_same(&first, &again));
        first = measured(engine, &options);
        assert_true(is_same(&first, &again));
    }
    alisa_rates_forget(engine, engine->shards, &options);
    again = measured(engine, &options);
    assert_false(is_same(&first, &again));
    first = again;

    /* What nobody measured is no session's: batch, micro-batch, types, choosing, policy. */
    AlisaSetupOptions others[6];
    for (size_t i = 0; i < 6; i++)
        others[i] = options;
    others[0].sequence_count = 2;
    others[1].micro_batch = 32;
    others[2].key_type = ALISA_KV_F16;
    others[3].attention.sparsity = 0.7;
    others[4].attention.scores = ALISA_SELECT_SCORES_SPARSE;
    others[5].placement.policy = ALISA_POLICY_ACCELERATE;
    for (size_t i = 0; i < 6; i++) {
        again = measured(engine, &others[i]);
        assert_false(is_same(&first, &again));
    }
    int kept = records();
    assert_true(kept >= before + 6);

    /* Kernels that are changed make other figures. */
    char kernels[256];
    make_folder(kernels, sizeof kernels);
    write_text(kernels, "selftest.cl", "/* another one */");
    setenv("ALISA_KERNEL_DIR", kernels, 1);
    again = measured(engine, &options);
    unsetenv("ALISA_KERNEL_DIR");
    remove_folder(kernels);
    assert_false(is_same(&first, &again));
    again = measured(engine, &options);
    assert_true(is_same(&first, &again));
    assert_int_equal(records(), kept + 1);
    alisa_engine_destroy(engine);

    /* The device on an emulated link is another one, and is itself again without. */
    engine = open_engine(0, 1e9);
    again = measured(engine, &options);
    assert_false(is_same(&first, &again));
    assert_true(fabs(again.link_to_host.rates[0] / 1e9 - 1) < 1e-9);
    alisa_engine_destroy(engine);
    engine = open_engine(0, 0);
    again = measured(engine, &options);
    assert_true(is_same(&first, &again));
    assert_true(again.link_to_host.rates[0] != 1e9);
    alisa_engine_destroy(engine);
}

/* ---- alisa plan ---------------------------------------------------------------------------- */

/* Before anything is corrected, sessions and plans say the same of every step. */
static void test_plans(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(0, 0);
    for (size_t i = 1; i < WAYS; i++) {
        if (ways[i].policy == ALISA_POLICY_VLLM) continue; /* no sequence leaves in so few steps */
        AlisaSetupOptions options = options_of(&ways[i]);
        options.likeliest_only = true;
        options.placement.recompute = false;
        AlisaPlanOptions wanted;
        alisa_plan_options_defaults(&wanted);
        wanted.engine = engine;
        wanted.batch = SEQUENCES;
        wanted.prompt_length = PROMPT;
        wanted.generate_length = options.context_length - PROMPT;
        wanted.micro_batch = options.micro_batch;
        wanted.key_type = wanted.value_type = ways[i].type;
        wanted.swa_scores = ways[i].scores;
        wanted.recompute = false;
        wanted.device_share = options.placement.device_share;
        AlisaPlan plan;
        AlisaSession *session;
        support_must(alisa_plan_make(&wanted, ways[i].policy, &plan, &error), &error);
        support_must(alisa_engine_session_open(engine, &options, &session, &error), &error);
        append(session, PROMPT);
        for (uint32_t step = 0; step < STEPS; step++)
            append(session, 1);
        size_t count;
        const AlisaStepRecord *records = alisa_session_steps(session, &count);
        assert_int_equal(count, STEPS);
        assert_true(plan.step_count > count);
        for (size_t step = 0; step < count; step++) {
            assert_int_equal(plan.steps[step].length, records[step].length);
            assert_int_equal(plan.steps[step].phase, records[step].phase);
            /* The first step of a plan comes after its prompt. */
            double predicted = records[step].predicted_seconds;
            if (step > 0 && fabs(plan.steps[step].seconds / predicted - 1) > 1e-9)
                fail_msg("%s, step %zu: %g and %g seconds", ways[i].name, step,
                         plan.steps[step].seconds, predicted);
        }
        alisa_session_destroy(session);
        alisa_plan_finish(&plan);
    }
    alisa_engine_destroy(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_can_be_true),
        cmocka_unit_test(test_small_budgets),
        cmocka_unit_test(test_predictions),
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_plans),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
