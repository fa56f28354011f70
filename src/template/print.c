/* SPDX-License-Identifier: Apache-2.0 */
#include "template/print.h"

#include "template/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

/* ---- Numbers ------------------------------------------------------------------------------ */

static void print_integer(AlisaBuilder *builder, int64_t integer) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, integer);
    alisa_builder_put(builder, digits, (size_t)length);
}

/* The fewest digits that read as the same number; with an exponent below 1e-4 and from 1e16 on. */
static void print_real(AlisaBuilder *builder, double real, const char *infinite, const char *nan) {
    char digits[40], shown[64];
    if (isnan(real)) {
        alisa_builder_puts(builder, nan);
        return;
    }
    if (isinf(real)) {
        if (real < 0) alisa_builder_puts(builder, "-");
        alisa_builder_puts(builder, infinite);
        return;
    }
    int precision = 1;
    do {
        snprintf(digits, sizeof digits, "%.*e", precision - 1, real);
    } while (strtod(digits, NULL) != real && precision++ < 17);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        alisa_builder_puts(builder, digits);
        return;
    }
    int decimals = precision - 1 - exponent;
    snprintf(shown, sizeof shown, "%.*f", decimals > 1 ? decimals : 1, real);
    alisa_builder_puts(builder, shown);
}

/* ---- Texts in quotes ---------------------------------------------------------------------- */

static bool is_printable(int32_t character) {
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    case UTF8PROC_CATEGORY_ZS:
        return character == ' ';
    default:
        return true;
    }
}

/* An escape takes the mark of the character that it stands for. */
static void put_marked(AlisaBuilder *builder, const char *words, uint8_t mark) {
    for (; *words; words++)
        alisa_builder_character(builder, (unsigned char)*words, mark);
}

static void quote(AlisaBuilder *builder, AlisaText text) {
    bool single = text.length && memchr(text.bytes, '\'', text.length);
    bool both = single && memchr(text.bytes, '"', text.length);
    char mark = single && !both ? '"' : '\'';
    alisa_builder_put(builder, &mark, 1);
    for (size_t i = 0, size; i < text.length; i += size) {
        int32_t character = alisa_text_character(text, i, &size);
        char escape[12] = "";
        if (character == mark || character == '\\') {
            snprintf(escape, sizeof escape, "\\%c", (char)character);
        } else if (character == '\n' || character == '\r' || character == '\t') {
            snprintf(escape, sizeof escape, "\\%c",
                     character == '\n'   ? 'n'
                     : character == '\r' ? 'r'
                                         : 't');
        } else if (!is_printable(character)) {
            snprintf(escape, sizeof escape,
                     character < 0x100     ? "\\x%02x"
                     : character < 0x10000 ? "\\u%04x"
                                           : "\\U%08x",
                     (unsigned)character);
        }
        if (escape[0]) {
            put_marked(builder, escape, alisa_text_mark(text, i));
        } else {
            alisa_builder_add(builder, alisa_text_cut(text, i, i + size));
        }
    }
    alisa_builder_put(builder, &mark, 1);
}

/* ---- As Python prints --------------------------------------------------------------------- */

static void print_items(AlisaBuilder *builder, const AlisaList *list, const char *open,
                        const char *close) {
    alisa_builder_puts(builder, open);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) alisa_builder_puts(builder, ", ");
        alisa_print_quoted(builder, list->items[i]);
    }
    if (list->form == ALISA_LIST_TUPLE && list->count == 1) alisa_builder_puts(builder, ",");
    alisa_builder_puts(builder, close);
}

static void print_list(AlisaBuilder *builder, const AlisaList *list) {
    switch (list->form) {
    case ALISA_LIST_LIST:
        print_items(builder, list, "[", "]");
        break;
    case ALISA_LIST_TUPLE:
        print_items(builder, list, "(", ")");
        break;
    case ALISA_LIST_RANGE:
        alisa_builder_puts(builder, "range(");
        print_integer(builder, list->bounds[0]);
        alisa_builder_puts(builder, ", ");
        print_integer(builder, list->bounds[1]);
        if (list->bounds[2] != 1) {
            alisa_builder_puts(builder, ", ");
            print_integer(builder, list->bounds[2]);
        }
        alisa_builder_puts(builder, ")");
        break;
    case ALISA_LIST_VIEW:
        alisa_builder_puts(builder, list->view);
        print_items(builder, list, "([", "])");
        break;
    case ALISA_LIST_GENERATOR:
        alisa_builder_puts(builder, "<generator object>");
        break;
    }
}

