/* SPDX-License-Identifier: Apache-2.0 */
#include "tokenizer/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

/* ---- Creation ----------------------------------------------------------------------------- */

static const char *const end_keys[] = {
    "tokenizer.ggml.eos_token_id",     "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",     "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
};

static void add_end(AlisaTokenizer *tokenizer, int32_t token) {
    if (token < 0 || alisa_tokenizer_is_end(tokenizer, token)) return;
    tokenizer->ends[tokenizer->end_count++] = token;
}

_Static_assert(sizeof end_keys / sizeof end_keys[0] + ALISA_END_TEXTS <= ALISA_END_TOKENS_MAX,
               "every way to name an end token has a place");

static bool string_is(AlisaGgufString string, const char *text) {
    return string.length == strlen(text) && memcmp(string.data, text, string.length) == 0;
}

/* Reads a token id. *token stays as it is when the key is absent. */
static AlisaStatus read_token(const AlisaTokenizer *tokenizer, const AlisaGguf *gguf,
                              const char *name, int32_t *token, AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, name);
    if (!key) return ALISA_OK;
    /* Some writers put -1 for "none", some 2^32 - 1. */
    if (key->type == ALISA_GGUF_I32 && (key->data[3] & 0x80)) {
        *token = -1;
        return ALISA_OK;
    }
    uint32_t id = 0;
    AlisaStatus status = alisa_gguf_get_u32(gguf, name, &id, error);
    if (status != ALISA_OK) return status;
    if (id == UINT32_MAX) {
        *token = -1;
        return ALISA_OK;
    }
    if (id >= tokenizer->vocabulary.size) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the key %s names token %u of a vocabulary of %u tokens",
                               alisa_gguf_path(gguf), name, id, tokenizer->vocabulary.size);
    }
    *token = (int32_t)id;
    return ALISA_OK;
}

/* How SentencePiece models treat blanks. */
static AlisaStatus load_blanks(AlisaTokenizer *tokenizer, const AlisaGguf *gguf,
                               AlisaError *error) {
    AlisaGgufString architecture = {0};
    tokenizer->add_space_prefix = true;
    AlisaStatus status = alisa_gguf_get_bool(gguf, "tokenizer.ggml.add_space_prefix",
                                             &tokenizer->add_space_prefix, error);
    if (status == ALISA_OK) {
        status = alisa_gguf_get_bool(gguf, "tokenizer.ggml.remove_extra_whitespaces",
                                     &tokenizer->remove_extra_blanks, error);
    }
    if (status == ALISA_OK) {
        status = alisa_gguf_get_string(gguf, "general.architecture", &architecture, error);
    }
    /* No key says it: the tokenizers that Phi 3 and 3.5 were published with strip. */
    tokenizer->strips_after_special = architecture.data && string_is(architecture, "phi3");
    return status;
}

static AlisaStatus load_special_tokens(AlisaTokenizer *tokenizer, const AlisaGguf *gguf,
                                       AlisaError *error) {
    AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    bool sentencepiece = tokenizer->kind == ALISA_TOKENIZER_SENTENCEPIECE;
    bool usual = sentencepiece && vocabulary->size > 2; /* <unk> <s> </s> come first */
    tokenizer->bos = usual ? 1 : -1;
    tokenizer->eos = usual ? 2 : -1;
    tokenizer->unknown = usual ? 0 : -1;
    tokenizer->add_bos = sentencepiece || tokenizer->bpe.rule->add_bos;
    AlisaStatus status =
        read_token(tokenizer, gguf, "tokenizer.ggml.bos_token_id", &tokenizer->bos, error);
    if (status == ALISA_OK) {
        status = read_token(tokenizer, gguf, "tokenizer.ggml.eos_token_id", &tokenizer->eos, error);
    }
    if (status == ALISA_OK) {
        status = read_token(tokenizer, gguf, "tokenizer.ggml.unknown_token_id", &tokenizer->unknown,
                            error);
    }
    if (status == ALISA_OK) {
        status =
            alisa_gguf_get_bool(gguf, "tokenizer.ggml.add_bos_token", &tokenizer->add_bos, error);
    }
    if (status == ALISA_OK && sentencepiece) status = load_blanks(tokenizer, gguf, error);
    add_end(tokenizer, tokenizer->eos);
    for (size_t i = 0; status == ALISA_OK && i < sizeof end_keys / sizeof end_keys[0]; i++) {
        int32_t token = -1;
        status = read_token(tokenizer, gguf, end_keys[i], &token, error);
        add_end(tokenizer, token);
    }
    for (size_t i = 0; i < ALISA_END_TEXTS; i++)
        add_end(tokenizer, alisa_ends_at(vocabulary, i));
    return status;
}

