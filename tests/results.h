/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests found out that docs/models.md says: a line of words each, in the file that
 * ALISA_TEST_RESULTS names. ctest names one for every program; docs/make_models.py reads them.
 */
#ifndef ALISA_TESTS_RESULTS_H
#define ALISA_TESTS_RESULTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Adds a line. The first of a program replaces those of its last run. Without a file to write to
 * nothing happens. */
__attribute__((format(printf, 1, 2))) static inline void result_found(const char *format, ...) {
    static bool begun;
    const char *path = getenv("ALISA_TEST_RESULTS");
    FILE *file = path ? fopen(path, begun ? "a" : "w") : NULL;
    if (!file) return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
    begun = true;
}

#endif
