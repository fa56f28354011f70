/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[ALISA_STATUS_COUNT] = {
    [ALISA_OK] = "ok",
    [ALISA_ERROR_ARGUMENT] = "bad argument",
    [ALISA_ERROR_IO] = "input/output",
    [ALISA_ERROR_FORMAT] = "bad format",
    [ALISA_ERROR_UNSUPPORTED] = "unsupported",
    [ALISA_ERROR_NO_DEVICE] = "no device",
    [ALISA_ERROR_DEVICE] = "device failure",
    [ALISA_ERROR_MEMORY] = "out of memory",
    [ALISA_ERROR_CONTEXT_LENGTH] = "context_length_exceeded",
    [ALISA_ERROR_INTERRUPTED] = "interrupted",
};

const char *alisa_error_name(AlisaStatus status) {
    if ((unsigned)status >= ALISA_STATUS_COUNT) return "unknown status";
    return status_names[status];
}

AlisaStatus alisa_error_set(AlisaError *error, AlisaStatus status, const char *format, ...) {
    if (!error) return status;
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

AlisaStatus alisa_error_prefix(AlisaError *error, AlisaStatus status, const char *format, ...) {
    if (!error) return status;
    AlisaError before = *error;
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    error->status = status;
    if (used >= 0 && (size_t)used < sizeof error->message) {
        int room = (int)sizeof error->message - used;
        snprintf(error->message + used, (size_t)room, ": %.*s", room, before.message);
    }
    return status;
}

void alisa_log_write(const AlisaLog *log, AlisaLogLevel level, const char *format, ...) {
    if (!log || !log->write) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->user, level, line);
}

static bool product_fits(size_t count, size_t size, const char *what, AlisaError *error) {
    if (size && count > SIZE_MAX / size) {
        alisa_error_set(error, ALISA_ERROR_MEMORY, "%s: %zu x %zu bytes overflow", what, count,
                        size);
        return false;
    }
    return true;
}

static void *checked(void *pointer, size_t bytes, const char *what, AlisaError *error) {
    if (!pointer) {
        alisa_error_set(error, ALISA_ERROR_MEMORY, "%s: cannot allocate %zu bytes of host memory",
                        what, bytes);
    }
    return pointer;
}

void *alisa_allocate(size_t count, size_t size, const char *what, AlisaError *error) {
    if (!product_fits(count, size, what, error)) return NULL;
    size_t bytes = count * size;
    return checked(malloc(bytes ? bytes : 1), bytes, what, error);
}

void *alisa_allocate_zeroed(size_t count, size_t size, const char *what, AlisaError *error) {
    if (!product_fits(count, size, what, error)) return NULL;
    size_t bytes = count * size;
    return checked(calloc(1, bytes ? bytes : 1), bytes, what, error);
}
