/* SPDX-License-Identifier: Apache-2.0 */
#include "template/text.h"

#include <string.h>

#include <utf8proc.h>

/* ---- Building ----------------------------------------------------------------------------- */

static void reserve(AlisaBuilder *builder, size_t more) {
    if (more <= builder->capacity - builder->length) return;
    size_t capacity = 2 * builder->capacity + more + 64;
    char *bytes = alisa_arena_take(builder->arena, capacity, 1);
    if (builder->length) memcpy(bytes, builder->bytes, builder->length);
    if (builder->marks) {
        uint8_t *marks = alisa_arena_take(builder->arena, capacity, 1);
        memcpy(marks, builder->marks, builder->length);
        builder->marks = marks;
    }
    builder->bytes = bytes;
    builder->capacity = capacity;
}

static void append(AlisaBuilder *builder, const char *bytes, size_t length) {
    alisa_arena_pay_bytes(builder->arena, length);
    reserve(builder, length);
    if (length) memcpy(builder->bytes + builder->length, bytes, length);
    builder->length += length;
}

void alisa_builder_add(AlisaBuilder *builder, AlisaText text) {
    append(builder, text.bytes, text.length);
    if (!text.marks || text.length == 0) return;
    if (!builder->marks) builder->marks = alisa_arena_take(builder->arena, builder->capacity, 1);
    memcpy(builder->marks + builder->length - text.length, text.marks, text.length);
}

void alisa_builder_put(AlisaBuilder *builder, const char *bytes, size_t length) {
    alisa_builder_add(builder, (AlisaText){.bytes = bytes, .length = length});
}

void alisa_builder_puts(AlisaBuilder *builder, const char *words) {
    alisa_builder_add(builder, alisa_text_of(words));
}

void alisa_builder_character(AlisaBuilder *builder, int32_t character, uint8_t mark) {
    char bytes[4];
    uint8_t marks[4] = {mark, mark, mark, mark};
    size_t length = (size_t)utf8proc_encode_char(character, (utf8proc_uint8_t *)bytes);
    alisa_builder_add(builder, (AlisaText){bytes, mark ? marks : NULL, length});
}

AlisaText alisa_builder_text(const AlisaBuilder *builder) {
    return (AlisaText){builder->bytes, builder->marks, builder->length};
}

/* ---- Whole texts -------------------------------------------------------------------------- */

AlisaText alisa_text_of(const char *words) {
    return (AlisaText){.bytes = words, .length = strlen(words)};
}

AlisaText alisa_text_cut(AlisaText text, size_t first, size_t end) {
    if (end > text.length) end = text.length;
    if (first >= end) return (AlisaText){.bytes = text.bytes};
    return (AlisaText){text.bytes + first, text.marks ? text.marks + first : NULL, end - first};
}

bool alisa_text_equal(AlisaText left, AlisaText right) {
    if (left.length != right.length) return false;
    return left.length == 0 || memcmp(left.bytes, right.bytes, left.length) == 0;
}

bool alisa_text_is(AlisaText text, const char *words) {
    return alisa_text_equal(text, alisa_text_of(words));
}

AlisaText alisa_text_join(AlisaArena *arena, AlisaText left, AlisaText right) {
    if (left.length == 0) return right;
    if (right.length == 0) return left;
    AlisaBuilder builder = {.arena = arena};
    reserve(&builder, left.length + right.length);
    alisa_builder_add(&builder, left);
    alisa_builder_add(&builder, right);
    return alisa_builder_text(&builder);
}

uint8_t alisa_text_mark(AlisaText text, size_t at) {
    return text.marks ? text.marks[at] : 0;
}

/* ---- Characters --------------------------------------------------------------------------- */

static bool continues(char byte) {
    return (byte & 0xc0) == 0x80;
}

size_t alisa_text_characters(AlisaArena *arena, AlisaText text) {
    size_t count = 0;
    alisa_arena_pay_bytes(arena, text.length);
    for (size_t i = 0; i < text.length; i++)
        count += !continues(text.bytes[i]);
    return count;
}

size_t alisa_text_offset(AlisaArena *arena, AlisaText text, size_t character) {
    size_t at = 0;
    for (; at < text.length && character > 0; character--) {
        at++;
        while (at < text.length && continues(text.bytes[at]))
            at++;
    }
    alisa_arena_pay_bytes(arena, at);
    return at;
}

int32_t alisa_text_character(AlisaText text, size_t at, size_t *size) {
    utf8proc_int32_t character;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text.bytes + at,
                                             (utf8proc_ssize_t)(text.length - at), &character);
    *size = used < 1 ? 1 : (size_t)used;
    return used < 1 ? 0xfffd : character;
}

size_t alisa_text_before(AlisaText text, size_t at) {
    size_t size = 1;
    while (size < at && continues(text.bytes[at - size]))
        size++;
    return size;
}

