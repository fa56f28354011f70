/* SPDX-License-Identifier: Apache-2.0 */
/* A model whose layers lie in several stages computes what it computes in one, bit for bit, also
 * where the budget of each stage is too small for its context; and a session that keeps a common
 * beginning goes on as one that never held anything else. */
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "alisa/plan.h"
#include "api/model.h"
#include "engine/problem.h"
#include "engine/session.h"
#include "made_up_rates.h"
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
        spans[i] = (AlisaShardSpan){support_device, ends[i], 0};
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

/* ---- Budgets that bind ---------------------------------------------------------------------- */

typedef struct Bound {
    const char *name;
    AlisaPolicy policy;
    AlisaKvType type;
    AlisaSelectKind kind;
    AlisaSelectScores scores;
    double share;        /* of the context's K and V on the device */
    double inputs_share; /* 0: nothing is recomputed from layer inputs */
    uint64_t host;       /* bytes of the host */
} Bound;

static const Bound bounds[] = {
    {"flexgen", ALISA_POLICY_FLEXGEN, ALISA_KV_F16, ALISA_SELECT_DENSE, 0, 0.8, 0, 64 << 20},
    {"accelerate, f32", ALISA_POLICY_ACCELERATE, ALISA_KV_F32, ALISA_SELECT_DENSE, 0, 1.5, 0,
     64 << 20},
    {"alisa", ALISA_POLICY_ALISA, ALISA_KV_F16, ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, 0.75,
     0, 64 << 20},
    {"alisa by the query, q8_0", ALISA_POLICY_ALISA, ALISA_KV_Q8_0, ALISA_SELECT_SWA,
     ALISA_SELECT_SCORES_QUERY, 0.5, 0, 64 << 20},
    {"alisa, i8", ALISA_POLICY_ALISA, ALISA_KV_I8, ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE,
     0.9, 0, 64 << 20},
    {"alisa, from layer inputs", ALISA_POLICY_ALISA, ALISA_KV_F16, ALISA_SELECT_SWA,
     ALISA_SELECT_SCORES_SPARSE, 0.8, 0.6, 64 << 20},
    {"h2o", ALISA_POLICY_H2O, ALISA_KV_F16, ALISA_SELECT_H2O, ALISA_SELECT_SCORES_SPARSE, 0.7, 0,
     64 << 20},
    {"vllm, swapped", ALISA_POLICY_VLLM, ALISA_KV_F16, ALISA_SELECT_DENSE, 0, 0.6, 0, 64 << 20},
    {"vllm, from tokens", ALISA_POLICY_VLLM, ALISA_KV_F16, ALISA_SELECT_DENSE, 0, 0.6, 0, 4096},
};

enum { BOUNDS = sizeof bounds / sizeof *bounds };

/* Tokens that a sequence may have: more than the text, so that room is left for a next step. */
enum { BOUND_CONTEXT = CONTEXT + 16 };

/* share: 0: the budgets of the engine. */
static AlisaStatus try_bound(AlisaEngine *engine, const Bound *bound, double share,
                             AlisaSession **session) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = BOUND_CONTEXT;
    options.session.micro_batch = 8;
    options.session.key_type = options.session.value_type = bound->type;
    options.attention.kind = bound->kind;
    options.attention.scores = bound->scores;
    options.attention.sparsity = 0.6;
    options.session.record_steps = true;
    options.placement.policy = bound->policy;
    options.placement.device_share = share;
    options.placement.host_memory = bound->host;
    options.placement.prompt_length = PROMPT;
    options.placement.recompute = bound->inputs_share > 0;
    options.placement.inputs_share = bound->inputs_share;
    return alisa_session_create(engine, &options.session, session, &error);
}

static AlisaSession *open_bound(AlisaEngine *engine, const Bound *bound, double share) {
    AlisaSession *session;
    support_must(try_bound(engine, bound, share, &session), &error);
    return session;
}

