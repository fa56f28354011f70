/* SPDX-License-Identifier: Apache-2.0 */
#include "template/list_filters.h"

static AlisaList *input_items(AlisaCall *call) {
    return alisa_value_items(call->arena, call->self);
}

static AlisaValue make(AlisaCall *call, AlisaListForm form) {
    return alisa_value_list(call->arena, form, 0);
}

/* ---- Single items and lengths ------------------------------------------------------------- */

AlisaValue alisa_filter_length(AlisaCall *call) {
    AlisaValue self = call->self;
    if (self.kind == ALISA_VALUE_TEXT) {
        return alisa_value_integer((int64_t)alisa_text_characters(call->arena, self.text));
    }
    if (self.kind == ALISA_VALUE_DICT) return alisa_value_integer((int64_t)self.dict->count);
    if (self.kind == ALISA_VALUE_UNDEFINED) return alisa_value_integer(0);
    if (self.kind != ALISA_VALUE_LIST || self.list->form == ALISA_LIST_GENERATOR) {
        alisa_arena_fail(call->arena, "a %s has no length", alisa_value_type(self));
    }
    return alisa_value_integer((int64_t)self.list->count);
}

AlisaValue alisa_filter_first(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    if (items->count) return items->items[0];
    return alisa_value_undefined(alisa_text_of("first"), ALISA_VALUE_LIST);
}

AlisaValue alisa_filter_last(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    alisa_value_require(call->arena, call->self);
    if (items->form == ALISA_LIST_GENERATOR) {
        alisa_arena_fail(call->arena, "last: a generator has no last item; make it a list first");
    }
    if (items->count) return items->items[items->count - 1];
    return alisa_value_undefined(alisa_text_of("last"), ALISA_VALUE_LIST);
}

/* ---- Whole lists -------------------------------------------------------------------------- */

AlisaValue alisa_filter_list(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    AlisaValue list = make(call, ALISA_LIST_LIST);
    for (size_t i = 0; i < items->count; i++)
        alisa_list_push(call->arena, list.list, items->items[i]);
    return list;
}

AlisaValue alisa_filter_reverse(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    AlisaBuilder builder = {.arena = call->arena};
    AlisaValue list =
        make(call, items->form == ALISA_LIST_GENERATOR ? ALISA_LIST_LIST : ALISA_LIST_GENERATOR);
    for (size_t i = items->count; i-- > 0;) {
        if (call->self.kind == ALISA_VALUE_TEXT) {
            alisa_builder_add(&builder, items->items[i].text);
        } else {
            alisa_list_push(call->arena, list.list, items->items[i]);
        }
    }
    if (call->self.kind == ALISA_VALUE_TEXT) return alisa_value_text(alisa_builder_text(&builder));
    return list;
}

AlisaValue alisa_filter_join(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    AlisaText between =
        call->given[0] ? alisa_print_text(call->arena, *call->given[0]) : alisa_text_of("");
    const AlisaValue *path = alisa_call_given(call, 1);
    AlisaBuilder builder = {.arena = call->arena};
    for (size_t i = 0; i < items->count; i++) {
        AlisaValue item = items->items[i];
        if (i > 0) alisa_builder_add(&builder, between);
        if (path) item = alisa_attribute_path(call->run, item, *path);
        alisa_print_value(&builder, item);
    }
    return alisa_value_text(alisa_builder_text(&builder));
}

AlisaValue alisa_filter_batch(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    int64_t size = alisa_call_integer(call, 0, 1);
    const AlisaValue *fill = alisa_call_given(call, 1);
    AlisaValue batches = make(call, ALISA_LIST_GENERATOR), batch = {0};
    for (size_t i = 0; i < items->count; i++) {
        if (!batch.list || (int64_t)batch.list->count == size) {
            batch = make(call, ALISA_LIST_LIST);
            alisa_list_push(call->arena, batches.list, batch);
        }
        alisa_list_push(call->arena, batch.list, items->items[i]);
    }
    while (batch.list && fill && (int64_t)batch.list->count < size)
        alisa_list_push(call->arena, batch.list, *fill);
    return batches;
}

/* Keys and values as pairs; of what is undefined there are none. */
AlisaValue alisa_filter_items(AlisaCall *call) {
    AlisaValue pairs = make(call, ALISA_LIST_GENERATOR);
    if (call->self.kind == ALISA_VALUE_UNDEFINED) return pairs;
    if (call->self.kind != ALISA_VALUE_DICT) {
        alisa_arena_fail(call->arena, "items: a %s is no dict", alisa_value_type(call->self));
    }
    for (size_t i = 0; i < call->self.dict->count; i++) {
        AlisaValue pair = make(call, ALISA_LIST_TUPLE);
        alisa_list_push(call->arena, pair.list, call->self.dict->pairs[i].key);
        alisa_list_push(call->arena, pair.list, call->self.dict->pairs[i].value);
        alisa_list_push(call->arena, pairs.list, pair);
    }
    return pairs;
}

