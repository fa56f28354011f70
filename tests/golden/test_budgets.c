/* SPDX-License-Identifier: Apache-2.0 */
/* What a session takes of a device is what was said before, to the byte; and a session that can be
 * opened can be used: no step finds too few slots for its tokens. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "base/random.h"
#include "engine/session.h"
#include "made_up_rates.h"
#include "support.h"

static AlisaError error;

/* ---- Buffers that are created --------------------------------------------------------------- */

static uint64_t created;

AlisaStatus __real_alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                       const char *what, AlisaBuffer *buffer, AlisaError *why);
AlisaStatus __wrap_alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                       const char *what, AlisaBuffer *buffer, AlisaError *why);
AlisaStatus __wrap_alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                       const char *what, AlisaBuffer *buffer, AlisaError *why) {
    created += size;
    return __real_alisa_buffer_create(device, size, use, what, buffer, why);
}

/* ---- Models --------------------------------------------------------------------------------- */

/* Two to four layers; heads of several sizes, of which some go with every KV type. */
static const char *const names[] = {"gqa2-head64-q4_0", "mqa-head40-tied-q8_0", "odd-f32",
                                    "wide-head-bf16"};

enum { MODELS = sizeof names / sizeof *names };

static AlisaModel *models[MODELS];
static AlisaEngine *engines[MODELS];

static AlisaEngine *open_engine(AlisaModel *model, uint32_t shards) {
    AlisaShardSpan spans[2];
    AlisaEngine *engine;
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    uint32_t layers = model->shape.layer_count;
    for (uint32_t i = 0; i < shards; i++)
        spans[i] = (AlisaShardSpan){support_device, i + 1 == shards ? layers : 1, 0};
    support_must(
        alisa_engine_open(model->gguf, &model->shape, spans, shards, &options, &engine, &error),
        &error);
    return engine;
}

static int set_up(void **state) {
    if (support_open_device(state) != 0) return -1;
    for (size_t i = 0; i < MODELS; i++) {
        char path[512];
        snprintf(path, sizeof path, TESTS_DIR "/golden/%s.gguf", names[i]);
        if (alisa_model_open(path, &models[i], &error) != ALISA_OK) return -1;
        engines[i] = open_engine(models[i], 1);
    }
    return 0;
}

static int tear_down(void **state) {
    for (size_t i = 0; i < MODELS; i++) {
        alisa_engine_destroy(engines[i]);
        alisa_model_close(models[i]);
    }
    return support_close_device(state);
}

/* ---- Sessions of all kinds ------------------------------------------------------------------ */

static uint32_t below(AlisaRandom *random, uint32_t limit) {
    return alisa_random_below(random, limit);
}

static const AlisaSelectKind kinds[] = {ALISA_SELECT_DENSE, ALISA_SELECT_SWA, ALISA_SELECT_LOCAL,
                                        ALISA_SELECT_RANDOM};

/* What is drawn may be refused, but only for want of memory, or because a KV type does not go with
 * the model's heads. */
static void draw(AlisaRandom *random, SupportOptions *options) {
    support_options_defaults(options);
    AlisaSessionOptions *session = &options->session;
    session->sequence_count = 1 + below(random, 3);
    session->context_length = 24 + below(random, 180);
    session->micro_batch = 1 + below(random, below(random, 2) ? 8 : 64);
    session->key_type = (AlisaKvType)below(random, ALISA_KV_TYPE_COUNT);
    session->value_type =
        below(random, 2) ? session->key_type : (AlisaKvType)below(random, ALISA_KV_TYPE_COUNT);
    session->likeliest_only = below(random, 2);
    session->count_lists = below(random, 4) == 0;
    AlisaPlacementOptions *placement = &options->placement;
    placement->policy = (AlisaPolicy)below(random, ALISA_POLICY_COUNT);
    placement->schedule = (AlisaSchedule)below(random, 2);
    placement->device_share = (1 + below(random, 3)) * (0.05 + alisa_random_double(random));
    placement->host_memory = 64 << 20;
    placement->recompute = below(random, 2);
    if (below(random, 2)) placement->inputs_share = alisa_random_double(random);
    AlisaSelectOptions *select = &options->attention;
    select->kind = kinds[below(random, sizeof kinds / sizeof *kinds)];
    select->scores = (AlisaSelectScores)below(random, ALISA_SELECT_SCORES_COUNT);
    select->lists = (AlisaSelectLists)below(random, ALISA_SELECT_LISTS_COUNT);
    if (select->scores == ALISA_SELECT_SCORES_QUERY && select->kind != ALISA_SELECT_SWA)
        select->scores = ALISA_SELECT_SCORES_SPARSE;
    select->sparsity = 0.95 * alisa_random_double(random);
    if (placement->policy == ALISA_POLICY_VLLM) select->kind = ALISA_SELECT_DENSE;
    if (placement->policy == ALISA_POLICY_H2O) {
        select->kind = ALISA_SELECT_H2O;
        select->scores = ALISA_SELECT_SCORES_SPARSE;
    }
}

