/*
 * The command line from a table: parsing, environment variables, help and shell completion all come
 * from the same rows. Nothing here prints, so that every rule can be tested without a process.
 */
#ifndef ALISA_CLI_OPTIONS_ARGUMENTS_H
#define ALISA_CLI_OPTIONS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a value is, and the C type of the field it is stored in. */
typedef enum OptionKind {
    OPTION_FLAG,     /* bool; takes no value on the command line */
    OPTION_REQUEST,  /* bool; a flag that asks for something else than the command's work: the words
                        after it are not looked at, and it has no environment variable */
    OPTION_INTEGER,  /* int64_t */
    OPTION_REAL,     /* double */
    OPTION_SIZE,     /* uint64_t bytes; K, M, G, T are powers of 1024 */
    OPTION_STRING,   /* const char * into the words or the environment */
    OPTION_CHOICE,   /* int: the value of the chosen row */
    OPTION_INTEGERS, /* IntegerList, given as 1,2,3 */
    OPTION_BUDGET,   /* MemoryBudget: a size, or kv:SHARE */
    OPTION_RATE,     /* NamedRate: a positive number, or a row of the choices */
    OPTION_OUTPUT,   /* OutputTarget: a row of the choices, or a file: what has a dot or a slash */
} OptionKind;

/* One of the two; both 0: not given. */
typedef struct MemoryBudget {
    uint64_t bytes;
    double kv_share; /* of what the context takes as f16, 0 < share <= 1 */
} MemoryBudget;

typedef struct NamedRate {
    double rate;
    int choice; /* the value of the chosen row */
} NamedRate;

/* A file has no format: what writes it has one. */
typedef struct OutputTarget {
    int format;       /* the value of the chosen row; 0 with a file */
    const char *file; /* NULL: standard output */
} OutputTarget;

typedef struct Choice {
    const char *name; /* NULL ends the list */
    int value;
} Choice;

enum { INTEGER_LIST_CAPACITY = 4096, OPERAND_CAPACITY = 64 };

typedef struct IntegerList {
    size_t count;
    int64_t values[INTEGER_LIST_CAPACITY];
} IntegerList;

typedef struct Option {
    const char *name;  /* "--top-k"; its environment variable is ALISA_TOP_K. NULL ends the table */
    const char *alias; /* another spelling, "-ctk"; may be NULL */
    OptionKind kind;
    size_t field;        /* offset in the settings struct */
    const char *value;   /* what help calls the value: "N"; NULL for a flag */
    const char *initial; /* the default, as a user would type it; NULL: the field stays zero */
    double least, most;  /* range of a number; both 0: any */
    const Choice *choices;
    uint32_t commands; /* bit set of the commands that take it */
    const char *help;
} Option;

typedef struct ArgumentTable {
    const Option *options;
    /* ALISA_* variables that belong to no option; one ending in '*' stands for a prefix. NULL ends.
     */
    const char *const *variables;
} ArgumentTable;

typedef struct ArgumentRequest {
    uint32_t command;         /* its bit */
    const char *command_name; /* for messages: "eval perplexity" */
    /* Of the word without a dash it takes: one ("FILE"), or any number ("FILE..."); NULL: none. */
    const char *operand_name;
    const char *const *words; /* after the command's name */
    size_t word_count;
    const char *const *environment; /* "NAME=value", NULL-terminated */
} ArgumentRequest;

enum { ARGUMENT_MESSAGE_SIZE = 512 };

/* Fills `settings` (zeroed by the caller): defaults, then the environment, then the words. False on
 * the first mistake, with a sentence in `message`. NULL ends the operands. */
bool alisa_cli_arguments_parse(const ArgumentTable *table, const ArgumentRequest *request,
                               void *settings, const char *operands[OPERAND_CAPACITY + 1],
                               char message[ARGUMENT_MESSAGE_SIZE]);

/* Whether "FILE..." stands for any number of words, none included. */
bool alisa_cli_arguments_any_number(const char *operand_name);

/* "ALISA_TOP_K" of "--top-k". */
void alisa_cli_arguments_variable(const Option *option, char *name, size_t capacity);

/* The flags of a command with their defaults, a line each. */
void alisa_cli_arguments_help(const ArgumentTable *table, uint32_t command, FILE *out);

/* The candidate that is most like `word`; NULL when none is near. NULL ends the list. */
const char *alisa_cli_arguments_nearest(const char *word, const char *const *candidates);

#endif
