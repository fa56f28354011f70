/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole model with its keys and values in every storage type: close to the floats, the same
 * however the rows are cut into micro-batches and sequences, and right again after a sequence was
 * cut back, into blocks that are sealed too.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "support.h"

enum { COUNT = 400, CONTEXT = COUNT + 7, SEQUENCES = 3 };

typedef struct Types {
    AlisaKvType key, value;
    /* Largest difference of a log-probability from that with floats, and between two ways to cut
     * the same rows. Halves move K and V by 2^-12 of their size at most; 8 bits by 1/254 of the
     * largest of their group and by 1/510 of their channel's range. What that does to a
     * log-probability depends on the model: a third to a half of these was measured. Cuts change
     * the order of floating sums where other kernels run, and such a difference may take a code
     * over a boundary. */
    double storage, cut;
} Types;

static const Types types[] = {
    {ALISA_KV_F16, ALISA_KV_F16, 0.004, 0.0003}, {ALISA_KV_Q8_0, ALISA_KV_Q8_0, 0.02, 0.01},
    {ALISA_KV_I8, ALISA_KV_I8, 0.01, 0.01},      {ALISA_KV_F16, ALISA_KV_I8, 0.01, 0.01},
    {ALISA_KV_I8, ALISA_KV_Q8_0, 0.03, 0.01},    {ALISA_KV_F32, ALISA_KV_I8, 0.01, 0.01},
};
enum { TYPES = sizeof types / sizeof *types };

static AlisaModel *model;
static AlisaEngine *engine;
static AlisaModelInfo info;
static int32_t *tokens;
static double *exact; /* [COUNT - 1] log-probability of the next token, K and V as floats */

static AlisaSession *open_session(const Types *kv, uint32_t micro_batch, uint32_t sequences) {
    AlisaError error;
    AlisaSessionOptions options;
    AlisaSession *session;
    alisa_session_options_defaults(&options);
    options.context_length = CONTEXT;
    options.micro_batch = micro_batch;
    options.sequence_count = sequences;
    options.logit_rows = COUNT * sequences;
    options.key_type = kv->key;
    options.value_type = kv->value;
    support_must(alisa_session_create(engine, &options, &session, &error), &error);
    return session;
}

/* Log-probability of `token` after the index-th row with logits. */
static double score(AlisaSession *session, size_t index, int32_t token) {
    float *logits = alisa_session_logits(session, index);
    assert_non_null(logits);
    alisa_log_softmax(logits, info.vocabulary_size, logits);
    assert_true(isfinite(logits[token]));
    return logits[token];
}

/* Appends text[first..end-1] to a sequence; scores of the tokens after each go to scores[first..].
 */
static void append(AlisaSession *session, uint32_t sequence, const int32_t *text, uint32_t first,
                   uint32_t end, double *scores) {
    AlisaError error;
    AlisaRow rows[COUNT] = {0};
    for (uint32_t i = first; i < end; i++)
        rows[i - first] = (AlisaRow){text[i], sequence, scores != NULL};
    support_must(alisa_session_eval(session, rows, end - first, &error), &error);
    for (uint32_t i = first; scores && i < end && i + 1 < COUNT; i++)
        scores[i] = score(session, i - first, tokens[i + 1]);
}

static double worst_difference(const double *a, const double *b, uint32_t first, uint32_t end) {
    double worst = 0;
    for (uint32_t i = first; i < end && i + 1 < COUNT; i++)
        worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

static void require_close(const Types *kv, const char *what, const double *got,
                          const double *wanted, uint32_t first, uint32_t end, double tolerance) {
    double worst = worst_difference(got, wanted, first, end);
    print_message("%s/%s %s: worst difference %.2g\n", alisa_kv_type_name(kv->key),
                  alisa_kv_type_name(kv->value), what, worst);
    if (!(worst <= tolerance))
        fail_msg("%s/%s %s: a log-probability is off by %g, more than %g",
                 alisa_kv_type_name(kv->key), alisa_kv_type_name(kv->value), what, worst,
                 tolerance);
}

/* Where a cut leaves f16 the same bits, it leaves every type the same bits. */
static void test_storage_and_cuts(void **state) {
    (void)state;
    enum { SIZES = 4 };
    static const uint32_t sizes[SIZES] = {1, 7, 64, 100};
    double halves[SIZES];
    for (size_t t = 0; t < TYPES; t++) {
        double whole[COUNT], cut[COUNT];
        AlisaSession *session = open_session(&types[t], 512, 1);
        append(session, 0, tokens, 0, COUNT, whole);
        alisa_session_destroy(session);
        require_close(&types[t], "storage", whole, exact, 0, COUNT, types[t].storage);
        for (size_t i = 0; i < SIZES; i++) {
            char what[32];
            snprintf(what, sizeof what, "-ub %u", sizes[i]);
            session = open_session(&types[t], sizes[i], 1);
            append(session, 0, tokens, 0, COUNT, cut);
            alisa_session_destroy(session);
            if (t == 0) halves[i] = worst_difference(cut, whole, 0, COUNT);
            require_close(&types[t], what, cut, whole, 0, COUNT, halves[i] > 0 ? types[t].cut : 0);
        }
    }
}

/* Sequences whose rows come mixed, at different positions of their blocks, filling the context. */
static void test_mixed_sequences(void **state) {
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        AlisaError error;
        AlisaSession *session = open_session(&types[t], 90, SEQUENCES);
        static const uint32_t begin[SEQUENCES] = {0, 150, 63}, step[SEQUENCES] = {70, 1, 33};
        double got[SEQUENCES][COUNT];
        for (uint32_t s = 0; s < SEQUENCES; s++)
            append(session, s, tokens, 0, begin[s], got[s]);
        uint32_t at[SEQUENCES];
        memcpy(at, begin, sizeof at);
        for (bool more = true; more;) {
            AlisaRow rows[COUNT];
            uint32_t sequence_of[COUNT], position_of[COUNT], count = 0;
            for (uint32_t s = 0; s < SEQUENCES; s++)
                for (uint32_t i = 0; i < step[s] && at[s] < COUNT; i++) {
                    sequence_of[count] = s;
                    position_of[count] = at[s];
                    rows[count++] = (AlisaRow){tokens[at[s]++], s, true};
                }
            support_must(alisa_session_eval(session, rows, count, &error), &error);
            for (uint32_t i = 0; i < count; i++)
                if (position_of[i] + 1 < COUNT)
                    got[sequence_of[i]][position_of[i]] =
                        score(session, i, tokens[position_of[i] + 1]);
            more = at[0] < COUNT || at[1] < COUNT || at[2] < COUNT;
        }
        for (uint32_t s = 0; s < SEQUENCES; s++)
            require_close(&types[t], "mixed sequences", got[s], exact, 0, COUNT, types[t].storage);
        alisa_session_destroy(session);
    }
}

