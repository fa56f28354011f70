/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts, each for one shell, printed from the tables of commands and options.
 */
#ifndef ALISA_CLI_COMPLETION_SHELLS_H
#define ALISA_CLI_COMPLETION_SHELLS_H

#include "options/command.h"

#include <stdio.h>

void alisa_cli_complete_bash(FILE *out);
void alisa_cli_complete_zsh(FILE *out);
void alisa_cli_complete_fish(FILE *out);

/* Whether a value or an operand of that name is the name of a file or a folder. */
bool alisa_cli_complete_is_file(const char *value);

/* The second word of a command of the family "eval"; NULL of a command of one word. */
const char *alisa_cli_complete_second(const Command *command);

#endif
