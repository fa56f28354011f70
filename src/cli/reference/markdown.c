/* SPDX-License-Identifier: Apache-2.0 */
#include "options/help.h"
#include "reference/pages.h"

#include <ctype.h>
#include <string.h>

/* Length of the code at which a word begins - a flag, or what is between single quotes, the first
 * of them being *text - or 0. */
static size_t code_length(const char *text) {
    const char *end = text[0] == '\'' ? strchr(text + 1, '\'') : NULL;
    if (end) return (size_t)(end - text) - 1;
    if (text[0] != '-' || !(isalpha((unsigned char)text[1]) || text[1] == '-')) return 0;
    size_t length = strcspn(text, " ,;:)");
    return text[length - 1] == '.' ? length - 1 : length;
}

/* Sentences, also in a cell of a table, where a bar would end it. */
static void print_prose(const char *text, FILE *out) {
    bool begins = true;
    while (*text) {
        size_t code = begins ? code_length(text) : 0;
        size_t quote = code && *text == '\'';
        begins = *text == ' ' || *text == '(';
        if (code) {
            fprintf(out, "`%.*s`", (int)code, text + quote);
            text += code + 2 * quote;
            continue;
        }
        if (*text == '|') fputc('\\', out);
        fputc(*text++, out);
    }
}

/* A phrase as the beginning of a sentence. */
static void print_capital(const char *text, FILE *out) {
    fputc(toupper((unsigned char)*text), out);
    print_prose(text + 1, out);
}

/* Names side by side; a line for each where they are explained. */
static void print_choices(const Choice *choices, FILE *out) {
    bool explained = false;
    for (const Choice *choice = choices; choice->name; choice++)
        explained |= choice->help != NULL;
    if (!explained) fprintf(out, ":");
    for (const Choice *choice = choices; choice->name; choice++) {
        const char *separator = explained ? "<br>" : choice == choices ? " " : ", ";
        fprintf(out, "%s`%s`", separator, choice->name);
        if (!choice->help) continue;
        fprintf(out, ": ");
        print_prose(choice->help, out);
    }
}

static void print_option(const Option *option, FILE *out) {
    char variable[64];
    alisa_cli_arguments_variable(option, variable, sizeof variable);
    fprintf(out, "| ");
    if (option->alias) fprintf(out, "`%s`, ", option->alias);
    fprintf(out, "`%s%s%s` | ", option->name, option->value ? " " : "",
            option->value ? option->value : "");
    if (option->initial) fprintf(out, "`%s`", option->initial);
    fprintf(out, " | ");
    if (option->kind != OPTION_REQUEST) fprintf(out, "`%s`", variable);
    fprintf(out, " | ");
    print_prose(option->help, out);
    if (option->choices) print_choices(option->choices, out);
    fprintf(out, " |\n");
}

void alisa_cli_markdown_command(const Command *command, FILE *out) {
    fprintf(out, "## alisa %s\n\n", command->name);
    print_capital(command->summary, out);
    fprintf(out, ".\n\n    ");
    alisa_cli_help_usage(command, out);
    fprintf(out, "\n\n");
    print_prose(command->description, out);
    fputc('\n', out);
    for (size_t i = 0; i < MOST_EXAMPLES && command->examples[i].line; i++) {
        const Example *example = &command->examples[i];
        fputc('\n', out);
        print_capital(example->meaning, out);
        fprintf(out, ":\n\n    %s\n", example->line);
    }
    int group = -1;
    const Option *option = NULL;
    while ((option = alisa_cli_option_next(command->bit, option))) {
        if (option->group != group) {
            group = option->group;
            fprintf(out, "\n### %s\n\n| flag | default | variable | |\n|---|---|---|---|\n",
                    alisa_cli_option_group(group));
        }
        print_option(option, out);
    }
}

/* The place of a heading, as GitHub and most renderers name it. */
static void print_anchor(const Command *command, FILE *out) {
    char page[64];
    alisa_cli_help_page(command, page, sizeof page);
    fprintf(out, "#%s", page);
}

void alisa_cli_markdown_print(FILE *out) {
    fprintf(out, "# Reference\n\n"
                 "Every command of `alisa` with its flags. This page is what `alisa reference` "
                 "prints; the manual pages\nhave the same text.\n\n"
                 "| command | |\n|---|---|\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        fprintf(out, "| [`alisa %s`](", command->name);
        print_anchor(command, out);
        fprintf(out, ") | %s |\n", command->summary);
    }
    fprintf(out, "\n## Flags, variables and exit codes\n\n");
    for (const char *const *text = alisa_cli_reference_rules; *text; text++) {
        print_prose(*text, out);
        fprintf(out, "\n\n");
    }
    fprintf(out, "| variable | |\n|---|---|\n");
    for (const EnvironmentVariable *variable = alisa_cli_options()->variables; variable->name;
         variable++) {
        if (!variable->help) continue;
        fprintf(out, "| `%s` | ", variable->name);
        print_prose(variable->help, out);
        fprintf(out, " |\n");
    }
    fprintf(out, "\n| exit code | |\n|---|---|\n");
    for (const ExitCodeMeaning *code = alisa_cli_exit_codes; code->meaning; code++)
        fprintf(out, "| %d | %s |\n", code->code, code->meaning);
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        fputc('\n', out);
        alisa_cli_markdown_command(command, out);
    }
}
