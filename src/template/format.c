/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python's two ways to put values into a text: "%s of %d" % values, and "{} of {total}".format(..).
 * Of the flags after % and of what follows a colon in braces, width, precision, zeros and the side
 * are known.
 */
#include "template/run.h"

#include <stdio.h>
#include <string.h>

typedef struct Spec {
    bool zeros, left, right, middle, sign;
    int64_t width;
    int precision; /* -1: none */
    char type;     /* 0: by the value */
} Spec;

static size_t read_digits(AlisaArena *arena, AlisaText text, size_t at, int64_t *number) {
    *number = 0;
    for (; at < text.length && text.bytes[at] >= '0' && text.bytes[at] <= '9'; at++) {
        *number = 10 * *number + (text.bytes[at] - '0');
        if (*number > 4096) alisa_arena_fail(arena, "a width in a format is above 4096");
    }
    return at;
}

static size_t read_precision(AlisaArena *arena, AlisaText text, size_t at, Spec *spec) {
    spec->precision = -1;
    if (at >= text.length || text.bytes[at] != '.') return at;
    int64_t precision;
    at = read_digits(arena, text, at + 1, &precision);
    spec->precision = (int)precision;
    return at;
}

static void pad(AlisaBuilder *out, AlisaText text, const Spec *spec, bool left) {
    int64_t count = (int64_t)alisa_text_characters(out->arena, text);
    int64_t missing = spec->width > count ? spec->width - count : 0;
    int64_t before = spec->middle ? missing / 2 : left ? 0 : missing;
    for (int64_t i = 0; i < before; i++)
        alisa_builder_puts(out, " ");
    alisa_builder_add(out, text);
    for (int64_t i = before; i < missing; i++)
        alisa_builder_puts(out, " ");
}

static _Noreturn void refuse(AlisaArena *arena, AlisaValue value, char type) {
    alisa_value_require(arena, value);
    alisa_arena_fail(arena, "a %s cannot be formatted as '%c'", alisa_value_type(value), type);
}

static void put_number(AlisaBuilder *out, AlisaValue value, const Spec *spec) {
    char form[16], shown[8300];
    int64_t integer;
    double number;
    bool whole = strchr("dixXo", spec->type) != NULL;
    if (!alisa_value_is_number(value, &number)) refuse(out->arena, value, spec->type);
    const char *zeros = spec->zeros ? "0" : "", *sign = spec->sign ? "+" : "";
    int width = spec->zeros ? (int)spec->width : 0;
    if (whole) {
        if (!alisa_value_is_integer(value, &integer)) {
            if (spec->type != 'd' && spec->type != 'i') refuse(out->arena, value, spec->type);
            if (!(number > -9e18 && number < 9e18)) refuse(out->arena, value, spec->type);
            integer = (int64_t)number;
        }
        snprintf(form, sizeof form, "%%%s%s*ll%c", sign, zeros, spec->type);
        snprintf(shown, sizeof shown, form, width, (long long)integer);
    } else {
        snprintf(form, sizeof form, "%%%s%s*.*%c", sign, zeros, spec->type);
        snprintf(shown, sizeof shown, form, width, spec->precision < 0 ? 6 : spec->precision,
                 number);
    }
    pad(out, alisa_text_of(shown), spec, spec->left);
}

/* The value as a text, cut at the precision. */
static void put_text(AlisaBuilder *out, AlisaText text, const Spec *spec, bool left) {
    if (spec->precision >= 0) {
        text =
            alisa_text_cut(text, 0, alisa_text_offset(out->arena, text, (size_t)spec->precision));
    }
    pad(out, text, spec, left);
}

static AlisaText quoted(AlisaArena *arena, AlisaValue value) {
    AlisaBuilder builder = {.arena = arena};
    alisa_print_quoted(&builder, value);
    return alisa_builder_text(&builder);
}

/* ---- % ------------------------------------------------------------------------------------ */

static size_t read_flags(AlisaText text, size_t at, Spec *spec) {
    for (; at < text.length && strchr("-0+ #", text.bytes[at]) && text.bytes[at]; at++) {
        spec->left |= text.bytes[at] == '-';
        spec->zeros |= text.bytes[at] == '0';
        spec->sign |= text.bytes[at] == '+';
    }
    return at;
}

