/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that every template has: Jinja's, and those that Hugging Face adds.
 */
#include "template/run.h"

#include <time.h>

enum { MOST_RANGE = 100000 };

static int64_t range_length(int64_t first, int64_t end, int64_t step) {
    if (step > 0 ? first >= end : first <= end) return 0;
    uint64_t distance =
        step > 0 ? (uint64_t)end - (uint64_t)first : (uint64_t)first - (uint64_t)end;
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    uint64_t length = (distance - 1) / stride + 1;
    return length > MOST_RANGE ? MOST_RANGE + 1 : (int64_t)length;
}

static AlisaValue global_range(AlisaCall *call) {
    int64_t bounds[3] = {0, alisa_call_integer(call, 0, 0), alisa_call_integer(call, 2, 1)};
    if (call->given[1]) {
        bounds[0] = bounds[1];
        bounds[1] = alisa_call_integer(call, 1, 0);
    }
    if (bounds[2] == 0) alisa_arena_fail(call->arena, "range: the step is 0");
    int64_t length = range_length(bounds[0], bounds[1], bounds[2]);
    if (length > MOST_RANGE) {
        alisa_arena_fail(call->arena, "range: more than %d numbers", MOST_RANGE);
    }
    AlisaValue range = alisa_value_list(call->arena, ALISA_LIST_RANGE, (size_t)length);
    for (int64_t i = 0; i < length; i++) {
        AlisaValue number = alisa_value_integer(bounds[0] + i * bounds[2]);
        alisa_list_push(call->arena, range.list, number);
    }
    for (size_t i = 0; i < 3; i++)
        range.list->bounds[i] = bounds[i];
    return range;
}

/* A dict or a namespace of another dict, of pairs, and of arguments with names. */
static AlisaValue make_dict(AlisaCall *call, AlisaValueKind kind) {
    AlisaArena *arena = call->arena;
    AlisaValue dict = alisa_value_dict(arena, kind);
    if (call->arguments.count > 1) alisa_arena_fail(arena, "dict takes one argument without name");
    AlisaValue from = call->arguments.count ? call->arguments.values[0] : dict;
    if (from.kind == ALISA_VALUE_DICT) {
        for (size_t i = 0; i < from.dict->count; i++)
            alisa_dict_set(arena, dict.dict, from.dict->pairs[i].key, from.dict->pairs[i].value);
    } else if (call->arguments.count) {
        const AlisaList *items = alisa_value_items(arena, from);
        for (size_t i = 0; i < items->count; i++) {
            const AlisaList *pair = alisa_value_items(arena, items->items[i]);
            if (pair->count != 2) alisa_arena_fail(arena, "dict is made of pairs");
            alisa_dict_set(arena, dict.dict, pair->items[0], pair->items[1]);
        }
    }
    for (size_t i = 0; i < call->arguments.named_count; i++) {
        const AlisaPair *pair = &call->arguments.named[i];
        alisa_dict_set(arena, dict.dict, pair->key, pair->value);
    }
    return dict;
}

static AlisaValue global_dict(AlisaCall *call) {
    return make_dict(call, ALISA_VALUE_DICT);
}

static AlisaValue global_namespace(AlisaCall *call) {
    return make_dict(call, ALISA_VALUE_NAMESPACE);
}

static AlisaValue global_raise_exception(AlisaCall *call) {
    AlisaText message = alisa_print_text(call->arena, *call->given[0]);
    size_t length = message.length < 600 ? message.length : 600;
    while (length < message.length && length > 0 && (message.bytes[length] & 0xc0) == 0x80)
        length--;
    alisa_arena_stop(call->arena, ALISA_ERROR_ARGUMENT,
                     "the chat template refuses this conversation: %.*s", (int)length,
                     length ? message.bytes : "");
}

static AlisaValue global_strftime_now(AlisaCall *call) {
    AlisaText format = alisa_call_text(call, 0, "");
    char shown[256], pattern[128];
    time_t now = (time_t)call->run->now;
    struct tm local;
    if (format.length >= sizeof pattern) {
        alisa_arena_fail(call->arena, "strftime_now: the format is too long");
    }
    for (size_t i = 0; i < format.length; i++)
        pattern[i] = format.bytes[i];
    pattern[format.length] = 0;
    localtime_r(&now, &local);
    AlisaBuilder builder = {.arena = call->arena};
    alisa_builder_put(&builder, shown, strftime(shown, sizeof shown, pattern, &local));
    return alisa_value_text(alisa_builder_text(&builder));
}

const AlisaEntry alisa_globals[] = {
    {"range", global_range, "start stop step", 1},
    {"dict", global_dict, NULL, 0},
    {"namespace", global_namespace, NULL, 0},
    {"raise_exception", global_raise_exception, "message", 1},
    {"strftime_now", global_strftime_now, "format", 1},
    {0},
};
