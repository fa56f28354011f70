/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says: results on standard output, everything else on standard error.
 */
#ifndef ALISA_CLI_COMMON_TERMINAL_H
#define ALISA_CLI_COMMON_TERMINAL_H

#include "alisa/alisa.h"
#include "options/command.h"

#include <jansson.h>

/* "alisa: <sentence>" on standard error; returns `code`, so that a command can end with it. */
ExitCode alisa_cli_refuse(ExitCode code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "alisa: <sentence>" of a failure of the library; returns the exit code that belongs to its
 * status. */
ExitCode alisa_cli_fail(const AlisaError *error);
/* A failed allocation of the program itself: told at once, or filled in for a caller to tell. */
ExitCode alisa_cli_out_of_memory(void);
AlisaStatus alisa_cli_memory_error(AlisaError *error);
/* "alisa: <sentence>" without failing. */
void alisa_cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens --log-file and notes --verbose. Call once, before alisa_cli_log. */
ExitCode alisa_cli_log_open(const Settings *settings);
void alisa_cli_log_close(void);
/* Where the library reports to: --log-file, and standard error for warnings or all of it. */
AlisaLog alisa_cli_log(void);
/* A line on standard error that shows how far something is; nothing where that is no terminal. */
AlisaProgress alisa_cli_progress(void);

/* Bytes to standard output at once. False when nobody reads any more (a closed pipe, which is no
 * error) or when writing fails; alisa_cli_output_end tells which. */
bool alisa_cli_output(const char *bytes, size_t size);
/* Prints a value as JSON with a newline and releases it; false as alisa_cli_output says it. `flags`
 * are jansson's. */
bool alisa_cli_output_json(json_t *value, size_t flags);
/* Prints text with its control characters escaped. */
void alisa_cli_output_escaped(const char *text, size_t size);
/* Flushes standard output; turns `code` into a failure when the output could not be written. */
ExitCode alisa_cli_output_end(ExitCode code);

/* Ctrl-C: while watched, the first one only sets a flag, the second ends the program. */
void alisa_cli_interrupt_watch(bool watch);
bool alisa_cli_interrupted(void *unused);

uint64_t alisa_cli_clock(void); /* nanoseconds, never going back */

#endif
