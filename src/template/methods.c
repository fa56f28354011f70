/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods of dicts and lists, those that change nothing: what would change a value is refused, as
 * Hugging Face's sandbox does. The methods of texts are in text_methods.c.
 */
#include "template/text_methods.h"

static AlisaValue dict_get(AlisaCall *call) {
    const AlisaValue *found = alisa_dict_find(call->arena, call->self.dict, *call->given[0]);
    if (found) return *found;
    return call->given[1] ? *call->given[1] : alisa_value_none();
}

typedef enum ViewOf { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS } ViewOf;

static AlisaValue dict_view(AlisaCall *call, ViewOf of, const char *name) {
    const AlisaDict *dict = call->self.dict;
    AlisaValue view = alisa_value_list(call->arena, ALISA_LIST_VIEW, dict->count);
    view.list->view = name;
    for (size_t i = 0; i < dict->count; i++) {
        const AlisaPair *pair = &dict->pairs[i];
        AlisaValue item = of == VIEW_KEYS ? pair->key : pair->value;
        if (of == VIEW_ITEMS) {
            item = alisa_value_list(call->arena, ALISA_LIST_TUPLE, 2);
            alisa_list_push(call->arena, item.list, pair->key);
            alisa_list_push(call->arena, item.list, pair->value);
        }
        alisa_list_push(call->arena, view.list, item);
    }
    return view;
}

static AlisaValue dict_keys(AlisaCall *call) {
    return dict_view(call, VIEW_KEYS, "dict_keys");
}

static AlisaValue dict_values(AlisaCall *call) {
    return dict_view(call, VIEW_VALUES, "dict_values");
}

static AlisaValue dict_items(AlisaCall *call) {
    return dict_view(call, VIEW_ITEMS, "dict_items");
}

/* Nothing can change a dict or a list, so a copy is the thing itself. */
static AlisaValue copy(AlisaCall *call) {
    return call->self;
}

static AlisaValue list_count(AlisaCall *call) {
    int64_t count = 0;
    for (size_t i = 0; i < call->self.list->count; i++)
        count += alisa_value_equal(call->arena, call->self.list->items[i], *call->given[0]);
    return alisa_value_integer(count);
}

static AlisaValue list_index(AlisaCall *call) {
    for (size_t i = 0; i < call->self.list->count; i++) {
        if (alisa_value_equal(call->arena, call->self.list->items[i], *call->given[0])) {
            return alisa_value_integer((int64_t)i);
        }
    }
    alisa_arena_fail(call->arena, "index: the list does not have the item");
}

static const AlisaEntry dict_methods[] = {
    {"get", dict_get, "key default", 1}, {"items", dict_items, "", 0}, {"keys", dict_keys, "", 0},
    {"values", dict_values, "", 0},      {"copy", copy, "", 0},        {0},
};

static const AlisaEntry list_methods[] = {
    {"count", list_count, "value", 1},
    {"index", list_index, "value", 1},
    {"copy", copy, "", 0},
    {0},
};

const AlisaEntry *alisa_methods_of(AlisaValue object) {
    switch (object.kind) {
    case ALISA_VALUE_TEXT:
        return alisa_text_methods;
    case ALISA_VALUE_DICT:
        return dict_methods;
    case ALISA_VALUE_LIST:
        return object.list->form <= ALISA_LIST_RANGE ? list_methods : NULL;
    case ALISA_VALUE_LOOP:
        return alisa_loop_methods;
    default:
        return NULL;
    }
}