static void print_dict(AlisaBuilder *builder, const AlisaDict *dict) {
    alisa_builder_puts(builder, "{");
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0) alisa_builder_puts(builder, ", ");
        alisa_print_quoted(builder, dict->pairs[i].key);
        alisa_builder_puts(builder, ": ");
        alisa_print_quoted(builder, dict->pairs[i].value);
    }
    alisa_builder_puts(builder, "}");
}

void alisa_print_quoted(AlisaBuilder *builder, AlisaValue value) {
    alisa_arena_pay(builder->arena, 1);
    alisa_arena_enter(builder->arena);
    switch (value.kind) {
    case ALISA_VALUE_UNDEFINED:
        alisa_builder_puts(builder, "Undefined");
        break;
    case ALISA_VALUE_NONE:
        alisa_builder_puts(builder, "None");
        break;
    case ALISA_VALUE_BOOLEAN:
        alisa_builder_puts(builder, value.boolean ? "True" : "False");
        break;
    case ALISA_VALUE_INTEGER:
        print_integer(builder, value.integer);
        break;
    case ALISA_VALUE_REAL:
        print_real(builder, value.real, "inf", "nan");
        break;
    case ALISA_VALUE_TEXT:
        quote(builder, value.text);
        break;
    case ALISA_VALUE_LIST:
        print_list(builder, value.list);
        break;
    case ALISA_VALUE_DICT:
        print_dict(builder, value.dict);
        break;
    case ALISA_VALUE_NAMESPACE:
        alisa_builder_puts(builder, "<Namespace ");
        print_dict(builder, value.dict);
        alisa_builder_puts(builder, ">");
        break;
    case ALISA_VALUE_FUNCTION:
        alisa_builder_puts(builder, "<function ");
        alisa_builder_add(builder, alisa_function_name(value.function));
        alisa_builder_puts(builder, ">");
        break;
    case ALISA_VALUE_LOOP:
        alisa_builder_puts(builder, "<LoopContext>");
        break;
    }
    alisa_arena_leave(builder->arena);
}

void alisa_print_value(AlisaBuilder *builder, AlisaValue value) {
    if (value.kind == ALISA_VALUE_TEXT) {
        alisa_builder_add(builder, value.text);
    } else if (value.kind != ALISA_VALUE_UNDEFINED) {
        alisa_print_quoted(builder, value);
    }
}

AlisaText alisa_print_text(AlisaArena *arena, AlisaValue value) {
    if (value.kind == ALISA_VALUE_TEXT) return value.text;
    AlisaBuilder builder = {.arena = arena};
    alisa_print_value(&builder, value);
    return alisa_builder_text(&builder);
}

/* ---- JSON --------------------------------------------------------------------------------- */

/* The escape of a character that JSON cannot hold as it is; "" for all others. */
static void json_escape(char escape[16], int32_t character, bool ascii) {
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    escape[0] = 0;
    for (size_t i = 0; letters[i]; i += 2) {
        if (character == letters[i + 1]) snprintf(escape, 16, "\\%c", letters[i]);
    }
    if (escape[0] || (character >= 0x20 && (!ascii || character < 0x7f))) return;
    if (character < 0x10000) {
        snprintf(escape, 16, "\\u%04x", (unsigned)character);
    } else {
        unsigned pair = (unsigned)character - 0x10000;
        snprintf(escape, 16, "\\u%04x\\u%04x", 0xd800 + (pair >> 10), 0xdc00 + (pair & 0x3ff));
    }
}