/* ---- Order -------------------------------------------------------------------------------- */

/* What items are sorted by: the value at a path, or they themselves; texts without their case. */
static AlisaValue *sort_keys(AlisaCall *call, const AlisaList *items, const AlisaValue *path,
                             bool case_sensitive) {
    AlisaValue *keys = alisa_arena_take(call->arena, items->count, sizeof *keys);
    for (size_t i = 0; i < items->count; i++) {
        keys[i] = path ? alisa_attribute_path(call->run, items->items[i], *path) : items->items[i];
        if (!case_sensitive && keys[i].kind == ALISA_VALUE_TEXT) {
            keys[i].text = alisa_text_lower(call->arena, keys[i].text);
        }
    }
    return keys;
}

AlisaValue alisa_filter_sort(AlisaCall *call) {
    AlisaValue list = alisa_filter_list(call);
    AlisaValue *keys =
        sort_keys(call, list.list, alisa_call_given(call, 2), alisa_call_flag(call, 1, false));
    alisa_sort_by_keys(call->arena, list.list->items, keys, list.list->count,
                       alisa_call_flag(call, 0, false));
    return list;
}

AlisaValue alisa_filter_dictsort(AlisaCall *call) {
    AlisaText by = alisa_call_text(call, 1, "key");
    bool values = alisa_text_is(by, "value");
    alisa_value_require(call->arena, call->self);
    if (!values && !alisa_text_is(by, "key")) {
        alisa_arena_fail(call->arena, "dictsort sorts by \"key\" or \"value\"");
    }
    AlisaValue pairs = alisa_filter_items(call);
    AlisaValue which = alisa_value_integer(values);
    AlisaValue *keys = sort_keys(call, pairs.list, &which, alisa_call_flag(call, 0, false));
    alisa_sort_by_keys(call->arena, pairs.list->items, keys, pairs.list->count,
                       alisa_call_flag(call, 2, false));
    pairs.list->form = ALISA_LIST_LIST;
    return pairs;
}

AlisaValue alisa_filter_unique(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    AlisaValue *keys =
        sort_keys(call, items, alisa_call_given(call, 1), alisa_call_flag(call, 0, false));
    AlisaValue seen = alisa_value_dict(call->arena, ALISA_VALUE_DICT);
    AlisaValue unique = make(call, ALISA_LIST_GENERATOR);
    for (size_t i = 0; i < items->count; i++) {
        if (alisa_dict_find(call->arena, seen.dict, keys[i])) continue;
        alisa_dict_set(call->arena, seen.dict, keys[i], alisa_value_none());
        alisa_list_push(call->arena, unique.list, items->items[i]);
    }
    return unique;
}

/* Lists of items with the same value at a path, in the order of those values; each with its value
 * as a tuple. */
AlisaValue alisa_filter_groupby(AlisaCall *call) {
    AlisaValue list = alisa_filter_list(call), groups = make(call, ALISA_LIST_LIST);
    AlisaList *items = list.list;
    bool exact = alisa_call_flag(call, 2, false);
    AlisaValue *keys = sort_keys(call, items, call->given[0], exact);
    alisa_sort_by_keys(call->arena, items->items, keys, items->count, false);
    keys = sort_keys(call, items, call->given[0], exact);
    AlisaValue members = {0};
    for (size_t i = 0; i < items->count; i++) {
        if (i == 0 || !alisa_value_equal(call->arena, keys[i], keys[i - 1])) {
            AlisaValue group = make(call, ALISA_LIST_TUPLE);
            members = make(call, ALISA_LIST_LIST);
            alisa_list_push(call->arena, group.list,
                            alisa_attribute_path(call->run, items->items[i], *call->given[0]));
            alisa_list_push(call->arena, group.list, members);
            alisa_list_push(call->arena, groups.list, group);
        }
        alisa_list_push(call->arena, members.list, items->items[i]);
    }
    return groups;
}

/* The first item that no other one exceeds, up (`sign` 1) or down (-1). */
static AlisaValue extreme(AlisaCall *call, int sign) {
    const AlisaList *items = input_items(call);
    AlisaValue *keys =
        sort_keys(call, items, alisa_call_given(call, 1), alisa_call_flag(call, 0, false));
    size_t best = 0;
    if (!items->count) return alisa_value_undefined(alisa_text_of("item"), ALISA_VALUE_LIST);
    for (size_t i = 1; i < items->count; i++) {
        int order;
        if (!alisa_value_compare(call->arena, keys[i], keys[best], &order)) {
            alisa_arena_fail(call->arena, "items of a %s and a %s have no order",
                             alisa_value_type(keys[i]), alisa_value_type(keys[best]));
        }
        if (sign * order > 0) best = i;
    }
    return items->items[best];
}

