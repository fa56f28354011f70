/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/output.h"

#include <string.h>

/* A scalar as plain text. null stands for a figure that is unknown and becomes an empty text. */
static void scalar_text(const json_t *value, char *text, size_t capacity) {
    if (json_is_null(value)) {
        text[0] = 0;
    } else if (json_is_string(value)) {
        snprintf(text, capacity, "%s", json_string_value(value));
    } else if (json_is_real(value)) {
        snprintf(text, capacity, "%.6f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(text, capacity, "%d", json_is_true(value));
    } else {
        snprintf(text, capacity, "%lld", (long long)json_integer_value(value));
    }
}

/* Quotes `text`, doubling the quotes in it: what CSV and SQL have in common. */
static void print_quoted(const char *text, char quote) {
    putchar(quote);
    for (; *text; text++) {
        if (*text == quote) putchar(quote);
        putchar(*text);
    }
    putchar(quote);
}

enum { CELL_SIZE = 1024 };

static void print_csv(const json_t *row, bool header) {
    const char *name, *comma = "";
    json_t *value;
    json_object_foreach((json_t *)row, name, value) {
        if (header && !json_is_array(value)) printf("%s%s", comma, name);
        if (!json_is_array(value)) comma = ",";
    }
    if (header) putchar('\n');
    comma = "";
    json_object_foreach((json_t *)row, name, value) {
        if (json_is_array(value)) continue; /* the samples, which only JSON has */
        char text[CELL_SIZE];
        scalar_text(value, text, sizeof text);
        fputs(comma, stdout);
        print_quoted(text, '"');
        comma = ",";
    }
    putchar('\n');
}

static void print_sql(const json_t *row, bool header) {
    const char *name, *comma = "";
    json_t *value;
    if (header) {
        printf("CREATE TABLE IF NOT EXISTS alisa_bench (\n");
        json_object_foreach((json_t *)row, name, value) {
            if (json_is_array(value)) continue;
            bool real = json_is_real(value) || json_is_null(value);
            printf("%s  %s %s", comma, name,
                   json_is_string(value) ? "TEXT" : (real ? "REAL" : "INTEGER"));
            comma = ",\n";
        }
        printf("\n);\n");
    }
    printf("INSERT INTO alisa_bench (");
    comma = "";
    json_object_foreach((json_t *)row, name, value) {
        if (json_is_array(value)) continue;
        printf("%s%s", comma, name);
        comma = ", ";
    }
    printf(") VALUES (");
    comma = "";
    json_object_foreach((json_t *)row, name, value) {
        if (json_is_array(value)) continue;
        char text[CELL_SIZE];
        scalar_text(value, text, sizeof text);
        fputs(comma, stdout);
        if (json_is_null(value)) {
            fputs("NULL", stdout);
        } else {
            print_quoted(text, '\'');
        }
        comma = ", ";
    }
    printf(");\n");
}

/* "1.02 GiB", "1.10 B": a number with the unit that leaves it at least 1. */
static void scaled(double value, double step, const char *const *units, char *text,
                   size_t capacity) {
    while (value >= step && units[1]) {
        value /= step;
        units++;
    }
    snprintf(text, capacity, "%.2f %s", value, *units);
}

static void print_markdown(const BenchOutput *output, const json_t *row, const char *test,
                           bool header) {
    static const char *const byte_units[] = {"B", "KiB", "MiB", "GiB", NULL};
    static const char *const count_units[] = {"", "K", "M", "B", NULL};
    if (header) {
        printf("| %-24s | %10s | %10s | %-7s |", "model", "size", "params", "backend");
        for (const BenchColumn *column = output->columns; column->field; column++) {
            if (column->shown) printf(" %8s |", column->title ? column->title : column->field);
        }
        printf(" %18s | %20s |\n| %.24s | %.9s: | %.9s: | %.7s |", "test", "t/s",
               "------------------------", "---------", "---------", "-------");
        for (const BenchColumn *column = output->columns; column->field; column++) {
            if (column->shown) printf(" %.7s: |", "-------");
        }
        printf(" %.17s: | %.19s: |\n", "-----------------", "-------------------");
    }
    char size[32], parameters[32], rate[64];
    scaled((double)json_integer_value(json_object_get(row, "model_size")), 1024.0, byte_units, size,
           sizeof size);
    scaled((double)json_integer_value(json_object_get(row, "model_n_params")), 1000.0, count_units,
           parameters, sizeof parameters);
    printf("| %-24s | %10s | %10s | %-7s |", json_string_value(json_object_get(row, "model_type")),
           size, parameters, json_string_value(json_object_get(row, "backends")));
    for (const BenchColumn *column = output->columns; column->field; column++) {
        char cell[CELL_SIZE];
        const json_t *value = json_object_get(row, column->field);
        if (json_is_null(value)) {
            snprintf(cell, sizeof cell, "-");
        } else if (column->format) {
            snprintf(cell, sizeof cell, column->format, json_number_value(value) / column->unit);
        } else {
            scalar_text(value, cell, sizeof cell);
        }
        if (column->shown) printf(" %8s |", cell);
    }
    snprintf(rate, sizeof rate, "%.2f \xC2\xB1 %.2f",
             json_real_value(json_object_get(row, "avg_ts")),
             json_real_value(json_object_get(row, "stddev_ts")));
    printf(" %18s | %21s |\n", test, rate); /* the sign takes two bytes and one column */
}

BenchOutput alisa_cli_bench_output(const Settings *settings, const BenchColumn *columns,
                                   json_t *collected) {
    if (collected) return (BenchOutput){.format = OUTPUT_JSON, .rows = collected, .collects = true};
    return (BenchOutput){.format = (OutputFormat)settings->target.format, .columns = columns};
}

bool alisa_cli_bench_row(BenchOutput *output, json_t *row, const char *test) {
    bool header = output->count++ == 0;
    if (output->format == OUTPUT_JSONL) return alisa_cli_output_json(row, JSON_COMPACT);
    if (output->format == OUTPUT_JSON) {
        if (!output->rows) output->rows = json_array();
        json_array_append_new(output->rows, row);
        return true;
    }
    if (output->format == OUTPUT_CSV) {
        print_csv(row, header);
    } else if (output->format == OUTPUT_SQL) {
        print_sql(row, header);
    } else {
        print_markdown(output, row, test, header);
    }
    json_decref(row);
    return alisa_cli_output("", 0);
}

void alisa_cli_bench_end(BenchOutput *output) {
    if (output->rows && !output->collects) alisa_cli_output_json(output->rows, JSON_INDENT(2));
    output->rows = NULL;
}
