/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa eval perplexity. By llama.cpp's method: the text in chunks of -c tokens, each scored on its
 * second half, so that every scored token has at least half a chunk before it. Or by documents:
 * each text between two end tokens alone, scored from its first token to its end.
 */
#include "common/statistics.h"
#include "eval/passages.h"
#include "runtime/summary.h"

#include <math.h>
#include <stdlib.h>

typedef struct Score {
    Statistic loss;       /* negative log-probabilities */
    Statistic divergence; /* from the reference session */
    Statistic agreement;  /* 1 where both find the same token likeliest, else 0 */
    size_t left;          /* ids not scored yet */
} Score;

typedef struct Perplexity {
    Runtime runtime;
    PassageSet set;
    Tokens tokens;
    int32_t *copies; /* ids of documents with what begins and ends each */
    Score *scores;   /* [set.count] */
    Score total;     /* of the first `printed` passages */
    size_t printed;
} Perplexity;

/* ---- Scores ------------------------------------------------------------------------------- */

static void merge(Score *score, const Score *other) {
    alisa_cli_statistic_merge(&score->loss, &other->loss);
    alisa_cli_statistic_merge(&score->divergence, &other->divergence);
    alisa_cli_statistic_merge(&score->agreement, &other->agreement);
}

/* Prints the estimate after each passage, in their order, once all before it are scored. */
static bool print_running(Perplexity *perplexity) {
    for (; perplexity->printed < perplexity->set.count; perplexity->printed++) {
        const Score *score = &perplexity->scores[perplexity->printed];
        if (score->left > 0) break;
        merge(&perplexity->total, score);
        if (perplexity->runtime.settings->output != OUTPUT_TEXT) continue;
        char line[64];
        int length = snprintf(line, sizeof line, "[%zu]%.4lf,", perplexity->printed + 1,
                              exp(alisa_cli_statistic_mean(&perplexity->total.loss)));
        if (!alisa_cli_output(line, (size_t)length)) return false;
    }
    return true;
}

static bool score_id(void *user, size_t passage, size_t index, float *logits, float *reference) {
    Perplexity *perplexity = user;
    Score *score = &perplexity->scores[passage];
    size_t vocabulary = perplexity->runtime.info.vocabulary_size;
    alisa_log_softmax(logits, vocabulary, logits);
    alisa_cli_statistic_add(&score->loss,
                            -(double)logits[perplexity->set.passages[passage].ids[index]]);
    if (reference) {
        alisa_log_softmax(reference, vocabulary, reference);
        alisa_cli_statistic_add(&score->divergence,
                                alisa_cli_divergence(reference, logits, vocabulary));
        bool same =
            alisa_cli_likeliest(reference, vocabulary) == alisa_cli_likeliest(logits, vocabulary);
        alisa_cli_statistic_add(&score->agreement, same);
    }
    return --score->left > 0 || print_running(perplexity);
}

/* ---- Output ------------------------------------------------------------------------------- */

static void print_text(const Perplexity *perplexity) {
    const Score *total = &perplexity->total;
    double value = exp(alisa_cli_statistic_mean(&total->loss));
    putchar('\n');
    if (perplexity->set.compare) {
        printf("Mean    KLD: %.6g +/- %.3g\n", alisa_cli_statistic_mean(&total->divergence),
               alisa_cli_statistic_error(&total->divergence));
        printf("Maximum KLD: %.6g\n", total->divergence.largest);
        printf("Same top p: %.3lf +/- %.3lf %%\n",
               100.0 * alisa_cli_statistic_mean(&total->agreement),
               100.0 * alisa_cli_statistic_error(&total->agreement));
    }
    printf("Final estimate: PPL = %.4lf +/- %.5lf\n", value,
           value * alisa_cli_statistic_error(&total->loss));
    alisa_cli_output("", 0); /* before the timings on the other stream */
}