AlisaValue alisa_filter_max(AlisaCall *call) {
    return extreme(call, 1);
}

AlisaValue alisa_filter_min(AlisaCall *call) {
    return extreme(call, -1);
}

AlisaValue alisa_filter_sum(AlisaCall *call) {
    const AlisaList *items = input_items(call);
    const AlisaValue *path = alisa_call_given(call, 0);
    AlisaValue sum = call->given[1] ? *call->given[1] : alisa_value_integer(0);
    for (size_t i = 0; i < items->count; i++) {
        AlisaValue item = items->items[i];
        if (path) item = alisa_attribute_path(call->run, item, *path);
        sum = alisa_evaluate_arithmetic(call->run, alisa_text_of("+"), sum, item);
    }
    return sum;
}

/* ---- A filter or test for every item ------------------------------------------------------ */

static const AlisaValue *find_named(const AlisaCall *call, const char *name) {
    for (size_t i = 0; i < call->arguments.named_count; i++) {
        const AlisaPair *pair = &call->arguments.named[i];
        if (alisa_text_is(pair->key.text, name)) return &pair->value;
    }
    return NULL;
}

/* The filter or test that an argument names, and the arguments after it. */
static const AlisaEntry *find_entry(AlisaCall *call, const AlisaEntry *entries, size_t index,
                                    AlisaArguments *rest) {
    *rest = call->arguments;
    if (call->arguments.count <= index) return NULL;
    AlisaText name = alisa_print_text(call->arena, call->arguments.values[index]);
    const AlisaEntry *entry = alisa_entry_find(entries, name);
    if (!entry) {
        alisa_arena_fail(call->arena, "there is no filter or test '%.*s'",
                         name.length < 64 ? (int)name.length : 64, name.bytes);
    }
    rest->values += index + 1;
    rest->count -= index + 1;
    return entry;
}

AlisaValue alisa_filter_map(AlisaCall *call) {
    AlisaValue mapped = make(call, ALISA_LIST_GENERATOR);
    if (!alisa_value_is_true(call->self)) return mapped;
    const AlisaList *items = input_items(call);
    const AlisaValue *path = find_named(call, "attribute");
    const AlisaValue *fallback = find_named(call, "default");
    AlisaArguments rest;
    const AlisaEntry *entry = find_entry(call, alisa_filters, 0, &rest);
    if (!entry && !path) alisa_arena_fail(call->arena, "map needs a filter or an attribute");
    for (size_t i = 0; i < items->count; i++) {
        AlisaValue item = items->items[i];
        if (entry) {
            item = alisa_call_entry(call->run, entry, item, &rest);
        } else {
            item = alisa_attribute_path(call->run, item, *path);
            if (item.kind == ALISA_VALUE_UNDEFINED && fallback) item = *fallback;
        }
        alisa_list_push(call->arena, mapped.list, item);
    }
    return mapped;
}

/* The items of which a test, or they themselves, are `wanted`; with `attribute` the value at the
 * path that is the first argument is tested. */
static AlisaValue choose(AlisaCall *call, bool attribute, bool wanted) {
    AlisaValue chosen = make(call, ALISA_LIST_GENERATOR);
    if (!alisa_value_is_true(call->self)) return chosen;
    const AlisaList *items = input_items(call);
    AlisaArguments rest;
    if (attribute && call->arguments.count == 0) {
        alisa_arena_fail(call->arena, "the name of an attribute is missing");
    }
    const AlisaEntry *test = find_entry(call, alisa_tests, attribute, &rest);
    for (size_t i = 0; i < items->count; i++) {
        AlisaValue item = items->items[i];
        if (attribute) item = alisa_attribute_path(call->run, item, call->arguments.values[0]);
        if (test) item = alisa_call_entry(call->run, test, item, &rest);
        if (alisa_value_is_true(item) == wanted) {
            alisa_list_push(call->arena, chosen.list, items->items[i]);
        }
    }
    return chosen;
}

AlisaValue alisa_filter_select(AlisaCall *call) {
    return choose(call, false, true);
}

AlisaValue alisa_filter_reject(AlisaCall *call) {
    return choose(call, false, false);
}

AlisaValue alisa_filter_selectattr(AlisaCall *call) {
    return choose(call, true, true);
}

AlisaValue alisa_filter_rejectattr(AlisaCall *call) {
    return choose(call, true, false);
}
