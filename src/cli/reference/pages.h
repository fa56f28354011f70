/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference in its forms. Each function prints from the tables of commands and options.
 */
#ifndef ALISA_CLI_REFERENCE_PAGES_H
#define ALISA_CLI_REFERENCE_PAGES_H

#include "options/command.h"

#include <stdio.h>

/* What holds for every command, in paragraphs; NULL ends them. */
extern const char *const alisa_cli_reference_rules[];

/* All commands with what holds for every one of them, or the section of one command. */
void alisa_cli_markdown_print(FILE *out);
void alisa_cli_markdown_command(const Command *command, FILE *out);

/* The manual page alisa(1), or that of a command, in the macros of man(7). */
void alisa_cli_man_print(FILE *out);
void alisa_cli_man_command(const Command *command, FILE *out);

#endif
