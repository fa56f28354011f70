/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrices that stay in host memory, used in place or copied for each product: a model computes
 * with them what it computes wholly on the device, bit for bit, and of experts only those that were
 * chosen are copied.
 */
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "alisa/file.h"
#include "alisa/plan.h"
#include "api/model.h"
#include "engine/session.h"
#include "support.h"

enum { SEQUENCES = 2, PROMPT = 90, STEPS = 12, CONTEXT = PROMPT + STEPS };

static AlisaError error;

static AlisaModel *open_model(const char *name) {
    AlisaModel *model;
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s.gguf", TESTS_DIR, name);
    support_must(alisa_model_open(path, &model, &error), &error);
    return model;
}

static AlisaStatus try_engine(AlisaModel *model, const AlisaTensorRule *rules, size_t count,
                              double link_rate, uint64_t device_memory, AlisaEngine **engine) {
    AlisaEngineOptions options;
    alisa_engine_options_defaults(&options);
    options.tensor_rules = rules;
    options.tensor_rule_count = count;
    options.link_rate = link_rate;
    options.device_memory = device_memory;
    return alisa_engine_create(model, support_device, &options, engine, &error);
}

typedef struct Outcome {
    float *logits; /* [1 + STEPS][SEQUENCES][V] */
    size_t count;
    AlisaMemoryUse use;   /* at the end */
    uint64_t copied_last; /* to the device, by the last step, of one row */
} Outcome;

/* With a policy, in the least memory that a session takes. */
static AlisaSession *open_session(AlisaEngine *engine, AlisaPolicy policy) {
    AlisaSession *session;
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = CONTEXT;
    options.session.micro_batch = 16;
    options.session.logit_rows = SEQUENCES;
    if (policy != ALISA_POLICY_DEVICE) {
        options.placement.policy = policy;
        options.placement.device_share = 0.3;
        options.placement.host_memory = 64 << 20;
    }
    AlisaStatus status = alisa_session_create(engine, &options.session, &session, &error);
    while (status == ALISA_ERROR_MEMORY && options.placement.device_share < 2.0) {
        options.placement.device_share += 0.1;
        status = alisa_session_create(engine, &options.session, &session, &error);
    }
    support_must(status, &error);
    return session;
}

static Outcome run(const AlisaModel *model, AlisaEngine *engine, AlisaPolicy policy) {
    AlisaSession *session = open_session(engine, policy);
    uint32_t vocabulary = model->shape.vocabulary_size;
    size_t size = (size_t)SEQUENCES * vocabulary, row_count = 0;
    Outcome outcome = {calloc((1 + STEPS) * size, sizeof(float)), (1 + STEPS) * size, {0}, 0};
    AlisaRow rows[SEQUENCES * PROMPT];
    AlisaMemoryUse before = {0};
    assert_non_null(outcome.logits);
    for (uint32_t s = 0; s < SEQUENCES; s++)
        for (uint32_t i = 0; i < PROMPT; i++)
            rows[row_count++] =
                (AlisaRow){(int32_t)((s * 977 + i * i * 31 + 11) % vocabulary), s, i + 1 == PROMPT};
    for (uint32_t step = 0; step <= STEPS; step++) {
        bool last = step == STEPS; /* of one sequence */
        if (last) row_count = 1;
        alisa_session_memory(session, &before);
        support_must(alisa_session_eval(session, rows, row_count, &error), &error);
        for (uint32_t s = 0; s < (last ? 1 : SEQUENCES); s++)
            memcpy(outcome.logits + step * size + (size_t)s * vocabulary,
                   alisa_session_logits(session, s), vocabulary * sizeof(float));
        row_count = SEQUENCES;
        for (uint32_t s = 0; s < SEQUENCES; s++)
            rows[s] = (AlisaRow){(int32_t)((s * 577 + step * step * 7 + 5) % vocabulary), s, true};
    }
    alisa_session_memory(session, &outcome.use);
    outcome.copied_last = outcome.use.host_to_device_bytes - before.host_to_device_bytes;
    alisa_session_destroy(session);
    return outcome;
}

/* Of a model whose tensors are where rules say, on a device with an emulated link of this rate. */
static Outcome run_with(AlisaModel *model, const AlisaTensorRule *rules, size_t count, double rate,
                        AlisaPolicy policy) {
    AlisaEngine *engine;
    support_must(try_engine(model, rules, count, rate, 0, &engine), &error);
    Outcome outcome = run(model, engine, policy);
    alisa_engine_destroy(engine);
    return outcome;
}

