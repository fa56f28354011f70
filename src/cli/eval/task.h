/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiple-choice items from JSON rows: which fields a public data set keeps its questions in, and
 * the text a model is given to read. Nothing here runs a model, so that every form can be tested
 * without one.
 */
#ifndef ALISA_CLI_EVAL_TASK_H
#define ALISA_CLI_EVAL_TASK_H

#include "common/text.h"

enum { TASK_CHOICES = 16, TASK_MESSAGE_SIZE = 256 };

/* The score of a choice is the likelihood of its continuation after its context. Where the choices
 * answer one question the contexts are equal; where they fill a blank the continuations are. */
typedef struct TaskItem {
    size_t choice_count, gold;
    Text contexts[TASK_CHOICES];
    Text continuations[TASK_CHOICES];
    /* Of the choice as the data set spells it, for the length-normalised score. */
    size_t characters[TASK_CHOICES];
} TaskItem;

typedef struct Task {
    const char *form; /* "piqa" */
    TaskItem *items;
    size_t count;
} Task;

/* Reads an array of objects, all in the form of the first. False with a sentence in `message`. */
bool alisa_cli_task_read(const json_t *rows, Task *task, char message[TASK_MESSAGE_SIZE]);
void alisa_cli_task_free(Task *task);

/* Appends `shots` solved items other than `item`, each followed by a blank line: the same ones for
 * the same seed. At most count - 1. False when host memory runs out. */
bool alisa_cli_task_shots(const Task *task, size_t item, size_t shots, uint64_t seed, Text *text);

#endif
