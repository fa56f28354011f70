/* SPDX-License-Identifier: Apache-2.0 */
#include "template/value.h"

#include "template/text.h"

#include <string.h>

AlisaValue alisa_value_undefined(AlisaText name, AlisaValueKind owner) {
    return (AlisaValue){.kind = ALISA_VALUE_UNDEFINED, .owner = owner, .text = name};
}

AlisaValue alisa_value_none(void) {
    return (AlisaValue){.kind = ALISA_VALUE_NONE};
}

AlisaValue alisa_value_boolean(bool boolean) {
    return (AlisaValue){.kind = ALISA_VALUE_BOOLEAN, .boolean = boolean};
}

AlisaValue alisa_value_integer(int64_t integer) {
    return (AlisaValue){.kind = ALISA_VALUE_INTEGER, .integer = integer};
}

AlisaValue alisa_value_real(double real) {
    return (AlisaValue){.kind = ALISA_VALUE_REAL, .real = real};
}

AlisaValue alisa_value_text(AlisaText text) {
    return (AlisaValue){.kind = ALISA_VALUE_TEXT, .text = text};
}

AlisaValue alisa_value_words(const char *words) {
    return alisa_value_text(alisa_text_of(words));
}

AlisaValue alisa_value_list(AlisaArena *arena, AlisaListForm form, size_t capacity) {
    AlisaList *list = alisa_arena_take(arena, 1, sizeof *list);
    list->form = form;
    list->capacity = capacity;
    if (capacity) list->items = alisa_arena_take(arena, capacity, sizeof *list->items);
    return (AlisaValue){.kind = ALISA_VALUE_LIST, .list = list};
}

AlisaValue alisa_value_dict(AlisaArena *arena, AlisaValueKind kind) {
    return (AlisaValue){.kind = kind, .dict = alisa_arena_take(arena, 1, sizeof(AlisaDict))};
}

/* ---- Containers --------------------------------------------------------------------------- */