static void find_byte_tokens(AlisaTokenizer *tokenizer, AlisaSpelling spelling) {
    const AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    for (uint32_t i = 0; i < 256; i++) {
        char byte = (char)i;
        tokenizer->byte_tokens[i] =
            spelling == ALISA_SPELLING_BYTES ? alisa_vocabulary_find(vocabulary, &byte, 1) : -1;
    }
    for (uint32_t i = vocabulary->size; spelling == ALISA_SPELLING_BLANKS && i-- > 0;) {
        if (vocabulary->types[i] != ALISA_TOKEN_BYTE) continue;
        tokenizer->byte_tokens[(uint8_t)vocabulary->bytes[vocabulary->offsets[i]]] = (int32_t)i;
    }
}

/* A value of tokenizer.ggml.model. */
typedef struct Model {
    const char *name;
    const char *method; /* how text becomes tokens */
    bool runs;
    AlisaTokenizerKind kind;
    const char *pre; /* tokenizer.ggml.pre of its files, which do not say it; NULL: they may */
} Model;

static const Model models[] = {
    {"llama", "SentencePiece's BPE", true, ALISA_TOKENIZER_SENTENCEPIECE, NULL},
    {"gpt2", "BPE of bytes", true, ALISA_TOKENIZER_BPE, NULL},
    {"gemma4", "BPE of characters", true, ALISA_TOKENIZER_BPE, "gemma4"},
    {.name = "t5", .method = "SentencePiece's unigrams"},
    {.name = "bert", .method = "WordPiece"},
    {.name = "rwkv", .method = "RWKV's longest matches"},
    {.name = "plamo2", .method = "PLaMo 2's table of suffixes"},
    {.name = "hybriddna", .method = "BPE with strands of DNA"},
    {.name = "whitespace", .method = "BPE of words in small letters"},
};

static const Model *find_model(const AlisaGguf *gguf, AlisaGgufString name, AlisaError *error) {
    const char *method = "unknown";
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (!string_is(name, models[i].name)) continue;
        if (models[i].runs) return &models[i];
        method = models[i].method;
    }
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (!models[i].runs) continue;
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s (%s)", used ? ", " : "",
                                 models[i].name, models[i].method);
    }
    alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                    "%s: the tokenizer \"%.*s\" (tokenizer.ggml.model: %s) does not run; those "
                    "that run are %s",
                    alisa_gguf_path(gguf), name.length < 64 ? (int)name.length : 64, name.data,
                    method, known);
    return NULL;
}

/* Finds how words are cut. A file that does not say it, or names a way that is not known, gets
 * "default", and a warning. */
static AlisaStatus find_rule(AlisaTokenizer *tokenizer, const AlisaGguf *gguf, const char *pre,
                             AlisaError *error) {
    static const char assumed[] = "\"default\" is assumed; where that is wrong, text comes out as "
                                  "other tokens and answers get worse: convert the model again";
    AlisaGgufString name = {.data = pre, .length = pre ? strlen(pre) : 0};
    if (!pre) {
        AlisaStatus status = alisa_gguf_get_string(gguf, "tokenizer.ggml.pre", &name, error);
        if (status != ALISA_OK) return status;
    }
    const AlisaSplitRule **rule = &tokenizer->bpe.rule;
    *rule = name.data ? alisa_split_rule_find(name.data, name.length) : NULL;
    if (*rule) return ALISA_OK;
    *rule = alisa_split_rule_find("default", 7);
    if (!name.length) {
        snprintf(tokenizer->warning, sizeof tokenizer->warning,
                 "the file does not say how words are split (tokenizer.ggml.pre): %s", assumed);
    } else {
        snprintf(tokenizer->warning, sizeof tokenizer->warning,
                 "the way \"%.*s\" of splitting words (tokenizer.ggml.pre) is not known: %s",
                 name.length < 48 ? (int)name.length : 48, name.data, assumed);
    }
    return ALISA_OK;
}

static AlisaStatus load(AlisaTokenizer *tokenizer, const AlisaGguf *gguf, const Model *model,
                        AlisaError *error) {
    bool sentencepiece = model->kind == ALISA_TOKENIZER_SENTENCEPIECE;
    tokenizer->kind = model->kind;
    AlisaStatus status = sentencepiece ? ALISA_OK : find_rule(tokenizer, gguf, model->pre, error);
    if (status != ALISA_OK) return status;
    AlisaSpelling spelling = sentencepiece || tokenizer->bpe.rule->characters
                                 ? ALISA_SPELLING_BLANKS
                                 : ALISA_SPELLING_BYTES;
    AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    status = alisa_vocabulary_load(vocabulary, gguf, spelling, error);
    if (status == ALISA_OK && sentencepiece) {
        status = alisa_vocabulary_load_scores(vocabulary, gguf, error);
        tokenizer->cuts_at_blanks = alisa_sentencepiece_cuts_at_blanks(vocabulary);
    } else if (status == ALISA_OK) {
        status = alisa_bpe_load(tokenizer, gguf, error);
    }
    if (status != ALISA_OK) return status;
    find_byte_tokens(tokenizer, spelling);
    return load_special_tokens(tokenizer, gguf, error);
}

