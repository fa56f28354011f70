/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of single values; those of lists are in list_filters.c.
 */
#include "template/list_filters.h"
#include "template/text_methods.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static AlisaText input_text(AlisaCall *call) {
    return alisa_print_text(call->arena, call->self);
}

/* ---- Texts -------------------------------------------------------------------------------- */

static AlisaValue filter_string(AlisaCall *call) {
    return alisa_value_text(input_text(call));
}

static AlisaValue filter_upper(AlisaCall *call) {
    return alisa_value_text(alisa_text_upper(call->arena, input_text(call)));
}

static AlisaValue filter_lower(AlisaCall *call) {
    return alisa_value_text(alisa_text_lower(call->arena, input_text(call)));
}

static AlisaValue filter_capitalize(AlisaCall *call) {
    return alisa_value_text(alisa_text_capitalize(call->arena, input_text(call)));
}

static AlisaValue filter_title(AlisaCall *call) {
    AlisaText text = input_text(call);
    AlisaBuilder builder = {.arena = call->arena};
    bool inside = false;
    for (size_t i = 0, size; i < text.length; i += size) {
        int32_t character = alisa_text_character(text, i, &size);
        AlisaText one = alisa_text_cut(text, i, i + size);
        alisa_builder_add(&builder, inside ? alisa_text_lower(call->arena, one)
                                           : alisa_text_upper(call->arena, one));
        inside = !alisa_text_is_space(character) && !(size == 1 && strchr("-({[<", character));
    }
    return alisa_value_text(alisa_builder_text(&builder));
}

static AlisaValue filter_trim(AlisaCall *call) {
    AlisaText characters = alisa_call_text(call, 0, "");
    const AlisaText *given = alisa_call_given(call, 0) ? &characters : NULL;
    return alisa_value_text(alisa_text_strip(call->arena, input_text(call), given, true, true));
}

static AlisaValue filter_replace(AlisaCall *call) {
    return alisa_value_text(alisa_text_replace(
        call->arena, input_text(call), alisa_print_text(call->arena, *call->given[0]),
        alisa_print_text(call->arena, *call->given[1]), alisa_call_integer(call, 2, -1)));
}

static AlisaValue filter_center(AlisaCall *call) {
    return alisa_value_text(alisa_text_center(call->arena, input_text(call),
                                              alisa_call_integer(call, 0, 80), alisa_text_of(" ")));
}

static AlisaValue filter_format(AlisaCall *call) {
    const AlisaArguments *arguments = &call->arguments;
    AlisaValue values = alisa_value_list(call->arena, ALISA_LIST_TUPLE, arguments->count);
    for (size_t i = 0; i < arguments->count; i++)
        alisa_list_push(call->arena, values.list, arguments->values[i]);
    if (arguments->named_count) {
        if (arguments->count) {
            alisa_arena_fail(call->arena, "format takes values with names or without, not both");
        }
        values = alisa_value_dict(call->arena, ALISA_VALUE_DICT);
        *values.dict =
            (AlisaDict){arguments->named, arguments->named_count, arguments->named_count};
    }
    return alisa_value_text(alisa_format_percent(call->run, input_text(call), values));
}

/* Every line but the first is moved to the right; empty lines only if `blank`. */
static AlisaValue filter_indent(AlisaCall *call) {
    AlisaText text = call->self.text, indent;
    alisa_value_require(call->arena, call->self);
    if (call->self.kind != ALISA_VALUE_TEXT) {
        alisa_arena_fail(call->arena, "indent: a %s is no text", alisa_value_type(call->self));
    }
    const AlisaValue *width = alisa_call_given(call, 0);
    if (width && width->kind == ALISA_VALUE_TEXT) {
        indent = width->text;
    } else {
        int64_t count = alisa_call_integer(call, 0, 4);
        AlisaValue blanks = alisa_evaluate_arithmetic(
            call->run, alisa_text_of("*"), alisa_value_words(" "), alisa_value_integer(count));
        indent = blanks.text;
    }
    bool first = alisa_call_flag(call, 1, false), blank = alisa_call_flag(call, 2, false);
    AlisaBuilder builder = {.arena = call->arena};
    if (first) alisa_builder_add(&builder, indent);
    for (size_t at = 0;;) {
        size_t end = alisa_text_find(call->arena, text, alisa_text_of("\n"), at);
        bool last = end == ALISA_TEXT_NOWHERE;
        if (last) end = text.length;
        if (at > 0 && (blank || end > at)) alisa_builder_add(&builder, indent);
        alisa_builder_add(&builder, alisa_text_cut(text, at, end));
        if (last) break;
        alisa_builder_puts(&builder, "\n");
        at = end + 1;
    }
    return alisa_value_text(alisa_builder_text(&builder));
}

