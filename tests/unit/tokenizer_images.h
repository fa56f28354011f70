/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabularies small enough to check by hand, and the assertions on them, for the tokenizer tests.
 */
#ifndef ALISA_TESTS_TOKENIZER_IMAGES_H
#define ALISA_TESTS_TOKENIZER_IMAGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tokenizer/internal.h"
#include "unit/gguf_image.h"

typedef struct Entry {
    const char *text;
    float score;
    AlisaTokenType type;
} Entry;

/* <unk> <s> </s>, then byte tokens if asked for, then the entries. */
static inline void begin_sentencepiece(GgufImage *image, const Entry *entries, size_t count,
                                       bool bytes) {
    size_t fixed = bytes ? 259 : 3;
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "llama");
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, fixed + count);
    image_text(image, "<unk>", 5);
    image_text(image, "<s>", 3);
    image_text(image, "</s>", 4);
    for (size_t i = 3; i < fixed; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)(i - 3));
        image_text(image, text, 6);
    }
    for (size_t i = 0; i < count; i++)
        image_text(image, entries[i].text, strlen(entries[i].text));
    image_array(image, "tokenizer.ggml.scores", ALISA_GGUF_F32, fixed + count);
    for (size_t i = 0; i < fixed; i++)
        image_float(image, 0);
    for (size_t i = 0; i < count; i++)
        image_float(image, entries[i].score);
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, fixed + count);
    image_number(image, ALISA_TOKEN_UNKNOWN, 4);
    image_number(image, ALISA_TOKEN_CONTROL, 4);
    image_number(image, ALISA_TOKEN_CONTROL, 4);
    for (size_t i = 3; i < fixed; i++)
        image_number(image, ALISA_TOKEN_BYTE, 4);
    for (size_t i = 0; i < count; i++)
        image_number(image, entries[i].type, 4);
}

/* The 256 bytes in GPT-2's alphabet (token i is byte i), then the entries; `merges` in one string,
 * a line each. */
static inline void begin_bpe(GgufImage *image, const char *pre, const Entry *entries, size_t count,
                             const char *const *merges, size_t merge_count) {
    image_begin(image, 3);
    image_string(image, "tokenizer.ggml.model", "gpt2");
    if (pre) image_string(image, "tokenizer.ggml.pre", pre);
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, 256 + count);
    unsigned next = 0x100;
    for (unsigned i = 0; i < 256; i++) {
        bool printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i != 0xad);
        unsigned code = printable ? i : next++;
        char letter[2] = {(char)(code < 0x80 ? code : 0xc0 | (code >> 6)),
                          (char)(0x80 | (code & 0x3f))};
        image_text(image, letter, code < 0x80 ? 1 : 2);
    }
    for (size_t i = 0; i < count; i++)
        image_text(image, entries[i].text, strlen(entries[i].text));
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, 256 + count);
    for (unsigned i = 0; i < 256; i++)
        image_number(image, ALISA_TOKEN_NORMAL, 4);
    for (size_t i = 0; i < count; i++)
        image_number(image, entries[i].type, 4);
    image_array(image, "tokenizer.ggml.merges", ALISA_GGUF_STRING, merge_count);
    for (size_t i = 0; i < merge_count; i++)
        image_text(image, merges[i], strlen(merges[i]));
}

static inline AlisaStatus try_create(GgufImage *image, AlisaTokenizer **tokenizer,
                                     AlisaError *error) {
    AlisaGguf *gguf;
    *error = (AlisaError){0};
    assert_int_equal(alisa_gguf_open_memory(image->data, image->size, &gguf, error), ALISA_OK);
    AlisaStatus status = alisa_tokenizer_create(gguf, tokenizer, error);
    alisa_gguf_close(gguf);
    image_end(image);
    return status;
}

static inline AlisaTokenizer *create(GgufImage *image) {
    AlisaTokenizer *tokenizer;
    AlisaError error;
    if (try_create(image, &tokenizer, &error) != ALISA_OK) fail_msg("%s", error.message);
    return tokenizer;
}

/* `expected` ends with -1. */
static inline void assert_encodes(const AlisaTokenizer *tokenizer, const char *text, uint32_t flags,
                                  const int32_t *expected) {
    int32_t *tokens;
    size_t count, wanted = 0;
    AlisaError error;
    while (expected[wanted] >= 0)
        wanted++;
    assert_int_equal(
        alisa_tokenizer_encode(tokenizer, text, strlen(text), flags, &tokens, &count, &error),
        ALISA_OK);
    assert_non_null(tokens);
    bool same = count == wanted;
    for (size_t i = 0; same && i < count; i++)
        same = tokens[i] == expected[i];
    if (!same) {
        print_error("\"%s\" gave", text);
        for (size_t i = 0; i < count; i++)
            print_error(" %d", tokens[i]);
        fail_msg("not what was expected");
    }
    free(tokens);
}

#define TOKENS(...) ((const int32_t[]){__VA_ARGS__, -1})
#define NONE        ((const int32_t[]){-1})

static inline void assert_bytes(const AlisaTokenizer *tokenizer, int32_t token, bool first,
                                bool special, const char *expected) {
    char buffer[32];
    size_t length = alisa_tokenizer_bytes(tokenizer, token, first, special, buffer, sizeof buffer);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(buffer, expected, length);
}

/* ---- Vocabularies ---------------------------------------------------------------------------- */

static const Entry pieces[] = {
    {"▁", -1, ALISA_TOKEN_NORMAL},        /* 259 */
    {"a", -1, ALISA_TOKEN_NORMAL},        /* 260 */
    {"b", -1, ALISA_TOKEN_NORMAL},        /* 261 */
    {"ab", -5, ALISA_TOKEN_NORMAL},       /* 262 */
    {"ba", -4, ALISA_TOKEN_NORMAL},       /* 263 */
    {"▁a", -6, ALISA_TOKEN_NORMAL},       /* 264 */
    {"aa", -4, ALISA_TOKEN_NORMAL},       /* 265 */
    {"[U]", 0, ALISA_TOKEN_USER_DEFINED}, /* 266 */
    {"<|end|>", 0, ALISA_TOKEN_CONTROL},  /* 267 */
    {"bb", -9, ALISA_TOKEN_UNUSED},       /* 268 */
};
#define PIECE_COUNT (sizeof pieces / sizeof pieces[0])

static const Entry bpe_words[] = {
    {"ab", 0, ALISA_TOKEN_NORMAL},          /* 256 */
    {"bc", 0, ALISA_TOKEN_NORMAL},          /* 257 */
    {"abc", 0, ALISA_TOKEN_NORMAL},         /* 258 */
    {"Ġa", 0, ALISA_TOKEN_NORMAL},          /* 259: blank, a */
    {"xyz", 0, ALISA_TOKEN_NORMAL},         /* 260: no merge makes it */
    {"<|eot_id|>", 0, ALISA_TOKEN_CONTROL}, /* 261 */
    {"<|eot", 0, ALISA_TOKEN_USER_DEFINED}, /* 262 */
    {"Ã©", 0, ALISA_TOKEN_NORMAL},          /* 263: the bytes of é */
};
#define WORD_COUNT (sizeof bpe_words / sizeof bpe_words[0])

static const char *const bpe_merges[] = {"b c", "a b", "ab c", "Ġ a", "Ã ©", "no such"};
#define MERGE_COUNT (sizeof bpe_merges / sizeof bpe_merges[0])

static inline AlisaTokenizer *create_bpe(const char *pre) {
    GgufImage image;
    begin_bpe(&image, pre, bpe_words, WORD_COUNT, bpe_merges, MERGE_COUNT);
    return create(&image);
}

#endif
