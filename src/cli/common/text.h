/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in memory: growing buffers, whole files, UTF-8 that arrives in pieces, rows of JSON.
 */
#ifndef ALISA_CLI_COMMON_TEXT_H
#define ALISA_CLI_COMMON_TEXT_H

#include "alisa/alisa.h"

#include <jansson.h>

/* Zeroed is empty. `data` is NULL or ends with a 0 past `size`. */
typedef struct Text {
    char *data;
    size_t size, capacity;
} Text;

/* False when host memory runs out; the text is unchanged then. */
bool alisa_cli_text_append(Text *text, const char *bytes, size_t size);
void alisa_cli_text_free(Text *text);

/* Reads a whole file, or standard input for "-". False with the reason in *error. */
bool alisa_cli_text_read(Text *text, const char *path, AlisaError *error);

/* Writes a whole file through one beside it that is renamed into its place: a reader sees the old
 * file or the new one. What is no regular file (a pipe, a terminal) is written to directly. */
bool alisa_cli_text_write(const Text *text, const char *path, AlisaError *error);

/* The bytes of a UTF-8 character that is not complete yet. Zeroed is empty. */
typedef struct Utf8Hold {
    unsigned char bytes[4];
    size_t count;
} Utf8Hold;

/* Appends the characters that `bytes` complete; what can never become one turns into U+FFFD. */
bool alisa_cli_utf8_push(Utf8Hold *hold, const char *bytes, size_t size, Text *out);
/* Ends a text: an incomplete character turns into U+FFFD. */
bool alisa_cli_utf8_finish(Utf8Hold *hold, Text *out);

/* A JSON string of bytes that may not be UTF-8. */
json_t *alisa_cli_json_text(const char *bytes, size_t size);

/* The objects of a file of JSON lines (blank ones are skipped), or of one JSON array, as an array
 * that is not empty. NULL with the reason in *error. */
json_t *alisa_cli_json_rows(const char *path, AlisaError *error);

#endif
