/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default model does what models/README.md says of it: its held-out loss, and the recall of
 * facts stated 500 to 1400 tokens earlier.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/disk.h"
#include "support.h"

/* By models/evaluate.py, another implementation with single-precision keys and values. */
#define HELD_OUT_LOSS   0.2592
#define LOSS_TOLERANCE  0.001
#define RECALL_REQUIRED 0.90

enum { CONTEXT = 2048, EVERY = 3 };

static AlisaModel *model;
static AlisaEngine *engine;
static AlisaSession *session;
static float *log_probabilities;

static int open_all(void **state) {
    AlisaError error = {0};
    AlisaEngineOptions engine_options;
    AlisaSessionOptions options;
    AlisaModelInfo info;
    alisa_engine_options_defaults(&engine_options);
    alisa_session_options_defaults(&options);
    options.context_length = CONTEXT;
    options.logit_rows = CONTEXT;
    if (support_open_device(state) != 0) return -1;
    AlisaStatus status = alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error);
    if (!status)
        status = alisa_engine_create(model, support_device, &engine_options, &engine, &error);
    if (!status) status = alisa_session_create(engine, &options, &session, &error);
    if (status) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    alisa_model_info(model, &info);
    log_probabilities = calloc(info.vocabulary_size, sizeof(float));
    return log_probabilities ? 0 : -1;
}

static int close_all(void **state) {
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    free(log_probabilities);
    return support_close_device(state);
}

/* Starts the sequence again with BOS and `count` tokens; `all`: logits after each, else after the
 * last only. */
static void start_with(const int32_t *tokens, size_t count, bool all) {
    AlisaError error;
    AlisaRow *rows = calloc(count + 1, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i <= count; i++) {
        rows[i] = (AlisaRow){i == 0 ? alisa_model_bos(model) : tokens[i - 1], 0, all || i == count};
    }
    alisa_session_truncate(session, 0, 0);
    support_must(alisa_session_eval(session, rows, count + 1, &error), &error);
    free(rows);
}

static uint32_t vocabulary_size(void) {
    AlisaModelInfo info;
    alisa_model_info(model, &info);
    return info.vocabulary_size;
}

/* Negative log-likelihood of one story and of the end after it; adds its predictions to *count. */
static double story_loss(const char *text, size_t length, size_t *count) {
    int32_t *tokens;
    size_t token_count;
    AlisaError error;
    support_must(alisa_tokenize(model, text, length, 0, &tokens, &token_count, &error), &error);
    assert_in_range(token_count, 1, CONTEXT - 1);
    start_with(tokens, token_count, true);
    double loss = 0.0;
    for (size_t i = 0; i <= token_count; i++) {
        int32_t target = i < token_count ? tokens[i] : alisa_model_eos(model);
        alisa_log_softmax(alisa_session_logits(session, i), vocabulary_size(), log_probabilities);
        loss -= log_probabilities[target];
    }
    alisa_free(tokens);
    *count += token_count + 1;
    return loss;
}

static void held_out_loss_is_as_stated(void **state) {
    (void)state;
    static const char separator[] = "<|endoftext|>";
    uint8_t *data;
    size_t size, predictions = 0;
    AlisaError error;
    support_must(alisa_disk_read(MODELS_DIR "/heldout.txt", &data, &size, &error), &error);
    double loss = 0.0;
    const char *story = (const char *)data, *end = story + size;
    while (story < end) {
        const char *next = strstr(story, separator);
        size_t length = (size_t)((next ? next : end) - story);
        if (length > 0) loss += story_loss(story, length, &predictions);
        story = next ? next + strlen(separator) : end;
    }
    free(data);
    loss /= (double)predictions;
    print_message("held-out loss %.4f over %zu tokens\n", loss, predictions);
    assert_true(predictions > 20000);
    assert_true(fabs(loss - HELD_OUT_LOSS) < LOSS_TOLERANCE);
}

static int32_t likeliest(void) {
    const float *logits = alisa_session_logits(session, 0);
    int32_t best = 0;
    for (uint32_t i = 1; i < vocabulary_size(); i++) {
        if (logits[i] > logits[best]) best = (int32_t)i;
    }
    return best;
}

/* Whether greedy decoding writes " answer" after the prompt. */
static bool is_recalled(const char *prompt, const char *answer) {
    char spaced[128];
    int32_t *tokens, *wanted;
    size_t token_count, wanted_count;
    AlisaError error;
    snprintf(spaced, sizeof spaced, " %s", answer);
    support_must(alisa_tokenize(model, prompt, strlen(prompt), 0, &tokens, &token_count, &error),
                 &error);
    support_must(alisa_tokenize(model, spaced, strlen(spaced), 0, &wanted, &wanted_count, &error),
                 &error);
    start_with(tokens, token_count, false);
    bool right = true;
    for (size_t i = 0; i < wanted_count && right; i++) {
        right = likeliest() == wanted[i];
        AlisaRow row = {wanted[i], 0, true};
        support_must(alisa_session_eval(session, &row, 1, &error), &error);
    }
    alisa_free(tokens);
    alisa_free(wanted);
    return right;
}

static void distant_facts_are_recalled(void **state) {
    (void)state;
    FILE *file = fopen(MODELS_DIR "/recall.jsonl", "r");
    assert_non_null(file);
    size_t asked = 0, recalled = 0, line = 0;
    json_error_t json_error;
    json_t *item;
    while ((item = json_loadf(file, JSON_DISABLE_EOF_CHECK, &json_error))) {
        if (line++ % EVERY == 0) {
            assert_true(json_integer_value(json_object_get(item, "distance")) >= 500);
            asked++;
            recalled += is_recalled(json_string_value(json_object_get(item, "prompt")),
                                    json_string_value(json_object_get(item, "answer")));
        }
        json_decref(item);
    }
    fclose(file);
    print_message("recalled %zu of %zu facts stated 500 to 1400 tokens earlier\n", recalled, asked);
    assert_true(asked >= 40);
    assert_true((double)recalled >= RECALL_REQUIRED * (double)asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_loss_is_as_stated),
        cmocka_unit_test(distant_facts_are_recalled),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
