/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa eval recall: questions whose answer was stated long before. One counts as recalled when
 * greedy decoding would write the whole answer: each of its tokens is the likeliest after those
 * before it.
 */
#include "common/statistics.h"
#include "eval/passages.h"
#include "runtime/summary.h"

#include <stdlib.h>
#include <string.h>

#define QUESTIONS_NAME "recall.jsonl"

/* Figures of the questions of one distance, of one kind, or of all. */
typedef struct Group {
    const char *kind; /* NULL of a group that is not of one kind */
    uint32_t from, to;
    size_t recalled, asked;
    double chance; /* expected number of questions that a guess among the choices gets right */
} Group;

/* Distances in tokens at which the questions of the default model change. */
static const uint32_t distances[] = {0, 500, 700, 900, 1400, UINT32_MAX};

enum { DISTANCE_COUNT = sizeof distances / sizeof distances[0] - 1 };

typedef struct Question {
    Tokens tokens;
    const char *kind;
    uint32_t distance;
    size_t choice_count;
    bool recalled; /* true until a token of the answer is not the likeliest */
} Question;

typedef struct Recall {
    Runtime runtime;
    PassageSet set;
    Text path;
    json_t *rows;
    Question *questions; /* [set.count] */
    Group all, by_distance[DISTANCE_COUNT];
    Group *kinds; /* [kind_count], in the order of their names */
    size_t kind_count;
} Recall;

/* ---- Questions ---------------------------------------------------------------------------- */

/* -f, or the file beside the model. */
static ExitCode find_file(Recall *recall) {
    const Settings *settings = recall->runtime.settings;
    const char *slash = strrchr(settings->model, '/');
    size_t folder = settings->file || !slash ? 0 : (size_t)(slash + 1 - settings->model);
    const char *name = settings->file ? settings->file : QUESTIONS_NAME;
    bool good = alisa_cli_text_append(&recall->path, settings->model, folder) &&
                alisa_cli_text_append(&recall->path, name, strlen(name));
    return good ? EXIT_DONE : alisa_cli_out_of_memory();
}

static ExitCode read_question(Recall *recall, size_t index, const json_t *row) {
    Question *question = &recall->questions[index];
    Passage *passage = &recall->set.passages[index];
    const char *prompt = json_string_value(json_object_get(row, "prompt"));
    const char *answer = json_string_value(json_object_get(row, "answer"));
    const json_t *distance = json_object_get(row, "distance");
    question->kind = json_string_value(json_object_get(row, "kind"));
    question->choice_count = json_array_size(json_object_get(row, "choices"));
    if (!prompt || !answer || !answer[0] || !question->kind || question->choice_count == 0 ||
        !json_is_integer(distance) || json_integer_value(distance) < 0) {
        return alisa_cli_refuse(EXIT_USAGE,
                                "%s: question %zu needs the strings prompt, answer and kind, the "
                                "number distance and the list choices",
                                recall->path.data, index + 1);
    }
    question->distance = (uint32_t)json_integer_value(distance);
    question->recalled = true;
    Text continuation = {0};
    ExitCode code = EXIT_DONE;
    if (!alisa_cli_text_append(&continuation, " ", 1) ||
        !alisa_cli_text_append(&continuation, answer, strlen(answer))) {
        code = alisa_cli_out_of_memory();
    } else {
        code = alisa_cli_passage_tokenize(&recall->runtime, prompt, continuation.data,
                                          &question->tokens, &passage->first);
    }
    alisa_cli_text_free(&continuation);
    passage->ids = question->tokens.ids;
    passage->count = question->tokens.count;
    uint32_t context = recall->runtime.info.context_length;
    if (code != EXIT_DONE || passage->count - 1 <= context) return code;
    return alisa_cli_refuse(EXIT_RUN_TIME,
                            "context_length_exceeded: %s: question %zu has %zu tokens and the "
                            "context holds %u",
                            recall->path.data, index + 1, passage->count, context);
}

static bool score_id(void *user, size_t passage, size_t index, float *logits, float *reference) {
    (void)reference;
    Recall *recall = user;
    size_t likeliest = alisa_cli_likeliest(logits, recall->runtime.info.vocabulary_size);
    if ((int32_t)likeliest != recall->set.passages[passage].ids[index]) {
        recall->questions[passage].recalled = false;
    }
    return true;
}

static ExitCode make_passages(Recall *recall) {
    const Settings *settings = recall->runtime.settings;
    PassageSet *set = &recall->set;
    ExitCode code = find_file(recall);
    if (code != EXIT_DONE) return code;
    AlisaError error;
    recall->rows = alisa_cli_json_rows(recall->path.data, &error);
    if (!recall->rows) return alisa_cli_fail(&error);
    size_t count = json_array_size(recall->rows);
    if (settings->limit >= 0 && (uint64_t)settings->limit < count) {
        count = (size_t)settings->limit;
    }
    if (count == 0) return alisa_cli_refuse(EXIT_USAGE, "nothing to ask: --limit is 0");
    recall->questions = calloc(count, sizeof *recall->questions);
    set->passages = calloc(count, sizeof *set->passages);
    if (!recall->questions || !set->passages) return alisa_cli_out_of_memory();
    set->sequences = (uint32_t)((size_t)settings->batch < count ? (size_t)settings->batch : count);
    for (; set->count < count && code == EXIT_DONE; set->count++) {
        code = read_question(recall, set->count, json_array_get(recall->rows, set->count));
        set->passages[set->count].sequence = (uint32_t)(set->count % set->sequences);
    }
    set->runtime = &recall->runtime;
    set->step_by_step = alisa_cli_passages_by_step(settings);
    set->scored = score_id;
    set->user = recall;
    return code;
}

