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
