/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa completion: the script by which a shell completes the command line.
 */
#include "common/terminal.h"
#include "completion/shells.h"

#include <string.h>

bool alisa_cli_complete_is_file(const char *value) {
    return value && (strncmp(value, "FILE", strlen("FILE")) == 0 || strcmp(value, "FOLDER") == 0);
}

const char *alisa_cli_complete_second(const Command *command) {
    const char *blank = strchr(command->name, ' ');
    return blank ? blank + 1 : NULL;
}

ExitCode alisa_cli_completion(const Settings *settings) {
    static const struct {
        const char *shell;
        void (*print)(FILE *out);
    } scripts[] = {{"bash", alisa_cli_complete_bash},
                   {"zsh", alisa_cli_complete_zsh},
                   {"fish", alisa_cli_complete_fish}};
    const char *shell = settings->operands[0];
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(scripts[i].shell, shell) != 0) continue;
        scripts[i].print(stdout);
        return EXIT_DONE;
    }
    return alisa_cli_refuse(EXIT_USAGE, "completion is made for bash, zsh and fish, not for '%s'",
                            shell);
}
