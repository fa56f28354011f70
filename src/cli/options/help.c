/* SPDX-License-Identifier: Apache-2.0 */
#include "options/help.h"

#include <string.h>

/* Columns of a line, and where in it the text about a flag begins. */
enum { WIDTH = 80, COLUMN = 28 };

void alisa_cli_help_usage(const Command *command, FILE *out) {
    const char *operand = command->operand;
    bool optional = operand && alisa_cli_arguments_any_number(operand);
    fprintf(out, "alisa %s ", command->name);
    if (operand) fprintf(out, optional ? "[%s] " : "%s ", operand);
    fprintf(out, "[FLAGS]");
}

void alisa_cli_help_page(const Command *command, char *name, size_t capacity) {
    snprintf(name, capacity, "alisa-%s", command->name);
    for (; *name; name++)
        if (*name == ' ') *name = '-';
}

void alisa_cli_help_family(const CommandFamily *family, FILE *out) {
    const char *word = family->word;
    fprintf(out, "usage: alisa %s COMMAND [FLAGS]\n\nalisa %s: %s\n\ncommands:\n", word, word,
            family->summary);
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        size_t length = strlen(word);
        if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ') continue;
        fprintf(out, "  %-16s %s\n", command->name + length + 1, command->summary);
    }
    fprintf(out, "\n'alisa %s COMMAND --help' lists the flags of a command.\n", word);
}

void alisa_cli_help_program(FILE *out) {
    fprintf(out, "usage: alisa COMMAND [FLAGS]\n\nRuns GGUF language models on any OpenCL device."
                 "\n\ncommands:\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        fprintf(out, "  %-16s %s\n", command->name, command->summary);
    }
    fprintf(out,
            "\nexample:\n  %s\n\n'alisa COMMAND --help' lists the flags of a command.\n"
            "Reference: 'man alisa' or 'alisa reference'.\n",
            alisa_cli_commands[0].examples[0].line);
}

/* Text that stays together, after a blank, or on the next line where this one has no room. Lines
 * begin at COLUMN. Returns the column after it. */
static int print_word(const char *word, size_t length, int column, FILE *out) {
    bool blank = column > COLUMN;
    if (column + blank + (int)length > WIDTH) {
        fprintf(out, "\n%*s", COLUMN, "");
        column = COLUMN;
        blank = false;
    }
    fprintf(out, "%s%.*s", blank ? " " : "", (int)length, word);
    return column + blank + (int)length;
}

static int print_words(const char *text, int column, FILE *out) {
    while (*text) {
        size_t length = strcspn(text, " ");
        column = print_word(text, length, column, out);
        text += length + (text[length] == ' ');
    }
    return column;
}

static void print_option(const Option *option, FILE *out) {
    int column =
        fprintf(out, "%6s%s %s%s%s", option->alias ? option->alias : "", option->alias ? "," : " ",
                option->name, option->value ? " " : "", option->value ? option->value : "");
    if (column > COLUMN - 2) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", COLUMN - column, "");
    column = print_words(option->help, COLUMN, out);
    char word[96];
    for (const Choice *choice = option->choices; choice && choice->name; choice++) {
        snprintf(word, sizeof word, "%s%s%s", choice == option->choices ? "[" : "", choice->name,
                 choice[1].name ? "," : "]");
        column = print_words(word, column, out);
    }
    if (option->initial) {
        snprintf(word, sizeof word, "(default: %s)", option->initial);
        print_word(word, strlen(word), column, out);
    }
    fputc('\n', out);
}

void alisa_cli_help_command(const Command *command, FILE *out) {
    fprintf(out, "usage: ");
    alisa_cli_help_usage(command, out);
    fprintf(out, "\n\nalisa %s: %s\n\nexample:\n  %s\n", command->name, command->summary,
            command->examples[0].line);
    int group = -1;
    const Option *option = NULL;
    while ((option = alisa_cli_option_next(command->bit, option))) {
        if (option->group != group) {
            group = option->group;
            fprintf(out, "\n%s:\n", alisa_cli_option_group(group));
        }
        print_option(option, out);
    }
    char page[64];
    alisa_cli_help_page(command, page, sizeof page);
    fprintf(out,
            "\nA flag can also be set by an environment variable, --log-file by ALISA_LOG_FILE;\n"
            "the flag wins.\nReference: 'man %s' or 'alisa reference %s'.\n",
            page, command->name);
}
