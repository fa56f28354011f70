/* SPDX-License-Identifier: Apache-2.0 */
/* A whole model whose products of many rows are done by CLBlast: the logits of our own kernels, and
 * its scratch within the budget of sessions. */
#include <math.h>
#include <string.h>

#include "alisa/bench.h"
#include "engine/session.h"
#include "skip.h"
#include "support.h"

enum { ROWS = 40 };

static AlisaModel *model;
static AlisaEngine *engine;
static AlisaOps *ours, *clblast;

static int open_engine(void **state) {
    if (support_open_device(state)) return -1;
    AlisaError error;
    AlisaEngineOptions options;
    AlisaOpsParameters parameters;
    alisa_engine_options_defaults(&options);
    alisa_ops_parameters_in(alisa_device_info(support_device), ALISA_LAYOUT_CLBLAST, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++)
        parameters.matmul[type].from = 2;
    if (alisa_model_open(TESTS_DIR "/golden/gqa4-f16.gguf", &model, &error) ||
        alisa_engine_create(model, support_device, &options, &engine, &error) ||
        alisa_ops_create(support_device, &parameters, &clblast, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    ours = engine->shards[0].ops;
    return 0;
}

static int close_engine(void **state) {
    engine->shards[0].ops = ours;
    alisa_ops_destroy(clblast);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    return support_close_device(state);
}

/* A session whose products are done by `ops`; its options end on the device. */
static AlisaStatus open_session(AlisaOps *ops, AlisaSession **session, AlisaError *error) {
    AlisaSessionOptions options;
    alisa_session_options_defaults(&options);
    options.context_length = 64;
    options.logit_rows = ROWS;
    engine->shards[0].ops = ops;
    return alisa_session_create(engine, &options, session, error);
}

static void test_logits(void **state) {
    (void)state;
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    AlisaSession *sessions[2];
    AlisaOps *const ops[2] = {ours, clblast};
    AlisaRow rows[ROWS];
    AlisaModelInfo info;
    alisa_model_info(model, &info);
    for (int i = 0; i < 2; i++) {
        AlisaError error;
        support_must(open_session(ops[i], &sessions[i], &error), &error);
        for (int r = 0; r < ROWS; r++)
            rows[r] = (AlisaRow){40 + r, 0, true};
        support_must(alisa_session_eval(sessions[i], rows, ROWS, &error), &error);
    }
    for (size_t r = 0; r < ROWS; r++) {
        const float *own = alisa_session_logits(sessions[0], r);
        const float *other = alisa_session_logits(sessions[1], r);
        for (uint32_t i = 0; i < info.vocabulary_size; i++)
            if (!(fabsf(own[i] - other[i]) <= 2e-3f))
                fail_msg("row %zu, token %u: %g, not %g", r, i, (double)other[i], (double)own[i]);
    }
    for (int i = 0; i < 2; i++)
        alisa_session_destroy(sessions[i]);
}

/* Counted as scratch, and refused where the budget does not hold it. */
static void test_budget(void **state) {
    (void)state;
    AlisaError error;
    AlisaSession *session;
    AlisaMemoryUse own, other;
    uint64_t scratch = alisa_ops_scratch_bytes(clblast);
    assert_int_equal(alisa_ops_scratch_bytes(ours), 0);
    assert_in_range(scratch, 1 << 20, 24 << 20);
    support_must(open_session(ours, &session, &error), &error);
    alisa_session_memory(session, &own);
    alisa_session_destroy(session);
    support_must(open_session(clblast, &session, &error), &error);
    alisa_session_memory(session, &other);
    alisa_session_destroy(session);
    assert_int_equal(other.scratch_bytes, own.scratch_bytes + scratch);

    uint64_t budget = engine->budgets[0].bytes;
    engine->budgets[0].bytes = own.weight_bytes + own.kv_bytes + own.scratch_bytes + scratch / 2;
    support_must(open_session(ours, &session, &error), &error);
    alisa_session_destroy(session);
    assert_int_equal(open_session(clblast, &session, &error), ALISA_ERROR_MEMORY);
    engine->budgets[0].bytes = budget;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_logits),
                                       cmocka_unit_test(test_budget)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