size_t alisa_text_invalid(AlisaText text) {
    for (size_t i = 0, size; i < text.length; i += size) {
        utf8proc_int32_t character;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text.bytes + i,
                                                 (utf8proc_ssize_t)(text.length - i), &character);
        if (used < 1) return i;
        size = (size_t)used;
    }
    return text.length;
}

/* ---- Searching ---------------------------------------------------------------------------- */

static bool stands_at(AlisaArena *arena, AlisaText text, AlisaText word, size_t at) {
    if (text.bytes[at] != word.bytes[0]) return false;
    alisa_arena_pay(arena, 1 + word.length / 16);
    return memcmp(text.bytes + at, word.bytes, word.length) == 0;
}

size_t alisa_text_find(AlisaArena *arena, AlisaText text, AlisaText word, size_t from) {
    if (from > text.length || word.length > text.length - from) return ALISA_TEXT_NOWHERE;
    if (word.length == 0) return from;
    size_t at = from;
    while (at + word.length <= text.length && !stands_at(arena, text, word, at))
        at++;
    alisa_arena_pay_bytes(arena, at - from);
    return at + word.length <= text.length ? at : ALISA_TEXT_NOWHERE;
}

size_t alisa_text_find_last(AlisaArena *arena, AlisaText text, AlisaText word) {
    if (word.length > text.length) return ALISA_TEXT_NOWHERE;
    if (word.length == 0) return text.length;
    size_t at = text.length - word.length + 1;
    while (at > 0 && !stands_at(arena, text, word, at - 1))
        at--;
    alisa_arena_pay_bytes(arena, text.length - at);
    return at > 0 ? at - 1 : ALISA_TEXT_NOWHERE;
}

/* ---- Classes and cases -------------------------------------------------------------------- */

bool alisa_text_is_space(int32_t character) {
    if (character < 0x80) {
        return character == ' ' || (character >= '\t' && character <= '\r') ||
               (character >= 0x1c && character <= 0x1f);
    }
    return character == 0x85 || character == 0xa0 || character == 0x1680 ||
           (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

static bool is_among(AlisaText text, size_t at, const AlisaText *characters) {
    size_t size, other;
    int32_t character = alisa_text_character(text, at, &size);
    if (!characters) return alisa_text_is_space(character);
    for (size_t i = 0; i < characters->length; i += other) {
        if (alisa_text_character(*characters, i, &other) == character) return true;
    }
    return false;
}

AlisaText alisa_text_strip(AlisaArena *arena, AlisaText text, const AlisaText *characters,
                           bool left, bool right) {
    size_t first = 0, end = text.length, size;
    uint64_t cost = 1 + (characters ? characters->length / 16 : 0);
    while (left && first < end && is_among(text, first, characters)) {
        alisa_arena_pay(arena, cost);
        alisa_text_character(text, first, &size);
        first += size;
    }
    while (right && end > first && is_among(text, end - alisa_text_before(text, end), characters)) {
        alisa_arena_pay(arena, cost);
        end -= alisa_text_before(text, end);
    }
    return alisa_text_cut(text, first, end);
}

static AlisaText convert(AlisaArena *arena, AlisaText text, bool upper) {
    AlisaBuilder builder = {.arena = arena};
    for (size_t i = 0, size; i < text.length; i += size) {
        int32_t character = alisa_text_character(text, i, &size);
        uint8_t mark = alisa_text_mark(text, i);
        alisa_arena_pay(arena, 1);
        if (upper && character == 0xdf) { /* the one common letter whose capital is two */
            alisa_builder_character(&builder, 'S', mark);
            character = 'S';
        } else {
            character = upper ? utf8proc_toupper(character) : utf8proc_tolower(character);
        }
        alisa_builder_character(&builder, character, mark);
    }
    return alisa_builder_text(&builder);
}

AlisaText alisa_text_upper(AlisaArena *arena, AlisaText text) {
    return convert(arena, text, true);
}

AlisaText alisa_text_lower(AlisaArena *arena, AlisaText text) {
    return convert(arena, text, false);
}

AlisaText alisa_text_escape(AlisaArena *arena, AlisaText text) {
    static const struct {
        char byte;
        const char *escape;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\'', "&#39;"}, {'"', "&#34;"}};
    AlisaBuilder builder = {.arena = arena};
    for (size_t i = 0; i < text.length; i++) {
        const char *escape = NULL;
        for (size_t j = 0; j < sizeof escapes / sizeof escapes[0]; j++) {
            if (text.bytes[i] == escapes[j].byte) escape = escapes[j].escape;
        }
        alisa_arena_pay(arena, 1);
        if (!escape) alisa_builder_add(&builder, alisa_text_cut(text, i, i + 1));
        for (; escape && *escape; escape++)
            alisa_builder_character(&builder, *escape, alisa_text_mark(text, i));
    }
    return alisa_builder_text(&builder);
}