/* ---- Results ------------------------------------------------------------------------------ */

static void count_question(Group *group, const Question *question) {
    group->asked++;
    group->recalled += question->recalled;
    group->chance += 1.0 / (double)question->choice_count;
}

static int compare_kinds(const void *a, const void *b) {
    return strcmp(((const Group *)a)->kind, ((const Group *)b)->kind);
}

static ExitCode count_groups(Recall *recall) {
    recall->kind_count = 0;
    recall->kinds = calloc(recall->set.count, sizeof *recall->kinds);
    if (!recall->kinds) return alisa_cli_out_of_memory();
    for (size_t i = 0; i < recall->set.count; i++) {
        const Question *question = &recall->questions[i];
        count_question(&recall->all, question);
        size_t band = 0, kind = 0;
        while (band + 1 < DISTANCE_COUNT && question->distance >= distances[band + 1])
            band++;
        recall->by_distance[band].from = distances[band];
        recall->by_distance[band].to = distances[band + 1];
        count_question(&recall->by_distance[band], question);
        while (kind < recall->kind_count && strcmp(recall->kinds[kind].kind, question->kind) != 0)
            kind++;
        if (kind == recall->kind_count) recall->kinds[recall->kind_count++].kind = question->kind;
        count_question(&recall->kinds[kind], question);
    }
    qsort(recall->kinds, recall->kind_count, sizeof *recall->kinds, compare_kinds);
    return EXIT_DONE;
}

static void print_group(const char *name, const Group *group) {
    if (group->asked == 0) return;
    printf("| %-16s | %8zu | %8zu | %5.1f %% | %5.1f %% |\n", name, group->recalled, group->asked,
           100.0 * (double)group->recalled / (double)group->asked,
           100.0 * group->chance / (double)group->asked);
}

static void print_markdown(const Recall *recall) {
    printf("| %-16s | %8s | %8s | %7s | %7s |\n", "questions", "recalled", "asked", "share",
           "chance");
    printf("|:-----------------|---------:|---------:|--------:|--------:|\n");
    for (size_t i = 0; i < DISTANCE_COUNT; i++) {
        const Group *group = &recall->by_distance[i];
        char name[32];
        if (group->to == UINT32_MAX) {
            snprintf(name, sizeof name, "%u tokens on", group->from);
        } else {
            snprintf(name, sizeof name, "%u-%u tokens", group->from, group->to);
        }
        print_group(name, group);
    }
    for (size_t i = 0; i < recall->kind_count; i++) {
        print_group(recall->kinds[i].kind, &recall->kinds[i]);
    }
    print_group("all", &recall->all);
    alisa_cli_output("", 0); /* before the timings on the other stream */
}

static json_t *describe_group(const Group *group) {
    return json_pack("{s:I, s:I, s:f, s:f}", "recalled", (json_int_t)group->recalled, "asked",
                     (json_int_t)group->asked, "share",
                     (double)group->recalled / (double)group->asked, "chance",
                     group->chance / (double)group->asked);
}

static void print_json(const Recall *recall) {
    json_t *result = alisa_cli_summary_describe(&recall->runtime),
           *all = describe_group(&recall->all);
    json_t *by_distance = json_array(), *by_kind = json_object();
    for (size_t i = 0; i < DISTANCE_COUNT; i++) {
        const Group *group = &recall->by_distance[i];
        if (group->asked == 0) continue;
        json_t *row = describe_group(group);
        json_object_set_new(row, "from", json_integer(group->from));
        if (group->to != UINT32_MAX) json_object_set_new(row, "to", json_integer(group->to));
        json_array_append_new(by_distance, row);
    }
    for (size_t i = 0; i < recall->kind_count; i++) {
        json_object_set_new(by_kind, recall->kinds[i].kind, describe_group(&recall->kinds[i]));
    }
    json_object_set_new(result, "file", json_string(recall->path.data));
    json_object_set_new(result, "step_by_step", json_boolean(recall->set.step_by_step));
    json_object_update(result, all);
    json_object_set_new(result, "by_distance", by_distance);
    json_object_set_new(result, "by_kind", by_kind);
    json_decref(all);
    alisa_cli_output_json(result, JSON_INDENT(2));
}

static ExitCode run(Recall *recall) {
    ExitCode code = alisa_cli_passages_run(&recall->set);
    if (code == EXIT_DONE) code = count_groups(recall);
    if (code == EXIT_DONE) {
        recall->runtime.settings->output == OUTPUT_JSON ? print_json(recall)
                                                        : print_markdown(recall);
    }
    if (code == EXIT_DONE || code == EXIT_INTERRUPTED) alisa_cli_summary_print(&recall->runtime);
    return code;
}

ExitCode alisa_cli_recall(const Settings *settings) {
    Recall recall = {0};
    ExitCode code = alisa_cli_runtime_model(&recall.runtime, settings);
    if (code == EXIT_DONE) code = make_passages(&recall);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&recall.runtime);
    if (code == EXIT_DONE) code = run(&recall);
    for (size_t i = 0; i < recall.set.count; i++) {
        alisa_free(recall.questions[i].tokens.ids);
    }
    free(recall.questions);
    free(recall.set.passages);
    free(recall.kinds);
    json_decref(recall.rows);
    alisa_cli_text_free(&recall.path);
    alisa_cli_runtime_close(&recall.runtime);
    return code;
}
