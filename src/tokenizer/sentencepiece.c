/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SentencePiece's BPE: the characters of the text are merged pair by pair, the pair whose piece has
 * the highest score first, the leftmost among equals; characters that end up outside the vocabulary
 * become their bytes.
 */
#include "tokenizer/internal.h"

#include <stdlib.h>
#include <string.h>

static bool find_piece(const AlisaTokenizer *tokenizer, const char *text, const AlisaSymbol *left,
                       const AlisaSymbol *right, double *cost, int32_t *token) {
    *token = alisa_vocabulary_find(&tokenizer->vocabulary, text + left->start,
                                   (size_t)left->size + right->size);
    if (*token < 0) return false;
    *cost = -(double)tokenizer->vocabulary.scores[*token];
    return true;
}

bool alisa_sentencepiece_cuts_at_blanks(const AlisaVocabulary *vocabulary) {
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        if (vocabulary->types[i] != ALISA_TOKEN_NORMAL) continue;
        for (uint32_t j = vocabulary->offsets[i] + 1; j < vocabulary->offsets[i + 1]; j++) {
            if (vocabulary->bytes[j] == ' ' && vocabulary->bytes[j - 1] != ' ') return false;
        }
    }
    return true;
}

/* Bytes of the text up to the first blank that follows something else. */
static size_t word_size(const char *text, size_t size) {
    for (size_t i = 1; i < size; i++) {
        if (text[i] == ' ' && text[i - 1] != ' ') return i;
    }
    return size;
}

static AlisaStatus encode_word(const AlisaTokenizer *tokenizer, AlisaMerger *merger,
                               const char *word, size_t size, AlisaTokenList *list,
                               AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    merger->count = 0;
    for (size_t i = 0; status == ALISA_OK && i < size;) {
        uint32_t character = alisa_spelling_character_size((uint8_t)word[i]);
        int32_t token = alisa_vocabulary_find(&tokenizer->vocabulary, word + i, character);
        status = alisa_merger_add(merger, (uint32_t)i, character, token, error);
        i += character;
    }
    if (status == ALISA_OK) status = alisa_merger_run(merger, tokenizer, word, find_piece, error);
    uint32_t i = 0;
    while (status == ALISA_OK && i != ALISA_SYMBOL_NONE) {
        const AlisaSymbol *symbol = &merger->symbols[i];
        status = symbol->token >= 0
                     ? alisa_token_list_push(list, symbol->token, error)
                     : alisa_token_list_push_bytes(list, tokenizer, word + symbol->start,
                                                   symbol->size, error);
        i = symbol->next;
    }
    return status;
}

/* Leaves one blank of each run, and none at an end of the text. Returns the bytes that are left. */
static size_t remove_blanks(char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        bool extra = text[i] == ' ' && (!used || text[used - 1] == ' ');
        if (!extra) text[used++] = text[i];
    }
    return used && text[used - 1] == ' ' ? used - 1 : used;
}

AlisaStatus alisa_sentencepiece_encode(const AlisaTokenizer *tokenizer, AlisaMerger *merger,
                                       const char *text, size_t length, AlisaTokenList *list,
                                       AlisaError *error) {
    char *prepared = alisa_allocate(length + 1, 1, "text to tokenize", error);
    if (!prepared) return ALISA_ERROR_MEMORY;
    bool prefix = tokenizer->add_space_prefix;
    prepared[0] = ' ';
    size_t size = alisa_spelling_blanks(text, length, prepared + prefix);
    if (tokenizer->remove_extra_blanks) {
        size = remove_blanks(prepared + prefix, size);
    }
    size = size ? prefix + size : 0;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; status == ALISA_OK && i < size;) {
        size_t word = tokenizer->cuts_at_blanks ? word_size(prepared + i, size - i) : size - i;
        status = encode_word(tokenizer, merger, prepared + i, word, list, error);
        i += word;
    }
    free(prepared);
    return status;
}
