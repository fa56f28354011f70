/* SPDX-License-Identifier: Apache-2.0 */
#include "alisa/alisa.h"
#include "options/help.h"
#include "reference/pages.h"

#include <ctype.h>
#include <string.h>

/* Prints text in which troff finds no request: dashes are those of flags, a dot or a quote that
 * begins a line is a character. Lines end after sentences, as man(7) wants it. */
static void print_text(const char *text, FILE *out) {
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\'')) fprintf(out, "\\&");
        begins = false;
        if (*text == '\\') {
            fprintf(out, "\\e");
        } else if (*text == '-') {
            fprintf(out, "\\-");
        } else if (*text == ' ' && text[-1] == '.' && isupper((unsigned char)text[1])) {
            fputc('\n', out);
            begins = true;
        } else {
            fputc(*text, out);
        }
    }
}

static void print_bold(const char *text, FILE *out) {
    fprintf(out, "\\fB");
    print_text(text, out);
    fprintf(out, "\\fR");
}

static void print_head(const char *page, const char *summary, FILE *out) {
    fprintf(out, ".TH ");
    for (const char *letter = page; *letter; letter++)
        fputc(toupper((unsigned char)*letter), out);
    fprintf(out, " 1 \"%s\" \"alisa %s\" \"User Commands\"\n.SH NAME\n", ALISA_BUILD_DATE,
            alisa_version());
    print_text(page, out);
    fprintf(out, " \\- ");
    print_text(summary, out);
    fprintf(out, "\n.SH SYNOPSIS\n");
}

static void print_option(const Option *option, FILE *out) {
    fprintf(out, ".TP\n");
    if (option->alias) {
        print_bold(option->alias, out);
        fprintf(out, ", ");
    }
    print_bold(option->name, out);
    if (option->value) fprintf(out, " \\fI%s\\fR", option->value);
    fputc('\n', out);
    print_text(option->help, out);
    if (option->initial) {
        fprintf(out, " (default: ");
        print_text(option->initial, out);
        fputc(')', out);
    }
    for (const Choice *choice = option->choices; choice && choice->name; choice++) {
        fprintf(out, choice == option->choices ? ":\n" : choice[-1].help ? ";\n" : ",\n");
        print_bold(choice->name, out);
        if (!choice->help) continue;
        fprintf(out, " \\(en ");
        print_text(choice->help, out);
    }
    fprintf(out, ".\n");
}

static void print_environment(FILE *out) {
    fprintf(out, ".SH ENVIRONMENT\n");
    for (const EnvironmentVariable *variable = alisa_cli_options()->variables; variable->name;
         variable++) {
        if (!variable->help) continue;
        fprintf(out, ".TP\n");
        print_bold(variable->name, out);
        fputc('\n', out);
        print_text(variable->help, out);
        fputc('\n', out);
    }
}

static void print_exit_codes(FILE *out) {
    fprintf(out, ".SH EXIT STATUS\n");
    for (const ExitCodeMeaning *code = alisa_cli_exit_codes; code->meaning; code++) {
        fprintf(out, ".TP\n.B %d\n", code->code);
        print_text(code->meaning, out);
        fprintf(out, ".\n");
    }
}

static void print_examples(const Command *command, FILE *out) {
    fprintf(out, ".SH EXAMPLES\n");
    for (size_t i = 0; i < MOST_EXAMPLES && command->examples[i].line; i++) {
        const Example *example = &command->examples[i];
        fprintf(out, ".TP\n");
        print_bold(example->line, out);
        fputc('\n', out);
        print_text(example->meaning, out);
        fprintf(out, ".\n");
    }
}

void alisa_cli_man_command(const Command *command, FILE *out) {
    char page[64];
    alisa_cli_help_page(command, page, sizeof page);
    print_head(page, command->summary, out);
    print_bold("alisa", out);
    fputc(' ', out);
    print_bold(command->name, out);
    if (command->operand) {
        bool optional = alisa_cli_arguments_any_number(command->operand);
        fprintf(out, optional ? " [\\fI%s\\fR]" : " \\fI%s\\fR", command->operand);
    }
    fprintf(out, " [\\fIFLAGS\\fR]\n.SH DESCRIPTION\n");
    print_text(command->description, out);
    fprintf(out, "\n.SH OPTIONS\n");
    int group = -1;
    const Option *option = NULL;
    while ((option = alisa_cli_option_next(command->bit, option))) {
        if (option->group != group) {
            group = option->group;
            fprintf(out, ".SS %s\n", alisa_cli_option_group(group));
        }
        print_option(option, out);
    }
    print_examples(command, out);
    fprintf(out, ".SH SEE ALSO\n.BR alisa (1)\n");
}

void alisa_cli_man_print(FILE *out) {
    print_head("alisa", "run GGUF language models on any OpenCL device", out);
    fprintf(out, "\\fBalisa\\fR \\fICOMMAND\\fR [\\fIFLAGS\\fR]\n.SH DESCRIPTION\n");
    for (const char *const *text = alisa_cli_reference_rules; *text; text++) {
        if (text != alisa_cli_reference_rules) fprintf(out, ".PP\n");
        print_text(*text, out);
        fputc('\n', out);
    }
    fprintf(out, ".SH COMMANDS\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        char page[64];
        alisa_cli_help_page(command, page, sizeof page);
        fprintf(out, ".TP\n.BR ");
        print_text(page, out);
        fprintf(out, " (1)\n");
        print_text(command->summary, out);
        fprintf(out, ".\n");
    }
    print_environment(out);
    print_exit_codes(out);
    print_examples(&alisa_cli_commands[0], out);
}
