/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa eval logprobs: how likely the model finds each token of a prompt, and its own greedy
 * continuation.
 */
#include "runtime/runtime.h"

#include <math.h>
#include <stdlib.h>

enum { TOP_COUNT = 5 };

typedef struct Scorer {
    Runtime runtime;
    Tokens prompt;
    json_t *entries;
} Scorer;

/* Ids of the largest values, the lower id first among equals. Returns how many there are. */
static size_t find_top(const float *values, uint32_t count, int32_t top[TOP_COUNT]) {
    size_t found = 0;
    for (uint32_t id = 0; id < count; id++) {
        size_t place = found < TOP_COUNT ? found : TOP_COUNT;
        while (place > 0 && values[id] > values[top[place - 1]]) {
            if (place < TOP_COUNT) top[place] = top[place - 1];
            place--;
        }
        if (place < TOP_COUNT) top[place] = (int32_t)id;
        if (found < TOP_COUNT) found++;
    }
    return found;
}

/* Adds the entry of one position. `token` -1 takes the likeliest. Returns the token. */
static int32_t add_entry(Scorer *scorer, float *logits, int32_t token) {
    uint32_t vocabulary = scorer->runtime.info.vocabulary_size;
    alisa_log_softmax(logits, vocabulary, logits);
    int32_t top[TOP_COUNT] = {0};
    size_t found = find_top(logits, vocabulary, top);
    if (token < 0) token = top[0];
    json_t *rows = json_array();
    for (size_t i = 0; i < found; i++) {
        json_array_append_new(
            rows, json_pack("{s:i, s:f}", "id", (int)top[i], "logprob", (double)logits[top[i]]));
    }
    json_array_append_new(scorer->entries, json_pack("{s:i, s:f, s:o}", "id", (int)token, "logprob",
                                                     (double)logits[token], "top", rows));
    return token;
}

static AlisaStatus score_prompt(Scorer *scorer, uint32_t piece, int32_t *next, AlisaError *error) {
    AlisaSession *session = scorer->runtime.session;
    const Tokens *prompt = &scorer->prompt;
    AlisaRow *rows = malloc(piece * sizeof *rows);
    if (!rows) return alisa_cli_memory_error(error);
    AlisaStatus status = ALISA_OK;
    bool generate = scorer->runtime.settings->predict > 0;
    for (size_t done = 0; done < prompt->count && status == ALISA_OK;) {
        size_t count = prompt->count - done < piece ? prompt->count - done : piece;
        for (size_t i = 0; i < count; i++) {
            rows[i] = (AlisaRow){prompt->ids[done + i], 0, true};
        }
        status = alisa_session_eval(session, rows, count, error);
        for (size_t i = 0; i < count && status == ALISA_OK; i++) {
            bool last = done + i + 1 == prompt->count;
            if (last && !generate) break;
            int32_t token = add_entry(scorer, alisa_session_logits(session, i),
                                      last ? -1 : prompt->ids[done + i + 1]);
            if (last) *next = token;
        }
        done += count;
    }
    free(rows);
    return status;
}

static AlisaStatus score_all(Scorer *scorer, uint32_t piece, AlisaError *error) {
    int32_t next = -1;
    AlisaStatus status = score_prompt(scorer, piece, &next, error);
    for (int64_t i = 1; i < scorer->runtime.settings->predict && status == ALISA_OK; i++) {
        AlisaRow row = {next, 0, true};
        status = alisa_session_eval(scorer->runtime.session, &row, 1, error);
        if (status == ALISA_OK) {
            next = add_entry(scorer, alisa_session_logits(scorer->runtime.session, 0), -1);
        }
    }
    return status;
}

static void print_table(const Scorer *scorer) {
    printf("%8s %8s %10s  likeliest\n", "position", "id", "logprob");
    size_t index;
    json_t *entry;
    json_array_foreach(scorer->entries, index, entry) {
        printf("%8zu %8d %10.4f ", index + 1, (int)json_integer_value(json_object_get(entry, "id")),
               json_real_value(json_object_get(entry, "logprob")));
        size_t rank;
        json_t *row;
        json_array_foreach(json_object_get(entry, "top"), rank, row) {
            printf(" %d:%.4f", (int)json_integer_value(json_object_get(row, "id")),
                   json_real_value(json_object_get(row, "logprob")));
        }
        putchar('\n');
    }
}

