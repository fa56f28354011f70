/* SPDX-License-Identifier: Apache-2.0 */
#include "common/html.h"

#include "common/text.h"

#include <math.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static const struct {
    char character;
    const char *entity;
} entities[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

enum { ENTITY_COUNT = sizeof entities / sizeof entities[0] };

static void put_character(FILE *file, char character) {
    for (size_t i = 0; i < ENTITY_COUNT; i++) {
        if (entities[i].character != character) continue;
        fputs(entities[i].entity, file);
        return;
    }
    unsigned char byte = (unsigned char)character;
    if ((byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
        fputs(REPLACEMENT, file);
    } else {
        fputc(byte, file);
    }
}

void alisa_cli_html_text(FILE *file, const char *text) {
    Utf8Hold hold = {0};
    Text clean = {0};
    bool good = alisa_cli_utf8_push(&hold, text, strlen(text), &clean) &&
                alisa_cli_utf8_finish(&hold, &clean);
    for (size_t i = 0; good && i < clean.size; i++)
        put_character(file, clean.data[i]);
    if (!good) fputs(REPLACEMENT, file); /* without memory for more */
    alisa_cli_text_free(&clean);
}

void alisa_cli_html_number(double value, char cell[HTML_CELL]) {
    double size = fabs(value);
    int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
    if (size > 0.0 && size < 0.995) digits = (int)fmin(9.0, 2.0 - floor(log10(size)));
    snprintf(cell, HTML_CELL, "%.*f", digits, value);
}

/* Brings a value to where it has one to three digits before its point. */
static const char *prefix_of(double *value) {
    static const char *const prefixes[] = {"n", "\xC2\xB5", "m", "", "k", "M", "G", "T", "P"};
    enum { PLAIN = 3, LAST = 8 };
    int step = PLAIN;
    for (; fabs(*value) >= 999.5 && step < LAST; step++)
        *value /= 1000.0;
    for (; fabs(*value) > 0.0 && fabs(*value) < 0.9995 && step > 0; step--)
        *value *= 1000.0;
    return prefixes[step];
}

void alisa_cli_html_scaled(double value, const char *unit, char cell[HTML_CELL]) {
    char number[HTML_CELL];
    const char *prefix = prefix_of(&value);
    alisa_cli_html_number(value, number);
    snprintf(cell, HTML_CELL, "%.16s %s%.16s", number, prefix, unit);
}

void alisa_cli_html_round(double value, const char *unit, char cell[HTML_CELL]) {
    const char *prefix = prefix_of(&value);
    snprintf(cell, HTML_CELL, "%.4g %s%.16s", value, prefix, unit);
}

void alisa_cli_html_bytes(double bytes, char cell[HTML_CELL]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024.0 && unit < 4; unit++)
        bytes /= 1024.0;
    /* Sizes are mostly powers of two: no digits are shown that say nothing. */
    if (bytes == floor(bytes)) {
        snprintf(cell, HTML_CELL, "%.0f %s", bytes, units[unit]);
        return;
    }
    char number[HTML_CELL];
    alisa_cli_html_number(bytes, number);
    snprintf(cell, HTML_CELL, "%.16s %s", number, units[unit]);
}

void alisa_cli_html_percent(double share, char cell[HTML_CELL]) {
    snprintf(cell, HTML_CELL, "%.*f %%", share > 0.0 && share < 0.0995 ? 1 : 0, 100.0 * share);
}
