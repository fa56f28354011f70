/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa eval choice: multiple choice by log-likelihood, as lm-evaluation-harness scores it. The
 * answer is the choice whose continuation is likeliest after its context: in all (acc), or by
 * character of the choice (acc_norm).
 */
#include "common/statistics.h"
#include "eval/passages.h"
#include "eval/task.h"
#include "runtime/summary.h"

#include <stdlib.h>
#include <string.h>

/* A choice of an item, and what its passage came to. */
typedef struct Candidate {
    size_t item, choice;
    Tokens tokens;
    double likelihood; /* natural logarithm */
} Candidate;

typedef struct Choosing {
    Runtime runtime;
    PassageSet set;
    Task task;
    size_t asked;          /* items */
    Candidate *candidates; /* [set.count] */
} Choosing;

/* ---- Passages ----------------------------------------------------------------------------- */

static bool score_id(void *user, size_t passage, size_t index, float *logits, float *reference) {
    (void)reference;
    Choosing *choosing = user;
    alisa_log_softmax(logits, choosing->runtime.info.vocabulary_size, logits);
    choosing->candidates[passage].likelihood +=
        (double)logits[choosing->set.passages[passage].ids[index]];
    return true;
}

static ExitCode read_task(Choosing *choosing) {
    const Settings *settings = choosing->runtime.settings;
    if (!settings->task) return alisa_cli_refuse(EXIT_USAGE, "no task was given: use --task FILE");
    AlisaError error;
    json_t *rows = alisa_cli_json_rows(settings->task, &error);
    if (!rows) return alisa_cli_fail(&error);
    char message[TASK_MESSAGE_SIZE];
    bool good = alisa_cli_task_read(rows, &choosing->task, message);
    json_decref(rows);
    if (!good) return alisa_cli_refuse(EXIT_USAGE, "%s: %s", settings->task, message);
    choosing->asked = choosing->task.count;
    if (settings->limit >= 0 && (uint64_t)settings->limit < choosing->asked) {
        choosing->asked = (size_t)settings->limit;
    }
    if ((uint64_t)settings->shots < choosing->task.count) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_USAGE, "--shots %lld needs more than the %zu items of %s",
                            (long long)settings->shots, choosing->task.count, settings->task);
}

static ExitCode add_candidate(Choosing *choosing, size_t item, size_t choice, const Text *shots) {
    const TaskItem *source = &choosing->task.items[item];
    PassageSet *set = &choosing->set;
    Candidate *candidate = &choosing->candidates[set->count];
    Passage *passage = &set->passages[set->count++];
    candidate->item = item;
    candidate->choice = choice;
    Text context = {0};
    ExitCode code = EXIT_DONE;
    if (!alisa_cli_text_append(&context, shots->data, shots->size) ||
        !alisa_cli_text_append(&context, source->contexts[choice].data,
                               source->contexts[choice].size)) {
        code = alisa_cli_out_of_memory();
    } else {
        code = alisa_cli_passage_tokenize(&choosing->runtime, context.data,
                                          source->continuations[choice].data, &candidate->tokens,
                                          &passage->first);
    }
    alisa_cli_text_free(&context);
    passage->ids = candidate->tokens.ids;
    passage->count = candidate->tokens.count;
    passage->sequence = (uint32_t)(item % set->sequences);
    uint32_t most = choosing->runtime.info.context_length;
    if (code != EXIT_DONE || passage->count - 1 <= most) return code;
    return alisa_cli_refuse(EXIT_RUN_TIME,
                            "context_length_exceeded: item %zu has %zu tokens with its examples "
                            "and the context holds %u; lower --shots",
                            item + 1, passage->count, most);
}

/* The items from `begin` to `end` side by side: the first choice of each, then the second ... so
 * that a call holds one choice of many items and each sequence keeps its item's context. */
static ExitCode add_items(Choosing *choosing, size_t begin, size_t end) {
    const Settings *settings = choosing->runtime.settings;
    Text *shots = calloc(end - begin, sizeof *shots);
    if (!shots) return alisa_cli_out_of_memory();
    ExitCode code = EXIT_DONE;
    for (size_t item = begin; item < end && code == EXIT_DONE; item++) {
        if (!alisa_cli_task_shots(&choosing->task, item, (size_t)settings->shots,
                                  (uint64_t)settings->seed, &shots[item - begin])) {
            code = alisa_cli_out_of_memory();
        }
    }
    for (size_t choice = 0; choice < TASK_CHOICES; choice++) {
        for (size_t item = begin; item < end && code == EXIT_DONE; item++) {
            if (choice >= choosing->task.items[item].choice_count) continue;
            code = add_candidate(choosing, item, choice, &shots[item - begin]);
        }
    }
    for (size_t i = 0; i < end - begin; i++) {
        alisa_cli_text_free(&shots[i]);
    }
    free(shots);
    return code;
}

