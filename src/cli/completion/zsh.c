/* SPDX-License-Identifier: Apache-2.0 */
#include "completion/shells.h"

#include <string.h>

/* Text inside single quotes, with the characters escaped that end a description. */
static void print_description(const char *text, FILE *out) {
    for (; *text; text++) {
        if (*text == '\'') {
            fprintf(out, "'\\''");
            continue;
        }
        if (strchr("[]:\\", *text)) fputc('\\', out);
        fputc(*text, out);
    }
}

/* ((f16\:"16-bit floats" f32\:"32-bit floats")): a name and what it means. */
static void print_choices(const Choice *choices, FILE *out) {
    fprintf(out, "((");
    for (const Choice *choice = choices; choice->name; choice++) {
        fprintf(out, "%s%s", choice == choices ? "" : " ", choice->name);
        if (!choice->help) continue;
        fprintf(out, "\\:\"");
        print_description(choice->help, out);
        fputc('"', out);
    }
    fprintf(out, "))");
}

static void print_value(const Option *option, FILE *out) {
    if (!option->value) return;
    fprintf(out, ":%s:", option->value);
    if (option->choices) {
        print_choices(option->choices, out);
    } else if (strcmp(option->value, "FOLDER") == 0) {
        fprintf(out, "_files -/");
    } else if (alisa_cli_complete_is_file(option->value)) {
        fprintf(out, "_files");
    } else {
        fputc(' ', out); /* a value that cannot be completed */
    }
}

/* A specification of _arguments: '(-m --model)'{-m,--model=}'[the model]:FILE:_files'. */
static void print_option(const Option *option, FILE *out) {
    const char *equals = option->value ? "=" : "";
    fprintf(out, " \\\n        ");
    if (option->alias) {
        fprintf(out, "'(%s %s)'{%s,%s%s}'[", option->alias, option->name, option->alias,
                option->name, equals);
    } else {
        fprintf(out, "'%s%s[", option->name, equals);
    }
    print_description(option->help, out);
    fputc(']', out);
    print_value(option, out);
    fputc('\'', out);
}

static void print_command(const Command *command, FILE *out) {
    fprintf(out, "      '%s')\n      _arguments", command->name);
    const Option *option = NULL;
    while ((option = alisa_cli_option_next(command->bit, option)))
        print_option(option, out);
    if (alisa_cli_complete_is_file(command->operand)) {
        fprintf(out, " \\\n        '*:FILE:_files'");
    } else if (command->bit == COMMAND_COMPLETION) {
        fprintf(out, " \\\n        '1:SHELL:(bash zsh fish)'");
    } else if (command->bit == COMMAND_REFERENCE) {
        fprintf(out, " \\\n        '*:COMMAND:($words_of_commands)'");
    }
    fprintf(out, " ;;\n");
}

static void print_row(const char *word, const char *summary, FILE *out) {
    fprintf(out, "    '%s:", word);
    print_description(summary, out);
    fprintf(out, "'\n");
}

void alisa_cli_complete_zsh(FILE *out) {
    fprintf(out,
            "#compdef alisa\n# Completion of alisa for zsh, printed by 'alisa completion zsh'.\n"
            "_alisa() {\n  local curcontext=$curcontext state line command\n"
            "  typeset -A opt_args\n  local -a commands kinds words_of_commands\n"
            "  commands=(\n");
    for (const Command *command = alisa_cli_commands; command->name; command++)
        if (!alisa_cli_complete_second(command)) print_row(command->name, command->summary, out);
    print_row(alisa_cli_eval.word, alisa_cli_eval.summary, out);
    print_row("help", "print the flags of a command", out);
    fprintf(out, "  )\n  kinds=(\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *second = alisa_cli_complete_second(command);
        if (second) print_row(second, command->summary, out);
    }
    fprintf(out,
            "  )\n  words_of_commands=(${commands%%%%:*})\n"
            "  _arguments -C '1:command:->command' '*::argument:->arguments'\n"
            "  case $state in\n"
            "    command) _describe command commands; return ;;\n"
            "    arguments) ;;\n    *) return ;;\n  esac\n"
            "  command=$words[1]\n"
            "  if [[ $command == eval ]]; then\n"
            "    if (( CURRENT == 2 )); then\n      _describe kind kinds\n      return\n    fi\n"
            "    shift words\n    (( CURRENT-- ))\n    command=\"eval $words[1]\"\n  fi\n"
            "  case $command in\n"
            "      help) _describe command commands ;;\n");
    for (const Command *command = alisa_cli_commands; command->name; command++)
        print_command(command, out);
    /* In a folder of $fpath the file is the function; sourced, it only defines it. */
    fprintf(out, "  esac\n}\n"
                 "if [[ $funcstack[1] == _alisa ]]; then\n  _alisa \"$@\"\nelse\n"
                 "  compdef _alisa alisa\nfi\n");
}
