/* SPDX-License-Identifier: Apache-2.0 */
#include "tokenizer/internal.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ---- The compiled pattern ----------------------------------------------------------------- */

struct AlisaSplitter {
    pcre2_code *stages[ALISA_SPLIT_STAGES];
    size_t stage_count;
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
    for (size_t i = 0; rule->patterns[i]; i++) {
        int code;
        PCRE2_SIZE offset;
        splitter->stages[i] = pcre2_compile((PCRE2_SPTR)rule->patterns[i], PCRE2_ZERO_TERMINATED,
                                            PCRE2_UTF | PCRE2_UCP, &code, &offset, NULL);
        if (!splitter->stages[i]) {
            alisa_splitter_destroy(splitter);
            return fail_pcre2(error, code, "compile");
        }
        splitter->stage_count++;
        /* Without a JIT compiler (a build or platform that lacks one) matching is slower, not
         * wrong. */
        pcre2_jit_compile(splitter->stages[i], PCRE2_JIT_COMPLETE);
    }
    *out = splitter;
    return ALISA_OK;
}

void alisa_splitter_destroy(AlisaSplitter *splitter) {
    if (!splitter) return;
    for (size_t i = 0; i < splitter->stage_count; i++)
        pcre2_code_free(splitter->stages[i]);
    free(splitter);
}

/* ---- Splitting ---------------------------------------------------------------------------- */

typedef struct Run {
    const AlisaSplitter *splitter;
    pcre2_match_data
        *matches[ALISA_SPLIT_STAGES]; /* of each stage: stages are under way together */
    AlisaWordTaker *word;
    void *user;
    AlisaError *error;
} Run;

/* Finds the next match from `from` on; *start and *end are `length` when there is none. */
static AlisaStatus find_match(const Run *run, size_t stage, const char *text, size_t length,
                              size_t from, size_t *start, size_t *end) {
    const pcre2_code *pattern = run->splitter->stages[stage];
    pcre2_match_data *match = run->matches[stage];
    int code =
        pcre2_match(pattern, (PCRE2_SPTR)text, length, from, PCRE2_NO_UTF_CHECK, match, NULL);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) {
        code = pcre2_match(pattern, (PCRE2_SPTR)text, length, from,
                           PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, NULL);
    }
    if (code < 0 && code != PCRE2_ERROR_NOMATCH) return fail_pcre2(run->error, code, "match");
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(match);
    *start = code < 0 ? length : span[0];
    *end = code < 0 ? length : span[1];
    return ALISA_OK;
}

/* Cuts a piece by the stage's pattern, and each part by the stages after it. */
static AlisaStatus cut(const Run *run, size_t stage, const char *text, size_t length) {
    if (length == 0) return ALISA_OK;
    if (stage == run->splitter->stage_count) return run->word(run->user, text, length, run->error);
    AlisaStatus status = ALISA_OK;
    size_t start = 0, end = length;
    for (size_t done = 0; status == ALISA_OK && done < length; done = end) {
        status = find_match(run, stage, text, length, done, &start, &end);
        if (status != ALISA_OK) break;
        /* What the pattern passes over is a part too. */
        status = cut(run, stage + 1, text + done, start - done);
        if (status == ALISA_OK) status = cut(run, stage + 1, text + start, end - start);
    }
    return status;
}

AlisaStatus alisa_splitter_run(const AlisaSplitter *splitter, const char *text, size_t length,
                               AlisaWordTaker *word, void *user, AlisaError *error) {
    Run run = {.splitter = splitter, .word = word, .user = user, .error = error};
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < splitter->stage_count; i++) {
        run.matches[i] = pcre2_match_data_create(1, NULL);
        if (run.matches[i]) continue;
        status = alisa_error_set(error, ALISA_ERROR_MEMORY, "no host memory to split the text");
    }
    if (status == ALISA_OK) status = cut(&run, 0, text, length);
    for (size_t i = 0; i < splitter->stage_count; i++)
        pcre2_match_data_free(run.matches[i]);
    return status;
}
