/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes <-> tokens, from the metadata of a GGUF file: SentencePiece ("llama"), and BPE of bytes or
 * of characters ("gpt2" and "gemma4", with the way of splitting words that tokenizer.ggml.pre
 * names).
 */
#ifndef ALISA_TOKENIZER_TOKENIZER_H
#define ALISA_TOKENIZER_TOKENIZER_H

#include "gguf/gguf.h"

#include "alisa/chat.h"

typedef struct AlisaTokenizer AlisaTokenizer;

/* Makes the tokenizer of a file, which may be closed afterwards. A file without
 * tokenizer.ggml.model gives ALISA_OK and *tokenizer NULL; one with a tokenizer that is malformed
 * or of an unknown kind fails. */
AlisaStatus alisa_tokenizer_create(const AlisaGguf *gguf, AlisaTokenizer **tokenizer,
                                   AlisaError *error);
void alisa_tokenizer_destroy(AlisaTokenizer *tokenizer);

/* What was assumed of the file, a sentence for the user; NULL: nothing. */
const char *alisa_tokenizer_warning(const AlisaTokenizer *tokenizer);
/* Number of tokens. */
uint32_t alisa_tokenizer_size(const AlisaTokenizer *tokenizer);
int32_t alisa_tokenizer_bos(const AlisaTokenizer *tokenizer); /* -1: none */
int32_t alisa_tokenizer_eos(const AlisaTokenizer *tokenizer); /* -1: none */
/* Whether a token ends generation. */
bool alisa_tokenizer_is_end(const AlisaTokenizer *tokenizer, int32_t token);

/* As alisa_tokenize and alisa_token_bytes of the public header. */
AlisaStatus alisa_tokenizer_encode(const AlisaTokenizer *tokenizer, const char *text, size_t length,
                                   uint32_t flags, int32_t **tokens, size_t *count,
                                   AlisaError *error);
/* As alisa_chat_tokenize of the public header. */
AlisaStatus alisa_tokenizer_encode_chat(const AlisaTokenizer *tokenizer, const AlisaChatText *text,
                                        int32_t **tokens, size_t *count, AlisaError *error);
size_t alisa_tokenizer_bytes(const AlisaTokenizer *tokenizer, int32_t token, bool first,
                             bool special, char *buffer, size_t capacity);

#endif
