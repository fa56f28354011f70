/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/question.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct QuestionForm {
    const char *name;
    QuestionStyle style;
    const char *question;   /* field; a dot enters an object */
    const char *choices[3]; /* fields that are one choice each, or one that is a list of them */
    const char *gold;
    const char *labels; /* list in which the gold value is looked up; NULL: it is a number */
    int64_t first;      /* the number of the first choice */
};

static const QuestionForm forms[] = {
    {"plain", STYLE_PLAIN, "query", {"choices"}, "gold", NULL, 0},
    {"piqa", STYLE_QUESTION, "goal", {"sol1", "sol2"}, "label", NULL, 0},
    {"winogrande", STYLE_BLANK, "sentence", {"option1", "option2"}, "answer", NULL, 1},
    {"copa", STYLE_CAUSE, "premise", {"choice1", "choice2"}, "label", NULL, 0},
    {"openbookqa", STYLE_PLAIN, "question_stem", {"choices.text"}, "answerKey", "choices.label", 0},
    {"arc", STYLE_QUESTION, "question", {"choices.text"}, "answerKey", "choices.label", 0},
};

enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

/* Data sets reworded as an instruction that spells its choices out ("Solution1: ... Solution2:
 * ...") and an answer ("solution2"): what the word says of the form. */
static const struct {
    const char *word, *form;
} reworded[] = {{"solution", "piqa"}, {"option", "winogrande"}, {"answer", "openbookqa"}, {0}};

bool alisa_cli_question_refuse(char reason[QUESTION_REASON_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, QUESTION_REASON_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Fields ------------------------------------------------------------------------------- */

/* "choices.text" of a row. */
static const json_t *field(const json_t *row, const char *path) {
    for (const char *name = path;;) {
        size_t length = strcspn(name, ".");
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)length, name);
        row = json_object_get(row, key);
        if (!row || name[length] == 0) return row;
        name += length + 1;
    }
}

static const char *string_field(const json_t *row, const char *path) {
    const char *text = json_string_value(field(row, path));
    return text && text[0] ? text : NULL;
}

static bool is_in_form(const json_t *row, const QuestionForm *form) {
    return field(row, form->question) && field(row, form->choices[0]) && field(row, form->gold);
}

/* Index of the right choice: a number or its digits, or the place of a label; -1 when it is
 * neither.
 */
static int64_t read_gold(const json_t *row, const QuestionForm *form) {
    const json_t *value = field(row, form->gold);
    const char *text = json_string_value(value);
    if (form->labels) {
        const json_t *labels = field(row, form->labels);
        for (size_t i = 0; text && i < json_array_size(labels); i++) {
            const char *label = json_string_value(json_array_get(labels, i));
            if (label && strcmp(label, text) == 0) return (int64_t)i;
        }
        return -1;
    }
    if (json_is_integer(value)) return json_integer_value(value) - form->first;
    char *end;
    long long number = text ? strtoll(text, &end, 10) : 0;
    return text && end != text && *end == 0 ? number - form->first : -1;
}

static bool read_fields(const json_t *row, const QuestionForm *form, Question *question,
                        char *reason) {
    question->text = string_field(row, form->question);
    if (!question->text)
        return alisa_cli_question_refuse(reason, "it has no text \"%s\"", form->question);
    const json_t *list = field(row, form->choices[0]);
    bool listed = json_is_array(list);
    size_t count = json_array_size(list);
    for (count = listed ? count : 0; !listed && form->choices[count]; count++)
        continue;
    if (count < 2 || count > TASK_CHOICES) {
        return alisa_cli_question_refuse(reason, "it has %zu choices; 2 to %d can be scored", count,
                                         TASK_CHOICES);
    }
    for (size_t i = 0; i < count; i++) {
        question->choices[i] = listed ? json_string_value(json_array_get(list, i))
                                      : json_string_value(field(row, form->choices[i]));
    }
    question->choice_count = count;
    question->gold = read_gold(row, form);
    return true;
}

/* ---- Reworded rows ------------------------------------------------------------------------ */

/* Cuts blanks off both ends of a text that may be changed. */
static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    text[size] = 0;
    return text;
}

static const char *reworded_form(const json_t *row) {
    const char *answer = json_string_value(json_object_get(row, "answer"));
    if (!answer || !json_is_string(json_object_get(row, "instruction"))) return NULL;
    for (size_t i = 0; reworded[i].word; i++) {
        size_t length = strlen(reworded[i].word);
        if (strncmp(answer, reworded[i].word, length) == 0) return reworded[i].form;
    }
    return NULL;
}

/* "Please ...: QUESTION Solution1: CHOICE Solution2: CHOICE Answer format: ..." */
static bool read_reworded(const json_t *row, Question *question, char *reason) {
    const char *instruction = json_string_value(json_object_get(row, "instruction"));
    const char *answer = json_string_value(json_object_get(row, "answer"));
    if (!instruction || !answer)
        return alisa_cli_question_refuse(reason, "it has no instruction and answer");
    size_t length = strcspn(answer, "0123456789");
    char *end, *text = strdup(instruction);
    if (!text) return alisa_cli_question_refuse(reason, "out of host memory");
    question->owned = text;
    question->gold = strtoll(answer + length, &end, 10) - 1;

    char *preamble = strstr(text, ": "), *format = strstr(text, "Answer format:");
    if (format) *format = 0;
    if (!preamble) return alisa_cli_question_refuse(reason, "its instruction has no question");
    char *rest = preamble + 2;
    question->text = rest;
    for (;;) {
        char marker[32];
        snprintf(marker, sizeof marker, "%c%.*s%zu:", toupper((unsigned char)answer[0]),
                 (int)length - 1, answer + 1, question->choice_count + 1);
        char *found = strstr(rest, marker);
        if (!found) break;
        *found = 0;
        rest = found + strlen(marker);
        if (question->choice_count == TASK_CHOICES) break;
        question->choices[question->choice_count++] = rest;
    }
    if (question->choice_count < 2)
        return alisa_cli_question_refuse(reason, "its instruction has no choices");
    question->text = trim(preamble + 2);
    for (size_t i = 0; i < question->choice_count; i++) {
        question->choices[i] = trim((char *)question->choices[i]);
    }
    return true;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

const QuestionForm *alisa_cli_question_form(const json_t *row, bool *is_reworded) {
    const char *name = reworded_form(row);
    *is_reworded = name != NULL;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (name ? strcmp(name, forms[i].name) == 0 : is_in_form(row, &forms[i])) return &forms[i];
    }
    return NULL;
}

bool alisa_cli_question_read(const json_t *row, const QuestionForm *form, bool is_reworded,
                             Question *question, char reason[QUESTION_REASON_SIZE]) {
    *question = (Question){.style = form->style};
    return is_reworded ? read_reworded(row, question, reason)
                       : read_fields(row, form, question, reason);
}

const char *alisa_cli_question_form_name(const QuestionForm *form) {
    return form->name;
}
