/* What sessions plan from: figures that can be true, for every policy, and steps that take about as
 * long as they were predicted to. */
#include "support.h"

#include <math.h>

#include "api/model.h"
#include "engine/rates.h"

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

static int set_up(void **state) {
    if (support_open_device(state) != 0) return -1;
    if (alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error) == ALISA_OK) return 0;
    fprintf(stderr, "%s\n", error.message);
    return -1;
}

static int tear_down(void **state) {
    alisa_model_close(model);
    return support_close_device(state);
}

static AlisaEngine *open_engine(uint64_t device_memory) {
    AlisaEngine *engine;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    options.device_memory = device_memory;
    support_must(alisa_engine_create(model, support_device, &options, &engine, &error), &error);
    return engine;
}

static AlisaSessionOptions options_of(const Way *way) {
    AlisaSessionOptions options;
    alisa_session_options_defaults(&options);
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
    AlisaEngine *engine = open_engine(0);
    for (size_t i = 0; i < WAYS; i++) {
        AlisaSchedProfile profile;
        AlisaSessionOptions options = options_of(&ways[i]);
        support_must(alisa_rates_measure(engine, &options, &profile, &error), &error);
        const char *wrong = alisa_sched_profile_check(&profile);
        if (wrong) fail_msg("%s: %s", ways[i].name, wrong);
        assert_true(profile.attention_dense <= profile.device_bandwidth * 1.001);
        assert_true(profile.attention_gathered <= profile.device_bandwidth * 1.001);
        assert_int_equal(profile.matrix_rate.count, 7); /* up to 64 rows */
        /* More rows at once are no slower by the row than one: weights are read once. */
        assert_true(profile.matrix_rate.rates[6] > profile.matrix_rate.rates[0]);
        assert_true(profile.row_overhead < 0.01 && profile.step_overhead < 0.1);
    }
    alisa_engine_destroy(engine);
}

/* A budget that holds the weights and little more: measuring does with less. */
static void test_small_budgets(void **state) {
    (void)state;
    AlisaEngine *engine = open_engine(9 << 20);
    AlisaSessionOptions options = options_of(&ways[WAYS - 1]);
    options.sequence_count = 200;
    options.context_length = 2048;
    AlisaSchedProfile profile;
    support_must(alisa_rates_measure(engine, &options, &profile, &error), &error);
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
    AlisaEngine *engine = open_engine(0);
    for (size_t i = 1; i < WAYS; i++) { /* where all is on the device nothing is predicted */
        AlisaSession *session;
        AlisaSessionOptions options = options_of(&ways[i]);
        support_must(alisa_session_create(engine, &options, &session, &error), &error);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_can_be_true),
        cmocka_unit_test(test_small_budgets),
        cmocka_unit_test(test_predictions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