static void print_results(Scorer *scorer) {
    const Settings *settings = scorer->runtime.settings;
    if (settings->output == OUTPUT_TEXT) {
        print_table(scorer);
        return;
    }
    json_t *ids = json_array();
    for (size_t i = 0; i < scorer->prompt.count; i++) {
        json_array_append_new(ids, json_integer(scorer->prompt.ids[i]));
    }
    alisa_cli_output_json(json_pack("{s:s, s:o, s:I, s:O}", "model", settings->model,
                                    "prompt_tokens", ids, "n_predict",
                                    (json_int_t)settings->predict, "tokens", scorer->entries),
                          JSON_INDENT(2));
}

/* The prompt as ids from --tokens, or as text. */
static ExitCode read_tokens(Scorer *scorer) {
    const Settings *settings = scorer->runtime.settings;
    const IntegerList *list = &settings->tokens;
    if (settings->prompt && list->count > 0) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "give the text with -p or with --tokens, not with both");
    }
    if (!settings->prompt && list->count == 0) {
        return alisa_cli_refuse(EXIT_USAGE, "no text was given: use -p TEXT or --tokens IDS");
    }
    if (settings->prompt) {
        Text text = {0};
        ExitCode code = alisa_cli_runtime_prompt(settings, &text);
        if (code == EXIT_DONE) {
            code =
                alisa_cli_runtime_tokenize(&scorer->runtime, text.data, text.size, &scorer->prompt);
        }
        alisa_cli_text_free(&text);
        return code;
    }
    scorer->prompt.ids = malloc(list->count * sizeof *scorer->prompt.ids);
    if (!scorer->prompt.ids) return alisa_cli_out_of_memory();
    for (; scorer->prompt.count < list->count; scorer->prompt.count++) {
        int64_t id = list->values[scorer->prompt.count];
        if (id >= scorer->runtime.info.vocabulary_size) {
            return alisa_cli_refuse(EXIT_USAGE, "--tokens: %lld is outside the vocabulary of %u",
                                    (long long)id, scorer->runtime.info.vocabulary_size);
        }
        scorer->prompt.ids[scorer->prompt.count] = (int32_t)id;
    }
    return EXIT_DONE;
}

static ExitCode run_scorer(Scorer *scorer) {
    Runtime *runtime = &scorer->runtime;
    const Settings *settings = runtime->settings;
    uint64_t limit = settings->context ? (uint64_t)settings->context : runtime->info.context_length;
    uint64_t needed = scorer->prompt.count + (uint64_t)settings->predict;
    if (settings->predict > 0) needed--; /* the last one is chosen, not appended */
    if (needed > limit) {
        return alisa_cli_refuse(EXIT_RUN_TIME,
                                "context_length_exceeded: the prompt and -n need %llu tokens and "
                                "the context holds %llu; shorten them or raise -c",
                                (unsigned long long)needed, (unsigned long long)limit);
    }
    ExitCode code = alisa_cli_runtime_engine(runtime);
    if (code != EXIT_DONE) return code;
    SessionChoice choice = alisa_cli_runtime_choice(runtime);
    choice.options.context_length = (uint32_t)needed;
    uint32_t piece = (uint32_t)settings->batch_size < 64 ? (uint32_t)settings->batch_size : 64;
    choice.options.logit_rows = piece;
    code = alisa_cli_runtime_session(runtime, &choice);
    if (code != EXIT_DONE) return code;
    scorer->entries = json_array();
    AlisaError error;
    AlisaStatus status = score_all(scorer, piece, &error);
    if (status == ALISA_ERROR_INTERRUPTED) return EXIT_INTERRUPTED;
    if (status != ALISA_OK) return alisa_cli_fail(&error);
    print_results(scorer);
    return EXIT_DONE;
}

ExitCode alisa_cli_logprobs(const Settings *settings) {
    Scorer scorer = {0};
    ExitCode code = alisa_cli_runtime_model(&scorer.runtime, settings);
    if (code == EXIT_DONE) code = read_tokens(&scorer);
    if (code == EXIT_DONE) code = run_scorer(&scorer);
    json_decref(scorer.entries);
    alisa_free(scorer.prompt.ids);
    alisa_cli_runtime_close(&scorer.runtime);
    return code;
}