/* Other text is stored, then forgotten, then the right one is appended: after a cut inside a block
 * whose halves are still there the bits are those of a sequence that never went further; after a
 * cut into a sealed block they are as close to the floats as any. */
static void test_truncation(void **state) {
    (void)state;
    int32_t wrong[COUNT];
    for (size_t t = 0; t < TYPES; t++) {
        for (int sealed = 0; sealed < 2; sealed++) {
            uint32_t kept = 200, end = sealed ? 330 : 250; /* of the block 192..255 */
            double got[COUNT], straight[COUNT];
            memcpy(wrong, tokens, sizeof wrong);
            for (uint32_t i = kept; i < COUNT; i++)
                wrong[i] = tokens[COUNT - 1 - i];
            AlisaSession *session = open_session(&types[t], 512, 1);
            append(session, 0, wrong, 0, kept, got);
            append(session, 0, wrong, kept, end, NULL);
            alisa_session_truncate(session, 0, kept);
            append(session, 0, tokens, kept, COUNT, got);
            require_close(&types[t], "cut back", got, exact, 0, COUNT, types[t].storage);
            alisa_session_truncate(session, 0, 0);
            append(session, 0, tokens, 0, kept, straight);
            append(session, 0, tokens, kept, COUNT, straight);
            if (!sealed) assert_memory_equal(got, straight, (COUNT - 1) * sizeof *got);
            alisa_session_destroy(session);
        }
    }
}

static void test_unfit_heads_are_refused(void **state) {
    (void)state;
    AlisaError error;
    AlisaModel *small;
    AlisaEngine *its;
    AlisaSession *session;
    AlisaEngineOptions engine_options;
    AlisaSessionOptions options;
    alisa_engine_options_defaults(&engine_options);
    alisa_session_options_defaults(&options);
    support_must(alisa_model_open(TESTS_DIR "/golden/gqa3-head24-bf16.gguf", &small, &error),
                 &error);
    support_must(alisa_engine_create(small, support_device, &engine_options, &its, &error), &error);
    options.value_type = ALISA_KV_Q8_0;
    assert_int_equal(alisa_session_create(its, &options, &session, &error),
                     ALISA_ERROR_UNSUPPORTED);
    assert_null(session);
    assert_non_null(strstr(error.message, "multiple of 32"));
    assert_non_null(strstr(error.message, "f16, f32, i8"));
    options.value_type = ALISA_KV_TYPE_COUNT;
    assert_int_equal(alisa_session_create(its, &options, &session, &error), ALISA_ERROR_ARGUMENT);
    options.value_type = ALISA_KV_I8;
    support_must(alisa_session_create(its, &options, &session, &error), &error);
    alisa_session_destroy(session);
    alisa_engine_destroy(its);
    alisa_model_close(small);
}

static int open_all(void **state) {
    AlisaError error = {0};
    AlisaDiskMap text = {0};
    AlisaEngineOptions options;
    size_t count = 0;
    alisa_engine_options_defaults(&options);
    if (support_open_device(state) != 0) return -1;
    AlisaStatus status = alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error);
    if (!status) status = alisa_engine_create(model, support_device, &options, &engine, &error);
    if (!status) status = alisa_disk_map_open(MODELS_DIR "/heldout.txt", &text, &error);
    if (!status)
        status = alisa_tokenize(model, (const char *)text.data, 4000, ALISA_TOKENIZE_BOS, &tokens,
                                &count, &error);
    alisa_disk_map_close(&text);
    if (status || count < COUNT) {
        fprintf(stderr, "%zu tokens: %s\n", count, error.message);
        return -1;
    }
    alisa_model_info(model, &info);
    exact = calloc(COUNT, sizeof *exact);
    if (!exact) return -1;
    static const Types floats = {ALISA_KV_F32, ALISA_KV_F32, 0, 0};
    AlisaSession *session = open_session(&floats, 512, 1);
    append(session, 0, tokens, 0, COUNT, exact);
    alisa_session_destroy(session);
    return 0;
}

static int close_all(void **state) {
    free(exact);
    alisa_free(tokens);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    return support_close_device(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storage_and_cuts),
        cmocka_unit_test(test_mixed_sequences),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_unfit_heads_are_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
