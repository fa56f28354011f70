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

void alisa_log_write(const AlisaLog *log, AlisaLogLevel level, const char *format, ...)
    ALISA_PRINTF(3, 4);

/* malloc / calloc that fill *error: NULL on failure. `what` names the thing ("token table").
 * A count * size that overflows is a failure too; 0 bytes gives a valid pointer. */
void *alisa_allocate(size_t count, size_t size, const char *what, AlisaError *error);
void *alisa_allocate_zeroed(size_t count, size_t size, const char *what, AlisaError *error);

#endif