static void check_same(const char *name, const char *way, const Outcome *a, const Outcome *b) {
    assert_true(a->logits[0] != 0.0f);
    if (memcmp(a->logits, b->logits, a->count * sizeof(float)) != 0)
        fail_msg("%s: %s: other logits than wholly on the device", name, way);
}

/* ---- Experts -------------------------------------------------------------------------------- */

static const AlisaTensorRule experts[] = {{"\\.ffn_(gate|up|down)_exps", true}};
static const AlisaTensorRule first_layer_stays[] = {{"^blk\\.0\\.", false}, {"_exps", true}};

#define RATE 4e9 /* bytes/s of a link that makes the device one with memory of its own */

static void check_experts(const char *name, AlisaPolicy policy) {
    AlisaModel *model = open_model(name);
    const AlisaExpertShape *shape = &model->shape.experts;
    assert_in_range(shape->used, 1, shape->count - 1);
    Outcome whole = run_with(model, NULL, 0, RATE, policy);
    Outcome in_place = run_with(model, experts, 1, 0, policy);
    Outcome copied = run_with(model, experts, 1, RATE, policy);
    Outcome half = run_with(model, first_layer_stays, 2, RATE, policy);
    check_same(name, "in place", &whole, &in_place);
    check_same(name, "copied", &whole, &copied);
    check_same(name, "copied, but not of the first layer", &whole, &half);

    /* What is in host memory is not on the device, nor the other way around. */
    uint64_t host = copied.use.host_weight_bytes, all = whole.use.weight_bytes;
    assert_int_equal(whole.use.host_weight_bytes, 0);
    assert_true(host > 0 && host < all);
    assert_int_equal(host + copied.use.weight_bytes, all);
    assert_int_equal(in_place.use.host_weight_bytes, host);
    uint64_t layers = model->shape.layer_count;
    assert_int_equal(half.use.host_weight_bytes, host / layers * (layers - 1));
    assert_true(copied.use.scratch_bytes > whole.use.scratch_bytes);
    /* A device with memory of its own copies whatever rate is given for its link. */
    if (alisa_device_info(support_device)->capabilities & ALISA_CAPABILITY_UNIFIED_MEMORY) {
        assert_int_equal(in_place.use.scratch_bytes, whole.use.scratch_bytes);
        assert_int_equal(in_place.copied_last, whole.copied_last);
    }

    /* A step of one row copies the experts that it takes: as much of all, less what lies between
     * planes. */
    uint64_t share = copied.copied_last - whole.copied_last, of = host * shape->used / shape->count;
    if (policy == ALISA_POLICY_DEVICE) assert_in_range(share, of - of / 20, of);
    free(whole.logits);
    free(in_place.logits);
    free(copied.logits);
    free(half.logits);
    alisa_model_close(model);
}

