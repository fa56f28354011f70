/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF v2 and v3 (single and split): a mapped file -> a read-only directory of keys and tensors.
 *
 * Everything a caller can reach was bounds-checked when the file was opened: strings lie inside the
 * map, array sizes are consistent with it, tensor data lies inside its part. Source: the GGUF
 * specification in the ggml repository (docs/gguf.md).
 */
#ifndef ALISA_GGUF_GGUF_H
#define ALISA_GGUF_GGUF_H

#include "base/status.h"
#include "base/weight_type.h"

typedef enum AlisaGgufValueType {
    ALISA_GGUF_U8 = 0,
    ALISA_GGUF_I8,
    ALISA_GGUF_U16,
    ALISA_GGUF_I16,
    ALISA_GGUF_U32,
    ALISA_GGUF_I32,
    ALISA_GGUF_F32,
    ALISA_GGUF_BOOL,
    ALISA_GGUF_STRING,
    ALISA_GGUF_ARRAY,
    ALISA_GGUF_U64,
    ALISA_GGUF_I64,
    ALISA_GGUF_F64,
} AlisaGgufValueType;

/* A string of the file: bytes inside the map, with no 0 after them. */
typedef struct AlisaGgufString {
    const char *data;
    uint64_t length;
} AlisaGgufString;

typedef struct AlisaGgufKey {
    const char *name; /* terminated copy, owned by the file */
    AlisaGgufValueType type;
    AlisaGgufValueType element_type; /* type of an array's elements; of any other value, `type` */
    uint64_t count;                  /* elements of an array; 1 otherwise */
    const uint8_t *data;             /* first byte of the value, or of an array's first element */
    const uint64_t *string_offsets;  /* array of strings: bytes from `data` to the length of
                                      string i; NULL otherwise */
} AlisaGgufKey;

typedef struct AlisaGgufTensor {
    const char *name; /* terminated copy, owned by the file */
    uint32_t type;    /* id of base/weight_type.h, or one that no row there has */
    uint32_t dimension_count;
    uint64_t dimensions[4]; /* innermost first; unused ones are 1 */
    uint64_t element_count;
    uint64_t byte_count; /* 0 when the type's size is not known */
    uint32_t part;       /* which file of a split model holds the data */
    uint64_t offset;     /* bytes from the start of that file */
    const uint8_t *data; /* in the map; NULL when the type's size is not known */
} AlisaGgufTensor;

typedef struct AlisaGguf AlisaGguf;

/* Opens `path` and, if it is one part of a split model (split.count > 1), its sibling parts
 * NAME-00001-of-0000N.gguf. */
AlisaStatus alisa_gguf_open(const char *path, AlisaGguf **gguf, AlisaError *error);
/* Opens the bytes of one file, which must outlive the AlisaGguf. A part of a split model is
 * refused.
 */
AlisaStatus alisa_gguf_open_memory(const uint8_t *data, size_t size, AlisaGguf **gguf,
                                   AlisaError *error);
/* Unmaps and frees; NULL is allowed. */
void alisa_gguf_close(AlisaGguf *gguf);

/* The path it was opened by; of a split model, that of its first part. */
const char *alisa_gguf_path(const AlisaGguf *gguf);
uint32_t alisa_gguf_version(const AlisaGguf *gguf);
uint32_t alisa_gguf_part_count(const AlisaGguf *gguf);
/* All bytes of a mapped part, for buffers that use them in place. */
void alisa_gguf_part(const AlisaGguf *gguf, uint32_t part, const uint8_t **data, size_t *size);

/* Bytes of a part, which lie in its map, are not read again for a while: the memory that holds them
 * may go to others. They stay as they are. */
void alisa_gguf_release(const AlisaGguf *gguf, uint32_t part, const uint8_t *data, uint64_t size);

/* Bytes of a part, which lie in its map, are not read again for a while: the memory that holds them
 * may go to others. They stay as they are. */
void alisa_gguf_release(const AlisaGguf *gguf, uint32_t part, const uint8_t *data, uint64_t size);

uint64_t alisa_gguf_key_count(const AlisaGguf *gguf);
/* Key number `index` of the file; NULL past the last one. */
const AlisaGgufKey *alisa_gguf_key_at(const AlisaGguf *gguf, uint64_t index);
/* The key called `name`; NULL where the file has none. */
const AlisaGgufKey *alisa_gguf_find(const AlisaGguf *gguf, const char *name);

/* Typed reads of scalar keys. Where the file has no key `name`, *value stays as it is and the
 * status is ALISA_OK, so the caller sets the default first. A key of another kind, or a value out
 * of the C type's range, is ALISA_ERROR_FORMAT with a sentence that names the key. An integer may
 * have any width in the file. */
AlisaStatus alisa_gguf_get_u32(const AlisaGguf *gguf, const char *name, uint32_t *value,
                               AlisaError *error);
AlisaStatus alisa_gguf_get_f32(const AlisaGguf *gguf, const char *name, float *value,
                               AlisaError *error);
AlisaStatus alisa_gguf_get_bool(const AlisaGguf *gguf, const char *name, bool *value,
                                AlisaError *error);
AlisaStatus alisa_gguf_get_string(const AlisaGguf *gguf, const char *name, AlisaGgufString *value,
                                  AlisaError *error);
/* Element `index` of an array of strings; index < key->count. */
AlisaGgufString alisa_gguf_array_string(const AlisaGgufKey *key, uint64_t index);
/* Element `index` of an array of numbers, whatever their type; index < key->count. */
double alisa_gguf_array_number(const AlisaGgufKey *key, uint64_t index);

/* Tensors of all parts. */
uint64_t alisa_gguf_tensor_count(const AlisaGguf *gguf);
/* Tensor number `index`; NULL past the last one. */
const AlisaGgufTensor *alisa_gguf_tensor_at(const AlisaGguf *gguf, uint64_t index);
/* The tensor called `name`; NULL where the file has none. */
const AlisaGgufTensor *alisa_gguf_tensor_find(const AlisaGguf *gguf, const char *name);

#endif
