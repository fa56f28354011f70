/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task.h"

#include "eval/question.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool append(Text *text, const char *bytes) {
    return alisa_cli_text_append(text, bytes, strlen(bytes));
}

static size_t count_characters(const char *text) {
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80; /* not a continuation byte of UTF-8 */
    }
    return count;
}

static bool fill_blank(TaskItem *item, size_t i, const Question *question, const char *blank) {
    return alisa_cli_text_append(&item->contexts[i], question->text,
                                 (size_t)(blank - question->text)) &&
           append(&item->contexts[i], question->choices[i]) &&
           append(&item->continuations[i], blank + 1);
}

/* The premise without its full stop, and the word that leads to the choice. */
static bool lead(Text *context, const Question *question, const char *word) {
    size_t size = strlen(question->text);
    if (question->text[size - 1] == '.') size--;
    return alisa_cli_text_append(context, question->text, size) && append(context, word);
}

static bool answer(TaskItem *item, size_t i, const Question *question, const char *word) {
    Text *context = &item->contexts[i], *continuation = &item->continuations[i];
    const char *choice = question->choices[i];
    if (question->style == STYLE_CAUSE) {
        char first[2] = {(char)tolower((unsigned char)choice[0]), 0};
        return lead(context, question, word) && append(continuation, " ") &&
               append(continuation, first) && append(continuation, choice + 1);
    }
    bool question_style = question->style == STYLE_QUESTION;
    const char *separator = isspace((unsigned char)choice[0]) ? "" : " ";
    return append(context, question_style ? "Question: " : "") && append(context, question->text) &&
           append(context, question_style ? "\nAnswer:" : "") && append(continuation, separator) &&
           append(continuation, choice);
}

static bool make_item(TaskItem *item, const json_t *row, const Question *question, char *reason) {
    if (question->gold < 0 || question->gold >= (int64_t)question->choice_count) {
        return alisa_cli_question_refuse(
            reason, "it does not say which of its %zu choices is right", question->choice_count);
    }
    item->choice_count = question->choice_count;
    item->gold = (size_t)question->gold;
    const char *blank = strchr(question->text, '_'), *word = NULL;
    if (question->style == STYLE_BLANK && (!blank || !blank[1])) {
        return alisa_cli_question_refuse(reason, "it has no _ with words after it");
    }
    if (question->style == STYLE_CAUSE) {
        const char *asked = json_string_value(json_object_get(row, "question"));
        if (asked && strcmp(asked, "cause") == 0) word = " because";
        if (asked && strcmp(asked, "effect") == 0) word = " therefore";
        if (!word)
            return alisa_cli_question_refuse(reason,
                                             "its \"question\" is neither cause nor effect");
    }
    for (size_t i = 0; i < item->choice_count; i++) {
        const char *choice = question->choices[i];
        if (!choice || !choice[0])
            return alisa_cli_question_refuse(reason, "its choice %zu is no text", i + 1);
        item->characters[i] = count_characters(choice);
        bool good = question->style == STYLE_BLANK ? fill_blank(item, i, question, blank)
                                                   : answer(item, i, question, word);
        if (!good) return alisa_cli_question_refuse(reason, "out of host memory");
    }
    return true;
}

static bool refuse(char message[TASK_MESSAGE_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(char message[TASK_MESSAGE_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, TASK_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

bool alisa_cli_task_read(const json_t *rows, Task *task, char message[TASK_MESSAGE_SIZE]) {
    *task = (Task){0};
    bool is_reworded;
    const QuestionForm *form = alisa_cli_question_form(json_array_get(rows, 0), &is_reworded);
    if (!form) {
        return refuse(message, "the fields of the first item are those of no known form; a plain "
                               "one is {\"query\": TEXT, \"choices\": [TEXT, ...], \"gold\": N}");
    }
    task->form = alisa_cli_question_form_name(form);
    task->items = calloc(json_array_size(rows), sizeof *task->items);
    if (!task->items) return refuse(message, "out of host memory");
    for (; task->count < json_array_size(rows); task->count++) {
        const json_t *row = json_array_get(rows, task->count);
        Question question;
        char reason[QUESTION_REASON_SIZE];
        bool good = alisa_cli_question_read(row, form, is_reworded, &question, reason) &&
                    make_item(&task->items[task->count], row, &question, reason);
        free(question.owned);
        if (good) continue;
        refuse(message, "item %zu cannot be used: %s", task->count + 1, reason);
        task->count++; /* so that it is freed as well */
        return false;
    }
    return true;
}

void alisa_cli_task_free(Task *task) {
    for (size_t i = 0; i < task->count; i++) {
        for (size_t j = 0; j < TASK_CHOICES; j++) {
            alisa_cli_text_free(&task->items[i].contexts[j]);
            alisa_cli_text_free(&task->items[i].continuations[j]);
        }
    }
    free(task->items);
    *task = (Task){0};
}

/* ---- Examples ----------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t value = *state += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

bool alisa_cli_task_shots(const Task *task, size_t item, size_t shots, uint64_t seed, Text *text) {
    size_t *taken = calloc(shots + 1, sizeof *taken), count = 0;
    if (!taken) return false;
    uint64_t state = seed * 0x100000001b3u + item; /* an item's examples do not depend on --limit */
    bool good = true;
    while (count < shots && good) {
        size_t drawn = (size_t)(next_random(&state) % task->count), known = 0;
        while (known < count && taken[known] != drawn)
            known++;
        if (drawn == item || known < count) continue;
        taken[count++] = drawn;
        const TaskItem *example = &task->items[drawn];
        good = append(text, example->contexts[example->gold].data) &&
               append(text, example->continuations[example->gold].data) && append(text, "\n\n");
    }
    free(taken);
    return good;
}
