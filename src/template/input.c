/* SPDX-License-Identifier: Apache-2.0 */
#include "template/input.h"

#include <ctype.h>
#include <string.h>

static bool is_word(const char *bytes, size_t length) {
    bool word = length > 0;
    for (size_t i = 0; i < length; i++)
        word &= isalnum((unsigned char)bytes[i]) || bytes[i] == '_' || bytes[i] == '-';
    return word;
}

static AlisaText make_text(AlisaArena *arena, const char *bytes, size_t length, bool stranger) {
    AlisaText text = {.bytes = bytes, .length = length};
    size_t invalid = alisa_text_invalid(text);
    if (invalid < length) {
        alisa_arena_stop(arena, ALISA_ERROR_ARGUMENT,
                         "a text of the conversation is not valid UTF-8: byte 0x%02x at offset %zu",
                         (unsigned char)bytes[invalid], invalid);
    }
    if (stranger && length) {
        uint8_t *marks = alisa_arena_take(arena, length, 1);
        memset(marks, 1, length);
        text.marks = marks;
    }
    return text;
}

/* `in_message`: the members of this value are those of a message. */
static AlisaValue convert(AlisaArena *arena, const json_t *json, bool stranger, bool in_message);

static AlisaValue convert_object(AlisaArena *arena, const json_t *json, bool stranger,
                                 bool in_message) {
    AlisaValue dict = alisa_value_dict(arena, ALISA_VALUE_DICT);
    const char *key;
    const json_t *member;
    dict.dict->capacity = json_object_size(json);
    dict.dict->pairs = alisa_arena_take(arena, dict.dict->capacity, sizeof *dict.dict->pairs);
    json_object_foreach((json_t *)json, key, member) {
        bool role = in_message && strcmp(key, "role") == 0 && json_is_string(member) &&
                    is_word(json_string_value(member), json_string_length(member));
        AlisaPair pair = {alisa_value_text(make_text(arena, key, strlen(key), stranger)),
                          convert(arena, member, stranger && !role, false)};
        dict.dict->pairs[dict.dict->count++] = pair; /* keys of JSON objects differ */
    }
    return dict;
}

static AlisaValue convert_array(AlisaArena *arena, const json_t *json, bool stranger,
                                bool of_messages) {
    AlisaValue list = alisa_value_list(arena, ALISA_LIST_LIST, json_array_size(json));
    size_t index;
    const json_t *item;
    json_array_foreach(json, index, item) {
        alisa_list_push(arena, list.list, convert(arena, item, stranger, of_messages));
    }
    return list;
}

static AlisaValue convert(AlisaArena *arena, const json_t *json, bool stranger, bool in_message) {
    AlisaValue value = alisa_value_none();
    alisa_arena_pay(arena, 1);
    alisa_arena_enter(arena);
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        value = convert_object(arena, json, stranger, in_message);
        break;
    case JSON_ARRAY:
        value = convert_array(arena, json, stranger, in_message);
        break;
    case JSON_STRING:
        value = alisa_value_text(
            make_text(arena, json_string_value(json), json_string_length(json), stranger));
        break;
    case JSON_INTEGER:
        value = alisa_value_integer(json_integer_value(json));
        break;
    case JSON_REAL:
        value = alisa_value_real(json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value = alisa_value_boolean(json_is_true(json));
        break;
    case JSON_NULL:
        break;
    }
    alisa_arena_leave(arena);
    return value;
}

void alisa_input_variables(AlisaRun *run, const json_t *variables) {
    static const char *const strangers[] = {"messages", "tools", "documents"};
    const char *key;
    const json_t *member;
    json_object_foreach((json_t *)variables, key, member) {
        bool stranger = false;
        for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
            stranger |= strcmp(key, strangers[i]) == 0;
        AlisaText name = make_text(run->arena, key, strlen(key), false);
        bool messages = strcmp(key, "messages") == 0;
        alisa_scope_set(run, name, convert(run->arena, member, stranger, messages));
    }
}
