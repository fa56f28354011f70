/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tokenizer/internal.h"

AlisaStatus alisa_token_list_push(AlisaTokenList *list, int32_t token, AlisaError *error) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        int32_t *larger = realloc(list->ids, capacity * sizeof *larger);
        if (!larger) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY, "no host memory for %zu tokens",
                                   capacity);
        }
        list->ids = larger;
        list->capacity = capacity;
    }
    list->ids[list->count++] = token;
    return ALISA_OK;
}

AlisaStatus alisa_token_list_push_bytes(AlisaTokenList *list, const AlisaTokenizer *tokenizer,
                                        const char *bytes, uint32_t size, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < size; i++) {
        if (tokenizer->byte_tokens[(uint8_t)bytes[i]] >= 0) continue;
        if (tokenizer->unknown >= 0) {
            return alisa_token_list_push(list, tokenizer->unknown, error);
        }
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the vocabulary has no token for \"%.*s\", nor for its bytes, nor "
                               "for unknown text",
                               (int)size, bytes);
    }
    for (uint32_t i = 0; status == ALISA_OK && i < size; i++) {
        status = alisa_token_list_push(list, tokenizer->byte_tokens[(uint8_t)bytes[i]], error);
    }
    return status;
}
