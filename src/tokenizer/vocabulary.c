/* SPDX-License-Identifier: Apache-2.0 */
#include "tokenizer/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- Text of tokens ----------------------------------------------------------------------- */

static int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* "<0x0A>" -> 10; -1 for anything else. */
static int parse_byte_token(const char *text, size_t length) {
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    int high = hexadecimal(text[3]), low = hexadecimal(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* ---- Reading the file --------------------------------------------------------------------- */

/* The array `name` with an element for each token; NULL when absent. */
static AlisaStatus find_numbers(const AlisaGguf *gguf, const char *name, uint32_t size,
                                const AlisaGgufKey **key, AlisaError *error) {
    *key = alisa_gguf_find(gguf, name);
    if (!*key) return ALISA_OK;
    if ((*key)->type != ALISA_GGUF_ARRAY || (*key)->element_type == ALISA_GGUF_STRING) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the key %s should hold an array of numbers",
                               alisa_gguf_path(gguf), name);
    }
    if ((*key)->count != size) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the key %s holds %llu numbers for a vocabulary of %u tokens",
                               alisa_gguf_path(gguf), name, (unsigned long long)(*key)->count,
                               size);
    }
    return ALISA_OK;
}

static AlisaStatus load_types(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                              AlisaError *error) {
    const AlisaGgufKey *key;
    AlisaStatus status =
        find_numbers(gguf, "tokenizer.ggml.token_type", vocabulary->size, &key, error);
    if (status != ALISA_OK) return status;
    vocabulary->types = alisa_allocate(vocabulary->size, 1, "token types", error);
    if (!vocabulary->types) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        double type = key ? alisa_gguf_array_number(key, i) : ALISA_TOKEN_UNDEFINED;
        if (!(type >= 0 && type <= ALISA_TOKEN_BYTE)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT,
                                   "%s: token %u has the unknown type %g", alisa_gguf_path(gguf), i,
                                   type);
        }
        vocabulary->types[i] = (uint8_t)type;
    }
    return ALISA_OK;
}

AlisaStatus alisa_vocabulary_load_scores(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                                         AlisaError *error) {
    const AlisaGgufKey *key;
    AlisaStatus status = find_numbers(gguf, "tokenizer.ggml.scores", vocabulary->size, &key, error);
    if (status != ALISA_OK) return status;
    if (!key) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the SentencePiece tokenizer lacks tokenizer.ggml.scores",
                               alisa_gguf_path(gguf));
    }
    vocabulary->scores =
        alisa_allocate(vocabulary->size, sizeof *vocabulary->scores, "token scores", error);
    if (!vocabulary->scores) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        vocabulary->scores[i] = (float)alisa_gguf_array_number(key, i);
        if (isnan(vocabulary->scores[i])) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT,
                                   "%s: the score of token %u is not a number",
                                   alisa_gguf_path(gguf), i);
        }
    }
    return ALISA_OK;
}

static AlisaStatus load_texts(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                              const AlisaGgufKey *tokens, AlisaSpelling spelling,
                              AlisaError *error) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        total += alisa_gguf_array_string(tokens, i).length;
    }
    if (total > UINT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: the vocabulary's %llu bytes of text are too many",
                               alisa_gguf_path(gguf), (unsigned long long)total);
    }
    vocabulary->bytes = alisa_allocate(total, 1, "token texts", error);
    vocabulary->offsets = alisa_allocate((size_t)vocabulary->size + 1, sizeof *vocabulary->offsets,
                                         "token offsets", error);
    if (!vocabulary->bytes || !vocabulary->offsets) return ALISA_ERROR_MEMORY;
    size_t used = 0;
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        AlisaGgufString text = alisa_gguf_array_string(tokens, i);
        char *out = vocabulary->bytes + used;
        vocabulary->offsets[i] = (uint32_t)used;
        if (vocabulary->types[i] == ALISA_TOKEN_UNDEFINED) {
            bool byte =
                spelling == ALISA_SPELLING_BLANKS && parse_byte_token(text.data, text.length) >= 0;
            vocabulary->types[i] = byte ? ALISA_TOKEN_BYTE : ALISA_TOKEN_NORMAL;
        }
        alisa_ends_note(vocabulary, i, text.data, text.length);
        bool itself = vocabulary->types[i] == ALISA_TOKEN_CONTROL ||
                      vocabulary->types[i] == ALISA_TOKEN_USER_DEFINED ||
                      vocabulary->types[i] == ALISA_TOKEN_UNKNOWN;
        if (spelling == ALISA_SPELLING_BLANKS && vocabulary->types[i] == ALISA_TOKEN_BYTE) {
            int byte = parse_byte_token(text.data, text.length);
            if (byte < 0) {
                return alisa_error_set(error, ALISA_ERROR_FORMAT,
                                       "%s: token %u is a byte but is not written like <0x0A>",
                                       alisa_gguf_path(gguf), i);
            }
            out[0] = (char)byte;
            used += 1;
        } else if (spelling == ALISA_SPELLING_BLANKS) {
            used += alisa_spelling_blanks(text.data, text.length, out);
        } else if (itself) {
            memcpy(out, text.data, text.length);
            used += text.length;
        } else {
            used += alisa_spelling_bytes(text.data, text.length, out);
            /* Characters outside the alphabet stand for themselves when tokens become text, and no
             * text becomes such a token: another one has the same bytes. */
            if (!alisa_spelling_is_bytes(text.data, text.length)) {
                vocabulary->types[i] = ALISA_TOKEN_UNUSED;
            }
        }
    }
    vocabulary->offsets[vocabulary->size] = (uint32_t)used;
    return ALISA_OK;
}

