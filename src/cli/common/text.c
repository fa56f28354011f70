/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

bool alisa_cli_text_append(Text *text, const char *bytes, size_t size) {
    if (size >= text->capacity - text->size) {
        size_t capacity = text->capacity ? text->capacity : 256;
        while (size >= capacity - text->size)
            capacity *= 2;
        char *larger = realloc(text->data, capacity);
        if (!larger) return false;
        text->data = larger;
        text->capacity = capacity;
    }
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
    return true;
}

void alisa_cli_text_free(Text *text) {
    free(text->data);
    *text = (Text){0};
}

static bool fail(AlisaError *error, AlisaStatus status, const char *path, const char *reason) {
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s: cannot read the file: %s", path, reason);
    return false;
}

bool alisa_cli_text_read(Text *text, const char *path, AlisaError *error) {
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (!file) return fail(error, ALISA_ERROR_IO, path, strerror(errno));
    bool good = alisa_cli_text_append(text, "", 0);
    char block[65536];
    size_t got;
    while (good && (got = fread(block, 1, sizeof block, file)) > 0) {
        good = alisa_cli_text_append(text, block, got);
    }
    if (!good) {
        fail(error, ALISA_ERROR_MEMORY, path, "it does not fit into memory");
    } else if (ferror(file)) {
        good = fail(error, ALISA_ERROR_IO, path, strerror(errno));
    }
    if (!standard_input) fclose(file);
    return good;
}

static bool fail_write(AlisaError *error, const char *path) {
    error->status = ALISA_ERROR_IO;
    snprintf(error->message, sizeof error->message, "%s: cannot write the file: %s", path,
             strerror(errno));
    return false;
}

static bool write_to(FILE *file, const Text *text) {
    bool good = fwrite(text->data, 1, text->size, file) == text->size && fflush(file) == 0;
    int problem = errno;
    good = fclose(file) == 0 && good;
    if (!good && problem) errno = problem;
    return good;
}

/* Makes a new empty file beside a file, with the mode that new files get, and returns its name;
 * NULL with errno. */
static FILE *open_beside(const char *path, char *name, size_t size) {
    int length = snprintf(name, size, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int descriptor = mkstemp(name);
    if (descriptor < 0) return NULL;
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    FILE *file = fdopen(descriptor, "wb");
    if (!file) {
        close(descriptor);
        unlink(name);
    }
    return file;
}

bool alisa_cli_text_write(const Text *text, const char *path, AlisaError *error) {
    struct stat status;
    char beside[PATH_MAX];
    bool direct = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    FILE *file = direct ? fopen(path, "wb") : open_beside(path, beside, sizeof beside);
    if (!file) return fail_write(error, path);
    errno = 0;
    bool good = write_to(file, text) && (direct || rename(beside, path) == 0);
    if (good) return true;
    fail_write(error, path);
    if (!direct) unlink(beside);
    return false;
}

/* ---- UTF-8 (Unicode 15, table 3-7) -------------------------------------------------------- */

static size_t length_by_lead(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

/* The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF. */
static bool continues(const Utf8Hold *hold, unsigned char byte) {
    unsigned char least = 0x80, most = 0xbf;
    if (hold->count == 1) {
        switch (hold->bytes[0]) {
        case 0xe0:
            least = 0xa0;
            break;
        case 0xed:
            most = 0x9f;
            break;
        case 0xf0:
            least = 0x90;
            break;
        case 0xf4:
            most = 0x8f;
            break;
        default:
            break;
        }
    }
    return byte >= least && byte <= most;
}

bool alisa_cli_utf8_push(Utf8Hold *hold, const char *bytes, size_t size, Text *out) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (hold->count > 0 && !continues(hold, byte)) {
            if (!alisa_cli_utf8_finish(hold, out)) return false;
        }
        if (hold->count == 0 && length_by_lead(byte) == 0) {
            if (!alisa_cli_text_append(out, replacement, strlen(replacement))) return false;
            continue;
        }
        hold->bytes[hold->count++] = byte;
        if (hold->count < length_by_lead(hold->bytes[0])) continue;
        if (!alisa_cli_text_append(out, (const char *)hold->bytes, hold->count)) return false;
        hold->count = 0;
    }
    return true;
}

bool alisa_cli_utf8_finish(Utf8Hold *hold, Text *out) {
    if (hold->count == 0) return true;
    hold->count = 0;
    return alisa_cli_text_append(out, replacement, strlen(replacement));
}

json_t *alisa_cli_json_text(const char *bytes, size_t size) {
    Text text = {0};
    Utf8Hold hold = {0};
    json_t *value = NULL;
    if (alisa_cli_utf8_push(&hold, bytes, size, &text) && alisa_cli_utf8_finish(&hold, &text)) {
        value = json_stringn(text.data ? text.data : "", text.size);
    }
    alisa_cli_text_free(&text);
    return value;
}

/* ---- Rows of JSON ------------------------------------------------------------------------- */

static bool refuse_row(AlisaError *error, const char *path, const char *unit, size_t number,
                       const char *reason) {
    error->status = ALISA_ERROR_FORMAT;
    snprintf(error->message, sizeof error->message, "%s: %s %zu is not a JSON object: %s", path,
             unit, number, reason);
    return false;
}

static bool read_lines(json_t *rows, const Text *file, const char *path, AlisaError *error) {
    const char *line = file->data, *end = file->data + file->size;
    for (size_t number = 1; line < end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((newline ? newline : end) - line);
        json_error_t problem;
        if (size > strspn(line, " \t\r")) {
            json_t *row = json_loadb(line, size, 0, &problem);
            if (!json_is_object(row)) {
                refuse_row(error, path, "line", number, row ? "it is another value" : problem.text);
                json_decref(row);
                return false;
            }
            json_array_append_new(rows, row);
        }
        line = newline ? newline + 1 : end;
    }
    return true;
}

static bool read_array(json_t *rows, const Text *file, const char *path, AlisaError *error) {
    json_error_t problem;
    json_t *array = json_loadb(file->data, file->size, 0, &problem), *row;
    if (!array) {
        error->status = ALISA_ERROR_FORMAT;
        snprintf(error->message, sizeof error->message, "%s: line %d is not JSON: %s", path,
                 problem.line, problem.text);
        return false;
    }
    bool good = true;
    size_t index;
    json_array_foreach(array, index, row) {
        if (good && !json_is_object(row)) {
            good = refuse_row(error, path, "element", index + 1, "it is another value");
        }
    }
    if (good) json_array_extend(rows, array);
    json_decref(array);
    return good;
}

json_t *alisa_cli_json_rows(const char *path, AlisaError *error) {
    Text file = {0};
    json_t *rows = json_array();
    bool good = alisa_cli_text_read(&file, path, error);
    if (good) {
        bool array = file.data[strspn(file.data, " \t\r\n")] == '[';
        good = array ? read_array(rows, &file, path, error) : read_lines(rows, &file, path, error);
    }
    if (good && json_array_size(rows) == 0) {
        error->status = ALISA_ERROR_FORMAT;
        snprintf(error->message, sizeof error->message, "%s: no JSON objects in it", path);
        good = false;
    }
    alisa_cli_text_free(&file);
    if (good) return rows;
    json_decref(rows);
    return NULL;
}
