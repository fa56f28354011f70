/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf/gguf.h"

#include "gguf/internal.h"

const char *alisa_gguf_path(const AlisaGguf *gguf) {
    return gguf->path;
}

uint32_t alisa_gguf_version(const AlisaGguf *gguf) {
    return gguf->version;
}

uint32_t alisa_gguf_part_count(const AlisaGguf *gguf) {
    return gguf->part_count;
}

void alisa_gguf_part(const AlisaGguf *gguf, uint32_t part, const uint8_t **data, size_t *size) {
    *data = gguf->parts[part].map.data;
    *size = gguf->parts[part].map.size;
}

void alisa_gguf_release(const AlisaGguf *gguf, uint32_t part, const uint8_t *data, uint64_t size) {
    const AlisaGgufPart *whole = &gguf->parts[part];
    if (whole->mapped)
        alisa_disk_map_release(&whole->map, (size_t)(data - whole->map.data), (size_t)size);
}

uint64_t alisa_gguf_key_count(const AlisaGguf *gguf) {
    return gguf->key_count;
}

const AlisaGgufKey *alisa_gguf_key_at(const AlisaGguf *gguf, uint64_t index) {
    return index < gguf->key_count ? &gguf->keys[index] : NULL;
}

const AlisaGgufKey *alisa_gguf_find(const AlisaGguf *gguf, const char *name) {
    uint64_t position = alisa_gguf_index_find(&gguf->key_index, name);
    return position == ALISA_GGUF_ABSENT ? NULL : &gguf->keys[position];
}

uint64_t alisa_gguf_tensor_count(const AlisaGguf *gguf) {
    return gguf->tensor_count;
}

const AlisaGgufTensor *alisa_gguf_tensor_at(const AlisaGguf *gguf, uint64_t index) {
    return index < gguf->tensor_count ? &gguf->tensors[index] : NULL;
}

const AlisaGgufTensor *alisa_gguf_tensor_find(const AlisaGguf *gguf, const char *name) {
    uint64_t position = alisa_gguf_index_find(&gguf->tensor_index, name);
    return position == ALISA_GGUF_ABSENT ? NULL : &gguf->tensors[position];
}
