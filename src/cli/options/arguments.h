/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line and the environment read by a table of options into a struct of settings.
 * Nothing here prints, so that every rule can be tested without a process.
 */
#ifndef ALISA_CLI_OPTIONS_ARGUMENTS_H
#define ALISA_CLI_OPTIONS_ARGUMENTS_H

#include "options/values.h"

/* An ALISA_ variable that belongs to no option. */
typedef struct EnvironmentVariable {
    const char *name; /* one ending in '*' stands for a prefix. NULL ends the table */
    const char *help; /* NULL: it is for the tests of the program */
} EnvironmentVariable;

typedef struct ArgumentTable {
    const Option *options;
    const EnvironmentVariable *variables;
} ArgumentTable;

typedef struct ArgumentRequest {
    uint32_t command;         /* the command's bit */
    const char *command_name; /* for messages: "eval perplexity" */
    /* The name of the words without a dash that the command takes: one ("FILE"), or any number
     * ("FILE..."); NULL: none. */
    const char *operand_name;
    const char *const *words; /* after the command's name */
    size_t word_count;
    const char *const *environment; /* "NAME=value", NULL-terminated */
} ArgumentRequest;

enum { OPERAND_CAPACITY = 64 };

/* Fills `settings` (zeroed by the caller): defaults, then the environment, then the words. False on
 * the first mistake, with a sentence in `message`. NULL ends the operands. */
bool alisa_cli_arguments_parse(const ArgumentTable *table, const ArgumentRequest *request,
                               void *settings, const char *operands[OPERAND_CAPACITY + 1],
                               char message[ARGUMENT_MESSAGE_SIZE]);

/* Whether "FILE..." stands for any number of words, none included. */
bool alisa_cli_arguments_any_number(const char *operand_name);

/* "ALISA_TOP_K" of "--top-k". */
void alisa_cli_arguments_variable(const Option *option, char *name, size_t capacity);

/* The candidate that is most like `word`; NULL when none is near. NULL ends the list. */
const char *alisa_cli_arguments_nearest(const char *word, const char *const *candidates);

#endif