/* ---- Lookup of whole texts ---------------------------------------------------------------- */

static bool is_token(const AlisaVocabulary *vocabulary, int32_t token, const char *text,
                     size_t length) {
    uint32_t start = vocabulary->offsets[token];
    return vocabulary->offsets[token + 1] - start == length &&
           memcmp(vocabulary->bytes + start, text, length) == 0;
}

static int32_t *locate(const AlisaVocabulary *vocabulary, const char *text, size_t length) {
    uint32_t i = (uint32_t)XXH3_64bits(text, length) & vocabulary->slot_mask;
    for (;; i = (i + 1) & vocabulary->slot_mask) {
        int32_t token = vocabulary->slots[i];
        if (token < 0 || is_token(vocabulary, token, text, length)) return &vocabulary->slots[i];
    }
}

int32_t alisa_vocabulary_find(const AlisaVocabulary *vocabulary, const char *text, size_t length) {
    if (length > vocabulary->longest) return -1;
    return *locate(vocabulary, text, length);
}

int32_t alisa_vocabulary_find_near(const AlisaVocabulary *vocabulary, const char *text,
                                   size_t length, int32_t guess) {
    for (int32_t token = guess; token < guess + 2; token++) {
        if (token >= 0 && (uint32_t)token < vocabulary->size &&
            vocabulary->types[token] == ALISA_TOKEN_NORMAL &&
            is_token(vocabulary, token, text, length)) {
            return token;
        }
    }
    return alisa_vocabulary_find(vocabulary, text, length);
}

static AlisaStatus build_lookup(AlisaVocabulary *vocabulary, AlisaError *error) {
    size_t slots = 8;
    while (slots < (size_t)vocabulary->size * 2)
        slots *= 2;
    vocabulary->slots =
        alisa_allocate(slots, sizeof *vocabulary->slots, "index of the vocabulary", error);
    if (!vocabulary->slots) return ALISA_ERROR_MEMORY;
    memset(vocabulary->slots, 0xff, slots * sizeof *vocabulary->slots);
    vocabulary->slot_mask = (uint32_t)(slots - 1);
    for (uint32_t i = 0; i < vocabulary->size; i++) {
        uint32_t length = vocabulary->offsets[i + 1] - vocabulary->offsets[i];
        if (vocabulary->types[i] != ALISA_TOKEN_NORMAL || length == 0) continue;
        int32_t *slot = locate(vocabulary, vocabulary->bytes + vocabulary->offsets[i], length);
        if (*slot < 0) *slot = (int32_t)i; /* of two with the same text the first one counts */
        if (length > vocabulary->longest) vocabulary->longest = length;
    }
    return ALISA_OK;
}

/* ---- Tokens that stand for themselves ----------------------------------------------------- */

static uint32_t find_child(const AlisaVocabulary *vocabulary, uint32_t node, uint8_t byte) {
    if (node == 0) return vocabulary->root_child[byte];
    uint32_t child = vocabulary->nodes[node].first_child;
    while (child && vocabulary->nodes[child].byte != byte) {
        child = vocabulary->nodes[child].next_sibling;
    }
    return child;
}

