/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of alisa bench in llama-bench's forms.
 */
#ifndef ALISA_CLI_BENCH_OUTPUT_H
#define ALISA_CLI_BENCH_OUTPUT_H

#include "common/terminal.h"

/* A column of the Markdown table, beside those that every table has. */
typedef struct BenchColumn {
    const char *field;  /* of a row */
    bool shown;         /* false: left out, because all rows would say the usual value */
    const char *title;  /* NULL: the field */
    const char *format; /* of a number, for printf: "%.1f"; NULL: as it is */
    double unit;        /* with a format: what the number is divided by */
} BenchColumn;

typedef struct BenchOutput {
    OutputFormat format;
    const BenchColumn *columns; /* ends with a NULL field */
    json_t *rows;               /* for OUTPUT_JSON, which is one array */
    size_t count;               /* rows so far */
    bool collects;              /* `rows` is the caller's array, and nothing is printed */
} BenchOutput;

/* The output that the settings ask for: `collected`, the caller's array, where it is not NULL. */
BenchOutput alisa_cli_bench_output(const Settings *settings, const BenchColumn *columns,
                                   json_t *collected);
/* Prints `row` (or keeps it for the end) and releases it. `test` is "pp512" or "tg128 @ d4096".
 * False when nobody reads it. */
bool alisa_cli_bench_row(BenchOutput *output, json_t *row, const char *test);
/* Prints what was kept for the end. */
void alisa_cli_bench_end(BenchOutput *output);

#endif