static void print_json(const Perplexity *perplexity) {
    const Settings *settings = perplexity->runtime.settings;
    const Score *total = &perplexity->total;
    double loss = alisa_cli_statistic_mean(&total->loss);
    double error = alisa_cli_statistic_error(&total->loss);
    json_t *result = alisa_cli_summary_describe(&perplexity->runtime);
    json_t *figures = json_pack(
        "{s:s, s:b, s:b, s:I, s:I, s:f, s:f, s:f, s:f}", "file", settings->file, "documents",
        settings->documents, "step_by_step", perplexity->set.step_by_step, "chunks",
        (json_int_t)perplexity->set.count, "tokens", (json_int_t)total->loss.count, "loss", loss,
        "loss_error", error, "perplexity", exp(loss), "perplexity_error", error * exp(loss));
    json_object_update(result, figures);
    json_decref(figures);
    if (perplexity->set.compare) {
        json_object_set_new(result, "kl_divergence",
                            json_pack("{s:f, s:f, s:f, s:f}", "mean",
                                      alisa_cli_statistic_mean(&total->divergence), "error",
                                      alisa_cli_statistic_error(&total->divergence), "maximum",
                                      total->divergence.largest, "same_top",
                                      alisa_cli_statistic_mean(&total->agreement)));
    }
    alisa_cli_output_json(result, JSON_INDENT(2));
}

/* ---- Passages ----------------------------------------------------------------------------- */

static ExitCode tokenize_file(Perplexity *perplexity, int32_t *begin) {
    const Settings *settings = perplexity->runtime.settings;
    const AlisaModel *model = perplexity->runtime.model;
    Tokens *tokens = &perplexity->tokens, empty = {0};
    Text text = {0};
    ExitCode code = alisa_cli_runtime_prompt(settings, &text);
    uint32_t flags = settings->documents ? ALISA_TOKENIZE_SPECIAL : ALISA_TOKENIZE_BOS;
    AlisaError error;
    if (code == EXIT_DONE && (alisa_tokenize(model, text.data, text.size, flags, &tokens->ids,
                                             &tokens->count, &error) != ALISA_OK ||
                              alisa_tokenize(model, "", 0, ALISA_TOKENIZE_BOS, &empty.ids,
                                             &empty.count, &error) != ALISA_OK)) {
        code = alisa_cli_fail(&error);
    }
    /* The tokens of an empty text are those that the model puts before every text. */
    *begin = code == EXIT_DONE && empty.count > 0 ? empty.ids[0] : -1;
    alisa_free(empty.ids);
    alisa_cli_text_free(&text);
    return code;
}

static ExitCode cut_chunks(Perplexity *perplexity, int32_t begin) {
    const Settings *settings = perplexity->runtime.settings;
    const Tokens *tokens = &perplexity->tokens;
    size_t size = (size_t)settings->context;
    if (tokens->count < 2 * size) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "%s has %zu tokens, but chunks of %zu need at least %zu: give a "
                                "longer text or lower -c",
                                settings->file, tokens->count, size, 2 * size);
    }
    PassageSet *set = &perplexity->set;
    set->passages = calloc(tokens->count / size, sizeof *set->passages);
    if (!set->passages) return alisa_cli_out_of_memory();
    for (; set->count < tokens->count / size; set->count++) {
        int32_t *ids = tokens->ids + set->count * size;
        if (begin >= 0) ids[0] = begin; /* each chunk begins as a text does */
        set->passages[set->count] = (Passage){.ids = ids, .count = size, .first = size / 2 + 1};
    }
    return EXIT_DONE;
}