/* The value of "%(name)s", or the next one. */
static AlisaValue take_value(AlisaRun *run, AlisaText format, size_t *at, AlisaValue values,
                             size_t *used) {
    bool tuple = values.kind == ALISA_VALUE_LIST && values.list->form == ALISA_LIST_TUPLE;
    if (*at < format.length && format.bytes[*at] == '(') {
        size_t end = alisa_text_find(run->arena, format, alisa_text_of(")"), *at);
        if (end == ALISA_TEXT_NOWHERE || values.kind != ALISA_VALUE_DICT) {
            alisa_arena_fail(run->arena, "'%%(' in a format needs ')' and a dict of values");
        }
        AlisaText name = alisa_text_cut(format, *at + 1, end);
        const AlisaValue *found = alisa_dict_get(run->arena, values.dict, name);
        if (!found) alisa_arena_fail(run->arena, "a format names a value that is not given");
        *at = end + 1;
        return *found;
    }
    size_t count = tuple ? values.list->count : 1;
    if (*used >= count) alisa_arena_fail(run->arena, "a format has more places than values");
    return tuple ? values.list->items[(*used)++] : ((*used)++, values);
}

AlisaText alisa_format_percent(AlisaRun *run, AlisaText format, AlisaValue values) {
    AlisaBuilder out = {.arena = run->arena};
    size_t plain = 0, used = 0;
    for (size_t i = 0; i < format.length; i++) {
        if (format.bytes[i] != '%') continue;
        alisa_builder_add(&out, alisa_text_cut(format, plain, i));
        plain = i + 2;
        if (++i < format.length && format.bytes[i] == '%') {
            alisa_builder_puts(&out, "%");
            continue;
        }
        Spec spec = {0};
        AlisaValue named = alisa_value_none();
        bool by_name = i < format.length && format.bytes[i] == '(';
        if (by_name) named = take_value(run, format, &i, values, &used);
        i = read_flags(format, i, &spec);
        i = read_digits(run->arena, format, i, &spec.width);
        i = read_precision(run->arena, format, i, &spec);
        spec.type = i < format.length ? format.bytes[i] : 0;
        if (!spec.type || !strchr("srdixXoeEfFgG", spec.type)) {
            alisa_arena_fail(run->arena, "a '%%' in a format is followed by no known letter");
        }
        AlisaValue value = by_name ? named : take_value(run, format, &i, values, &used);
        if (spec.type == 's') {
            put_text(&out, alisa_print_text(run->arena, value), &spec, spec.left);
        } else if (spec.type == 'r') {
            put_text(&out, quoted(run->arena, value), &spec, spec.left);
        } else {
            put_number(&out, value, &spec);
        }
        plain = i + 1;
    }
    /* What can be asked for an item counts as values by name, which may be left over. */
    bool tuple = values.kind == ALISA_VALUE_LIST && values.list->form == ALISA_LIST_TUPLE;
    bool named = values.kind == ALISA_VALUE_LIST || values.kind == ALISA_VALUE_DICT ||
                 values.kind == ALISA_VALUE_UNDEFINED;
    if (used < (tuple ? values.list->count : !named)) {
        alisa_arena_fail(run->arena, "a format has fewer places than values");
    }
    if (plain < format.length) {
        alisa_builder_add(&out, alisa_text_cut(format, plain, format.length));
    }
    return alisa_builder_text(&out);
}

/* ---- {} ----------------------------------------------------------------------------------- */

/* The value that the text before ":" or "!" in braces names: nothing for the next one, a number or
 * a name, then .attributes and [items]. */
