/*
 * The commands of the program.
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

typedef struct Command {
    const char *name; /* one or two words: "eval perplexity". NULL ends the table */
    uint32_t bit;
    const char *operand; /* "FILE", "FILE..." for any number; NULL: none */
    const char *summary;
    ExitCode (*run)(const Settings *settings);
} Command;

extern const Command alisa_cli_commands[];

ExitCode alisa_cli_generate(const Settings *settings);
ExitCode alisa_cli_chat(const Settings *settings);
ExitCode alisa_cli_bench(const Settings *settings);
ExitCode alisa_cli_report(const Settings *settings);
ExitCode alisa_cli_plan(const Settings *settings);
ExitCode alisa_cli_tune(const Settings *settings);
ExitCode alisa_cli_devices(const Settings *settings);
ExitCode alisa_cli_inspect(const Settings *settings);
ExitCode alisa_cli_tokenize(const Settings *settings);
ExitCode alisa_cli_perplexity(const Settings *settings);
ExitCode alisa_cli_logprobs(const Settings *settings);
ExitCode alisa_cli_recall(const Settings *settings);
ExitCode alisa_cli_choice(const Settings *settings);
ExitCode alisa_cli_completion(const Settings *settings);

#endif