void alisa_list_push(AlisaArena *arena, AlisaList *list, AlisaValue item) {
    alisa_arena_pay(arena, 1);
    if (list->count == list->capacity) {
        list->capacity = 2 * list->capacity + 8;
        AlisaValue *items = alisa_arena_take(arena, list->capacity, sizeof *items);
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = item;
}

/* Lists and dicts are no keys, and neither is a tuple that holds one. */
static void require_key(AlisaArena *arena, AlisaValue key) {
    bool list = key.kind == ALISA_VALUE_LIST && key.list->form != ALISA_LIST_TUPLE;
    if (list || key.kind == ALISA_VALUE_DICT) {
        alisa_arena_fail(arena, "a %s cannot be the key of a dict", alisa_value_type(key));
    }
    if (key.kind != ALISA_VALUE_LIST) return;
    alisa_arena_enter(arena);
    for (size_t i = 0; i < key.list->count; i++)
        require_key(arena, key.list->items[i]);
    alisa_arena_leave(arena);
}

AlisaValue *alisa_dict_find(AlisaArena *arena, const AlisaDict *dict, AlisaValue key) {
    require_key(arena, key);
    for (size_t i = 0; i < dict->count; i++) {
        if (alisa_value_equal(arena, dict->pairs[i].key, key)) return &dict->pairs[i].value;
    }
    return NULL;
}

AlisaValue *alisa_dict_get(AlisaArena *arena, const AlisaDict *dict, AlisaText key) {
    return alisa_dict_find(arena, dict, alisa_value_text(key));
}

void alisa_dict_set(AlisaArena *arena, AlisaDict *dict, AlisaValue key, AlisaValue value) {
    AlisaValue *found = alisa_dict_find(arena, dict, key);
    if (found) {
        *found = value;
        return;
    }
    if (dict->count == dict->capacity) {
        dict->capacity = 2 * dict->capacity + 8;
        AlisaPair *pairs = alisa_arena_take(arena, dict->capacity, sizeof *pairs);
        if (dict->count) memcpy(pairs, dict->pairs, dict->count * sizeof *pairs);
        dict->pairs = pairs;
    }
    dict->pairs[dict->count++] = (AlisaPair){key, value};
}

/* ---- What values are ---------------------------------------------------------------------- */

bool alisa_value_is_true(AlisaValue value) {
    switch (value.kind) {
    case ALISA_VALUE_UNDEFINED:
    case ALISA_VALUE_NONE:
        return false;
    case ALISA_VALUE_BOOLEAN:
        return value.boolean;
    case ALISA_VALUE_INTEGER:
        return value.integer != 0;
    case ALISA_VALUE_REAL:
        return value.real != 0;
    case ALISA_VALUE_TEXT:
        return value.text.length > 0;
    case ALISA_VALUE_LIST:
        return value.list->count > 0 || value.list->form == ALISA_LIST_GENERATOR;
    case ALISA_VALUE_DICT:
        return value.dict->count > 0;
    default:
        return true;
    }
}

bool alisa_value_is_integer(AlisaValue value, int64_t *integer) {
    *integer = value.kind == ALISA_VALUE_BOOLEAN ? value.boolean : value.integer;
    return value.kind == ALISA_VALUE_BOOLEAN || value.kind == ALISA_VALUE_INTEGER;
}

bool alisa_value_is_number(AlisaValue value, double *number) {
    int64_t integer;
    bool whole = alisa_value_is_integer(value, &integer);
    *number = whole ? (double)integer : value.real;
    return whole || value.kind == ALISA_VALUE_REAL;
}

const char *alisa_value_type(AlisaValue value) {
    static const char *const names[] = {
        [ALISA_VALUE_UNDEFINED] = "Undefined", [ALISA_VALUE_NONE] = "NoneType",
        [ALISA_VALUE_BOOLEAN] = "bool",        [ALISA_VALUE_INTEGER] = "int",
        [ALISA_VALUE_REAL] = "float",          [ALISA_VALUE_TEXT] = "str",
        [ALISA_VALUE_LIST] = "list",           [ALISA_VALUE_DICT] = "dict",
        [ALISA_VALUE_NAMESPACE] = "Namespace", [ALISA_VALUE_FUNCTION] = "function",
        [ALISA_VALUE_LOOP] = "LoopContext",
    };
    static const char *const forms[] = {
        [ALISA_LIST_LIST] = "list",           [ALISA_LIST_TUPLE] = "tuple",
        [ALISA_LIST_RANGE] = "range",         [ALISA_LIST_VIEW] = "view of a dict",
        [ALISA_LIST_GENERATOR] = "generator",
    };
    return value.kind == ALISA_VALUE_LIST ? forms[value.list->form] : names[value.kind];
}

void alisa_value_require(AlisaArena *arena, AlisaValue value) {
    if (value.kind != ALISA_VALUE_UNDEFINED) return;
    int length = value.text.length < 64 ? (int)value.text.length : 64;
    if (value.owner == ALISA_VALUE_UNDEFINED) {
        alisa_arena_fail(arena, "'%.*s' is undefined", length, value.text.bytes);
    }
    AlisaValue owner = {.kind = value.owner};
    alisa_arena_fail(arena, "a %s has no '%.*s'",
                     value.owner == ALISA_VALUE_LIST ? "list" : alisa_value_type(owner), length,
                     value.text.bytes);
}

AlisaList *alisa_value_items(AlisaArena *arena, AlisaValue value) {
    if (value.kind == ALISA_VALUE_LIST) return value.list;
    AlisaList *items = alisa_value_list(arena, ALISA_LIST_LIST, 0).list;
    if (value.kind == ALISA_VALUE_TEXT) {
        for (size_t i = 0, size; i < value.text.length; i += size) {
            alisa_text_character(value.text, i, &size);
            alisa_list_push(arena, items,
                            alisa_value_text(alisa_text_cut(value.text, i, i + size)));
        }
    } else if (value.kind == ALISA_VALUE_DICT) {
        for (size_t i = 0; i < value.dict->count; i++)
            alisa_list_push(arena, items, value.dict->pairs[i].key);
    } else if (value.kind != ALISA_VALUE_UNDEFINED) {
        alisa_arena_fail(arena, "a %s has no items to walk through", alisa_value_type(value));
    }
    return items;
}

/* ---- Comparison --------------------------------------------------------------------------- */

static bool lists_equal(AlisaArena *arena, const AlisaList *left, const AlisaList *right) {
    if (left == right) return true;
    if (left->form != right->form || left->count != right->count) return false;
    if (left->form == ALISA_LIST_GENERATOR) return false;
    for (size_t i = 0; i < left->count; i++) {
        if (!alisa_value_equal(arena, left->items[i], right->items[i])) return false;
    }
    return true;
}

static bool dicts_equal(AlisaArena *arena, const AlisaDict *left, const AlisaDict *right) {
    if (left == right) return true;
    if (left->count != right->count) return false;
    for (size_t i = 0; i < left->count; i++) {
        const AlisaValue *other = alisa_dict_find(arena, right, left->pairs[i].key);
        if (!other || !alisa_value_equal(arena, left->pairs[i].value, *other)) return false;
    }
    return true;
}

bool alisa_value_equal(AlisaArena *arena, AlisaValue left, AlisaValue right) {
    int64_t whole[2];
    double number[2];
    alisa_arena_pay(arena, 1);
    if (alisa_value_is_integer(left, &whole[0]) && alisa_value_is_integer(right, &whole[1])) {
        return whole[0] == whole[1];
    }
    if (alisa_value_is_number(left, &number[0]) && alisa_value_is_number(right, &number[1])) {
        return number[0] == number[1];
    }
    if (left.kind != right.kind) return false;
    bool equal = true; /* undefined or none, both */
    alisa_arena_enter(arena);
    switch (left.kind) {
    case ALISA_VALUE_TEXT:
        if (left.text.length == right.text.length) alisa_arena_pay_bytes(arena, left.text.length);
        equal = alisa_text_equal(left.text, right.text);
        break;
    case ALISA_VALUE_LIST:
        equal = lists_equal(arena, left.list, right.list);
        break;
    case ALISA_VALUE_DICT:
        equal = dicts_equal(arena, left.dict, right.dict);
        break;
    case ALISA_VALUE_NAMESPACE:
        equal = left.dict == right.dict;
        break;
    case ALISA_VALUE_FUNCTION:
        equal = left.function == right.function;
        break;
    case ALISA_VALUE_LOOP:
        equal = left.loop == right.loop;
        break;
    default:
        break;
    }
    alisa_arena_leave(arena);
    return equal;
}

static int compare_texts(AlisaText left, AlisaText right) {
    size_t shorter = left.length < right.length ? left.length : right.length;
    int order = shorter ? memcmp(left.bytes, right.bytes, shorter) : 0;
    return order ? order : (left.length > right.length) - (left.length < right.length);
}

static bool compare_lists(AlisaArena *arena, const AlisaList *left, const AlisaList *right,
                          int *order) {
    size_t i = 0;
    while (i < left->count && i < right->count &&
           alisa_value_equal(arena, left->items[i], right->items[i]))
        i++;
    if (i < left->count && i < right->count) {
        return alisa_value_compare(arena, left->items[i], right->items[i], order);
    }
    *order = (left->count > right->count) - (left->count < right->count);
    return true;
}

bool alisa_value_compare(AlisaArena *arena, AlisaValue left, AlisaValue right, int *order) {
    int64_t whole[2];
    double number[2];
    alisa_arena_pay(arena, 1);
    if (alisa_value_is_integer(left, &whole[0]) && alisa_value_is_integer(right, &whole[1])) {
        *order = (whole[0] > whole[1]) - (whole[0] < whole[1]);
        return true;
    }
    if (alisa_value_is_number(left, &number[0]) && alisa_value_is_number(right, &number[1])) {
        *order = (number[0] > number[1]) - (number[0] < number[1]);
        return true;
    }
    if (left.kind != right.kind) return false;
    if (left.kind == ALISA_VALUE_TEXT) {
        alisa_arena_pay_bytes(arena, left.text.length);
        *order = compare_texts(left.text, right.text);
        return true;
    }
    bool lists = left.kind == ALISA_VALUE_LIST && left.list->form == right.list->form &&
                 left.list->form <= ALISA_LIST_TUPLE;
    if (!lists) return false;
    alisa_arena_enter(arena);
    bool ordered = compare_lists(arena, left.list, right.list, order);
    alisa_arena_leave(arena);
    return ordered;
}
