/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two tokenizer targets share: open the vocabulary they wrote, encode, check, decode.
 */
#ifndef ALISA_TESTS_FUZZ_TOKENIZER_H
#define ALISA_TESTS_FUZZ_TOKENIZER_H

#include "fuzz/fuzz_input.h"
#include "tokenizer/internal.h"
#include "unit/gguf_image.h"

/* Ends the image. NULL when the vocabulary is refused. */
static inline AlisaTokenizer *fuzz_tokenizer(GgufImage *image) {
    AlisaGguf *gguf;
    AlisaTokenizer *tokenizer = NULL;
    AlisaError error = {0};
    fuzz_require(alisa_gguf_open_memory(image->data, image->size, &gguf, &error) == ALISA_OK);
    if (alisa_tokenizer_create(gguf, &tokenizer, &error) != ALISA_OK) {
        fuzz_require(!tokenizer && strlen(error.message) > 10);
    }
    alisa_gguf_close(gguf);
    image_end(image);
    return tokenizer;
}

/* Encodes the text as two pieces that a stranger wrote: the tokens are those of the whole text,
 * since words go across. Then with the first of them the template's, which must do no harm. */
static inline void fuzz_pieces(const AlisaTokenizer *tokenizer, const char *text, size_t length,
                               size_t cut) {
    if (length == 0) return;
    cut = 1 + cut % length;
    AlisaChatPiece pieces[] = {{cut, true}, {length, true}};
    AlisaChatText chat = {(char *)text, length, pieces, cut < length ? 2 : 1};
    int32_t *tokens, *whole;
    size_t count, whole_count;
    AlisaError error = {0};
    AlisaStatus status = alisa_tokenizer_encode_chat(tokenizer, &chat, &tokens, &count, &error);
    AlisaStatus expected = alisa_tokenizer_encode(tokenizer, text, length, ALISA_TOKENIZE_BOS,
                                                  &whole, &whole_count, &error);
    fuzz_require(status == expected && count == whole_count);
    if (count) fuzz_require(memcmp(tokens, whole, count * sizeof *tokens) == 0);
    free(tokens);
    free(whole);
    pieces[0].stranger = false;
    alisa_tokenizer_encode_chat(tokenizer, &chat, &tokens, &count, &error);
    free(tokens);
}

/* Encodes the text and compares the bytes of the tokens with `expected`. Where `complete`, every
 * text has tokens. Text in which a control or unknown token was found is not compared, nor any with
 * a token that stands for itself where `blanks` are put after such tokens. */
static inline void fuzz_round_trip(const AlisaTokenizer *tokenizer, const char *text, size_t length,
                                   uint32_t flags, bool complete, bool blanks, const char *expected,
                                   size_t expected_length) {
    int32_t *tokens;
    size_t count, used = 0;
    AlisaError error = {0};
    AlisaStatus status =
        alisa_tokenizer_encode(tokenizer, text, length, flags, &tokens, &count, &error);
    if (status != ALISA_OK) {
        fuzz_require(!tokens && strlen(error.message) > 10);
        fuzz_require(!complete || strstr(error.message, "not valid UTF-8"));
        return;
    }
    fuzz_require(count <= 2 * length + 2); /* BOS, and a blank after each control token */
    char *back = malloc(length + 1);
    bool comparable = complete;
    for (size_t i = 0; i < count; i++) {
        fuzz_require(tokens[i] >= 0 && (uint32_t)tokens[i] < alisa_tokenizer_size(tokenizer));
        uint8_t type = tokenizer->vocabulary.types[tokens[i]];
        comparable &= type != ALISA_TOKEN_CONTROL && type != ALISA_TOKEN_UNKNOWN &&
                      !(blanks && type == ALISA_TOKEN_USER_DEFINED);
        size_t room = used <= length + 1 ? length + 1 - used : 0;
        size_t size = alisa_tokenizer_bytes(tokenizer, tokens[i], i == 0, true, back + used, room);
        if (size > room) break;
        used += size;
    }
    if (comparable) {
        fuzz_require(used == expected_length && memcmp(back, expected, used) == 0);
    }
    free(back);
    free(tokens);
}

#endif