static ExitCode make_passages(Choosing *choosing) {
    const Settings *settings = choosing->runtime.settings;
    PassageSet *set = &choosing->set;
    ExitCode code = read_task(choosing);
    if (code != EXIT_DONE) return code;
    size_t count = 0, batch = (size_t)settings->batch;
    for (size_t i = 0; i < choosing->asked; i++) {
        count += choosing->task.items[i].choice_count;
    }
    if (count == 0) return alisa_cli_refuse(EXIT_USAGE, "nothing to ask: --limit is 0");
    set->step_by_step = alisa_cli_passages_by_step(settings);
    size_t most = set->step_by_step ? count : choosing->asked;
    if (batch > most) batch = most;
    set->sequences = (uint32_t)batch;
    choosing->candidates = calloc(count, sizeof *choosing->candidates);
    set->passages = calloc(count, sizeof *set->passages);
    if (!choosing->candidates || !set->passages) return alisa_cli_out_of_memory();
    for (size_t begin = 0; begin < choosing->asked && code == EXIT_DONE; begin += batch) {
        size_t left = choosing->asked - begin;
        code = add_items(choosing, begin, begin + (left < batch ? left : batch));
    }
    set->runtime = &choosing->runtime;
    set->scored = score_id;
    set->user = choosing;
    return code;
}

/* ---- Results ------------------------------------------------------------------------------ */

/* Adds for every item whether its likeliest choice is the right one. */
static ExitCode judge(const Choosing *choosing, Statistic *plain, Statistic *normalised) {
    double(*scores)[TASK_CHOICES] = calloc(choosing->asked, sizeof *scores);
    if (!scores) return alisa_cli_out_of_memory();
    for (size_t i = 0; i < choosing->set.count; i++) {
        const Candidate *candidate = &choosing->candidates[i];
        scores[candidate->item][candidate->choice] = candidate->likelihood;
    }
    for (size_t i = 0; i < choosing->asked; i++) {
        const TaskItem *item = &choosing->task.items[i];
        size_t best = 0, best_normalised = 0;
        for (size_t j = 1; j < item->choice_count; j++) {
            if (scores[i][j] > scores[i][best]) best = j;
            if (scores[i][j] * (double)item->characters[best_normalised] >
                scores[i][best_normalised] * (double)item->characters[j]) {
                best_normalised = j;
            }
        }
        alisa_cli_statistic_add(plain, best == item->gold);
        alisa_cli_statistic_add(normalised, best_normalised == item->gold);
    }
    free(scores);
    return EXIT_DONE;
}

static void print_results(const Choosing *choosing, const Statistic *plain,
                          const Statistic *normalised) {
    const Settings *settings = choosing->runtime.settings;
    if (settings->output == OUTPUT_JSON) {
        json_t *result = alisa_cli_summary_describe(&choosing->runtime);
        json_t *figures = json_pack(
            "{s:s, s:s, s:b, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "task", settings->task, "form",
            choosing->task.form, "step_by_step", choosing->set.step_by_step, "items",
            (json_int_t)choosing->asked, "shots", (json_int_t)settings->shots, "seed",
            (json_int_t)settings->seed, "acc", alisa_cli_statistic_mean(plain), "acc_stderr",
            alisa_cli_statistic_error(plain), "acc_norm", alisa_cli_statistic_mean(normalised),
            "acc_norm_stderr", alisa_cli_statistic_error(normalised));
        json_object_update(result, figures);
        json_decref(figures);
        alisa_cli_output_json(result, JSON_INDENT(2));
        return;
    }
    const struct {
        const char *name;
        const Statistic *statistic;
    } metrics[] = {{"acc", plain}, {"acc_norm", normalised}};
    printf("| %-12s | %6s | %6s | %-8s | %6s | %6s |\n", "task", "items", "n-shot", "metric",
           "value", "stderr");
    printf("|:-------------|-------:|-------:|:---------|-------:|-------:|\n");
    for (size_t i = 0; i < 2; i++) {
        printf("| %-12s | %6zu | %6lld | %-8s | %6.4f | %6.4f |\n", choosing->task.form,
               choosing->asked, (long long)settings->shots, metrics[i].name,
               alisa_cli_statistic_mean(metrics[i].statistic),
               alisa_cli_statistic_error(metrics[i].statistic));
    }
    alisa_cli_output("", 0); /* before the timings on the other stream */
}

static ExitCode run(Choosing *choosing) {
    ExitCode code = alisa_cli_passages_run(&choosing->set);
    Statistic plain = {0}, normalised = {0};
    if (code == EXIT_DONE) code = judge(choosing, &plain, &normalised);
    if (code == EXIT_DONE) print_results(choosing, &plain, &normalised);
    if (code == EXIT_DONE || code == EXIT_INTERRUPTED) alisa_cli_summary_print(&choosing->runtime);
    return code;
}

ExitCode alisa_cli_choice(const Settings *settings) {
    Choosing choosing = {0};
    ExitCode code = alisa_cli_runtime_model(&choosing.runtime, settings);
    if (code == EXIT_DONE) code = make_passages(&choosing);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&choosing.runtime);
    if (code == EXIT_DONE) code = run(&choosing);
    for (size_t i = 0; i < choosing.set.count; i++) {
        alisa_free(choosing.candidates[i].tokens.ids);
    }
    free(choosing.candidates);
    free(choosing.set.passages);
    alisa_cli_task_free(&choosing.task);
    alisa_cli_runtime_close(&choosing.runtime);
    return code;
}