/* Rows of one sequence, of which the last has logits. */
static void append_alone(AlisaSession *session, uint32_t sequence, uint32_t count, float *logits) {
    AlisaRow rows[PROMPT];
    uint32_t wanted[SEQUENCES] = {0}, length = alisa_session_length(session, sequence);
    bool admitted[SEQUENCES];
    for (uint32_t i = 0; i < count; i++)
        rows[i] = (AlisaRow){token_at(sequence, length + i), sequence, i + 1 == count};
    wanted[sequence] = count;
    support_must(alisa_session_admit(session, wanted, admitted, &error), &error);
    assert_true(admitted[sequence]);
    support_must(alisa_session_eval(session, rows, count, &error), &error);
    memcpy(logits, alisa_session_logits(session, 0), vocabulary * sizeof *logits);
}

/* Both sequences by turns, since they may not both be on the device: [1 + STEPS][SEQUENCES][V]. */
static float *run_by_turns(AlisaSession *session) {
    float *logits = calloc((size_t)(1 + STEPS) * SEQUENCES * vocabulary, sizeof *logits);
    assert_non_null(logits);
    for (uint32_t call = 0; call <= STEPS; call++)
        for (uint32_t s = 0; s < SEQUENCES; s++)
            append_alone(session, s, call == 0 ? PROMPT : 1,
                         logits + (call * SEQUENCES + s) * (size_t)vocabulary);
    return logits;
}

static uint32_t likeliest(const float *logits) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < vocabulary; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

static void expect_same(const char *name, bool exact, const float *expected, const float *logits) {
    size_t rows = (size_t)(1 + STEPS) * SEQUENCES;
    if (exact && memcmp(expected, logits, rows * vocabulary * sizeof *logits) != 0)
        fail_msg("%s: three stages differ from one", name);
    for (size_t i = 0; i < rows; i++)
        if (likeliest(expected + i * vocabulary) != likeliest(logits + i * vocabulary))
            fail_msg("%s: row %zu: another text in three stages than in one", name, i);
}

/* Bytes of a stage on its device, its weights among them. */
static uint64_t stage_bytes(const AlisaStage *stage) {
    return alisa_weights_bytes(stage->setup.shard->weights) + stage->device_bytes;
}

/* The stages have no more than there is for all of them: of slots a share of the context, where
 * there is one, and of the host's memory. */
static void expect_shared(const AlisaSession *session, const Bound *bound, double share) {
    double slots = 0.0, host = 0.0, context = (double)SEQUENCES * BOUND_CONTEXT;
    const AlisaLayerShape *layer = &model->shape.layers[0];
    for (uint32_t i = 0; i < session->stage_count; i++) {
        const AlisaStage *stage = &session->stages[i];
        const AlisaSchedProblem *problem = alisa_placement_problem(stage->placement);
        AlisaKvUsage use;
        alisa_kv_usage(stage->kv, &use);
        host += (double)problem->run.host_bytes;
        const AlisaRowStore *store = alisa_tiers_store(alisa_kv_tiers(stage->kv));
        for (uint32_t arena = 0; arena < store->arena_count; arena++)
            slots += (double)(store->keys[arena].size + store->values[arena].size);
        /* The plan is of the layers of the stage, and of their weights. */
        assert_int_equal(problem->model.layer_count, stage->setup.shard->layer_count);
        assert_true(problem->model.weight_bytes ==
                    alisa_weights_file_bytes(stage->setup.shard->weights));
    }
    assert_true(host <= (double)bound->host);
    double halves = 4.0 * layer->kv_head_count * layer->head_dim * model->shape.layer_count;
    if (share > 0.0) assert_true(slots <= share * context * halves);
}