/* One whose plan keeps layer inputs. */
static void draw_with_inputs(AlisaRandom *random, SupportOptions *options) {
    draw(random, options);
    options->session.key_type = options->session.value_type = ALISA_KV_F16;
    options->session.context_length = 200;
    options->session.micro_batch = 1 + below(random, 4);
    options->attention.kind = ALISA_SELECT_SWA;
    options->attention.sparsity = 0.8;
    options->placement.policy = ALISA_POLICY_ALISA;
    options->placement.recompute = true;
    options->placement.inputs_share = 0.5 + 0.5 * alisa_random_double(random);
    options->placement.device_share = 0.65 + 0.2 * alisa_random_double(random);
}

/* One whose lists are short beside what a prompt attends to. */
static void draw_short_lists(AlisaRandom *random, SupportOptions *options) {
    draw(random, options);
    options->session.micro_batch = 8 + below(random, 56);
    options->attention.sparsity = 0.8 + 0.15 * alisa_random_double(random);
    options->placement.recompute = false;
    if (options->placement.policy == ALISA_POLICY_H2O) return;
    options->placement.policy = ALISA_POLICY_ALISA;
    options->attention.kind = below(random, 2) ? ALISA_SELECT_SWA : ALISA_SELECT_LOCAL;
    options->attention.scores = ALISA_SELECT_SCORES_SPARSE;
}

static const char *describe(const SupportOptions *options, size_t model) {
    static char text[256];
    const AlisaSessionOptions *session = &options->session;
    snprintf(text, sizeof text,
             "%s, %u sequences of %u, -ub %u, K %s V %s, policy %s, kv:%.3f, attention %d by %d, "
             "lists %d, sparsity %.2f, inputs %d %.2f",
             names[model], session->sequence_count, session->context_length, session->micro_batch,
             alisa_kv_type_name(session->key_type), alisa_kv_type_name(session->value_type),
             alisa_policy_name(options->placement.policy), options->placement.device_share,
             (int)options->attention.kind, (int)options->attention.scores,
             (int)options->attention.lists, options->attention.sparsity,
             (int)options->placement.recompute, options->placement.inputs_share);
    return text;
}

/* Rows of one sequence, or one row of each that is not full; whatever fails is the test's end.
 * Returns how many rows have logits. */
static uint32_t append(AlisaSession *session, AlisaRandom *random, const char *what) {
    enum { MOST = 256 };
    AlisaRow rows[MOST];
    uint32_t wanted[4] = {0}, count = 0, logits = 0,
             context = alisa_session_context_length(session);
    uint32_t sequences = session->options.sequence_count, chosen = below(random, sequences);
    bool together = below(random, 3) > 0, admitted[4];
    /* A prompt attends to everything: nothing may be forgotten of its sequence. */
    bool forgets = session->options.placement.policy == ALISA_POLICY_H2O;
    if (forgets && alisa_session_length(session, chosen) > 0) together = true;
    for (uint32_t s = 0; s < sequences; s++) {
        uint32_t left = context - alisa_session_length(session, s);
        if (together) wanted[s] = left > 0;
        if (!together && s == chosen && left > 0) wanted[s] = 1 + below(random, left);
    }
    AlisaStatus status = alisa_session_admit(session, wanted, admitted, &error);
    for (uint32_t s = 0; s < sequences && status == ALISA_OK; s++)
        for (uint32_t i = 0; i < wanted[s] && admitted[s]; i++, logits += i == wanted[s])
            rows[count++] = (AlisaRow){(int32_t)below(random, 60), s, i + 1 == wanted[s]};
    if (status == ALISA_OK) status = alisa_session_eval(session, rows, count, &error);
    if (status != ALISA_OK) fail_msg("%s: %s", what, error.message);
    return logits;
}

/* A text of prompts of all lengths and steps, here and there cut back. Returns how many rows of the
 * last call have logits. */
