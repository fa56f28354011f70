/* SPDX-License-Identifier: Apache-2.0 */
#include "completion/shells.h"

#include <string.h>

/* Text in single quotes. */
static void print_quoted(const char *text, FILE *out) {
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void print_word(const char *condition, const char *word, const char *summary, FILE *out) {
    fprintf(out, "complete -c alisa -n '%s' -a %s -d ", condition, word);
    print_quoted(summary, out);
    fputc('\n', out);
}

static void print_option(const Command *command, const Option *option, FILE *out) {
    const char *second = alisa_cli_complete_second(command);
    fprintf(out, "complete -c alisa -n '__alisa_is %s%s%s' -l %s", second ? "eval" : command->name,
            second ? " " : "", second ? second : "", option->name + strlen("--"));
    if (option->alias) {
        /* An alias of several letters is what fish calls an old option. */
        fprintf(out, " -%c %s", option->alias[2] ? 'o' : 's', option->alias + 1);
    }
    if (option->value) {
        bool file = alisa_cli_complete_is_file(option->value) || option->kind == OPTION_OUTPUT;
        fprintf(out, file ? " -r -F" : " -x");
    }
    if (option->choices) {
        fprintf(out, " -a '");
        for (const Choice *choice = option->choices; choice->name; choice++) {
            fprintf(out, "%s%s", choice == option->choices ? "" : " ", choice->name);
            if (choice->help) fprintf(out, "\\t\"%s\"", choice->help);
        }
        fputc('\'', out);
    }
    fprintf(out, " -d ");
    print_quoted(option->help, out);
    fputc('\n', out);
}

void alisa_cli_complete_fish(FILE *out) {
    fprintf(out, "# Completion of alisa for fish, printed by 'alisa completion fish'.\n"
                 "# Whether the words before the cursor begin with these, after alisa.\n"
                 "function __alisa_is\n"
                 "    set -l before (commandline -opc)[2..-1]\n"
                 "    test (count $before) -ge (count $argv)\n"
                 "    and test \"$before[1..\"(count $argv)\"]\" = \"$argv\"\nend\n"
                 "# Whether these are all the words before the cursor.\n"
                 "function __alisa_after\n"
                 "    set -l before (commandline -opc)[2..-1]\n"
                 "    test \"$before\" = \"$argv\"\nend\n"
                 "complete -c alisa -f\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *second = alisa_cli_complete_second(command);
        print_word(second ? "__alisa_after eval" : "__alisa_after", second ? second : command->name,
                   command->summary, out);
        if (!second) print_word("__alisa_after help", command->name, command->summary, out);
    }
    print_word("__alisa_after", alisa_cli_eval.word, alisa_cli_eval.summary, out);
    print_word("__alisa_after", "help", "print the flags of a command", out);
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        if (alisa_cli_complete_is_file(command->operand))
            fprintf(out, "complete -c alisa -n '__alisa_is %s' -F\n", command->name);
        const Option *option = NULL;
        while ((option = alisa_cli_option_next(command->bit, option)))
            print_option(command, option, out);
    }
    fprintf(out, "complete -c alisa -n '__alisa_after completion' -a 'bash zsh fish'\n");
}
