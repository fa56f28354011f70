/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kv_type.h"

#include <stdio.h>
#include <string.h>

static const AlisaKvTypeInfo types[ALISA_KV_TYPE_COUNT] = {
    [ALISA_KV_F16] = {.name = "f16", .kernel_name = "KV_F16", .element_bytes = 2},
    [ALISA_KV_F32] = {.name = "f32", .kernel_name = "KV_F32", .element_bytes = 4},
    [ALISA_KV_Q8_0] = {.name = "q8_0",
                       .kernel_name = "KV_Q8_0",
                       .element_bytes = 1,
                       .group = 32,
                       .group_bytes = 2},
    [ALISA_KV_I8] = {.name = "i8", .kernel_name = "KV_I8", .element_bytes = 1, .blocks = true},
};

const AlisaKvTypeInfo *alisa_kv_type_info(AlisaKvType type) {
    return (uint32_t)type < ALISA_KV_TYPE_COUNT ? &types[type] : NULL;
}

uint64_t alisa_kv_type_row_bytes(AlisaKvType type, uint32_t width) {
    const AlisaKvTypeInfo *info = &types[type];
    uint64_t scales = info->group ? width / info->group : 0;
    return (uint64_t)width * info->element_bytes + scales * info->group_bytes;
}

uint64_t alisa_kv_type_params_bytes(AlisaKvType type, uint32_t width) {
    return types[type].blocks ? (uint64_t)width * 2 * sizeof(uint16_t) : 0;
}

uint64_t alisa_kv_type_tail_bytes(AlisaKvType type, uint32_t width) {
    return types[type].blocks ? (uint64_t)width * sizeof(uint16_t) : 0;
}

static bool fits(const AlisaKvTypeInfo *info, uint32_t head_dim) {
    return info->group == 0 || head_dim % info->group == 0;
}

AlisaStatus alisa_kv_type_check(AlisaKvType type, uint32_t head_dim, AlisaError *error) {
    const AlisaKvTypeInfo *info = alisa_kv_type_info(type);
    if (!info)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%d is not a KV type", (int)type);
    if (fits(info, head_dim)) return ALISA_OK;
    char others[64] = "";
    for (uint32_t i = 0; i < ALISA_KV_TYPE_COUNT; i++) {
        size_t length = strlen(others);
        if (fits(&types[i], head_dim))
            snprintf(others + length, sizeof others - length, "%s%s", length ? ", " : "",
                     types[i].name);
    }
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "KV type %s needs heads of a multiple of %u elements and this model's "
                           "have %u: use one of %s (-ctk, -ctv)",
                           info->name, info->group, head_dim, others);
}
