/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa: how a command is found, configured and run.
 */
#include "common/terminal.h"
#include "options/help.h"

#include <signal.h>
#include <string.h>

extern char **environ;

typedef struct Entry {
    uint32_t command; /* the command's bit; 0 ends the table */
    ExitCode (*run)(const Settings *settings);
} Entry;

static const Entry entries[] = {
    {COMMAND_GENERATE, alisa_cli_generate},   {COMMAND_CHAT, alisa_cli_chat},
    {COMMAND_BENCH, alisa_cli_bench},         {COMMAND_PLAN, alisa_cli_plan},
    {COMMAND_TUNE, alisa_cli_tune},           {COMMAND_DEVICES, alisa_cli_devices},
    {COMMAND_INSPECT, alisa_cli_inspect},     {COMMAND_TOKENIZE, alisa_cli_tokenize},
    {COMMAND_TEMPLATE, alisa_cli_template},   {COMMAND_PERPLEXITY, alisa_cli_perplexity},
    {COMMAND_LOGPROBS, alisa_cli_logprobs},   {COMMAND_RECALL, alisa_cli_recall},
    {COMMAND_CHOICE, alisa_cli_choice},       {COMMAND_COMPLETION, alisa_cli_completion},
    {COMMAND_REFERENCE, alisa_cli_reference}, {0},
};

static bool needs_operand(const Command *command) {
    return command->operand && !alisa_cli_arguments_any_number(command->operand);
}

static ExitCode call(const Command *command, const Settings *settings) {
    if (settings->list_devices) return alisa_cli_devices(settings);
    const Entry *entry = entries;
    while (entry->command != command->bit)
        entry++;
    return entry->run(settings);
}

static bool asks_for_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* "eval" without the word that says what. */
static ExitCode refuse_eval(void) {
    char kinds[128] = "";
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *blank = strchr(command->name, ' ');
        size_t used = strlen(kinds);
        if (!blank) continue;
        snprintf(kinds + used, sizeof kinds - used, "%s%s", used ? ", " : "", blank + 1);
    }
    return alisa_cli_refuse(EXIT_USAGE, "'alisa eval' needs one of: %s", kinds);
}

static ExitCode refuse_command(char **words, size_t count) {
    const char *names[sizeof entries / sizeof *entries];
    size_t name_count = 0;
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        names[name_count++] = command->name;
    }
    names[name_count] = NULL;
    char spelled[64];
    snprintf(spelled, sizeof spelled, "%s%s%s", words[0],
             count > 1 && words[1][0] != '-' ? " " : "",
             count > 1 && words[1][0] != '-' ? words[1] : "");
    if (strcmp(words[0], alisa_cli_eval.word) == 0) return refuse_eval();
    const char *nearest = alisa_cli_arguments_nearest(spelled, names);
    if (!nearest) nearest = alisa_cli_arguments_nearest(words[0], names);
    /* "perplexity" alone: the second word of a name. */
    for (const Command *command = alisa_cli_commands; command->name && !nearest; command++) {
        const char *blank = strchr(command->name, ' ');
        if (blank && strcmp(blank + 1, words[0]) == 0) nearest = command->name;
    }
    if (nearest) {
        return alisa_cli_refuse(EXIT_USAGE, "the command '%s' is unknown; did you mean '%s'?",
                                words[0], nearest);
    }
    return alisa_cli_refuse(EXIT_USAGE, "the command '%s' is unknown; 'alisa' lists the commands",
                            words[0]);
}

static ExitCode run_command(const Command *command, char **words, size_t count) {
    static Settings settings; /* static for its size: it holds whole lists */
    char message[ARGUMENT_MESSAGE_SIZE];
    ArgumentRequest request = {
        .command = command->bit,
        .command_name = command->name,
        .operand_name = command->operand,
        .words = (const char *const *)words,
        .word_count = count,
        .environment = (const char *const *)environ,
    };
    if (!alisa_cli_arguments_parse(alisa_cli_options(), &request, &settings, settings.operands,
                                   message)) {
        return alisa_cli_refuse(EXIT_USAGE, "%s", message);
    }
    if (settings.help) {
        alisa_cli_help_command(command, stdout);
        return EXIT_DONE;
    }
    if (settings.version) {
        printf("alisa %s\n", alisa_version());
        return EXIT_DONE;
    }
    if (needs_operand(command) && !settings.operands[0]) {
        return alisa_cli_refuse(EXIT_USAGE, "'alisa %s' needs a %s, as in: %s", command->name,
                                command->operand, command->examples[0].line);
    }
    ExitCode code = alisa_cli_log_open(&settings);
    if (code == EXIT_DONE) code = call(command, &settings);
    alisa_cli_log_close();
    return code;
}

int main(int argument_count, char **arguments) {
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is seen where it is written to */
    alisa_cli_interrupt_watch(true);
    char **words = arguments + 1;
    size_t count = argument_count > 1 ? (size_t)argument_count - 1 : 0;
    bool help = count > 0 && strcmp(words[0], "help") == 0;
    if (count == (help ? 1 : 0) || asks_for_help(words[0])) {
        alisa_cli_help_program(stdout);
        return alisa_cli_output_end(EXIT_DONE);
    }
    if (strcmp(words[0], "--version") == 0) {
        printf("alisa %s\n", alisa_version());
        return alisa_cli_output_end(EXIT_DONE);
    }
    words += help;
    count -= help;
    size_t used;
    const Command *command = alisa_cli_command_find((const char *const *)words, count, &used);
    if (!command && strcmp(words[0], alisa_cli_eval.word) == 0 &&
        (help || (count > 1 && asks_for_help(words[1])))) {
        alisa_cli_help_family(&alisa_cli_eval, stdout);
        return alisa_cli_output_end(EXIT_DONE);
    }
    if (!command) return refuse_command(words, count);
    if (help) {
        alisa_cli_help_command(command, stdout);
        return alisa_cli_output_end(EXIT_DONE);
    }
    return alisa_cli_output_end(run_command(command, words + used, count - used));
}
