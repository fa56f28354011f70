/* SPDX-License-Identifier: Apache-2.0 */
/* A model whose layers lie in several stages computes what it computes in one, bit for bit; and a
 * session that keeps a common beginning goes on as one that never held anything else. */
#include <stdlib.h>
#include <string.h>

#include "alisa/plan.h"
#include "api/model.h"
#include "engine/problem.h"
#include "engine/session.h"
#include "support.h"

enum { SEQUENCES = 2, PROMPT = 100, STEPS = 12, CONTEXT = PROMPT + STEPS };

static AlisaModel *model;
static AlisaError error;
static uint32_t vocabulary;

static int set_up(void **state) {
    if (support_open_device(state) != 0) return -1;
    if (alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error) != ALISA_OK) return -1;
    vocabulary = model->shape.vocabulary_size;
    return 0;
}

static int tear_down(void **state) {
    alisa_model_close(model);
    return support_close_device(state);
}

/* Stages that end with these layers, all on the one device. */
static AlisaEngine *open_engine(const uint32_t *ends, uint32_t count) {
    AlisaShardSpan spans[8];
    AlisaEngine *engine;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    for (uint32_t i = 0; i < count; i++)
        spans[i] = (AlisaShardSpan){support_device, ends[i]};
    support_must(
        alisa_engine_open(model->gguf, &model->shape, spans, count, &options, &engine, &error),
        &error);
    return engine;
}

typedef struct Way {
    const char *name;
    AlisaKvType type;
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    uint32_t micro_batch;
} Way;

static const Way ways[] = {
    {"dense, f16", ALISA_KV_F16, ALISA_SELECT_DENSE, 0, 512},
    {"dense, i8, -ub 7", ALISA_KV_I8, ALISA_SELECT_DENSE, 0, 7},
    {"swa by past rows, q8_0", ALISA_KV_Q8_0, ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, 64},
    {"swa by the query, i8", ALISA_KV_I8, ALISA_SELECT_SWA, ALISA_SELECT_SCORES_QUERY, 64},
    {"random", ALISA_KV_F16, ALISA_SELECT_RANDOM, 0, 64},
};

static AlisaSession *open_session(AlisaEngine *engine, const Way *way) {
    AlisaSession *session;
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = CONTEXT;
    options.session.micro_batch = way->micro_batch;
    options.session.key_type = options.session.value_type = way->type;
    options.attention.kind = way->kind;
    options.attention.scores = way->scores;
    options.attention.sparsity = 0.5;
    support_must(alisa_session_create(engine, &options.session, &session, &error), &error);
    return session;
}

static int32_t token_at(uint32_t sequence, uint32_t position) {
    return (int32_t)((sequence * 977 + position * position * 31 + position * 7 + 11) % vocabulary);
}

/* Both prompts, then steps of both sequences; logits of every call, [1 + STEPS][SEQUENCES][V]. */
static float *run(AlisaSession *session) {
    static AlisaRow rows[SEQUENCES * PROMPT];
    size_t size = (size_t)SEQUENCES * vocabulary, count = 0;
    float *logits = calloc((1 + STEPS) * size, sizeof *logits);
    assert_non_null(logits);
    for (uint32_t s = 0; s < SEQUENCES; s++)
        for (uint32_t i = 0; i < PROMPT; i++)
            rows[count++] = (AlisaRow){token_at(s, i), s, i + 1 == PROMPT};
    for (uint32_t call = 0; call <= STEPS; call++) {
        support_must(alisa_session_eval(session, rows, count, &error), &error);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            memcpy(logits + call * size + s * vocabulary, alisa_session_logits(session, s),
                   vocabulary * sizeof *logits);
        count = SEQUENCES;
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){token_at(s, PROMPT + call), s, true};
    }
    return logits;
}

static void test_stages(void **state) {
    (void)state;
    static const uint32_t one[] = {6}, three[] = {1, 4, 6};
    AlisaEngine *whole = open_engine(one, 1), *cut = open_engine(three, 3);
    assert_int_equal(model->shape.layer_count, 6);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        AlisaSession *a = open_session(whole, &ways[i]), *b = open_session(cut, &ways[i]);
        float *expected = run(a), *logits = run(b);
        size_t count = (1 + STEPS) * (size_t)SEQUENCES * vocabulary;
        if (memcmp(expected, logits, count * sizeof *logits) != 0)
            fail_msg("%s: three stages differ from one", ways[i].name);
        free(expected);
        free(logits);
        alisa_session_destroy(a);
        alisa_session_destroy(b);
    }
    alisa_engine_destroy(whole);
    alisa_engine_destroy(cut);
}

