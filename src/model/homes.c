/* SPDX-License-Identifier: Apache-2.0 */
#include "model/homes.h"

#include <stdlib.h>
#include <string.h>

#include "base/architecture.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A matrix that is multiplied, as far as its name and dimensions tell. */
static bool can_leave(const AlisaGgufTensor *tensor) {
    size_t length = strlen(tensor->name), tail = strlen(".bias");
    bool is_bias = length > tail && strcmp(tensor->name + length - tail, ".bias") == 0;
    return tensor->dimension_count > 1 && !is_bias &&
           strcmp(tensor->name, alisa_role_info(ALISA_ROLE_EMBEDDING)->name) != 0 &&
           strcmp(tensor->name, alisa_role_info(ALISA_ROLE_POSITIONS)->name) != 0;
}

static AlisaStatus fail_pattern(const char *pattern, int code, size_t offset, AlisaError *error) {
    PCRE2_UCHAR reason[256];
    pcre2_get_error_message(code, reason, sizeof reason);
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "the pattern '%s' for names of tensors cannot be read: %s, at its "
                           "character %zu",
                           pattern, (const char *)reason, offset + 1);
}

/* Marks the tensors that a rule is for and no rule before it was: decided[i] says so of tensor i.
 */
static AlisaStatus apply(const AlisaGguf *gguf, const AlisaTensorRule *rule, const pcre2_code *code,
                         pcre2_match_data *match, bool *decided, AlisaHomes *homes,
                         AlisaError *error) {
    bool any = false;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        if (!can_leave(tensor)) continue;
        int result =
            pcre2_match(code, (PCRE2_SPTR)tensor->name, PCRE2_ZERO_TERMINATED, 0, 0, match, NULL);
        if (result == PCRE2_ERROR_NOMATCH) continue;
        if (result < 0) return fail_pattern(rule->pattern, result, 0, error);
        any = true;
        homes->on_host[i] |= rule->on_host && !decided[i];
        decided[i] = true;
    }
    if (any) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "%s: the pattern '%s' matches the name of no matrix that could be "
                           "elsewhere: 'alisa inspect' prints the names",
                           alisa_gguf_path(gguf), rule->pattern);
}

static AlisaStatus apply_rule(const AlisaGguf *gguf, const AlisaTensorRule *rule, bool *decided,
                              AlisaHomes *homes, AlisaError *error) {
    int reason;
    PCRE2_SIZE offset;
    pcre2_match_data *match = NULL;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED, 0, &reason, &offset, NULL);
    if (!code) return fail_pattern(rule->pattern, reason, offset, error);
    match = pcre2_match_data_create_from_pattern(code, NULL);
    AlisaStatus status =
        match ? apply(gguf, rule, code, match, decided, homes, error)
              : alisa_error_set(error, ALISA_ERROR_MEMORY, "pattern of names: no host memory");
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return status;
}

AlisaStatus alisa_homes_init(AlisaHomes *homes, const AlisaGguf *gguf, const AlisaTensorRule *rules,
                             size_t rule_count, AlisaError *error) {
    uint64_t count = alisa_gguf_tensor_count(gguf);
    if (rule_count == 0) return ALISA_OK;
    homes->on_host = alisa_allocate_zeroed(count, sizeof(bool), "places of tensors", error);
    bool *decided = alisa_allocate_zeroed(count, sizeof(bool), "places of tensors", error);
    AlisaStatus status = homes->on_host && decided ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (size_t i = 0; i < rule_count && status == ALISA_OK; i++)
        status = apply_rule(gguf, &rules[i], decided, homes, error);
    free(decided);
    for (uint64_t i = 0; i < count && status == ALISA_OK; i++) {
        if (!homes->on_host[i]) continue;
        homes->bytes += alisa_gguf_tensor_at(gguf, i)->byte_count;
        homes->tensor_count++;
    }
    return status;
}

void alisa_homes_finish(AlisaHomes *homes) {
    free(homes->on_host);
    *homes = (AlisaHomes){0};
}

bool alisa_homes_on_host(const AlisaHomes *homes, const AlisaGguf *gguf,
                         const AlisaGgufTensor *tensor) {
    /* The directory is one array, so a tensor's place in it is a difference of addresses. */
    return homes->on_host && homes->on_host[tensor - alisa_gguf_tensor_at(gguf, 0)];
}
