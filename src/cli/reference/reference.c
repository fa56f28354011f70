/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa reference: the commands and their flags, as Markdown and as manual pages.
 */
#include "common/terminal.h"
#include "options/help.h"
#include "reference/pages.h"

#include <errno.h>
#include <string.h>

const char *const alisa_cli_reference_rules[] = {
    "alisa runs language models in GGUF files on GPUs of any vendor and on processors, through "
    "OpenCL "
    "1.2, also with a context that needs more memory than the device has.",
    "Flags are spelled as in llama.cpp where it has them, before or after other words: --top-k 40 "
    "or "
    "--top-k=40. Text and results go to standard output, everything else to standard error.",
    "Every flag but --help, --version and --list-devices can be set by an environment variable: "
    "--top-k by ALISA_TOP_K, a flag without a value by 1 or 0. A flag wins over the variable. A "
    "variable that begins with ALISA_ and belongs to no flag is an error, and a command ignores "
    "those of flags that it does not have. Sizes such as 512M or 6G are in powers of 1024.",
    NULL};

static ExitCode write_page(const char *folder, const Command *command) {
    char page[64] = "alisa", path[4096];
    if (command) alisa_cli_help_page(command, page, sizeof page);
    int length = snprintf(path, sizeof path, "%s/%s.1", folder, page);
    FILE *file = length < (int)sizeof path ? fopen(path, "w") : NULL;
    bool good = file != NULL;
    if (file) {
        if (command) {
            alisa_cli_man_command(command, file);
        } else {
            alisa_cli_man_print(file);
        }
        good = !ferror(file);
        good &= fclose(file) == 0;
    }
    if (good) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_RUN_TIME, "cannot write %s: %s", path, strerror(errno));
}

static ExitCode write_pages(const char *folder) {
    ExitCode code = write_page(folder, NULL);
    for (const Command *command = alisa_cli_commands; command->name && code == EXIT_DONE; command++)
        code = write_page(folder, command);
    return code;
}

ExitCode alisa_cli_reference(const Settings *settings) {
    bool man = settings->output == OUTPUT_MAN;
    const char *const *words = settings->operands;
    size_t count = 0, used = 0;
    while (words[count])
        count++;
    const Command *command = alisa_cli_command_find(words, count, &used);
    if (used < count)
        return alisa_cli_refuse(EXIT_USAGE, "'%s' is no command; 'alisa' lists the commands",
                                words[used]);
    if (settings->folder && (!man || command))
        return alisa_cli_refuse(EXIT_USAGE,
                                "--folder takes the pages of all commands, with -o man");
    if (settings->folder) return write_pages(settings->folder);
    if (command) {
        (man ? alisa_cli_man_command : alisa_cli_markdown_command)(command, stdout);
    } else {
        (man ? alisa_cli_man_print : alisa_cli_markdown_print)(stdout);
    }
    return EXIT_DONE;
}
