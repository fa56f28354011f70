/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"

#include <string.h>

const AlisaEntry *alisa_entry_find(const AlisaEntry *entries, AlisaText name) {
    for (; entries && entries->name; entries++) {
        if (alisa_text_is(name, entries->name)) return entries;
    }
    return NULL;
}

AlisaText alisa_function_name(const AlisaFunction *function) {
    return function->entry ? alisa_text_of(function->entry->name) : function->macro->text;
}

AlisaValue alisa_function_make(AlisaArena *arena, const AlisaEntry *entry, AlisaValue self) {
    AlisaFunction *function = alisa_arena_take(arena, 1, sizeof *function);
    function->entry = entry;
    function->self = self;
    return (AlisaValue){.kind = ALISA_VALUE_FUNCTION, .function = function};
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static void spread(AlisaRun *run, AlisaValue value, AlisaList *values, AlisaDict *named) {
    if (!named) {
        const AlisaList *items = alisa_value_items(run->arena, value);
        for (size_t i = 0; i < items->count; i++)
            alisa_list_push(run->arena, values, items->items[i]);
        return;
    }
    if (value.kind != ALISA_VALUE_DICT) {
        alisa_arena_fail(run->arena, "after '**' there must be a dict");
    }
    for (size_t i = 0; i < value.dict->count; i++)
        alisa_dict_set(run->arena, named, value.dict->pairs[i].key, value.dict->pairs[i].value);
}

AlisaArguments alisa_call_arguments(AlisaRun *run, const AlisaNode *items) {
    if (!items) return (AlisaArguments){0};
    AlisaList *values = alisa_value_list(run->arena, ALISA_LIST_LIST, 0).list;
    AlisaDict *named = alisa_value_dict(run->arena, ALISA_VALUE_DICT).dict;
    for (const AlisaNode *item = items; item; item = item->next) {
        if (item->kind == ALISA_NODE_KEYWORD) {
            AlisaValue key = alisa_value_text(item->text);
            alisa_dict_set(run->arena, named, key, alisa_evaluate(run, item->one));
        } else if (item->kind == ALISA_NODE_SPREAD || item->kind == ALISA_NODE_SPREAD_DICT) {
            spread(run, alisa_evaluate(run, item->one), values,
                   item->kind == ALISA_NODE_SPREAD_DICT ? named : NULL);
        } else {
            alisa_list_push(run->arena, values, alisa_evaluate(run, item));
        }
    }
    return (AlisaArguments){values->items, values->count, named->pairs, named->count};
}

/* The place of a name among "old new count"; ALISA_MOST_PARAMETERS where it is none of them. */
static unsigned find_parameter(const char *parameters, AlisaText name) {
    for (unsigned i = 0; *parameters && i < ALISA_MOST_PARAMETERS; i++) {
        size_t length = strcspn(parameters, " ");
        if (name.length == length && memcmp(name.bytes, parameters, length) == 0) return i;
        parameters += length + (parameters[length] != 0);
    }
    return ALISA_MOST_PARAMETERS;
}

static unsigned count_parameters(const char *parameters) {
    unsigned count = *parameters != 0;
    for (; *parameters; parameters++)
        count += *parameters == ' ';
    return count;
}

static void bind(AlisaCall *call, const AlisaEntry *entry) {
    const AlisaArguments *arguments = &call->arguments;
    if (arguments->count > count_parameters(entry->parameters)) {
        alisa_arena_fail(call->arena, "%s takes at most %u arguments", entry->name,
                         count_parameters(entry->parameters));
    }
    for (size_t i = 0; i < arguments->count; i++)
        call->given[i] = &arguments->values[i];
    for (size_t i = 0; i < arguments->named_count; i++) {
        const AlisaPair *pair = &arguments->named[i];
        unsigned index = pair->key.kind == ALISA_VALUE_TEXT
                             ? find_parameter(entry->parameters, pair->key.text)
                             : ALISA_MOST_PARAMETERS;
        if (index == ALISA_MOST_PARAMETERS || call->given[index]) {
            alisa_arena_fail(call->arena, "%s is given an argument that it does not take, or twice",
                             entry->name);
        }
        call->given[index] = &pair->value;
    }
    for (unsigned i = 0; i < entry->required; i++) {
        if (call->given[i]) continue;
        alisa_arena_fail(call->arena, "%s needs at least %u arguments", entry->name,
                         entry->required);
    }
}

AlisaValue alisa_call_entry(AlisaRun *run, const AlisaEntry *entry, AlisaValue self,
                            const AlisaArguments *arguments) {
    AlisaCall call = {.run = run, .arena = run->arena, .self = self, .arguments = *arguments};
    alisa_arena_pay(run->arena, 1);
    if (entry->parameters) bind(&call, entry);
    return entry->call(&call);
}

AlisaValue alisa_call_value(AlisaRun *run, AlisaValue function, const AlisaArguments *arguments) {
    alisa_value_require(run->arena, function);
    if (function.kind != ALISA_VALUE_FUNCTION) {
        alisa_arena_fail(run->arena, "a %s cannot be called", alisa_value_type(function));
    }
    if (!function.function->entry) return alisa_execute_macro(run, function.function, arguments);
    return alisa_call_entry(run, function.function->entry, function.function->self, arguments);
}

/* ---- Arguments by type -------------------------------------------------------------------- */

const AlisaValue *alisa_call_given(AlisaCall *call, unsigned index) {
    const AlisaValue *given = call->given[index];
    return given && given->kind != ALISA_VALUE_NONE ? given : NULL;
}

static _Noreturn void refuse(AlisaCall *call, const AlisaValue *given, const char *wanted) {
    alisa_value_require(call->arena, *given);
    alisa_arena_fail(call->arena, "an argument is a %s where %s is wanted",
                     alisa_value_type(*given), wanted);
}

int64_t alisa_call_integer(AlisaCall *call, unsigned index, int64_t fallback) {
    const AlisaValue *given = alisa_call_given(call, index);
    int64_t integer;
    if (!given) return fallback;
    if (!alisa_value_is_integer(*given, &integer)) refuse(call, given, "an integer");
    return integer;
}

bool alisa_call_flag(AlisaCall *call, unsigned index, bool fallback) {
    const AlisaValue *given = call->given[index];
    return given ? alisa_value_is_true(*given) : fallback;
}

AlisaText alisa_call_text(AlisaCall *call, unsigned index, const char *fallback) {
    const AlisaValue *given = alisa_call_given(call, index);
    if (!given) return alisa_text_of(fallback);
    if (given->kind != ALISA_VALUE_TEXT) refuse(call, given, "a text");
    return given->text;
}
