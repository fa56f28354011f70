/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/gguf share: the directory itself, its name index, and the reader of one
 * part.
 */
#ifndef ALISA_GGUF_INTERNAL_H
#define ALISA_GGUF_INTERNAL_H

#include "base/disk.h"
#include "gguf/gguf.h"

/* Name -> position, by open addressing; the names belong to the entries that are indexed. */
typedef struct AlisaGgufSlot {
    const char *name; /* NULL: free */
    uint32_t hash;
    uint32_t position;
} AlisaGgufSlot;

typedef struct AlisaGgufIndex {
    AlisaGgufSlot *slots;
    uint64_t mask; /* slot count - 1, a power of two at least twice the number of names */
} AlisaGgufIndex;

#define ALISA_GGUF_ABSENT UINT64_MAX

AlisaStatus alisa_gguf_index_init(AlisaGgufIndex *index, uint64_t count, AlisaError *error);
void alisa_gguf_index_finish(AlisaGgufIndex *index);
/* Position of `name`, or ALISA_GGUF_ABSENT. An index without slots holds nothing. */
uint64_t alisa_gguf_index_find(const AlisaGgufIndex *index, const char *name);
/* False when the name is there already. */
bool alisa_gguf_index_add(AlisaGgufIndex *index, const char *name, uint32_t position);

typedef struct AlisaGgufPart {
    AlisaDiskMap map;
    bool mapped; /* the file was mapped here, and is unmapped on closing; false: the caller's bytes
                  */
} AlisaGgufPart;

struct AlisaGguf {
    char *path;
    uint32_t version;
    uint32_t part_count;
    AlisaGgufPart *parts;
    uint64_t key_count; /* keys of the first part */
    AlisaGgufKey *keys;
    AlisaGgufIndex key_index;
    uint64_t tensor_count; /* tensors of all parts */
    AlisaGgufTensor *tensors;
    AlisaGgufIndex tensor_index;
};

/* Reads the directory of parts[0] into *gguf. On failure *gguf holds what was read so far, for
 * alisa_gguf_close. */
AlisaStatus alisa_gguf_parse(AlisaGguf *gguf, AlisaError *error);

#endif