AlisaStatus alisa_tokenizer_create(const AlisaGguf *gguf, AlisaTokenizer **out, AlisaError *error) {
    *out = NULL;
    AlisaGgufString model = {0};
    AlisaStatus status = alisa_gguf_get_string(gguf, "tokenizer.ggml.model", &model, error);
    if (status != ALISA_OK || !model.data || string_is(model, "none") ||
        string_is(model, "no_vocab")) {
        return status;
    }
    const Model *known = find_model(gguf, model, error);
    if (!known) return ALISA_ERROR_UNSUPPORTED;
    AlisaTokenizer *tokenizer = alisa_allocate_zeroed(1, sizeof *tokenizer, "tokenizer", error);
    if (!tokenizer) return ALISA_ERROR_MEMORY;
    status = load(tokenizer, gguf, known, error);
    if (status != ALISA_OK) {
        alisa_tokenizer_destroy(tokenizer);
        return status;
    }
    *out = tokenizer;
    return ALISA_OK;
}

void alisa_tokenizer_destroy(AlisaTokenizer *tokenizer) {
    if (!tokenizer) return;
    alisa_vocabulary_finish(&tokenizer->vocabulary);
    alisa_bpe_finish(&tokenizer->bpe);
    free(tokenizer);
}

const char *alisa_tokenizer_warning(const AlisaTokenizer *tokenizer) {
    return tokenizer->warning[0] ? tokenizer->warning : NULL;
}

uint32_t alisa_tokenizer_size(const AlisaTokenizer *tokenizer) {
    return tokenizer->vocabulary.size;
}

int32_t alisa_tokenizer_bos(const AlisaTokenizer *tokenizer) {
    return tokenizer->bos;
}

int32_t alisa_tokenizer_eos(const AlisaTokenizer *tokenizer) {
    return tokenizer->eos;
}

bool alisa_tokenizer_is_end(const AlisaTokenizer *tokenizer, int32_t token) {
    for (uint32_t i = 0; i < tokenizer->end_count; i++) {
        if (tokenizer->ends[i] == token) return true;
    }
    return false;
}

/* ---- Text -> tokens ----------------------------------------------------------------------- */

static AlisaStatus check_text(const char *text, size_t length, AlisaError *error) {
    if (length > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the text has %zu bytes; at most %d can be tokenized at once",
                               length, INT32_MAX);
    }
    for (size_t i = 0; i < length;) {
        if ((uint8_t)text[i] < 0x80) {
            i++;
            continue;
        }
        utf8proc_int32_t character;
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                 (utf8proc_ssize_t)(length - i), &character);
        if (size < 1) {
            return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                                   "the text is not valid UTF-8: byte 0x%02x at offset %zu",
                                   (uint8_t)text[i], i);
        }
        i += (size_t)size;
    }
    return ALISA_OK;
}

/* Text between tokens that stand for themselves. */
static AlisaStatus encode_plain(const AlisaTokenizer *tokenizer, AlisaMerger *merger,
                                const char *text, size_t length, AlisaTokenList *list,
                                AlisaError *error) {
    if (length == 0) return ALISA_OK;
    if (tokenizer->kind == ALISA_TOKENIZER_BPE) {
        return alisa_bpe_encode(tokenizer, merger, text, length, list, error);
    }
    return alisa_sentencepiece_encode(tokenizer, merger, text, length, list, error);
}

/* Bytes of white space that belong to the token before them. */
static size_t stripped(const AlisaTokenizer *tokenizer, int32_t token, const char *text,
                       size_t length) {
    const AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    bool strips = tokenizer->strips_after_special && token != tokenizer->bos &&
                  vocabulary->types[token] != ALISA_TOKEN_UNKNOWN &&
                  !alisa_ends_is_end_of_text(vocabulary, token);
    size_t size = 0;
    while (strips && size < length && text[size] && strchr(" \t\n\v\f\r", text[size]))
        size++;
    return size;
}