static AlisaValue filter_safe(AlisaCall *call) {
    AlisaValue value = alisa_value_text(input_text(call));
    value.markup = true;
    return value;
}

static AlisaValue filter_escape(AlisaCall *call) {
    AlisaValue value = filter_safe(call);
    if (!call->self.markup) value.text = alisa_text_escape(call->arena, value.text);
    return value;
}

static AlisaValue filter_forceescape(AlisaCall *call) {
    AlisaValue value = filter_safe(call);
    value.text = alisa_text_escape(call->arena, value.text);
    return value;
}

static AlisaValue filter_wordcount(AlisaCall *call) {
    AlisaText text = input_text(call);
    int64_t count = 0;
    bool inside = false;
    alisa_arena_pay_bytes(call->arena, text.length);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        bool word = byte >= 0x80 || isalnum(byte) || byte == '_';
        count += word && !inside;
        inside = word;
    }
    return alisa_value_integer(count);
}

/* ---- Numbers ------------------------------------------------------------------------------ */

/* The digits of a number in a text, without the blanks around it and underscores between digits;
 * false when it is too long for one. */
static bool read_digits(AlisaCall *call, char digits[64]) {
    AlisaText text = alisa_text_strip(call->arena, call->self.text, NULL, true, true);
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '_' && i > 0 && isdigit((unsigned char)text.bytes[i - 1])) continue;
        if (count == 63 || text.bytes[i] == 0) return false;
        digits[count++] = text.bytes[i];
    }
    digits[count] = 0;
    return count > 0;
}

static bool read_real(AlisaCall *call, double *real) {
    char digits[64], *end;
    if (call->self.kind != ALISA_VALUE_TEXT) return alisa_value_is_number(call->self, real);
    if (!read_digits(call, digits) || strpbrk(digits, "xX(")) return false;
    *real = strtod(digits, &end);
    return *end == 0;
}

static AlisaValue filter_int(AlisaCall *call) {
    AlisaValue fallback = call->given[0] ? *call->given[0] : alisa_value_integer(0);
    int64_t base = alisa_call_integer(call, 1, 10), integer;
    double real;
    alisa_value_require(call->arena, call->self);
    if (alisa_value_is_integer(call->self, &integer)) return alisa_value_integer(integer);
    if (call->self.kind == ALISA_VALUE_TEXT && base >= 0 && base <= 36) {
        char digits[64], *end;
        errno = 0;
        if (read_digits(call, digits)) {
            integer = strtoll(digits, &end, (int)base);
            if (*end == 0 && errno == 0) return alisa_value_integer(integer);
        }
    }
    if (!read_real(call, &real) || isnan(real) || fabs(real) > 9.2e18) return fallback;
    return alisa_value_integer((int64_t)real);
}

static AlisaValue filter_float(AlisaCall *call) {
    double real;
    alisa_value_require(call->arena, call->self);
    if (read_real(call, &real)) return alisa_value_real(real);
    return call->given[0] ? *call->given[0] : alisa_value_real(0);
}

static double input_number(AlisaCall *call) {
    double number;
    alisa_value_require(call->arena, call->self);
    if (!alisa_value_is_number(call->self, &number)) {
        alisa_arena_fail(call->arena, "a %s is no number", alisa_value_type(call->self));
    }
    return number;
}

static AlisaValue filter_abs(AlisaCall *call) {
    double number = input_number(call);
    int64_t integer;
    if (!alisa_value_is_integer(call->self, &integer)) return alisa_value_real(fabs(number));
    if (integer == INT64_MIN) alisa_arena_fail(call->arena, "abs: the number is too large");
    return alisa_value_integer(integer < 0 ? -integer : integer);
}

static AlisaValue filter_round(AlisaCall *call) {
    double number = input_number(call);
    int64_t precision = alisa_call_integer(call, 0, 0), integer;
    AlisaText method = alisa_call_text(call, 1, "common");
    if (precision < 0 || precision > 300) {
        alisa_arena_fail(call->arena, "round: the precision must be from 0 to 300");
    }
    if (alisa_text_is(method, "common")) {
        char shown[700];
        if (alisa_value_is_integer(call->self, &integer)) return alisa_value_integer(integer);
        snprintf(shown, sizeof shown, "%.*f", (int)precision, number);
        return alisa_value_real(strtod(shown, NULL));
    }
    double scale = pow(10, (double)precision);
    if (alisa_text_is(method, "ceil")) return alisa_value_real(ceil(number * scale) / scale);
    if (alisa_text_is(method, "floor")) return alisa_value_real(floor(number * scale) / scale);
    alisa_arena_fail(call->arena, "round: the method is common, ceil or floor");
}

/* ---- Others ------------------------------------------------------------------------------- */

