/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes <-> tokens, from the metadata of a GGUF file: SentencePiece ("llama"), and BPE of bytes or
 * of characters ("gpt2" and "gemma4", with the way of splitting words that tokenizer.ggml.pre
 * names).
 */
#ifndef ALISA_TOKENIZER_TOKENIZER_H
#define ALISA_TOKENIZER_TOKENIZER_H

#include "gguf/gguf.h"

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
size_t alisa_tokenizer_bytes(const AlisaTokenizer *tokenizer, int32_t token, bool first,
                             bool special, char *buffer, size_t capacity);

/* Name of the chat template that a source text (not terminated) is recognised as; NULL if none. */
const char *alisa_template_recognise(const char *template_text, size_t length);
/* As alisa_chat_template_names and alisa_chat_render of the public header. */
const char *const *alisa_template_names(void);
AlisaStatus alisa_tokenizer_render_chat(const char *template_name, const AlisaChatMessage *messages,
                                        size_t count, bool reply, char **text, AlisaError *error);

#endif
