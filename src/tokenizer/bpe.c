/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-level BPE (GPT-2 and its descendants): a pattern cuts the text into words; in each word the
 * bytes are merged pair by pair, the pair whose rule comes first in the list of merges first.
 */
#include "tokenizer/internal.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

/* ---- Merge rules -------------------------------------------------------------------------- */

/* The slot of a pair, or the free one where it belongs. */
static AlisaMergeRule *locate(const AlisaBpe *bpe, int32_t left, int32_t right) {
    uint64_t key = ((uint64_t)(uint32_t)left << 32) | (uint32_t)right;
    uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) & bpe->merge_mask;
    for (;; i = (i + 1) & bpe->merge_mask) {
        AlisaMergeRule *rule = &bpe->merges[i];
        if (rule->left < 0 || (rule->left == left && rule->right == right)) return rule;
    }
}

/* Adds rule number `rank`, "left right". Parts or a result outside the vocabulary: the rule can
 * never be used, and is left out. `scratch` holds as many bytes as the rule. *last is the result of
 * the rule before. */
static AlisaStatus add_merge(AlisaTokenizer *tokenizer, const AlisaGguf *gguf, AlisaGgufString text,
                             uint32_t rank, char *scratch, int32_t *last, AlisaError *error) {
    const char *blank = text.length > 2 ? memchr(text.data + 1, ' ', text.length - 2) : NULL;
    if (!blank) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: entry %u of tokenizer.ggml.merges is not two parts with a "
                               "blank between them",
                               alisa_gguf_path(gguf), rank);
    }
    const AlisaVocabulary *vocabulary = &tokenizer->vocabulary;
    size_t left_text = (size_t)(blank - text.data), right_text = text.length - left_text - 1;
    size_t (*spell)(const char *, size_t, char *) =
        tokenizer->bpe.rule->characters ? alisa_spelling_blanks : alisa_spelling_bytes;
    size_t left_size = spell(text.data, left_text, scratch);
    size_t size = left_size + spell(blank + 1, right_text, scratch + left_size);
    int32_t left = alisa_vocabulary_find(vocabulary, scratch, left_size);
    int32_t right = alisa_vocabulary_find(vocabulary, scratch + left_size, size - left_size);
    int32_t merged = alisa_vocabulary_find_near(vocabulary, scratch, size, *last);
    *last = merged;
    if (left < 0 || right < 0 || merged < 0) return ALISA_OK;
    AlisaMergeRule *rule = locate(&tokenizer->bpe, left, right);
    if (rule->left < 0) *rule = (AlisaMergeRule){left, right, merged, rank};
    return ALISA_OK;
}

static AlisaStatus load_merges(AlisaTokenizer *tokenizer, const AlisaGguf *gguf,
                               AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, "tokenizer.ggml.merges");
    if (!key || key->type != ALISA_GGUF_ARRAY || key->element_type != ALISA_GGUF_STRING ||
        key->count > INT32_MAX / 4) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the tokenizer needs tokenizer.ggml.merges, an array of strings",
                               alisa_gguf_path(gguf));
    }
    size_t slots = 8, longest = 0;
    while (slots < key->count + key->count / 2)
        slots *= 2;
    for (uint64_t i = 0; i < key->count; i++) {
        AlisaGgufString text = alisa_gguf_array_string(key, i);
        if (text.length > longest) longest = text.length;
    }
    AlisaBpe *bpe = &tokenizer->bpe;
    bpe->merges = alisa_allocate(slots, sizeof *bpe->merges, "table of merges", error);
    char *scratch = alisa_allocate(longest, 1, "text of merges", error);
    AlisaStatus status = bpe->merges && scratch ? ALISA_OK : ALISA_ERROR_MEMORY;
    if (status == ALISA_OK) {
        bpe->merge_mask = (uint32_t)(slots - 1);
        memset(bpe->merges, 0xff, slots * sizeof *bpe->merges);
    }
    int32_t last = -1;
    for (uint64_t i = 0; status == ALISA_OK && i < key->count; i++) {
        status = add_merge(tokenizer, gguf, alisa_gguf_array_string(key, i), (uint32_t)i, scratch,
                           &last, error);
    }
    free(scratch);
    return status;
}

AlisaStatus alisa_bpe_load(AlisaTokenizer *tokenizer, const AlisaGguf *gguf, AlisaError *error) {
    AlisaStatus status = load_merges(tokenizer, gguf, error);
    if (status != ALISA_OK) return status;
    return alisa_splitter_create(tokenizer->bpe.rule, &tokenizer->bpe.splitter, error);
}

void alisa_bpe_finish(AlisaBpe *bpe) {
    alisa_splitter_destroy(bpe->splitter);
    free(bpe->merges);
    *bpe = (AlisaBpe){0};
}

/* ---- Normalisation ------------------------------------------------------------------------ */

/* NFC of a run that is not all ASCII, appended to `out`. */
static bool compose_run(const char *text, size_t length, char **out, size_t *used,
                        size_t *capacity) {
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length,
                                         &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (size < 0) return false;
    if (*used + (size_t)size > *capacity) {
        size_t wanted = (*used + (size_t)size) * 2;
        char *larger = realloc(*out, wanted);
        if (!larger) {
            free(composed);
            return false;
        }
        *out = larger;
        *capacity = wanted;
    }
    memcpy(*out + *used, composed, (size_t)size);
    *used += (size_t)size;
    free(composed);
    return true;
}