static AlisaValue filter_default(AlisaCall *call) {
    bool missing = call->self.kind == ALISA_VALUE_UNDEFINED ||
                   (alisa_call_flag(call, 1, false) && !alisa_value_is_true(call->self));
    if (!missing) return call->self;
    return call->given[0] ? *call->given[0] : alisa_value_words("");
}

/* The attribute of an object, but no key of a dict. */
static AlisaValue filter_attr(AlisaCall *call) {
    AlisaText name = alisa_call_text(call, 0, "");
    if (call->self.kind == ALISA_VALUE_DICT &&
        !alisa_entry_find(alisa_methods_of(call->self), name)) {
        return alisa_value_undefined(name, ALISA_VALUE_DICT);
    }
    return alisa_attribute_get(call->run, call->self, name);
}

static AlisaText style_text(AlisaCall *call, AlisaValue value) {
    if (value.kind != ALISA_VALUE_TEXT) alisa_arena_fail(call->arena, "tojson: a text is wanted");
    return value.text;
}

/* As Hugging Face has it: nothing is escaped for HTML. */
static AlisaValue filter_tojson(AlisaCall *call) {
    const AlisaValue *indent = alisa_call_given(call, 1), *separators = alisa_call_given(call, 2);
    AlisaJsonStyle style = {
        .lines = indent != NULL,
        .separator = alisa_text_of(indent ? "," : ", "),
        .colon = alisa_text_of(": "),
        .ascii = alisa_call_flag(call, 0, false),
        .sort = alisa_call_flag(call, 3, false),
    };
    if (indent && indent->kind == ALISA_VALUE_TEXT) {
        style.indent = indent->text;
    } else if (indent) {
        AlisaValue count = alisa_value_integer(alisa_call_integer(call, 1, 0));
        style.indent =
            alisa_evaluate_arithmetic(call->run, alisa_text_of("*"), alisa_value_words(" "), count)
                .text;
    }
    if (separators) {
        const AlisaList *pair = alisa_value_items(call->arena, *separators);
        if (pair->count != 2) alisa_arena_fail(call->arena, "tojson: separators are two");
        style.separator = style_text(call, pair->items[0]);
        style.colon = style_text(call, pair->items[1]);
    }
    AlisaBuilder builder = {.arena = call->arena};
    alisa_print_json(&builder, call->self, &style);
    return alisa_value_text(alisa_builder_text(&builder));
}

const AlisaEntry alisa_filters[] = {
    {"abs", filter_abs, "", 0},
    {"attr", filter_attr, "name", 1},
    {"batch", alisa_filter_batch, "linecount fill_with", 1},
    {"capitalize", filter_capitalize, "", 0},
    {"center", filter_center, "width", 0},
    {"count", alisa_filter_length, "", 0},
    {"d", filter_default, "default_value boolean", 0},
    {"default", filter_default, "default_value boolean", 0},
    {"dictsort", alisa_filter_dictsort, "case_sensitive by reverse", 0},
    {"e", filter_escape, "", 0},
    {"escape", filter_escape, "", 0},
    {"first", alisa_filter_first, "", 0},
    {"float", filter_float, "default", 0},
    {"forceescape", filter_forceescape, "", 0},
    {"format", filter_format, NULL, 0},
    {"groupby", alisa_filter_groupby, "attribute default case_sensitive", 1},
    {"indent", filter_indent, "width first blank", 0},
    {"int", filter_int, "default base", 0},
    {"items", alisa_filter_items, "", 0},
    {"join", alisa_filter_join, "d attribute", 0},
    {"last", alisa_filter_last, "", 0},
    {"length", alisa_filter_length, "", 0},
    {"list", alisa_filter_list, "", 0},
    {"lower", filter_lower, "", 0},
    {"map", alisa_filter_map, NULL, 0},
    {"max", alisa_filter_max, "case_sensitive attribute", 0},
    {"min", alisa_filter_min, "case_sensitive attribute", 0},
    {"reject", alisa_filter_reject, NULL, 0},
    {"rejectattr", alisa_filter_rejectattr, NULL, 0},
    {"replace", filter_replace, "old new count", 2},
    {"reverse", alisa_filter_reverse, "", 0},
    {"round", filter_round, "precision method", 0},
    {"safe", filter_safe, "", 0},
    {"select", alisa_filter_select, NULL, 0},
    {"selectattr", alisa_filter_selectattr, NULL, 0},
    {"sort", alisa_filter_sort, "reverse case_sensitive attribute", 0},
    {"string", filter_string, "", 0},
    {"sum", alisa_filter_sum, "attribute start", 0},
    {"title", filter_title, "", 0},
    {"tojson", filter_tojson, "ensure_ascii indent separators sort_keys", 0},
    {"trim", filter_trim, "chars", 0},
    {"unique", alisa_filter_unique, "case_sensitive attribute", 0},
    {"upper", filter_upper, "", 0},
    {"wordcount", filter_wordcount, "", 0},
    {0},
};