static AlisaValue find_field(AlisaCall *call, AlisaText field, size_t *next) {
    const AlisaArguments *arguments = &call->arguments;
    size_t end = 0;
    while (end < field.length && field.bytes[end] != '.' && field.bytes[end] != '[')
        end++;
    AlisaText name = alisa_text_cut(field, 0, end);
    int64_t index = (int64_t)*next;
    if (name.length == 0) {
        ++*next;
    } else if (read_digits(call->arena, name, 0, &index) < name.length) {
        index = -1;
    }
    AlisaValue value = alisa_value_none();
    bool found = index >= 0 && (size_t)index < arguments->count;
    if (found) value = arguments->values[index];
    for (size_t i = 0; index < 0 && i < arguments->named_count; i++) {
        if (!alisa_text_equal(arguments->named[i].key.text, name)) continue;
        value = arguments->named[i].value;
        found = true;
    }
    if (!found) alisa_arena_fail(call->arena, "format: a value that is asked for is not given");
    while (end < field.length) {
        bool item = field.bytes[end] == '[';
        size_t first = end + 1;
        for (end = first; end < field.length; end++) {
            if (item ? field.bytes[end] == ']' : strchr(".[", field.bytes[end]) != NULL) break;
        }
        AlisaText part = alisa_text_cut(field, first, end);
        if (!item) {
            value = alisa_attribute_get(call->run, value, part);
        } else {
            value = alisa_attribute_path(call->run, value, alisa_value_text(part));
            end++;
        }
    }
    return value;
}

static void put_field(AlisaCall *call, AlisaBuilder *out, AlisaValue value, AlisaText form) {
    Spec spec = {0};
    size_t at = 0;
    for (; at < form.length && form.bytes[at] && strchr("<>^+", form.bytes[at]); at++) {
        spec.left |= form.bytes[at] == '<';
        spec.right |= form.bytes[at] == '>';
        spec.middle |= form.bytes[at] == '^';
        spec.sign |= form.bytes[at] == '+';
    }
    if (at < form.length && form.bytes[at] == '0') {
        spec.zeros = true;
        at++;
    }
    at = read_digits(call->arena, form, at, &spec.width);
    at = read_precision(call->arena, form, at, &spec);
    if (at < form.length) spec.type = form.bytes[at++];
    bool number = spec.type && strchr("dxXoeEfFgG", spec.type);
    if (at < form.length || (spec.type && spec.type != 's' && !number)) {
        alisa_arena_fail(call->arena, "format: what follows ':' in braces is not supported");
    }
    double unused;
    if (number) {
        put_number(out, value, &spec);
    } else {
        bool left = !spec.right && !alisa_value_is_number(value, &unused);
        put_text(out, alisa_print_text(call->arena, value), &spec, left || spec.left);
    }
}

AlisaText alisa_format_braces(AlisaCall *call, AlisaText format) {
    AlisaBuilder out = {.arena = call->arena};
    size_t next = 0, plain = 0;
    for (size_t i = 0; i < format.length; i++) {
        char byte = format.bytes[i];
        if (byte != '{' && byte != '}') continue;
        alisa_builder_add(&out, alisa_text_cut(format, plain, i));
        if (i + 1 < format.length && format.bytes[i + 1] == byte) {
            plain = ++i; /* doubled: one stays */
            continue;
        }
        size_t end = alisa_text_find(call->arena, format, alisa_text_of("}"), i);
        if (byte == '}' || end == ALISA_TEXT_NOWHERE) {
            alisa_arena_fail(call->arena, "format: a brace is single");
        }
        AlisaText field = alisa_text_cut(format, i + 1, end), form = {.bytes = ""};
        size_t colon = alisa_text_find(call->arena, field, alisa_text_of(":"), 0);
        if (colon != ALISA_TEXT_NOWHERE) {
            form = alisa_text_cut(field, colon + 1, field.length);
            field = alisa_text_cut(field, 0, colon);
        }
        bool quotes = field.length >= 2 && memcmp(field.bytes + field.length - 2, "!r", 2) == 0;
        bool string = field.length >= 2 && memcmp(field.bytes + field.length - 2, "!s", 2) == 0;
        if (quotes || string) field.length -= 2;
        AlisaValue value = find_field(call, field, &next);
        if (quotes) value = alisa_value_text(quoted(call->arena, value));
        put_field(call, &out, value, form);
        plain = i = end + 1;
        i--;
    }
    alisa_builder_add(&out, alisa_text_cut(format, plain, format.length));
    return alisa_builder_text(&out);
}