static void json_text(AlisaBuilder *builder, AlisaText text, bool ascii) {
    alisa_builder_puts(builder, "\"");
    size_t plain = 0; /* start of what is not written yet */
    for (size_t i = 0, size; i < text.length; i += size) {
        char escape[16];
        json_escape(escape, alisa_text_character(text, i, &size), ascii);
        if (!escape[0]) continue;
        alisa_builder_add(builder, alisa_text_cut(text, plain, i));
        put_marked(builder, escape, alisa_text_mark(text, i));
        plain = i + size;
    }
    alisa_builder_add(builder, alisa_text_cut(text, plain, text.length));
    alisa_builder_puts(builder, "\"");
}

static void json_break(AlisaBuilder *builder, const AlisaJsonStyle *style, unsigned level) {
    if (!style->lines) return;
    alisa_builder_puts(builder, "\n");
    for (unsigned i = 0; i < level; i++)
        alisa_builder_add(builder, style->indent);
}

static void json_value(AlisaBuilder *builder, AlisaValue value, const AlisaJsonStyle *style,
                       unsigned level);

static void json_list(AlisaBuilder *builder, const AlisaList *list, const AlisaJsonStyle *style,
                      unsigned level) {
    alisa_builder_puts(builder, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) alisa_builder_add(builder, style->separator);
        json_break(builder, style, level + 1);
        json_value(builder, list->items[i], style, level + 1);
    }
    if (list->count) json_break(builder, style, level);
    alisa_builder_puts(builder, "]");
}

/* Keys that are numbers, booleans or None are written as texts. */
static void json_key(AlisaBuilder *builder, AlisaValue key, const AlisaJsonStyle *style) {
    if (key.kind == ALISA_VALUE_TEXT) {
        json_text(builder, key.text, style->ascii);
    } else if (key.kind < ALISA_VALUE_NONE || key.kind > ALISA_VALUE_REAL) {
        alisa_arena_fail(builder->arena, "a %s cannot be a key in JSON", alisa_value_type(key));
    } else {
        alisa_builder_puts(builder, "\"");
        json_value(builder, key, style, 0);
        alisa_builder_puts(builder, "\"");
    }
}

static void json_dict(AlisaBuilder *builder, const AlisaDict *dict, const AlisaJsonStyle *style,
                      unsigned level) {
    const AlisaPair *pairs = dict->pairs;
    if (style->sort) pairs = alisa_sort_pairs(builder->arena, dict);
    alisa_builder_puts(builder, "{");
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0) alisa_builder_add(builder, style->separator);
        json_break(builder, style, level + 1);
        json_key(builder, pairs[i].key, style);
        alisa_builder_add(builder, style->colon);
        json_value(builder, pairs[i].value, style, level + 1);
    }
    if (dict->count) json_break(builder, style, level);
    alisa_builder_puts(builder, "}");
}

static void json_value(AlisaBuilder *builder, AlisaValue value, const AlisaJsonStyle *style,
                       unsigned level) {
    AlisaArena *arena = builder->arena;
    alisa_arena_pay(arena, 1);
    alisa_arena_enter(arena);
    bool list = value.kind == ALISA_VALUE_LIST && value.list->form <= ALISA_LIST_TUPLE;
    switch (value.kind) {
    case ALISA_VALUE_NONE:
        alisa_builder_puts(builder, "null");
        break;
    case ALISA_VALUE_BOOLEAN:
        alisa_builder_puts(builder, value.boolean ? "true" : "false");
        break;
    case ALISA_VALUE_INTEGER:
        print_integer(builder, value.integer);
        break;
    case ALISA_VALUE_REAL:
        print_real(builder, value.real, "Infinity", "NaN");
        break;
    case ALISA_VALUE_TEXT:
        json_text(builder, value.text, style->ascii);
        break;
    case ALISA_VALUE_DICT:
        json_dict(builder, value.dict, style, level);
        break;
    default:
        alisa_value_require(arena, value);
        if (!list) alisa_arena_fail(arena, "a %s is not JSON", alisa_value_type(value));
        json_list(builder, value.list, style, level);
        break;
    }
    alisa_arena_leave(arena);
}

void alisa_print_json(AlisaBuilder *builder, AlisaValue value, const AlisaJsonStyle *style) {
    json_value(builder, value, style, 0);
}
