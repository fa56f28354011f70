/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiple-choice questions as the rows of public data sets state them: in which fields, or in
 * which words. Pure.
 */
#ifndef ALISA_CLI_EVAL_QUESTION_H
#define ALISA_CLI_EVAL_QUESTION_H

#include "eval/task.h"

enum { QUESTION_REASON_SIZE = TASK_MESSAGE_SIZE / 2 };

/* How a question becomes a context and continuations: lm-evaluation-harness' templates. */
typedef enum QuestionStyle {
    STYLE_PLAIN,    /* "question" + " choice" */
    STYLE_QUESTION, /* "Question: question\nAnswer:" + " choice" */
    STYLE_CAUSE,    /* "premise because" or "therefore" + " choice" in lower case */
    STYLE_BLANK,    /* "sentence up to its _" with each choice + the rest of it */
} QuestionStyle;

/* A question as a row states it. The strings belong to the row or to `owned`. */
typedef struct Question {
    const char *text;
    const char *choices[TASK_CHOICES];
    size_t choice_count;
    int64_t gold; /* index of the right choice; not an index where the row does not say */
    QuestionStyle style;
    char *owned;
} Question;

/* The fields in which a data set keeps its questions. */
typedef struct QuestionForm QuestionForm;

/* The form of a row; NULL when it is none that is known. *is_reworded says whether the row spells
 * its choices out in an instruction. */
const QuestionForm *alisa_cli_question_form(const json_t *row, bool *is_reworded);
const char *alisa_cli_question_form_name(const QuestionForm *form);

/* Fills the question from a row; free(question->owned) in any case. False with a reason. */
bool alisa_cli_question_read(const json_t *row, const QuestionForm *form, bool is_reworded,
                             Question *question, char reason[QUESTION_REASON_SIZE]);

/* Writes a sentence into `reason` and returns false. */
bool alisa_cli_question_refuse(char reason[QUESTION_REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