static uint32_t use(AlisaSession *session, AlisaRandom *random, uint32_t calls, const char *what) {
    bool forgets = session->options.placement.policy == ALISA_POLICY_H2O;
    uint32_t logits = 0;
    for (uint32_t call = 0; call < calls; call++) {
        uint32_t sequence = below(random, session->options.sequence_count);
        uint32_t length = alisa_session_length(session, sequence);
        logits = append(session, random, what);
        if (below(random, 6) == 0)
            alisa_session_truncate(session, sequence, forgets ? 0 : below(random, length + 1));
    }
    return logits;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void test_bytes_are_predicted(void **state) {
    (void)state;
    enum { TRIALS = 250 };
    AlisaRandom random;
    uint32_t opened = 0, of_policy[ALISA_POLICY_COUNT] = {0}, with_inputs = 0;
    AlisaEngine *cut = open_engine(models[0], 2);
    alisa_random_seed(&random, 3);
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        SupportOptions options;
        AlisaSession *session;
        size_t model = below(&random, MODELS);
        AlisaEngine *engine = model == 0 && below(&random, 2) ? cut : engines[model];
        if (trial % 5 == 0) {
            draw_with_inputs(&random, &options);
        } else {
            draw(&random, &options);
        }
        created = 0;
        AlisaStatus status = alisa_session_create(engine, &options.session, &session, &error);
        if (status != ALISA_OK) continue;
        uint64_t predicted = 0;
        for (uint32_t i = 0; i < session->stage_count; i++) {
            const AlisaStage *stage = &session->stages[i];
            /* Scratch of operations was there before. */
            predicted += stage->device_bytes - alisa_ops_scratch_bytes(stage->setup.shard->ops);
            with_inputs += alisa_kv_inputs(stage->kv) != NULL;
        }
        use(session, &random, 3, describe(&options, model));
        if (predicted != created)
            fail_msg("%s: predicted %llu, created %llu", describe(&options, model),
                     (unsigned long long)predicted, (unsigned long long)created);
        opened++;
        of_policy[options.placement.policy]++;
        alisa_session_destroy(session);
    }
    alisa_engine_destroy(cut);
    print_message("%u of %u opened, %u stages with layer inputs\n", opened, TRIALS, with_inputs);
    for (int policy = 0; policy < ALISA_POLICY_COUNT; policy++)
        if (of_policy[policy] == 0) fail_msg("no session of policy %d", policy);
    assert_true(opened > TRIALS / 5 && with_inputs > 0);
}

enum { CALLS = 14 };

/* Opens it in the least memory, or nearly, that it can be opened in; NULL: it cannot be. */
static AlisaSession *open_in_little(AlisaEngine *engine, SupportOptions *options) {
    AlisaSession *session = NULL;
    AlisaStatus status = ALISA_ERROR_MEMORY;
    for (double share = 0.05; share < 4.0 && status == ALISA_ERROR_MEMORY; share *= 1.02) {
        options->placement.device_share = share;
        status = alisa_session_create(engine, &options->session, &session, &error);
    }
    return session;
}

/* The same text in memory that has room for everything ends in the same logits, but for how
 * products of other numbers of rows are rounded. */
static void expect_same(AlisaEngine *engine, SupportOptions *options, AlisaRandom random,
                        AlisaSession *session, uint32_t logits, const char *what) {
    AlisaSession *roomy;
    options->placement.device_share = 16.0;
    support_must(alisa_session_create(engine, &options->session, &roomy, &error), &error);
    assert_int_equal(use(roomy, &random, CALLS, what), logits);
    for (uint32_t i = 0; i < logits; i++) {
        const float *here = alisa_session_logits(session, i);
        const float *there = alisa_session_logits(roomy, i);
        for (uint32_t j = 0; j < engine->shape.vocabulary_size; j++)
            if (!(fabsf(here[j] - there[j]) <= 1e-3f))
                fail_msg("%s: row %u has %g for token %u, and %g where there is more room", what, i,
                         (double)here[j], j, (double)there[j]);
    }
    alisa_session_destroy(roomy);
}

static void test_what_opens_can_be_used(void **state) {
    (void)state;
    enum { TRIALS = 150 };
    AlisaRandom random;
    uint32_t opened = 0;
    alisa_random_seed(&random, 8);
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        SupportOptions options;
        size_t model = below(&random, MODELS);
        if (trial % 2) {
            draw_short_lists(&random, &options);
        } else {
            draw(&random, &options);
        }
        options.session.likeliest_only = false;
        AlisaSession *session = open_in_little(engines[model], &options);
        if (!session) continue;
        AlisaRandom before = random;
        const char *what = describe(&options, model);
        uint32_t logits = use(session, &random, CALLS, what);
        /* Layer inputs are halves, and sequences that wait for each other do so for want of room.
         */
        if (!options.placement.recompute && options.placement.policy != ALISA_POLICY_VLLM)
            expect_same(engines[model], &options, before, session, logits, what);
        alisa_session_destroy(session);
        opened++;
    }
    print_message("%u of %u opened\n", opened, TRIALS);
    assert_true(opened > TRIALS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_predicted),
        cmocka_unit_test(test_what_opens_can_be_used),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
