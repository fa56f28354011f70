/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How vocabularies spell text: byte-level BPE writes each byte as a printable character,
 * SentencePiece a blank as U+2581. Here it is spelled back.
 */
#include <string.h>

#include <utf8proc.h>

#include "tokenizer/internal.h"

/* GPT-2 writes each byte as a printable character: itself where it is printable Latin-1, else the
 * next of U+0100, U+0101, ... This is the byte of a code point, or -1. */
static int byte_of_character(uint32_t character) {
    if ((character >= 0x21 && character <= 0x7e) || (character >= 0xa1 && character <= 0xac) ||
        (character >= 0xae && character <= 0xff)) {
        return (int)character;
    }
    uint32_t position = character - 0x100;
    if (character < 0x100 || position > 67) return -1;
    if (position <= 0x20) return (int)position;                      /* 00..20 */
    if (position <= 0x20 + 34) return (int)(0x7f + position - 0x21); /* 7f..a0 */
    return 0xad;
}

size_t alisa_spelling_bytes(const char *text, size_t length, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        utf8proc_int32_t character;
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                 (utf8proc_ssize_t)(length - i), &character);
        int byte = size > 0 ? byte_of_character((uint32_t)character) : -1;
        if (byte >= 0) {
            out[used++] = (char)byte;
        } else {
            if (size < 1) size = 1;
            memcpy(out + used, text + i, (size_t)size);
            used += (size_t)size;
        }
        i += (size_t)size;
    }
    return used;
}

bool alisa_spelling_is_bytes(const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        utf8proc_int32_t character;
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                 (utf8proc_ssize_t)(length - i), &character);
        if (size < 1 || byte_of_character((uint32_t)character) < 0) return false;
        i += (size_t)size;
    }
    return true;
}

uint32_t alisa_spelling_character_size(uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xe0) return 2;
    return lead < 0xf0 ? 3 : 4;
}

size_t alisa_spelling_blanks(const char *text, size_t length, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        if (length - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0) {
            out[used++] = ' ';
            i += 3;
        } else {
            out[used++] = text[i++];
        }
    }
    return used;
}