static ExitCode cut_documents(Perplexity *perplexity, int32_t begin) {
    const Runtime *runtime = &perplexity->runtime;
    const Tokens *tokens = &perplexity->tokens;
    PassageSet *set = &perplexity->set;
    int32_t end = alisa_model_eos(runtime->model);
    size_t most = 1;
    for (size_t i = 0; i < tokens->count; i++) {
        most += alisa_model_is_end(runtime->model, tokens->ids[i]);
    }
    set->passages = calloc(most, sizeof *set->passages);
    perplexity->copies = malloc((tokens->count + 2 * most) * sizeof *perplexity->copies);
    if (!set->passages || !perplexity->copies) return alisa_cli_out_of_memory();
    int32_t *ids = perplexity->copies;
    for (size_t i = 0; i <= tokens->count; i++) {
        size_t start = i, count = 0;
        if (begin >= 0) ids[count++] = begin;
        while (i < tokens->count && !alisa_model_is_end(runtime->model, tokens->ids[i]))
            ids[count++] = tokens->ids[i++];
        bool empty = i == start;
        if (end >= 0) ids[count++] = end;
        if (empty || count < 2) continue;
        if (count - 1 > runtime->info.context_length) {
            return alisa_cli_refuse(EXIT_RUN_TIME,
                                    "context_length_exceeded: %s: document %zu has %zu tokens and "
                                    "the context holds %u; score it in chunks, without --documents",
                                    runtime->settings->file, set->count + 1, count,
                                    runtime->info.context_length);
        }
        set->passages[set->count++] = (Passage){.ids = ids, .count = count, .first = 1};
        ids += count;
    }
    if (set->count > 0) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_USAGE, "%s: no text in it", runtime->settings->file);
}

static ExitCode make_passages(Perplexity *perplexity) {
    const Settings *settings = perplexity->runtime.settings;
    PassageSet *set = &perplexity->set;
    if (!settings->file) return alisa_cli_refuse(EXIT_USAGE, "no text was given: use -f FILE");
    int32_t begin = -1;
    ExitCode code = tokenize_file(perplexity, &begin);
    if (code != EXIT_DONE) return code;
    code = settings->documents ? cut_documents(perplexity, begin) : cut_chunks(perplexity, begin);
    if (code != EXIT_DONE) return code;
    if (settings->chunks >= 0 && (uint64_t)settings->chunks < set->count) {
        set->count = (size_t)settings->chunks;
    }
    if (set->count == 0) return alisa_cli_refuse(EXIT_USAGE, "nothing to score: --chunks is 0");
    perplexity->scores = calloc(set->count, sizeof *perplexity->scores);
    if (!perplexity->scores) return alisa_cli_out_of_memory();
    for (size_t i = 0; i < set->count; i++) {
        perplexity->scores[i].left = set->passages[i].count - set->passages[i].first;
    }
    set->runtime = &perplexity->runtime;
    set->compare = settings->kl_divergence;
    set->step_by_step = alisa_cli_passages_by_step(settings);
    set->scored = score_id;
    set->user = perplexity;
    /* A passage that is fed whole fills the device by itself. */
    size_t batch = set->step_by_step ? (size_t)settings->batch : 1;
    set->sequences = (uint32_t)(batch < set->count ? batch : set->count);
    return EXIT_DONE;
}

ExitCode alisa_cli_perplexity(const Settings *settings) {
    Perplexity perplexity = {0};
    ExitCode code = alisa_cli_runtime_model(&perplexity.runtime, settings);
    if (code == EXIT_DONE) code = make_passages(&perplexity);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&perplexity.runtime);
    if (code == EXIT_DONE) {
        code = alisa_cli_passages_run(&perplexity.set);
        if (code == EXIT_DONE && perplexity.printed == perplexity.set.count) {
            settings->output == OUTPUT_JSON ? print_json(&perplexity) : print_text(&perplexity);
        } else if (settings->output == OUTPUT_TEXT && perplexity.printed > 0) {
            alisa_cli_output("\n", 1);
        }
        if (code == EXIT_DONE || code == EXIT_INTERRUPTED) {
            alisa_cli_summary_print(&perplexity.runtime);
        }
    }
    free(perplexity.set.passages);
    free(perplexity.scores);
    free(perplexity.copies);
    alisa_free(perplexity.tokens.ids);
    alisa_cli_runtime_close(&perplexity.runtime);
    return code;
}
