/*
 * alisa: the command table, and how a command is found, configured and run.
 */
#include "common/terminal.h"

#include <signal.h>
#include <string.h>

extern char **environ;

const Command alisa_cli_commands[] = {
    {"generate", COMMAND_GENERATE, NULL, "write a text that goes on from a prompt",
     alisa_cli_generate},
    {"chat", COMMAND_CHAT, NULL, "talk with a model", alisa_cli_chat},
    {"bench", COMMAND_BENCH, "FILE...", "time prompts and generation", alisa_cli_bench},
    {"plan", COMMAND_PLAN, NULL, "predict speed and memory of a model on a device, at hand or not",
     alisa_cli_plan},
    {"tune", COMMAND_TUNE, NULL, "find the kernel parameters that suit a device", alisa_cli_tune},
    {"devices", COMMAND_DEVICES, NULL, "list the OpenCL devices", alisa_cli_devices},
    {"inspect", COMMAND_INSPECT, "FILE", "list the keys and tensors of a GGUF file",
     alisa_cli_inspect},
    {"tokenize", COMMAND_TOKENIZE, NULL, "show the tokens of a text", alisa_cli_tokenize},
    {"eval perplexity", COMMAND_PERPLEXITY, NULL, "measure how well a model predicts a text",
     alisa_cli_perplexity},
    {"eval logprobs", COMMAND_LOGPROBS, NULL, "print the log-probabilities of tokens",
     alisa_cli_logprobs},
    {"eval recall", COMMAND_RECALL, NULL, "ask for facts that were stated long before",
     alisa_cli_recall},
    {"eval choice", COMMAND_CHOICE, NULL, "answer multiple-choice questions by log-likelihood",
     alisa_cli_choice},
    {"completion", COMMAND_COMPLETION, "SHELL", "print the completion script for bash or zsh",
     alisa_cli_completion},
    {0},
};

static void print_commands(FILE *out) {
    fprintf(out, "usage: alisa COMMAND [FLAGS]\n\nRuns GGUF language models on any OpenCL device."
                 "\n\ncommands:\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        fprintf(out, "  %-16s %s\n", command->name, command->summary);
    }
    fprintf(out, "\n'alisa COMMAND --help' lists the flags of a command; --version prints the "
                 "version.\n");
}

static bool needs_operand(const Command *command) {
    return command->operand && !alisa_cli_arguments_any_number(command->operand);
}

static void print_help(const Command *command) {
    printf("usage: alisa %s ", command->name);
    if (command->operand) printf(needs_operand(command) ? "%s " : "[%s] ", command->operand);
    printf("[FLAGS]\n\nalisa %s: %s\n\n", command->name, command->summary);
    alisa_cli_arguments_help(alisa_cli_options(), command->bit, stdout);
    printf("\nA flag can also be set by the environment variable in brackets; the flag wins.\n");
}

/* How many of `words` spell the command's name; 0 when it is another command. */
static size_t match(const Command *command, char **words, size_t count) {
    const char *blank = strchr(command->name, ' ');
    if (!blank) return strcmp(words[0], command->name) == 0;
    size_t length = (size_t)(blank - command->name);
    bool first = strlen(words[0]) == length && strncmp(words[0], command->name, length) == 0;
    return first && count > 1 && strcmp(words[1], blank + 1) == 0 ? 2 : 0;
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
    enum { MOST_COMMANDS = 16 };
    const char *names[MOST_COMMANDS];
    size_t name_count = 0;
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        names[name_count++] = command->name;
    }
    names[name_count] = NULL;
    char spelled[64];
    snprintf(spelled, sizeof spelled, "%s%s%s", words[0],
             count > 1 && words[1][0] != '-' ? " " : "",
             count > 1 && words[1][0] != '-' ? words[1] : "");
    if (strcmp(words[0], "eval") == 0) return refuse_eval();
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
        print_help(command);
        return EXIT_DONE;
    }
    if (settings.version) {
        printf("alisa %s\n", alisa_version());
        return EXIT_DONE;
    }
    if (needs_operand(command) && !settings.operands[0]) {
        return alisa_cli_refuse(EXIT_USAGE, "'alisa %s' needs a %s", command->name,
                                command->operand);
    }
    ExitCode code = alisa_cli_log_open(&settings);
    if (code == EXIT_DONE) {
        code = settings.list_devices ? alisa_cli_devices(&settings) : command->run(&settings);
    }
    alisa_cli_log_close();
    return code;
}

int main(int argument_count, char **arguments) {
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is seen where it is written to */
    alisa_cli_interrupt_watch(true);
    char **words = arguments + 1;
    size_t count = argument_count > 1 ? (size_t)argument_count - 1 : 0;
    if (count == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
        print_commands(stdout);
        return alisa_cli_output_end(EXIT_DONE);
    }
    if (strcmp(words[0], "--version") == 0) {
        printf("alisa %s\n", alisa_version());
        return alisa_cli_output_end(EXIT_DONE);
    }
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        size_t used = match(command, words, count);
        if (used) return alisa_cli_output_end(run_command(command, words + used, count - used));
    }
    return refuse_command(words, count);
}
