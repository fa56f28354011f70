/* SPDX-License-Identifier: Apache-2.0 */
#include "completion/shells.h"

/* The flags of each command. */
static void print_flags(FILE *out) {
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const Option *option = NULL;
        fprintf(out, "        \"%s\") words=\"", command->name);
        while ((option = alisa_cli_option_next(command->bit, option)))
            fprintf(out, "%s%s%s ", option->alias ? option->alias : "", option->alias ? " " : "",
                    option->name);
        fprintf(out, "\" ;;\n");
    }
}

/* Completes the value of a flag: with words, with files, or with nothing. */
static void print_values(FILE *out) {
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const Option *option = NULL;
        while ((option = alisa_cli_option_next(command->bit, option))) {
            if (!option->value) continue;
            fprintf(out, "    \"%s %s\"", command->name, option->name);
            if (option->alias) fprintf(out, "|\"%s %s\"", command->name, option->alias);
            fprintf(out, ") ");
            bool file = alisa_cli_complete_is_file(option->value) || option->kind == OPTION_OUTPUT;
            if (option->choices) {
                fprintf(out, "words=\"");
                for (const Choice *choice = option->choices; choice->name; choice++)
                    fprintf(out, "%s%s", choice == option->choices ? "" : " ", choice->name);
                fprintf(out, file ? "\" files=1 ;;\n" : "\" ;;\n");
            } else {
                fprintf(out, file ? "files=1 ;;\n" : ";;\n");
            }
        }
    }
}

/* Completes a word before which no flag waits for a value: with flags after a dash, else as the
 * operand. */
static void print_operands(FILE *out) {
    fprintf(out, "    *) case \"$word\" in\n      -*) case \"$command\" in\n");
    print_flags(out);
    fprintf(out, "        esac ;;\n      *) case \"$command\" in\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        if (!alisa_cli_complete_is_file(command->operand)) continue;
        fprintf(out, "        \"%s\") files=1 ;;\n", command->name);
    }
    fprintf(out, "        completion) words=\"bash zsh fish\" ;;\n"
                 "        reference|help) words=$commands ;;\n        esac ;;\n      esac ;;\n");
}

void alisa_cli_complete_bash(FILE *out) {
    fprintf(out, "# Completion of alisa for bash, printed by 'alisa completion bash'.\n"
                 "_alisa() {\n"
                 "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "  local command=${COMP_WORDS[1]} commands='' words='' files=''\n"
                 "  if [ \"$word\" = = ]; then\n    word=\n"
                 "  elif [ \"$before\" = = ]; then\n    before=${COMP_WORDS[COMP_CWORD-2]}\n  fi\n"
                 "  [ \"$command\" = eval ] && command=\"eval ${COMP_WORDS[2]}\"\n"
                 "  commands=\"");
    for (const Command *command = alisa_cli_commands; command->name; command++)
        if (!alisa_cli_complete_second(command)) fprintf(out, "%s ", command->name);
    fprintf(out, "eval help\"\n  if [ \"$COMP_CWORD\" = 1 ]; then\n"
                 "    words=\"$commands --help --version\"\n"
                 "  elif [ \"$COMP_CWORD\" = 2 ] && [ \"${COMP_WORDS[1]}\" = eval ]; then\n"
                 "    words=\"");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *second = alisa_cli_complete_second(command);
        if (second) fprintf(out, "%s ", second);
    }
    fprintf(out, "--help\"\n  else\n    case \"$command $before\" in\n");
    print_values(out);
    print_operands(out);
    fprintf(out, "    esac\n  fi\n"
                 "  mapfile -t COMPREPLY < <(\n"
                 "    [ -z \"$words\" ] || compgen -W \"$words\" -- \"$word\"\n"
                 "    [ -z \"$files\" ] || compgen -f -- \"$word\"\n  )\n"
                 "  [ -z \"$files\" ] || compopt -o filenames 2>/dev/null\n"
                 "  return 0\n"
                 "}\ncomplete -F _alisa alisa\n");
}
