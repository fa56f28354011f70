/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.name and object[key]. The first looks for a method and then for a key, the second for a
 * key and then for a method; what is not there is undefined, which is no failure yet.
 */
#include "template/run.h"

/* The item under a key or an index; NULL when there is none. */
static const AlisaValue *find_item(AlisaRun *run, AlisaValue object, AlisaValue key) {
    int64_t index;
    if (object.kind == ALISA_VALUE_DICT) {
        bool list = key.kind == ALISA_VALUE_LIST || key.kind == ALISA_VALUE_DICT;
        return list ? NULL : alisa_dict_find(run->arena, object.dict, key);
    }
    if (object.kind != ALISA_VALUE_LIST || object.list->form > ALISA_LIST_RANGE ||
        !alisa_value_is_integer(key, &index))
        return NULL;
    int64_t count = (int64_t)object.list->count;
    if (index < 0) index += count;
    return index >= 0 && index < count ? &object.list->items[index] : NULL;
}

static bool find_character(AlisaRun *run, AlisaText text, AlisaValue key, AlisaValue *character) {
    int64_t index;
    if (!alisa_value_is_integer(key, &index)) return false;
    int64_t count = (int64_t)alisa_text_characters(run->arena, text);
    if (index < 0) index += count;
    if (index < 0 || index >= count) return false;
    size_t at = alisa_text_offset(run->arena, text, (size_t)index), size;
    alisa_text_character(text, at, &size);
    *character = alisa_value_text(alisa_text_cut(text, at, at + size));
    return true;
}

/* A method, or an attribute of a namespace or a loop. */
static bool find_attribute(AlisaRun *run, AlisaValue object, AlisaText name, AlisaValue *value) {
    const AlisaValue *found = NULL;
    if (object.kind == ALISA_VALUE_NAMESPACE) found = alisa_dict_get(run->arena, object.dict, name);
    if (object.kind == ALISA_VALUE_LOOP) found = alisa_loop_attribute(run, object.loop, name);
    const AlisaEntry *method = alisa_entry_find(alisa_methods_of(object), name);
    if (found) {
        *value = *found;
    } else if (method) {
        *value = alisa_function_make(run->arena, method, object);
    }
    return found || method;
}

AlisaValue alisa_attribute_get(AlisaRun *run, AlisaValue object, AlisaText name) {
    AlisaValue value;
    alisa_value_require(run->arena, object);
    if (find_attribute(run, object, name, &value)) return value;
    const AlisaValue *item = find_item(run, object, alisa_value_text(name));
    return item ? *item : alisa_value_undefined(name, object.kind);
}

AlisaValue alisa_attribute_item(AlisaRun *run, AlisaValue object, AlisaValue key) {
    AlisaValue value;
    alisa_value_require(run->arena, object);
    const AlisaValue *item = find_item(run, object, key);
    if (item) return *item;
    if (object.kind == ALISA_VALUE_TEXT && find_character(run, object.text, key, &value)) {
        return value;
    }
    bool named = key.kind == ALISA_VALUE_TEXT;
    if (named && find_attribute(run, object, key.text, &value)) return value;
    return alisa_value_undefined(named ? key.text : alisa_print_text(run->arena, key), object.kind);
}

/* A part of a path: digits are an index. */
static AlisaValue path_part(AlisaText part) {
    int64_t index = 0;
    for (size_t i = 0; i < part.length; i++) {
        if (part.bytes[i] < '0' || part.bytes[i] > '9' || i > 9) return alisa_value_text(part);
        index = 10 * index + (part.bytes[i] - '0');
    }
    return part.length ? alisa_value_integer(index) : alisa_value_text(part);
}

AlisaValue alisa_attribute_path(AlisaRun *run, AlisaValue object, AlisaValue path) {
    if (path.kind != ALISA_VALUE_TEXT) return alisa_attribute_item(run, object, path);
    for (size_t first = 0; first <= path.text.length;) {
        size_t end = alisa_text_find(run->arena, path.text, alisa_text_of("."), first);
        if (end == ALISA_TEXT_NOWHERE) end = path.text.length;
        AlisaValue part = path_part(alisa_text_cut(path.text, first, end));
        object = alisa_attribute_item(run, object, part);
        first = end + 1;
    }
    return object;
}