static void test_experts(void **state) {
    (void)state;
    static const char *const names[] = {
        "architectures/llama-experts",   "architectures/qwen2moe-shared",
        "architectures/qwen3moe-head24", "architectures/granitemoe-experts",
        "architectures/gpt-oss-mxfp4",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_experts(names[i], ALISA_POLICY_DEVICE);
}

static void test_tokens_in_two_places(void **state) {
    (void)state;
    check_experts("architectures/llama-experts", ALISA_POLICY_FLEXGEN);
}

/* ---- Other matrices ------------------------------------------------------------------------- */

static void test_any_matrix(void **state) {
    (void)state;
    static const char *const names[] = {
        "mqa-head40-tied-q8_0",
        "odd-f32",
        "gqa2-head64-q4_0",
        "architectures/gpt2-head24",
        "architectures/gptneox-partial",
        "architectures/phi3-longrope",
    };
    static const AlisaTensorRule all[] = {{".", true}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        AlisaModel *model = open_model(names[i]);
        Outcome whole = run_with(model, NULL, 0, RATE, ALISA_POLICY_DEVICE);
        Outcome in_place = run_with(model, all, 1, 0, ALISA_POLICY_DEVICE);
        Outcome copied = run_with(model, all, 1, RATE, ALISA_POLICY_DEVICE);
        check_same(names[i], "in place", &whole, &in_place);
        check_same(names[i], "copied", &whole, &copied);
        assert_int_equal(copied.use.host_weight_bytes + copied.use.weight_bytes,
                         whole.use.weight_bytes);
        free(whole.logits);
        free(in_place.logits);
        free(copied.logits);
        alisa_model_close(model);
    }
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* A budget that the weights outgrow is enough for those that are on the device. */
static void test_less_memory(void **state) {
    (void)state;
    AlisaModel *model = open_model("architectures/llama-experts");
    Outcome whole = run_with(model, NULL, 0, RATE, ALISA_POLICY_DEVICE);
    AlisaEngine *engine;
    uint64_t little = whole.use.weight_bytes - 1;
    assert_int_equal(try_engine(model, NULL, 0, RATE, little, &engine), ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "--cpu-moe"));
    support_must(try_engine(model, experts, 1, RATE, little, &engine), &error);
    alisa_engine_destroy(engine);
    free(whole.logits);
    alisa_model_close(model);
}

static AlisaPlan plan_with(AlisaModel *model, const AlisaTensorRule *rules, size_t count) {
    AlisaEngine *engine;
    AlisaPlan plan;
    AlisaPlanOptions options;
    support_must(try_engine(model, rules, count, RATE, 1 << 20, &engine), &error);
    alisa_plan_options_defaults(&options);
    options.engine = engine;
    options.prompt_length = options.generate_length = 8;
    options.micro_batch = 16;
    support_must(alisa_plan_make(&options, ALISA_POLICY_DEVICE, &plan, &error), &error);
    alisa_engine_destroy(engine);
    return plan;
}

/* A plan counts on the device what is there: weights of the host are not, the room for them is. */
static void test_plan(void **state) {
    (void)state;
    AlisaModel *model = open_model("architectures/llama-experts");
    Outcome copied = run_with(model, experts, 1, RATE, ALISA_POLICY_DEVICE);
    AlisaPlan whole = plan_with(model, NULL, 0), plan = plan_with(model, experts, 1);
    assert_int_equal(whole.host_weight_bytes, 0);
    assert_int_equal(plan.weight_bytes, whole.weight_bytes);
    assert_int_equal(plan.host_weight_bytes,
                     copied.use.host_weight_bytes); /* F16: as in the file */
    double less = whole.peak_device_bytes - plan.peak_device_bytes;
    assert_true(less > 0.5 * (double)plan.host_weight_bytes);
    assert_true(less < (double)plan.host_weight_bytes);
    alisa_plan_finish(&whole);
    alisa_plan_finish(&plan);
    free(copied.logits);
    alisa_model_close(model);
}

static void test_bytes_of_a_file(void **state) {
    (void)state;
    char path[512];
    AlisaFile *file;
    uint64_t bytes, count, expected = 0, tensors = 0;
    snprintf(path, sizeof path, "%s/golden/architectures/llama-experts.gguf", TESTS_DIR);
    support_must(alisa_file_open(path, &file, &error), &error);
    AlisaFileInfo info;
    alisa_file_info(file, &info);
    for (uint64_t i = 0; i < info.tensor_count; i++) {
        AlisaFileTensor tensor;
        support_must(alisa_file_tensor(file, i, &tensor, &error), &error);
        if (!strstr(tensor.name, "_exps.weight")) continue;
        expected += tensor.byte_count;
        tensors++;
    }
    support_must(alisa_file_host_bytes(file, experts, 1, &bytes, &count, &error), &error);
    assert_int_equal(bytes, expected);
    assert_int_equal(count, tensors);
    assert_true(tensors > 0);
    alisa_file_close(file);
}

/* ---- Rules that are none -------------------------------------------------------------------- */

static void check_refused(const char *name, const AlisaTensorRule *rules, size_t count,
                          const char *what) {
    AlisaModel *model = open_model(name);
    AlisaEngine *engine;
    assert_int_equal(try_engine(model, rules, count, 0, 0, &engine), ALISA_ERROR_ARGUMENT);
    assert_null(engine);
    if (!strstr(error.message, what)) fail_msg("no '%s' in: %s", what, error.message);
    alisa_model_close(model);
}

static void test_refused(void **state) {
    (void)state;
    const char *moe = "architectures/llama-experts";
    const AlisaTensorRule broken[] = {{"_exps", true}, {"ffn_(up", true}};
    check_refused(moe, broken, 2, "'ffn_(up'");
    check_refused(moe, broken, 2, "at its character 8");
    const AlisaTensorRule nothing[] = {{"ffn_xps", true}};
    check_refused(moe, nothing, 1, "'ffn_xps' matches the name of no matrix");
    check_refused("odd-f32", experts, 1, "matches the name of no matrix");
    const AlisaTensorRule table[] = {{"^token_embd", true}}, norms[] = {{"_norm", true}};
    check_refused(moe, table, 1, "matches the name of no matrix");
    check_refused(moe, norms, 1, "matches the name of no matrix");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_experts),    cmocka_unit_test(test_tokens_in_two_places),
        cmocka_unit_test(test_any_matrix), cmocka_unit_test(test_less_memory),
        cmocka_unit_test(test_plan),       cmocka_unit_test(test_bytes_of_a_file),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, support_open_device, support_close_device);
}