static AlisaStatus add_node(AlisaVocabulary *vocabulary, uint32_t parent, uint8_t byte,
                            uint32_t *node, AlisaError *error) {
    if (vocabulary->node_count == vocabulary->node_capacity) {
        uint32_t capacity = vocabulary->node_capacity ? vocabulary->node_capacity * 2 : 256;
        AlisaTrieNode *larger = realloc(vocabulary->nodes, capacity * sizeof *larger);
        if (!larger) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "no host memory for %u nodes of the special tokens", capacity);
        }
        vocabulary->nodes = larger;
        vocabulary->node_capacity = capacity;
    }
    *node = vocabulary->node_count++;
    vocabulary->nodes[*node] = (AlisaTrieNode){.byte = byte, .token = -1};
    if (*node == 0) return ALISA_OK;
    if (parent == 0) {
        vocabulary->root_child[byte] = *node;
    } else {
        vocabulary->nodes[*node].next_sibling = vocabulary->nodes[parent].first_child;
        vocabulary->nodes[parent].first_child = *node;
    }
    return ALISA_OK;
}

static bool is_utf8(const char *text, size_t length) {
    utf8proc_int32_t character;
    for (size_t i = 0; i < length;) {
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                 (utf8proc_ssize_t)(length - i), &character);
        if (size < 1) return false;
        i += (size_t)size;
    }
    return true;
}

/* Texts that are not whole characters are left out: they would cut a character of the input. */
static AlisaStatus build_trie(AlisaVocabulary *vocabulary, AlisaError *error) {
    uint32_t node;
    AlisaStatus status = add_node(vocabulary, 0, 0, &node, error);
    for (uint32_t i = 0; status == ALISA_OK && i < vocabulary->size; i++) {
        AlisaTokenType type = vocabulary->types[i];
        if (type != ALISA_TOKEN_CONTROL && type != ALISA_TOKEN_USER_DEFINED &&
            type != ALISA_TOKEN_UNKNOWN) {
            continue;
        }
        uint32_t start = vocabulary->offsets[i], end = vocabulary->offsets[i + 1];
        if (!is_utf8(vocabulary->bytes + start, end - start)) continue;
        node = 0;
        for (uint32_t j = start; j < end; j++) {
            uint8_t byte = (uint8_t)vocabulary->bytes[j];
            uint32_t child = find_child(vocabulary, node, byte);
            if (!child) status = add_node(vocabulary, node, byte, &child, error);
            if (status != ALISA_OK) return status;
            node = child;
        }
        if (node && vocabulary->nodes[node].token < 0) vocabulary->nodes[node].token = (int32_t)i;
    }
    return status;
}

int32_t alisa_vocabulary_match(const AlisaVocabulary *vocabulary, const char *text, size_t length,
                               bool special) {
    int32_t best = -1;
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        node = find_child(vocabulary, node, (uint8_t)text[i]);
        if (!node) break;
        int32_t token = vocabulary->nodes[node].token;
        if (token >= 0 && (special || vocabulary->types[token] == ALISA_TOKEN_USER_DEFINED)) {
            best = token;
        }
    }
    return best;
}

/* ---- Whole -------------------------------------------------------------------------------- */

AlisaStatus alisa_vocabulary_load(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                                  AlisaSpelling spelling, AlisaError *error) {
    const AlisaGgufKey *tokens = alisa_gguf_find(gguf, "tokenizer.ggml.tokens");
    if (!tokens || tokens->type != ALISA_GGUF_ARRAY || tokens->element_type != ALISA_GGUF_STRING ||
        tokens->count == 0 || tokens->count > INT32_MAX / 4) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the tokenizer needs tokenizer.ggml.tokens, an array of strings",
                               alisa_gguf_path(gguf));
    }
    vocabulary->size = (uint32_t)tokens->count;
    memset(vocabulary->ends, 0xff, sizeof vocabulary->ends);
    AlisaStatus status = load_types(vocabulary, gguf, error);
    if (status == ALISA_OK) status = load_texts(vocabulary, gguf, tokens, spelling, error);
    if (status == ALISA_OK) status = build_lookup(vocabulary, error);
    if (status == ALISA_OK) status = build_trie(vocabulary, error);
    return status;
}

void alisa_vocabulary_finish(AlisaVocabulary *vocabulary) {
    free(vocabulary->types);
    free(vocabulary->scores);
    free(vocabulary->offsets);
    free(vocabulary->bytes);
    free(vocabulary->slots);
    free(vocabulary->nodes);
    *vocabulary = (AlisaVocabulary){0};
}
