/* SPDX-License-Identifier: Apache-2.0 */
#include "tokenizer/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* The patterns are those that the models' makers published. White space is spelled out as Unicode's
 * White_Space, because PCRE2's \s also takes U+180E, which Unicode no longer counts. */
#define SPACE        "\\p{Z}\\x{09}-\\x{0d}\\x{85}"
#define CONTRACTIONS "'s|'t|'re|'ve|'m|'ll|'d"
#define UPPER        "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER        "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"
#define BLANKS       "[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+"

static const char gpt2_pattern[] =
    CONTRACTIONS "| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+|" BLANKS;

/* Every digit by itself, then GPT-2's pattern on what is between them. */
static const char digits_pattern[] = CONTRACTIONS "| ?\\p{L}+|\\p{N}| ?[^" SPACE "\\p{L}\\p{N}]+|"
                                                  "[" SPACE "]+(?![^" SPACE "\\p{N}])|[" SPACE "]+";

#define AFTER_GPT4(numbers, punctuation_end)                                                       \
    numbers "| ?[^" SPACE "\\p{L}\\p{N}]+[" punctuation_end "]*|[" SPACE "]*[\\r\\n]+|" BLANKS
#define GPT4(numbers)                                                                              \
    "(?i:" CONTRACTIONS ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" AFTER_GPT4(numbers, "\\r\\n")
#define CASED(end)                                                                                 \
    "[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]*[" LOWER "]+" end "|"                                       \
    "[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]+[" LOWER "]*" end "|"

static const char llama3_pattern[] = GPT4("\\p{N}{1,3}");
static const char qwen2_pattern[] = GPT4("\\p{N}");
static const char tekken_pattern[] = CASED("") AFTER_GPT4("\\p{N}", "\\r\\n/");
static const char gpt4o_pattern[] =
    CASED("(?i:" CONTRACTIONS ")?") AFTER_GPT4("\\p{N}{1,3}", "\\r\\n/");

static const AlisaSplitRule rules[] = {
    /* name, pattern, whole words, BOS, NFC */
    {"default", gpt2_pattern, false, false, false},
    {"gpt-2", gpt2_pattern, false, false, false},
    {"phi-2", gpt2_pattern, false, false, false},
    {"olmo", gpt2_pattern, false, false, false},
    {"mpt", gpt2_pattern, false, false, false},
    {"gpt-neox", gpt2_pattern, false, false, true},
    {"smollm", digits_pattern, false, false, false},
    {"starcoder", digits_pattern, false, false, false},
    {"refact", digits_pattern, false, false, false},
    {"command-r", digits_pattern, false, false, true},
    {"llama-bpe", llama3_pattern, true, true, false},
    {"llama3", llama3_pattern, true, true, false},
    {"llama-v3", llama3_pattern, true, true, false},
    {"falcon3", llama3_pattern, true, true, false},
    {"dbrx", llama3_pattern, false, false, false},
    {"smaug-bpe", llama3_pattern, false, false, false},
    {"qwen2", qwen2_pattern, false, false, true},
    {"deepseek-r1-qwen", qwen2_pattern, false, false, true},
    {"stablelm2", qwen2_pattern, false, false, true},
    {"tekken", tekken_pattern, true, true, false},
    {"gpt-4o", gpt4o_pattern, false, false, false},
};

#define RULE_COUNT (sizeof rules / sizeof rules[0])

const AlisaSplitRule *alisa_split_rule_find(const char *name, size_t length) {
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strlen(rules[i].name) == length && memcmp(rules[i].name, name, length) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

void alisa_split_rule_names(char *buffer, size_t capacity) {
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < RULE_COUNT && used < capacity; i++) {
        used +=
            (size_t)snprintf(buffer + used, capacity - used, "%s%s", i ? ", " : "", rules[i].name);
    }
}

/* ---- The compiled pattern ----------------------------------------------------------------- */

struct AlisaSplitter {
    pcre2_code *code;
};

static AlisaStatus fail_pcre2(AlisaError *error, int code, const char *doing) {
    PCRE2_UCHAR reason[256];
    pcre2_get_error_message(code, reason, sizeof reason);
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "PCRE2 could not %s the tokenizer's split pattern: %s", doing,
                           (const char *)reason);
}

AlisaStatus alisa_splitter_create(const AlisaSplitRule *rule, AlisaSplitter **out,
                                  AlisaError *error) {
    *out = NULL;
    AlisaSplitter *splitter = alisa_allocate_zeroed(1, sizeof *splitter, "text splitter", error);
    if (!splitter) return ALISA_ERROR_MEMORY;
    int code;
    PCRE2_SIZE offset;
    splitter->code = pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
    if (!splitter->code) {
        free(splitter);
        return fail_pcre2(error, code, "compile");
    }
    /* Without a JIT compiler (a build or platform that lacks one) matching is slower, not wrong. */
    pcre2_jit_compile(splitter->code, PCRE2_JIT_COMPLETE);
    *out = splitter;
    return ALISA_OK;
}

void alisa_splitter_destroy(AlisaSplitter *splitter) {
    if (!splitter) return;
    pcre2_code_free(splitter->code);
    free(splitter);
}

AlisaStatus alisa_splitter_run(const AlisaSplitter *splitter, const char *text, size_t length,
                               AlisaStatus (*word)(void *user, const char *text, size_t length,
                                                   AlisaError *error),
                               void *user, AlisaError *error) {
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    if (!match) {
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "no host memory to split the text");
    }
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(match);
    AlisaStatus status = ALISA_OK;
    size_t done = 0; /* bytes handed out */
    while (status == ALISA_OK && done < length) {
        int code = pcre2_match(splitter->code, (PCRE2_SPTR)text, length, done, PCRE2_NO_UTF_CHECK,
                               match, NULL);
        if (code == PCRE2_ERROR_JIT_STACKLIMIT) {
            code = pcre2_match(splitter->code, (PCRE2_SPTR)text, length, done,
                               PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, NULL);
        }
        if (code < 0 && code != PCRE2_ERROR_NOMATCH) {
            status = fail_pcre2(error, code, "match");
            break;
        }
        size_t start = code < 0 ? length : span[0], end = code < 0 ? length : span[1];
        /* What the pattern passes over is a word too. */
        if (start > done) status = word(user, text + done, start - done, error);
        if (status == ALISA_OK && end > start) {
            status = word(user, text + start, end - start, error);
        }
        done = end;
    }
    pcre2_match_data_free(match);
    return status;
}
