/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the template language: Python's, as far as templates can tell.
 *
 * A text knows of each of its bytes who wrote it. `marks` is a byte for each byte of the text: 1
 * where a stranger wrote it - a user, a tool, a model - and 0 where the template or the program
 * did. Whatever cuts, joins or alters texts takes the marks along, so that what is printed in the
 * end still knows which "<|im_end|>" is a control token and which was typed.
 */
#ifndef ALISA_TEMPLATE_VALUE_H
#define ALISA_TEMPLATE_VALUE_H

#include "template/arena.h"

typedef enum AlisaValueKind {
    ALISA_VALUE_UNDEFINED, /* what has no value; prints as nothing, and nearly all else fails */
    ALISA_VALUE_NONE,
    ALISA_VALUE_BOOLEAN,
    ALISA_VALUE_INTEGER,
    ALISA_VALUE_REAL,
    ALISA_VALUE_TEXT,
    ALISA_VALUE_LIST, /* whatever can be walked through, see AlisaListForm */
    ALISA_VALUE_DICT,
    ALISA_VALUE_NAMESPACE, /* the only thing that a template can alter */
    ALISA_VALUE_FUNCTION,
    ALISA_VALUE_LOOP, /* `loop` inside a for loop */
} AlisaValueKind;

/* UTF-8. */
typedef struct AlisaText {
    const char *bytes;
    const uint8_t *marks; /* [length]; NULL: no stranger wrote any of it */
    size_t length;        /* in bytes */
} AlisaText;

typedef struct AlisaList AlisaList;
typedef struct AlisaDict AlisaDict;
typedef struct AlisaFunction AlisaFunction;
typedef struct AlisaLoop AlisaLoop;

typedef struct AlisaValue {
    AlisaValueKind kind;
    AlisaValueKind owner; /* of an undefined value: what lacks it; undefined for a variable */
    bool markup;          /* of a text: it is HTML, so that texts joined to it with + are escaped */
    union {
        bool boolean;
        int64_t integer;
        double real;
        AlisaText text; /* of an undefined value: the name that nothing was found under */
        AlisaList *list;
        AlisaDict *dict; /* of a namespace, too */
        AlisaFunction *function;
        AlisaLoop *loop;
    };
} AlisaValue;

typedef enum AlisaListForm {
    ALISA_LIST_LIST,
    ALISA_LIST_TUPLE,
    ALISA_LIST_RANGE,     /* printed as its bounds */
    ALISA_LIST_VIEW,      /* keys, values or items of a dict: has a length, but no indexes */
    ALISA_LIST_GENERATOR, /* of filters such as map and select: neither length nor indexes */
} AlisaListForm;

struct AlisaList {
    AlisaListForm form;
    AlisaValue *items;
    size_t count, capacity;
    int64_t bounds[3]; /* of a range: first, end, step */
    const char *view;  /* of a view: how Python prints it, "dict_keys" */
};

typedef struct AlisaPair {
    AlisaValue key, value;
} AlisaPair;

/* In the order in which keys were first set. */
struct AlisaDict {
    AlisaPair *pairs;
    size_t count, capacity;
};

AlisaValue alisa_value_undefined(AlisaText name, AlisaValueKind owner);
AlisaValue alisa_value_none(void);
AlisaValue alisa_value_boolean(bool boolean);
AlisaValue alisa_value_integer(int64_t integer);
AlisaValue alisa_value_real(double real);
AlisaValue alisa_value_text(AlisaText text);
/* A text of static storage or of the arena's. */
AlisaValue alisa_value_words(const char *words);
AlisaValue alisa_value_list(AlisaArena *arena, AlisaListForm form, size_t capacity);
AlisaValue alisa_value_dict(AlisaArena *arena, AlisaValueKind kind);

void alisa_list_push(AlisaArena *arena, AlisaList *list, AlisaValue item);
/* The value of a key; NULL when there is none. Fails for a key that Python cannot hash. */
AlisaValue *alisa_dict_find(AlisaArena *arena, const AlisaDict *dict, AlisaValue key);
AlisaValue *alisa_dict_get(AlisaArena *arena, const AlisaDict *dict, AlisaText key);
void alisa_dict_set(AlisaArena *arena, AlisaDict *dict, AlisaValue key, AlisaValue value);

bool alisa_value_is_true(AlisaValue value);
/* An integer or a boolean, which counts as one. */
bool alisa_value_is_integer(AlisaValue value, int64_t *integer);
/* An integer, a boolean or a real. */
bool alisa_value_is_number(AlisaValue value, double *number);
bool alisa_value_equal(AlisaArena *arena, AlisaValue left, AlisaValue right);
/* < 0, 0, > 0. False when the two cannot be ordered. */
bool alisa_value_compare(AlisaArena *arena, AlisaValue left, AlisaValue right, int *order);
/* What Python calls the type: "str". */
const char *alisa_value_type(AlisaValue value);
/* Fails with the sentence of an undefined value, if it is one. */
void alisa_value_require(AlisaArena *arena, AlisaValue value);
/* The items of what can be walked through; fails for anything else. */
AlisaList *alisa_value_items(AlisaArena *arena, AlisaValue value);

#endif
