/* SPDX-License-Identifier: Apache-2.0 */
#include "report/fields.h"

#include <stdio.h>
#include <string.h>

/* A figure beyond LEAST_FIGURE and MOST_FIGURE is a slip of the pen, from which infinities would
 * follow. */
#define MOST_FIGURE 1e24

static const char *const expected_of[] = {
    [FIELD_TEXT] = "a text",
    [FIELD_COUNT] = "a whole number that is not negative",
    [FIELD_FIGURE] = "0 or a number from 1e-12 to 1e24",
    [FIELD_TEXTS] = "a list of texts",
    [FIELD_VALUES] = "an object of texts, numbers and booleans",
};

/* ---- Refusals ----------------------------------------------------------------------------- */

static void describe(const json_t *value, char text[64]) {
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a text",
        [JSON_TRUE] = "true",        [JSON_FALSE] = "false",  [JSON_NULL] = "null"};
    if (!value) {
        snprintf(text, 64, "nothing");
    } else if (json_is_number(value)) {
        snprintf(text, 64, "%.10g", json_number_value(value));
    } else {
        snprintf(text, 64, "%s", names[json_typeof(value)]);
    }
}

bool alisa_cli_fields_refuse(const Reader *reader, const char *place, const char *field,
                             const char *expected, const json_t *found) {
    char text[64];
    describe(found, text);
    reader->error->status = ALISA_ERROR_FORMAT;
    snprintf(reader->error->message, sizeof reader->error->message,
             "%s: %s%s%s: expected %s, found %s", reader->file, place, *place && *field ? "." : "",
             field, expected, text);
    return false;
}

bool alisa_cli_fields_refuse_file(const Reader *reader, AlisaStatus status, const char *reason) {
    reader->error->status = status;
    snprintf(reader->error->message, sizeof reader->error->message, "%s: %s", reader->file, reason);
    return false;
}

/* ---- Fields ------------------------------------------------------------------------------- */

static bool is_list_of_texts(const json_t *value) {
    bool good = json_is_array(value);
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = json_is_string(json_array_get(value, i));
    return good;
}

static bool is_object_of_values(const json_t *value) {
    bool good = json_is_object(value);
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member) {
        good =
            good && (json_is_string(member) || json_is_number(member) || json_is_boolean(member));
    }
    return good;
}

bool alisa_cli_fields_is_figure(double value) {
    return value >= LEAST_FIGURE && value <= MOST_FIGURE;
}

/* False where the value is not of the kind. */
static bool store(FieldKind kind, const json_t *value, void *field) {
    switch (kind) {
    case FIELD_TEXT:
        *(const char **)field = json_string_value(value);
        return json_is_string(value);
    case FIELD_COUNT:
        *(json_int_t *)field = json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case FIELD_FIGURE:
        *(double *)field = json_number_value(value);
        return json_is_number(value) &&
               (alisa_cli_fields_is_figure(*(double *)field) || *(double *)field == 0.0);
    case FIELD_TEXTS:
        *(const json_t **)field = value;
        return is_list_of_texts(value);
    case FIELD_VALUES:
        *(const json_t **)field = value;
        return is_object_of_values(value);
    }
    return false;
}

bool alisa_cli_fields_read(const Reader *reader, const json_t *object, const char *place,
                           const Field *fields, void *record) {
    if (!json_is_object(object)) {
        alisa_cli_fields_refuse(reader, place, "", "an object", object);
        return false;
    }
    for (const Field *field = fields; field->name; field++) {
        const json_t *value = json_object_get(object, field->name);
        if (store(field->kind, value, (char *)record + field->offset)) continue;
        alisa_cli_fields_refuse(reader, place, field->name, expected_of[field->kind], value);
        return false;
    }
    return true;
}

size_t alisa_cli_fields_name(const Reader *reader, const json_t *object, const char *place,
                             const char *field, const char *const *names, size_t count) {
    const json_t *value = json_object_get(object, field);
    const char *text = json_string_value(value);
    char expected[256] = "one of ";
    for (size_t i = 0; i < count; i++) {
        if (text && strcmp(text, names[i]) == 0) return i;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i ? ", " : "", names[i]);
    }
    alisa_cli_fields_refuse(reader, place, field, expected, value);
    return count;
}