/* Whether something of every stage was elsewhere for a time. */
static void expect_moved(const AlisaSession *session, const Bound *bound) {
    AlisaPlacementUse all;
    alisa_session_placement(session, &all);
    if (bound->policy == ALISA_POLICY_VLLM && all.preempted == 0)
        fail_msg("%s: nobody was preempted", bound->name);
    for (uint32_t i = 0; i < session->stage_count; i++) {
        AlisaKvUsage use;
        alisa_kv_usage(session->stages[i].kv, &use);
        uint64_t gone = use.traffic.bytes_to_host + use.tokens[ALISA_TIER_FORGOTTEN];
        if (gone == 0 && bound->host > 4096) fail_msg("%s: stage %u moved nothing", bound->name, i);
    }
    if (bound->inputs_share > 0) assert_true(all.recomputed > 0);
}

static void test_bounds(void **state) {
    (void)state;
    static const uint32_t one[] = {6}, two[] = {3, 6}, three[] = {2, 4, 6};
    AlisaEngine *whole = open_engine(one, 1), *thirds = open_engine(three, 3);
    AlisaEngine *halves = open_engine(two, 2);
    for (size_t i = 0; i < BOUNDS; i++) {
        const Bound *bound = &bounds[i];
        /* Two layers are staged of what is streamed: a stage of no more than two saves nothing. */
        bool streams = bound->kind == ALISA_SELECT_DENSE && bound->policy != ALISA_POLICY_VLLM;
        AlisaEngine *cut = streams ? halves : thirds;
        bool exact = bound->inputs_share == 0.0;
        AlisaSession *a = open_bound(whole, bound, bound->share);
        AlisaSession *b = open_bound(cut, bound, bound->share);
        expect_shared(a, bound, bound->share);
        expect_shared(b, bound, bound->share);
        float *expected = run_by_turns(a), *logits = run_by_turns(b);
        expect_moved(a, bound);
        expect_moved(b, bound);
        expect_same(bound->name, exact, expected, logits);
        alisa_session_destroy(a);
        alisa_session_destroy(b);
        free(expected);
        free(logits);
    }
    alisa_engine_destroy(whole);
    alisa_engine_destroy(halves);
    alisa_engine_destroy(thirds);
}

/* The least bytes of a budget with which a session can be opened, to 4 KiB. */
static uint64_t least_budget(AlisaEngine *engine, const Bound *bound, uint32_t budget) {
    uint64_t before = engine->budgets[budget].bytes, low = 0, high = before;
    while (high - low > 4096) {
        AlisaSession *session;
        uint64_t middle = low + (high - low) / 2;
        engine->budgets[budget].bytes = middle;
        AlisaStatus status = try_bound(engine, bound, 0.0, &session);
        alisa_session_destroy(session);
        if (status == ALISA_OK) {
            high = middle;
        } else {
            assert_int_equal(status, ALISA_ERROR_MEMORY);
            low = middle;
        }
    }
    engine->budgets[budget].bytes = before;
    return high;
}

static const uint32_t uneven[] = {1, 4, 6};

/* Three stages in the budget of one device take no more than it, and give what one gives. */
static void test_shared_budget(void **state) {
    (void)state;
    for (size_t i = 0; i < BOUNDS; i++) {
        const Bound *bound = &bounds[i];
        AlisaEngine *cut = open_engine(uneven, 3);
        assert_int_equal(cut->budget_count, 1);
        uint64_t bytes = least_budget(cut, bound, 0), taken = 0;
        cut->budgets[0].bytes = bytes;
        AlisaSession *session = open_bound(cut, bound, 0.0);
        for (uint32_t stage = 0; stage < 3; stage++)
            taken += stage_bytes(&session->stages[stage]);
        if (taken > bytes)
            fail_msg("%s: %llu bytes of %llu", bound->name, (unsigned long long)taken,
                     (unsigned long long)bytes);
        expect_shared(session, bound, 0.0);
        alisa_session_destroy(session);
        alisa_engine_destroy(cut);
    }
}

/* Stages with budgets of their own: the first has as little as it can do with, the last everything
 * it wants. */
