/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the option table, and how the text that is given for it becomes a value in the settings.
 */
#ifndef ALISA_CLI_OPTIONS_VALUES_H
#define ALISA_CLI_OPTIONS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    OPTION_PLACES, /* TensorPlaces, given as REGEX=PLACE,REGEX=PLACE; what a flag gives is added to
                      what it gave before, and takes the place of what the environment gave */
    OPTION_OUTPUT, /* OutputTarget: a row of the choices, or a file: what has a dot or a slash */
} OptionKind;

/* A number of bytes or a share; the other one is 0, and both are where nothing was given. */
typedef struct MemoryBudget {
    uint64_t bytes;
    double kv_share; /* of what the context takes as f16, 0 < share <= 1 */
} MemoryBudget;

/* A number or a choice; the other one is 0, and both are where nothing was given. */
typedef struct NamedRate {
    double rate;
    int choice; /* the value of the chosen row */
} NamedRate;

/* Where a result goes, and in which form. A file has the form of the command that writes it. */
typedef struct OutputTarget {
    int format;       /* the value of the chosen row; 0 with a file */
    const char *file; /* NULL: standard output */
} OutputTarget;

typedef struct Choice {
    const char *name; /* NULL ends the list */
    int value;
    const char *help; /* what it means, for the reference; NULL: the name says it */
} Choice;

enum { INTEGER_LIST_CAPACITY = 4096 };

typedef struct IntegerList {
    size_t count;
    int64_t values[INTEGER_LIST_CAPACITY];
} IntegerList;

enum { TENSOR_PLACE_CAPACITY = 64 };

/* Where tensors are kept whose names match. */
typedef struct TensorPlace {
    const char *pattern; /* [length], without a 0 behind it */
    size_t length;
    bool on_host;
} TensorPlace;

typedef struct TensorPlaces {
    size_t count;
    bool by_flag; /* a flag gave them, not the environment */
    TensorPlace items[TENSOR_PLACE_CAPACITY];
} TensorPlaces;

typedef struct Option {
    int group;         /* the heading under which help lists it; rows are in order of groups */
    const char *name;  /* "--top-k"; its environment variable is ALISA_TOP_K. NULL ends the table */
    const char *alias; /* another spelling, "-ctk"; may be NULL */
    OptionKind kind;
    size_t field;        /* offset in the settings struct */
    const char *value;   /* what help calls the value: "N"; NULL for a flag */
    const char *initial; /* the default, as a user would type it; NULL: the field stays zero */
    double least, most;  /* range of a number; both 0: any */
    const Choice *choices;
    uint32_t commands; /* bit set of the commands that take it */
    const char *help;  /* what it does, without the default, the choices and a full stop */
} Option;

enum { ARGUMENT_MESSAGE_SIZE = 512 };

/* Reads `text` into the field of `settings` that the option fills. False with a sentence that
 * begins with `source`, the flag or the variable that the text was given for. */
bool alisa_cli_value_store(const Option *option, const char *source, const char *text,
                           void *settings, char message[ARGUMENT_MESSAGE_SIZE]);

/* Writes a sentence into `message` and returns false. */
bool alisa_cli_argument_refuse(char message[ARGUMENT_MESSAGE_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
