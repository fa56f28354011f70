/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that know who wrote them: built, cut, searched. Positions are bytes unless a comment says
 * characters.
 */
#ifndef ALISA_TEMPLATE_TEXT_H
#define ALISA_TEMPLATE_TEXT_H

#include "template/value.h"

/* A text that grows. Zeroed, but for the arena, is empty. */
typedef struct AlisaBuilder {
    AlisaArena *arena;
    char *bytes;
    uint8_t *marks; /* NULL until the first byte of a stranger's */
    size_t length, capacity;
} AlisaBuilder;

void alisa_builder_add(AlisaBuilder *builder, AlisaText text);
/* Bytes that the template or the program wrote. */
void alisa_builder_put(AlisaBuilder *builder, const char *bytes, size_t length);
void alisa_builder_puts(AlisaBuilder *builder, const char *words);
/* One character, written by whoever wrote the byte with this mark. */
void alisa_builder_character(AlisaBuilder *builder, int32_t character, uint8_t mark);
/* The text so far; the builder may go on. */
AlisaText alisa_builder_text(const AlisaBuilder *builder);

AlisaText alisa_text_of(const char *words);
/* The bytes `first` up to `end`, without copying. */
AlisaText alisa_text_cut(AlisaText text, size_t first, size_t end);
bool alisa_text_is(AlisaText text, const char *words);
bool alisa_text_equal(AlisaText left, AlisaText right);
AlisaText alisa_text_join(AlisaArena *arena, AlisaText left, AlisaText right);
uint8_t alisa_text_mark(AlisaText text, size_t at);

size_t alisa_text_characters(AlisaArena *arena, AlisaText text);
/* The byte at which a character begins; the text's length for its number of characters. */
size_t alisa_text_offset(AlisaArena *arena, AlisaText text, size_t character);
/* The character at a byte, and its size in bytes; what is not UTF-8 is U+FFFD of one byte. */
int32_t alisa_text_character(AlisaText text, size_t at, size_t *size);
/* Bytes of the character before a byte that is not 0. */
size_t alisa_text_before(AlisaText text, size_t at);
/* Offset of the first byte that is not UTF-8; the length when there is none. */
size_t alisa_text_invalid(AlisaText text);

#define ALISA_TEXT_NOWHERE SIZE_MAX
/* Where `word` stands first at or after `from`, or last. */
size_t alisa_text_find(AlisaArena *arena, AlisaText text, AlisaText word, size_t from);
size_t alisa_text_find_last(AlisaArena *arena, AlisaText text, AlisaText word);

/* White space as Python's str.isspace has it. */
bool alisa_text_is_space(int32_t character);
/* Without white space (`characters` NULL) or these characters at one end or both. */
AlisaText alisa_text_strip(AlisaArena *arena, AlisaText text, const AlisaText *characters,
                           bool left, bool right);
AlisaText alisa_text_upper(AlisaArena *arena, AlisaText text);
AlisaText alisa_text_lower(AlisaArena *arena, AlisaText text);
/* With the characters escaped that mean something in HTML. */
AlisaText alisa_text_escape(AlisaArena *arena, AlisaText text);

#endif