static void append(AlisaSession *session, const int32_t *tokens, size_t count, size_t first) {
    AlisaRow rows[CONTEXT];
    for (size_t i = first; i < count; i++)
        rows[i - first] = (AlisaRow){tokens[i], 1, i + 1 == count};
    support_must(alisa_session_eval(session, rows, count - first, &error), &error);
}

static void test_kept_beginnings(void **state) {
    (void)state;
    static const uint32_t one[] = {6};
    AlisaEngine *engine = open_engine(one, 1);
    int32_t first[CONTEXT], second[CONTEXT];
    for (uint32_t i = 0; i < CONTEXT; i++) {
        first[i] = token_at(0, i);
        second[i] = i < 70 ? first[i] : token_at(1, i);
    }
    AlisaSession *session = open_session(engine, &ways[0]), *fresh = open_session(engine, &ways[0]);
    append(session, first, CONTEXT, 0);
    assert_int_equal(alisa_session_keep(session, 1, second, CONTEXT - 1), 70);
    assert_int_equal(alisa_session_length(session, 1), 70);
    append(session, second, CONTEXT, 70);
    append(fresh, second, CONTEXT, 0);
    const float *kept = alisa_session_logits(session, 0), *all = alisa_session_logits(fresh, 0);
    double worst = 0.0;
    for (uint32_t i = 0; i < vocabulary; i++) {
        double difference = (double)kept[i] - (double)all[i];
        if (difference < 0) difference = -difference;
        if (difference > worst) worst = difference;
    }
    assert_true(worst < 1e-3);
    /* Everything is held: one token less is kept, for its logits. A stranger's text: nothing. */
    assert_int_equal(alisa_session_keep(session, 1, second, CONTEXT - 1), CONTEXT - 1);
    assert_int_equal(alisa_session_keep(session, 0, second, CONTEXT - 1), 0);
    assert_int_equal(alisa_session_keep(session, SEQUENCES, second, CONTEXT - 1), 0);
    second[0]++;
    assert_int_equal(alisa_session_keep(session, 1, second, CONTEXT - 1), 0);
    assert_int_equal(alisa_session_length(session, 1), 0);
    alisa_session_destroy(session);
    alisa_session_destroy(fresh);
    alisa_engine_destroy(engine);
}

/* Choices that are none are refused, not looked up in tables. */
static void test_refused_choices(void **state) {
    (void)state;
    static const uint32_t one[] = {6};
    AlisaEngine *engine = open_engine(one, 1);
    SupportOptions options[5];
    for (size_t i = 0; i < 5; i++)
        support_options_defaults(&options[i]);
    options[0].placement.policy = ALISA_POLICY_COUNT;
    options[1].placement.schedule = (AlisaSchedule)7;
    options[2].attention.kind = ALISA_SELECT_KIND_COUNT;
    options[3].attention.scores = ALISA_SELECT_SCORES_COUNT;
    options[4].attention.lists = (AlisaSelectLists)-1;
    for (size_t i = 0; i < 5; i++) {
        AlisaSession *session;
        assert_int_equal(alisa_session_create(engine, &options[i].session, &session, &error),
                         ALISA_ERROR_ARGUMENT);
        assert_null(session);
        assert_non_null(strstr(error.message, "there"));
    }
    AlisaPlan plan;
    AlisaPlanOptions wanted;
    alisa_plan_options_defaults(&wanted);
    wanted.engine = engine;
    assert_int_equal(alisa_plan_make(&wanted, ALISA_POLICY_COUNT, &plan, &error),
                     ALISA_ERROR_ARGUMENT);
    alisa_plan_finish(&plan);
    alisa_engine_destroy(engine);
}

/* Layer inputs take device memory, and the plan knows what is left for K and V. */
static void test_inputs_take_memory(void **state) {
    (void)state;
    static const uint32_t one[] = {6};
    AlisaEngine *engine = open_engine(one, 1);
    AlisaSession *session;
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = 4;
    options.session.context_length = 512;
    options.session.micro_batch = 64;
    options.attention.kind = ALISA_SELECT_SWA;
    options.placement.policy = ALISA_POLICY_ALISA;
    options.placement.device_share = 0.5;
    options.placement.inputs_share = 0.6;
    support_must(alisa_session_create(engine, &options.session, &session, &error), &error);
    const AlisaStage *stage = &session->stages[0];
    const AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    const AlisaSchedProblem *problem = alisa_placement_problem(stage->placement);
    assert_non_null(alisa_kv_inputs(stage->kv));
    uint64_t slots = (uint64_t)alisa_tiers_store(tiers)->arena_count *
                     alisa_residency_free_device_slots(alisa_tiers_residency(tiers), 0);
    uint64_t expected = alisa_problem_device_bytes(&stage->setup, problem, slots);
    assert_true(problem->run.device_bytes == expected);
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_kept_beginnings),
        cmocka_unit_test(test_refused_choices),
        cmocka_unit_test(test_inputs_take_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
