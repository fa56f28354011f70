/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --help: what fits on a screen. The rest is in the reference.
 */
#ifndef ALISA_CLI_OPTIONS_HELP_H
#define ALISA_CLI_OPTIONS_HELP_H

#include "options/command.h"

#include <stdio.h>

/* The commands, a line each. */
void alisa_cli_help_program(FILE *out);

/* The commands that begin with the family's word, a line each. */
void alisa_cli_help_family(const CommandFamily *family, FILE *out);

/* What a command does, an example, and the flags with their defaults. */
void alisa_cli_help_command(const Command *command, FILE *out);

/* "generate [FLAGS]", "bench [FILE...] [FLAGS]": how a command is called. */
void alisa_cli_help_usage(const Command *command, FILE *out);

/* "alisa-eval-perplexity": the name of the page of a command. */
void alisa_cli_help_page(const Command *command, char *name, size_t capacity);

#endif
