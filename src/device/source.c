/* SPDX-License-Identifier: Apache-2.0 */
#include "device/source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "device/embedded.h"

#define MAX_DEPTH     16
#define MAX_TEXT_SIZE (16u << 20)

typedef struct Text {
    char *bytes;
    size_t size;
    size_t capacity;
} Text;

static AlisaStatus append(Text *text, const char *bytes, size_t size, AlisaError *error) {
    if (size > MAX_TEXT_SIZE - text->size) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "kernel source grows past %u bytes with its includes",
                               MAX_TEXT_SIZE);
    }
    if (!text->bytes || text->size + size >= text->capacity) {
        size_t capacity = (text->size + size + 1) * 2;
        char *larger = realloc(text->bytes, capacity);
        if (!larger) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "kernel source: cannot allocate %zu bytes of host memory",
                                   capacity);
        }
        text->bytes = larger;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
    return ALISA_OK;
}

static AlisaStatus append_line_directive(Text *text, size_t line, const char *name,
                                         AlisaError *error) {
    char directive[PATH_MAX + 64];
    int length = snprintf(directive, sizeof directive, "#line %zu \"%s\"\n", line, name);
    return append(text, directive, (size_t)length, error);
}

/* Finds `name`; *owned tells that *bytes is to be freed. A name that is nowhere leaves *bytes NULL.
 */
static AlisaStatus load(const char *name, const char **bytes, size_t *size, bool *owned,
                        AlisaError *error) {
    *bytes = NULL;
    *owned = false;
    const char *folder = getenv("ALISA_KERNEL_DIR");
    if (folder && *folder) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", folder, name);
        if (length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0) {
            uint8_t *data;
            AlisaStatus status = alisa_disk_read(path, &data, size, error);
            if (status != ALISA_OK) return alisa_error_prefix(error, status, "ALISA_KERNEL_DIR");
            *bytes = (const char *)data;
            *owned = true;
            return ALISA_OK;
        }
    }
    for (size_t i = 0; i < alisa_embedded_file_count; i++) {
        if (strcmp(alisa_embedded_files[i].name, name) == 0) {
            *bytes = alisa_embedded_files[i].text;
            *size = alisa_embedded_files[i].size;
            break;
        }
    }
    return ALISA_OK;
}

/* The name in `#include "name"`, or false for any other line. */
static bool parse_include(const char *line, const char *end, char *name, size_t capacity) {
    static const char word[] = "include";
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (line == end || *line++ != '#') return false;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if ((size_t)(end - line) < sizeof word - 1 || memcmp(line, word, sizeof word - 1) != 0) {
        return false;
    }
    line += sizeof word - 1;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (line == end || *line++ != '"') return false;
    const char *quote = memchr(line, '"', (size_t)(end - line));
    if (!quote || (size_t)(quote - line) >= capacity) return false;
    memcpy(name, line, (size_t)(quote - line));
    name[quote - line] = 0;
    return true;
}

/* `name` as it would be called from the root if it lay beside `file`. */
static void name_beside(const char *file, const char *name, char *beside, size_t capacity) {
    const char *slash = strrchr(file, '/');
    int folder = slash ? (int)(slash - file + 1) : 0;
    snprintf(beside, capacity, "%.*s%s", folder, file, name);
}

static AlisaStatus append_file(Text *text, const char *file, const char *includer, int depth,
                               AlisaError *error);

static AlisaStatus append_lines(Text *text, const char *file, const char *bytes, size_t size,
                                int depth, AlisaError *error) {
    AlisaStatus status = append_line_directive(text, 1, file, error);
    const char *end = bytes + size;
    size_t number = 1;
    for (const char *line = bytes; line < end && status == ALISA_OK; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline ? newline : end;
        char name[256];
        if (parse_include(line, line_end, name, sizeof name)) {
            status = append_file(text, name, file, depth + 1, error);
            if (status == ALISA_OK) status = append_line_directive(text, number + 1, file, error);
        } else {
            status = append(text, line, (size_t)(line_end - line), error);
            if (status == ALISA_OK) status = append(text, "\n", 1, error);
        }
        line = newline ? newline + 1 : end;
    }
    return status;
}

static AlisaStatus append_file(Text *text, const char *file, const char *includer, int depth,
                               AlisaError *error) {
    if (depth > MAX_DEPTH) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: #include \"%s\" is nested deeper than %d files", includer, file,
                               MAX_DEPTH);
    }
    const char *bytes;
    size_t size = 0;
    bool owned;
    char beside[512];
    AlisaStatus status = load(file, &bytes, &size, &owned, error);
    if (status == ALISA_OK && !bytes && includer) {
        name_beside(includer, file, beside, sizeof beside);
        status = load(beside, &bytes, &size, &owned, error);
        if (bytes) file = beside;
    }
    if (status != ALISA_OK) return status;
    if (!bytes) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%s%sthere is no kernel file \"%s\", neither in the program nor in "
                               "$ALISA_KERNEL_DIR",
                               includer ? includer : "", includer ? ": " : "", file);
    }
    status = append_lines(text, file, bytes, size, depth, error);
    if (owned) free((void *)bytes);
    return status;
}

AlisaStatus alisa_source_resolve(const char *file, char **text, size_t *size, AlisaError *error) {
    Text resolved = {0};
    *text = NULL;
    *size = 0;
    AlisaStatus status = append_file(&resolved, file, NULL, 0, error);
    if (status != ALISA_OK) {
        free(resolved.bytes);
        return status;
    }
    *text = resolved.bytes;
    *size = resolved.size;
    return ALISA_OK;
}

AlisaStatus alisa_source_hash(char hash[ALISA_CACHE_HASH_SIZE], AlisaError *error) {
    Text hashes = {0};
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < alisa_embedded_file_count && status == ALISA_OK; i++) {
        const char *bytes;
        size_t size;
        bool owned;
        status = load(alisa_embedded_files[i].name, &bytes, &size, &owned, error);
        if (status != ALISA_OK) break;
        alisa_cache_hash(bytes, size, hash);
        if (owned) free((void *)bytes);
        status = append(&hashes, hash, ALISA_CACHE_HASH_SIZE - 1, error);
    }
    if (status == ALISA_OK) alisa_cache_hash(hashes.bytes, hashes.size, hash);
    free(hashes.bytes);
    return status;
}
