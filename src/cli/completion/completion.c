/*
 * alisa completion: a completion function for bash (and for zsh, which can run bash's) made from
 * the tables.
 */
#include "common/terminal.h"

#include <string.h>

static void print_flags(const Command *command) {
    printf("    \"%s\") flags=\"", command->name);
    for (const Option *option = alisa_cli_options()->options; option->name; option++) {
        if (!(option->commands & command->bit)) continue;
        printf("%s ", option->name);
        if (option->alias) printf("%s ", option->alias);
    }
    printf("\" ;;\n");
}

/* Words that can follow each flag, for flags with a list of choices; files for all others. */
static void print_choices(void) {
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        for (const Option *option = alisa_cli_options()->options; option->name; option++) {
            if (!option->choices || !(option->commands & command->bit)) continue;
            printf("    \"%s %s\"", command->name, option->name);
            if (option->alias) printf("|\"%s %s\"", command->name, option->alias);
            printf(") words=\"");
            for (const Choice *choice = option->choices; choice->name; choice++) {
                printf("%s ", choice->name);
            }
            printf("\" ;;\n");
        }
    }
}

ExitCode alisa_cli_completion(const Settings *settings) {
    if (strcmp(settings->operands[0], "bash") != 0 && strcmp(settings->operands[0], "zsh") != 0) {
        return alisa_cli_refuse(EXIT_USAGE, "completion is made for bash and zsh, not for '%s'",
                                settings->operands[0]);
    }
    if (strcmp(settings->operands[0], "zsh") == 0) {
        printf("autoload -U +X bashcompinit && bashcompinit\n");
    }
    printf("_alisa() {\n"
           "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "  local command=${COMP_WORDS[1]} flags= words=\n"
           "  [ \"$command\" = eval ] && command=\"eval ${COMP_WORDS[2]}\"\n"
           "  if [ \"$COMP_CWORD\" = 1 ]; then\n    words=\"");
    const char *last = "";
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        size_t length = strcspn(command->name, " ");
        if (strncmp(last, command->name, length) != 0) {
            printf("%.*s ", (int)length, command->name);
        }
        last = command->name;
    }
    printf("\"\n  elif [ \"$COMP_CWORD\" = 2 ] && [ \"${COMP_WORDS[1]}\" = eval ]; then\n"
           "    words=\"");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *blank = strchr(command->name, ' ');
        if (blank) printf("%s ", blank + 1);
    }
    printf("\"\n  else\n    case \"$command\" in\n");
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        print_flags(command);
    }
    printf("    esac\n    case \"$command $before\" in\n");
    print_choices();
    printf("    *) case \"$word\" in -*) words=$flags ;; esac ;;\n    esac\n  fi\n"
           "  COMPREPLY=()\n"
           "  [ -n \"$words\" ] && COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "}\ncomplete -o default -F _alisa alisa\n");
    return EXIT_DONE;
}