static void test_own_budgets(void **state) {
    (void)state;
    static const uint32_t one[] = {6};
    AlisaEngine *whole = open_engine(one, 1);
    for (size_t i = 0; i < BOUNDS; i++) {
        const Bound *bound = &bounds[i];
        if (bound->inputs_share > 0.0) continue; /* other tokens are rounded */
        AlisaShardSpan spans[3];
        AlisaEngine *cut;
        AlisaEngineOptions options;
        alisa_engine_options_defaults(&options);
        for (uint32_t s = 0; s < 3; s++)
            spans[s] = (AlisaShardSpan){support_device, uneven[s], 32 << 20};
        support_must(
            alisa_engine_open(model->gguf, &model->shape, spans, 3, &options, &cut, &error),
            &error);
        assert_int_equal(cut->budget_count, 3);
        uint64_t least = least_budget(cut, bound, 0), middle = least_budget(cut, bound, 1);
        cut->budgets[0].bytes = least;
        cut->budgets[1].bytes = middle + (32 << 10);
        AlisaSession *a = open_bound(whole, bound, 0.0), *b = open_bound(cut, bound, 0.0);
        for (uint32_t s = 0; s < 3; s++)
            assert_true(stage_bytes(&b->stages[s]) <= cut->budgets[s].bytes);
        float *expected = run_by_turns(a), *logits = run_by_turns(b);
        /* Tokens that were dropped come back with the bits of a prompt. */
        expect_same(bound->name, bound->host > 4096, expected, logits);
        AlisaKvUsage first, last;
        alisa_kv_usage(b->stages[0].kv, &first);
        alisa_kv_usage(b->stages[2].kv, &last);
        /* Of i8 so few blocks are full that the least a step takes holds all of them. */
        bool kept = bound->policy == ALISA_POLICY_ALISA && bound->type != ALISA_KV_I8;
        if (kept && first.tokens[ALISA_TIER_HOST] == 0)
            fail_msg("%s: all of the first stage is on the device", bound->name);
        if (kept && last.tokens[ALISA_TIER_HOST] > 0)
            fail_msg("%s: some of the last stage is on the host", bound->name);
        alisa_session_destroy(a);
        alisa_session_destroy(b);
        alisa_engine_destroy(cut);
        free(expected);
        free(logits);
    }
    alisa_engine_destroy(whole);
}

/* What is predicted of stages adds up to what is predicted of one. */
static void test_plans_add_up(void **state) {
    (void)state;
    static const uint32_t one[] = {6}, two[] = {3, 6};
    AlisaEngine *engines[] = {open_engine(one, 1), open_engine(two, 2)};
    AlisaPlan plans[2];
    for (int policy = 0; policy < ALISA_POLICY_COUNT; policy++) {
        for (int i = 0; i < 2; i++) {
            AlisaPlanOptions options;
            alisa_plan_options_defaults(&options);
            options.engine = engines[i];
            options.batch = 4;
            options.prompt_length = 256;
            options.generate_length = 256;
            options.device_share = policy == ALISA_POLICY_DEVICE ? 1.2 : 0.8;
            support_must(alisa_plan_make(&options, (AlisaPolicy)policy, &plans[i], &error), &error);
        }
        double ratio = plans[1].decode_seconds / plans[0].decode_seconds;
        /* Two layers are staged in each stage, for which flexgen has more on the host. */
        double most = policy == ALISA_POLICY_FLEXGEN ? 4.0 : 1.5;
        if (ratio < 0.9 || ratio > most) fail_msg("%s: %g", alisa_policy_name(policy), ratio);
        assert_int_equal(plans[0].step_count, plans[1].step_count);
        assert_true(plans[1].weight_bytes >= plans[0].weight_bytes);
        for (int i = 0; i < 2; i++)
            alisa_plan_finish(&plans[i]);
    }
    for (int i = 0; i < 2; i++)
        alisa_engine_destroy(engines[i]);
}

/* ---- Beginnings ----------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_stages),          cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_shared_budget),   cmocka_unit_test(test_own_budgets),
        cmocka_unit_test(test_plans_add_up),    cmocka_unit_test(test_kept_beginnings),
        cmocka_unit_test(test_refused_choices), cmocka_unit_test(test_inputs_take_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
