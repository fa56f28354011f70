/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of JSON read strictly, from tables of their fields. What is wrong gets a sentence that
 * names the file and the place in it.
 */
#ifndef ALISA_CLI_REPORT_FIELDS_H
#define ALISA_CLI_REPORT_FIELDS_H

#include "alisa/alisa.h"

#include <jansson.h>

/* What a field holds, and the C type it is stored as. */
typedef enum FieldKind {
    FIELD_TEXT,   /* const char * into the JSON */
    FIELD_COUNT,  /* json_int_t, not negative */
    FIELD_FIGURE, /* double, 0 or LEAST_FIGURE to 1e24 */
    FIELD_TEXTS,  /* const json_t *: a list */
    FIELD_VALUES, /* const json_t *: an object of texts, numbers and booleans */
} FieldKind;

typedef struct Field {
    const char *name; /* NULL ends the table */
    FieldKind kind;
    size_t offset;
} Field;

#define LEAST_FIGURE 1e-12

/* The file that is read, and where a refusal goes. */
typedef struct Reader {
    const char *file;
    AlisaError *error;
} Reader;

/* Fills `record` with the fields of an object; `place` is where the object is ("manifest.device").
 * Fields that the table lacks are ignored. False with a refusal. */
bool alisa_cli_fields_read(const Reader *reader, const json_t *object, const char *place,
                           const Field *fields, void *record);
/* Index of an object's text among names; `count` where it is not one of them, with a refusal. */
size_t alisa_cli_fields_name(const Reader *reader, const json_t *object, const char *place,
                             const char *field, const char *const *names, size_t count);
/* Whether a number is in the range of figures. */
bool alisa_cli_fields_is_figure(double value);

/* Refusals, which return false: what was expected at a place and a field of it, one of which may be
 * empty, and was not found there; and any other reason. */
bool alisa_cli_fields_refuse(const Reader *reader, const char *place, const char *field,
                             const char *expected, const json_t *found);
bool alisa_cli_fields_refuse_file(const Reader *reader, AlisaStatus status, const char *reason);

#endif