/* End of the piece of text that begins at `start` and can be composed by itself. Nothing composes
 * with an ASCII character before it, so a piece ends before one. utf8proc orders n combining marks
 * in n^2 steps: a run of them longer than any script has is cut, at the price of its order. */
static size_t piece_end(const char *text, size_t length, size_t start) {
    enum { MARKS_MOST = 128 };
    unsigned marks = 0;
    size_t i = start;
    while (i < length) {
        utf8proc_int32_t character;
        utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                 (utf8proc_ssize_t)(length - i), &character);
        if (i > start && (character < 0x80 || marks == MARKS_MOST)) break;
        marks = utf8proc_get_property(character)->combining_class ? marks + 1 : 0;
        i += (size_t)size;
    }
    return i;
}

/* NFC of valid UTF-8. *composed is NULL when the text is ASCII, and so composed already. */
static AlisaStatus compose(const char *text, size_t length, char **composed,
                           size_t *composed_length, AlisaError *error) {
    *composed = NULL;
    size_t ascii = 0, used = 0, capacity = length + 64;
    while (ascii < length && (uint8_t)text[ascii] < 0x80)
        ascii++;
    if (ascii == length) return ALISA_OK;
    char *out = alisa_allocate(capacity, 1, "normalised text", error);
    if (!out) return ALISA_ERROR_MEMORY;
    for (size_t i = 0; i < length;) {
        size_t end = piece_end(text, length, i);
        if (!compose_run(text + i, end - i, &out, &used, &capacity)) {
            free(out);
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "no host memory to normalise a text of %zu bytes", length);
        }
        i = end;
    }
    *composed = out;
    *composed_length = used;
    return ALISA_OK;
}

/* ---- Encoding ----------------------------------------------------------------------------- */

typedef struct Encoding {
    const AlisaTokenizer *tokenizer;
    AlisaMerger *merger;
    AlisaTokenList *list;
} Encoding;

static bool find_merge(const AlisaTokenizer *tokenizer, const char *text, const AlisaSymbol *left,
                       const AlisaSymbol *right, double *cost, int32_t *token) {
    (void)text;
    if (left->token < 0 || right->token < 0) return false;
    const AlisaMergeRule *rule = locate(&tokenizer->bpe, left->token, right->token);
    if (rule->left < 0) return false;
    *cost = rule->rank;
    *token = rule->merged;
    return true;
}

static AlisaStatus encode_word(void *user, const char *text, size_t length, AlisaError *error) {
    const Encoding *encoding = user;
    const AlisaTokenizer *tokenizer = encoding->tokenizer;
    AlisaMerger *merger = encoding->merger;
    if (tokenizer->bpe.rule->whole_words) {
        int32_t token = alisa_vocabulary_find(&tokenizer->vocabulary, text, length);
        if (token >= 0) return alisa_token_list_push(encoding->list, token, error);
    }
    int32_t unknown = tokenizer->unknown;
    bool drops = !tokenizer->bpe.rule->characters &&
                 (unknown < 0 || tokenizer->vocabulary.types[unknown] != ALISA_TOKEN_UNKNOWN);
    AlisaStatus status = ALISA_OK;
    merger->count = 0;
    for (size_t i = 0; status == ALISA_OK && i < length;) {
        uint32_t size = 1;
        int32_t token = tokenizer->byte_tokens[(uint8_t)text[i]];
        if (tokenizer->bpe.rule->characters) {
            size = alisa_spelling_character_size((uint8_t)text[i]);
            token = alisa_vocabulary_find(&tokenizer->vocabulary, text + i, size);
        }
        /* Makers leave out bytes that no training text held, and drop them: the token for unknown
         * text is none of the model's, but a control token that is named so for want of one. */
        if (token >= 0 || !drops) {
            status = alisa_merger_add(merger, (uint32_t)i, size, token, error);
        }
        i += size;
    }
    if (status == ALISA_OK) status = alisa_merger_run(merger, tokenizer, text, find_merge, error);
    uint32_t i = merger->count ? 0 : ALISA_SYMBOL_NONE;
    while (status == ALISA_OK && i != ALISA_SYMBOL_NONE) {
        const AlisaSymbol *symbol = &merger->symbols[i];
        status = symbol->token >= 0
                     ? alisa_token_list_push(encoding->list, symbol->token, error)
                     : alisa_token_list_push_bytes(encoding->list, tokenizer, text + symbol->start,
                                                   symbol->size, error);
        i = symbol->next;
    }
    return status;
}

AlisaStatus alisa_bpe_encode(const AlisaTokenizer *tokenizer, AlisaMerger *merger, const char *text,
                             size_t length, AlisaTokenList *list, AlisaError *error) {
    Encoding encoding = {tokenizer, merger, list};
    char *prepared = NULL;
    AlisaStatus status = ALISA_OK;
    if (tokenizer->bpe.rule->compose) status = compose(text, length, &prepared, &length, error);
    if (tokenizer->bpe.rule->characters) {
        prepared = alisa_allocate(length, 1, "text to tokenize", error);
        if (!prepared) return ALISA_ERROR_MEMORY;
        length = alisa_spelling_blanks(text, length, prepared);
    }
    if (status == ALISA_OK) {
        status = alisa_splitter_run(tokenizer->bpe.splitter, prepared ? prepared : text, length,
                                    encode_word, &encoding, error);
    }
    free(prepared);
    return status;
}
