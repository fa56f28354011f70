/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of policy vllm whose way out or back fails: an error, no token lost, and they go on
 * when they are asked for again; on a failure of the device all of them are lost, and the session
 * can be used anew.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kv/tiers.h"
#include "support.h"

enum { SEQUENCES = 3, CONTEXT = 160, PROMPT = 100 };

/* Calls until one fails, counted down; 0: none does. */
static int offloads_left, needs_left;
static AlisaStatus failure;

static bool fails(int *left) {
    return *left > 0 && --*left == 0;
}

AlisaStatus __real_alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                       size_t count, bool release, AlisaError *error);
AlisaStatus __wrap_alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                       size_t count, bool release, AlisaError *error);
AlisaStatus __wrap_alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                       size_t count, bool release, AlisaError *error) {
    AlisaStatus status = __real_alisa_tiers_offload(tiers, ranges, count, release, error);
    if (!fails(&offloads_left)) return status;
    *error = (AlisaError){failure, "made to fail"};
    return failure;
}

AlisaStatus __real_alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                    size_t count, AlisaResidencyUse use, AlisaError *error);
AlisaStatus __wrap_alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                    size_t count, AlisaResidencyUse use, AlisaError *error);
AlisaStatus __wrap_alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                    size_t count, AlisaResidencyUse use, AlisaError *error) {
    if (!fails(&needs_left)) return __real_alisa_tiers_need(tiers, layer, lists, count, use, error);
    *error = (AlisaError){failure, "made to fail"};
    return failure;
}

static AlisaModel *model;
static AlisaEngine *engine;

static AlisaSession *open_session(AlisaPolicy policy) {
    AlisaSession *session;
    SupportOptions options;
    AlisaError error;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = CONTEXT;
    options.session.micro_batch = 16;
    options.placement.policy = policy;
    if (policy != ALISA_POLICY_DEVICE) {
        options.placement.device_share = 0.45; /* 13 blocks of 30; a prompt takes 7 */
        options.placement.host_memory = 64 << 20;
    }
    support_must(alisa_session_create(engine, &options.session, &session, &error), &error);
    return session;
}

static void append(AlisaSession *session, uint32_t sequence, uint32_t count) {
    AlisaRow rows[CONTEXT];
    AlisaError error;
    uint32_t length = alisa_session_length(session, sequence);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = (AlisaRow){(int32_t)(7 * sequence + 3 * (length + i) + 5) % 500, sequence,
                             i + 1 == count};
    support_must(alisa_session_eval(session, rows, count, &error), &error);
}

/* Asks for `count` rows of one sequence. */
static AlisaStatus admit(AlisaSession *session, uint32_t sequence, uint32_t count,
                         AlisaError *error) {
    uint32_t wanted[SEQUENCES] = {0};
    bool admitted[SEQUENCES];
    wanted[sequence] = count;
    AlisaStatus status = alisa_session_admit(session, wanted, admitted, error);
    for (uint32_t i = 0; i < SEQUENCES; i++)
        assert_int_equal(admitted[i], status == ALISA_OK && i == sequence);
    return status;
}

/* Every sequence goes on as it would on the device alone; those that were computed again, within
 * the rounding of halves. */
static void expect_whole(AlisaSession *session) {
    AlisaSession *device = open_session(ALISA_POLICY_DEVICE);
    AlisaError error;
    for (uint32_t i = 0; i < SEQUENCES; i++) {
        uint32_t length = alisa_session_length(session, i);
        if (length > 0) append(device, i, length);
        append(device, i, 1);
        support_must(admit(session, i, 1, &error), &error);
        append(session, i, 1);
        const float *logits = alisa_session_logits(session, 0);
        const float *expected = alisa_session_logits(device, 0);
        for (uint32_t j = 0; j < 512; j++)
            assert_true(fabsf(logits[j] - expected[j]) < 0.01f);
    }
    alisa_session_destroy(device);
}

/* A session whose sequences have to leave for the third to come. */
static AlisaSession *crowded(void) {
    AlisaSession *session = open_session(ALISA_POLICY_VLLM);
    append(session, 0, PROMPT);
    append(session, 1, 90);
    return session;
}

static void a_way_out_that_fails_loses_no_token(void **state) {
    (void)state;
    AlisaError error;
    AlisaSession *session = crowded();
    failure = ALISA_ERROR_MEMORY;
    offloads_left = 1;
    assert_int_equal(admit(session, 2, PROMPT, &error), ALISA_ERROR_MEMORY);
    assert_int_equal(offloads_left, 0);
    assert_string_equal(error.message, "made to fail");
    assert_int_equal(alisa_session_length(session, 0), PROMPT);
    assert_int_equal(alisa_session_length(session, 1), 90);
    support_must(admit(session, 2, PROMPT, &error), &error);
    append(session, 2, PROMPT);
    expect_whole(session);
    alisa_session_destroy(session);
}

static void a_way_back_that_fails_loses_no_token(void **state) {
    (void)state;
    AlisaError error;
    AlisaSession *session = crowded();
    support_must(admit(session, 2, PROMPT, &error), &error);
    append(session, 2, PROMPT);
    failure = ALISA_ERROR_MEMORY;
    needs_left = 3; /* two layers are on their way */
    assert_int_equal(admit(session, 1, 1, &error), ALISA_ERROR_MEMORY);
    assert_int_equal(needs_left, 0);
    assert_int_equal(alisa_session_length(session, 1), 90);
    expect_whole(session);
    alisa_session_destroy(session);
}

static void a_device_that_fails_loses_all(void **state) {
    (void)state;
    AlisaError error;
    AlisaSession *session = crowded();
    support_must(admit(session, 2, PROMPT, &error), &error);
    append(session, 2, PROMPT);
    failure = ALISA_ERROR_DEVICE;
    needs_left = 3;
    assert_int_equal(admit(session, 1, 1, &error), ALISA_ERROR_DEVICE);
    for (uint32_t i = 0; i < SEQUENCES; i++)
        assert_int_equal(alisa_session_length(session, i), 0);
    append(session, 0, PROMPT);
    append(session, 1, 90);
    expect_whole(session);
    alisa_session_destroy(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_way_out_that_fails_loses_no_token),
        cmocka_unit_test(a_way_back_that_fails_loses_no_token),
        cmocka_unit_test(a_device_that_fails_loses_all),
    };
    AlisaError error;
    AlisaEngineOptions options;
    if (support_open_device(NULL) != 0) return 1;
    alisa_engine_options_defaults(&options);
    if (alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error) != ALISA_OK ||
        alisa_engine_create(model, support_device, &options, &engine, &error) != ALISA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int failed = cmocka_run_group_tests_name("preemption that fails", tests, NULL, NULL);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    support_close_device(NULL);
    return failed;
}
