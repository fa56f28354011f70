/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way to fail: a status that says what kind of failure, a sentence that says which one.
 */
#ifndef ALISA_BASE_STATUS_H
#define ALISA_BASE_STATUS_H

#include "alisa/alisa.h"

#if defined(__GNUC__)
#define ALISA_PRINTF(format_index, first_index)                                                    \
    __attribute__((format(printf, format_index, first_index)))
#else
#define ALISA_PRINTF(format_index, first_index)
#endif

/* Name of a status, as alisa_status_name gives it; static storage. */
const char *alisa_error_name(AlisaStatus status);

/* Fills *error (if not NULL) and returns `status`, so that a failing function can end with
 * `return alisa_error_set(error, ...)`. Too long a message is cut. */
AlisaStatus alisa_error_set(AlisaError *error, AlisaStatus status, const char *format, ...)
    ALISA_PRINTF(3, 4);

/* Puts "prefix: " before the message of an error that is passed on. Returns its status. */
AlisaStatus alisa_error_prefix(AlisaError *error, AlisaStatus status, const char *format, ...)
    ALISA_PRINTF(3, 4);

/* Formats one line and hands it to the log; does nothing where `log` or its `write` is NULL. */
void alisa_log_write(const AlisaLog *log, AlisaLogLevel level, const char *format, ...)
    ALISA_PRINTF(3, 4);

/* As malloc and calloc, for `count` elements of `size` bytes, to be freed with free(). On failure,
 * and where count * size overflows, they return NULL and fill *error with a sentence about `what`
 * ("token table"). 0 bytes give a valid pointer. */
void *alisa_allocate(size_t count, size_t size, const char *what, AlisaError *error);
void *alisa_allocate_zeroed(size_t count, size_t size, const char *what, AlisaError *error);

#endif