/* Control tokens are looked for in the pieces that are no stranger's, and lie wholly in one. */
static AlisaStatus encode_pieces(const AlisaTokenizer *tokenizer, AlisaMerger *merger,
                                 const char *text, const AlisaChatPiece *pieces, size_t piece_count,
                                 AlisaTokenList *list, AlisaError *error) {
    const AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    AlisaStatus status = ALISA_OK;
    size_t plain = 0; /* start of the text that is not encoded yet */
    size_t length = piece_count ? pieces[piece_count - 1].end : 0;
    for (size_t i = 0, piece = 0; status == ALISA_OK && i < length;) {
        while (pieces[piece].end <= i)
            piece++;
        bool own = !pieces[piece].stranger;
        size_t room = own ? pieces[piece].end - i : length - i;
        int32_t token = alisa_vocabulary_match(vocabulary, text + i, room, own);
        if (token < 0 && room < length - i) { /* what is no control token may lie in several */
            token = alisa_vocabulary_match(vocabulary, text + i, length - i, false);
        }
        if (token < 0) {
            i++;
            continue;
        }
        status = encode_plain(tokenizer, merger, text + plain, i - plain, list, error);
        if (status == ALISA_OK) status = alisa_token_list_push(list, token, error);
        i += vocabulary->offsets[token + 1] - vocabulary->offsets[token];
        i += stripped(tokenizer, token, text + i, length - i);
        plain = i;
    }
    if (status != ALISA_OK) return status;
    return encode_plain(tokenizer, merger, text + plain, length - plain, list, error);
}

static AlisaStatus encode(const AlisaTokenizer *tokenizer, const AlisaChatText *text, bool bos,
                          int32_t **tokens, size_t *count, AlisaError *error) {
    *tokens = NULL;
    *count = 0;
    AlisaStatus status = check_text(text->bytes, text->length, error);
    if (status != ALISA_OK) return status;
    AlisaTokenList list = {0};
    list.capacity = text->length / 4 + 16;
    list.ids = alisa_allocate(list.capacity, sizeof *list.ids, "tokens", error);
    if (!list.ids) return ALISA_ERROR_MEMORY;
    AlisaMerger merger = {0};
    if (bos) status = alisa_token_list_push(&list, tokenizer->bos, error);
    if (status == ALISA_OK) {
        status = encode_pieces(tokenizer, &merger, text->bytes, text->pieces, text->piece_count,
                               &list, error);
    }
    alisa_merger_finish(&merger);
    if (status != ALISA_OK) {
        free(list.ids);
        return status;
    }
    *tokens = list.ids;
    *count = list.count;
    return ALISA_OK;
}

AlisaStatus alisa_tokenizer_encode(const AlisaTokenizer *tokenizer, const char *text, size_t length,
                                   uint32_t flags, int32_t **tokens, size_t *count,
                                   AlisaError *error) {
    AlisaChatPiece piece = {length, !(flags & ALISA_TOKENIZE_SPECIAL)};
    AlisaChatText whole = {(char *)text, length, &piece, 1};
    bool bos = (flags & ALISA_TOKENIZE_BOS) && tokenizer->add_bos && tokenizer->bos >= 0;
    return encode(tokenizer, &whole, bos, tokens, count, error);
}

AlisaStatus alisa_tokenizer_encode_chat(const AlisaTokenizer *tokenizer, const AlisaChatText *text,
                                        int32_t **tokens, size_t *count, AlisaError *error) {
    bool bos = tokenizer->add_bos && tokenizer->bos >= 0;
    AlisaStatus status = encode(tokenizer, text, bos, tokens, count, error);
    bool twice = status == ALISA_OK && bos && *count > 1 && (*tokens)[1] == tokenizer->bos;
    if (twice) memmove(*tokens, *tokens + 1, --*count * sizeof **tokens);
    return status;
}

/* ---- Tokens -> text ----------------------------------------------------------------------- */

size_t alisa_tokenizer_bytes(const AlisaTokenizer *tokenizer, int32_t token, bool first,
                             bool special, char *buffer, size_t capacity) {
    const AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    if (token < 0 || (uint32_t)token >= vocabulary->size) return 0;
    AlisaTokenType type = vocabulary->types[token];
    bool hidden = type == ALISA_TOKEN_CONTROL || type == ALISA_TOKEN_UNKNOWN;
    if (hidden && !special) return 0;
    const char *bytes = vocabulary->bytes + vocabulary->offsets[token];
    size_t length = vocabulary->offsets[token + 1] - vocabulary->offsets[token];
    bool prefixed = type == ALISA_TOKEN_NORMAL || type == ALISA_TOKEN_BYTE;
    if (first && tokenizer->add_space_prefix && prefixed && length > 0 && bytes[0] == ' ') {
        bytes++;
        length--;
    }
    if (length <= capacity && length > 0) memcpy(buffer, bytes, length);
    return length;
}
