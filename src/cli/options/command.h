/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the program, and what is said of them in help, reference and completion.
 */
#ifndef ALISA_CLI_OPTIONS_COMMAND_H
#define ALISA_CLI_OPTIONS_COMMAND_H

#include "options/options.h"

typedef enum ExitCode {
    EXIT_DONE = 0,
    EXIT_RUN_TIME = 1,
    EXIT_USAGE = 2,
    EXIT_NO_DEVICE = 3, /* no usable device, or out of memory */
    EXIT_INTERRUPTED = 130,
} ExitCode;

typedef struct ExitCodeMeaning {
    int code;
    const char *meaning; /* NULL ends the table */
} ExitCodeMeaning;

typedef struct Example {
    const char *line; /* as it is typed */
    const char *meaning;
} Example;

enum { MOST_EXAMPLES = 4 };

typedef struct Command {
    const char *name; /* one or two words: "eval perplexity". NULL ends the table */
    uint32_t bit;
    const char *operand;             /* "FILE", "FILE..." for any number; NULL: none */
    const char *summary;             /* one line, without a full stop */
    const char *description;         /* sentences */
    Example examples[MOST_EXAMPLES]; /* at least one; a NULL line ends them */
} Command;

/* The first word of the commands that have two. */
typedef struct CommandFamily {
    const char *word, *summary;
} CommandFamily;

extern const Command alisa_cli_commands[];
extern const CommandFamily alisa_cli_eval;
extern const ExitCodeMeaning alisa_cli_exit_codes[];

/* The command that the first words spell, and how many of them; NULL and 0 when there is none. */
const Command *alisa_cli_command_find(const char *const *words, size_t count, size_t *used);

ExitCode alisa_cli_generate(const Settings *settings);
ExitCode alisa_cli_chat(const Settings *settings);
ExitCode alisa_cli_bench(const Settings *settings);
ExitCode alisa_cli_report(const Settings *settings);
ExitCode alisa_cli_plan(const Settings *settings);
ExitCode alisa_cli_tune(const Settings *settings);
ExitCode alisa_cli_devices(const Settings *settings);
ExitCode alisa_cli_inspect(const Settings *settings);
ExitCode alisa_cli_tokenize(const Settings *settings);
ExitCode alisa_cli_template(const Settings *settings);
ExitCode alisa_cli_perplexity(const Settings *settings);
ExitCode alisa_cli_logprobs(const Settings *settings);
ExitCode alisa_cli_recall(const Settings *settings);
ExitCode alisa_cli_choice(const Settings *settings);
ExitCode alisa_cli_completion(const Settings *settings);
ExitCode alisa_cli_reference(const Settings *settings);

#endif
