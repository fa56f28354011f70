/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf/internal.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static uint32_t hash_name(const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

AlisaStatus alisa_gguf_index_init(AlisaGgufIndex *index, uint64_t count, AlisaError *error) {
    uint64_t slots = 8;
    while (slots < count * 2)
        slots *= 2;
    index->slots = alisa_allocate_zeroed(slots, sizeof *index->slots, "index of names", error);
    if (!index->slots) return ALISA_ERROR_MEMORY;
    index->mask = slots - 1;
    return ALISA_OK;
}

void alisa_gguf_index_finish(AlisaGgufIndex *index) {
    free(index->slots);
    *index = (AlisaGgufIndex){0};
}

/* The slot that holds `name`, or the free one where it belongs. */
static AlisaGgufSlot *locate(const AlisaGgufIndex *index, const char *name, uint32_t hash) {
    for (uint64_t i = hash & index->mask;; i = (i + 1) & index->mask) {
        AlisaGgufSlot *slot = &index->slots[i];
        if (!slot->name || (slot->hash == hash && strcmp(slot->name, name) == 0)) return slot;
    }
}

uint64_t alisa_gguf_index_find(const AlisaGgufIndex *index, const char *name) {
    if (!index->slots) return ALISA_GGUF_ABSENT;
    const AlisaGgufSlot *slot = locate(index, name, hash_name(name));
    return slot->name ? slot->position : ALISA_GGUF_ABSENT;
}

bool alisa_gguf_index_add(AlisaGgufIndex *index, const char *name, uint32_t position) {
    uint32_t hash = hash_name(name);
    AlisaGgufSlot *slot = locate(index, name, hash);
    if (slot->name) return false;
    *slot = (AlisaGgufSlot){.name = name, .hash = hash, .position = position};
    return true;
}
