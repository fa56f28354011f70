/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes GGUF images in memory, for tests: keys first, then tensors, then data. The counts in the
 * header follow what was added.
 */
#ifndef ALISA_TESTS_GGUF_IMAGE_H
#define ALISA_TESTS_GGUF_IMAGE_H

#include "gguf/gguf.h"

#include <stdlib.h>
#include <string.h>

typedef struct GgufImage {
    uint8_t *data;
    size_t size;
    size_t capacity;
} GgufImage;

static inline void image_reserve(GgufImage *image, size_t more) {
    if (image->size + more <= image->capacity) return;
    image->capacity = (image->size + more) * 2;
    image->data = realloc(image->data, image->capacity);
    if (!image->data) abort();
}

static inline void image_bytes(GgufImage *image, const void *bytes, size_t size) {
    image_reserve(image, size);
    if (size) memcpy(image->data + image->size, bytes, size);
    image->size += size;
}

static inline void image_number(GgufImage *image, uint64_t value, unsigned bytes) {
    uint8_t little[8];
    for (unsigned i = 0; i < bytes; i++)
        little[i] = (uint8_t)(value >> (8 * i));
    image_bytes(image, little, bytes);
}

static inline void image_zeros(GgufImage *image, size_t count) {
    image_reserve(image, count);
    if (count) memset(image->data + image->size, 0, count);
    image->size += count;
}

static inline void image_text(GgufImage *image, const char *text, size_t length) {
    image_number(image, length, 8);
    image_bytes(image, text, length);
}

static inline void image_float(GgufImage *image, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    image_number(image, bits, 4);
}

static inline void image_begin(GgufImage *image, uint32_t version) {
    *image = (GgufImage){0};
    image_bytes(image, "GGUF", 4);
    image_number(image, version, 4);
    image_number(image, 0, 8);
    image_number(image, 0, 8);
}

static inline void image_end(GgufImage *image) {
    free(image->data);
    *image = (GgufImage){0};
}

/* Adds one to the 8-byte count at `offset`: 8 holds the number of tensors, 16 that of keys. */
static inline void image_count(GgufImage *image, size_t offset) {
    for (unsigned i = 0; i < 8 && ++image->data[offset + i] == 0; i++)
        continue;
}

static inline void image_key(GgufImage *image, const char *name, AlisaGgufValueType type) {
    image_count(image, 16);
    image_text(image, name, strlen(name));
    image_number(image, type, 4);
}

static inline void image_array(GgufImage *image, const char *name, AlisaGgufValueType element,
                               uint64_t count) {
    image_key(image, name, ALISA_GGUF_ARRAY);
    image_number(image, element, 4);
    image_number(image, count, 8);
}

static inline void image_u32(GgufImage *image, const char *name, uint32_t value) {
    image_key(image, name, ALISA_GGUF_U32);
    image_number(image, value, 4);
}

static inline void image_bool(GgufImage *image, const char *name, bool value) {
    image_key(image, name, ALISA_GGUF_BOOL);
    image_number(image, value, 1);
}

static inline void image_string(GgufImage *image, const char *name, const char *value) {
    image_key(image, name, ALISA_GGUF_STRING);
    image_text(image, value, strlen(value));
}

/* Adds the description of a tensor; its data is added by the caller after the last one. */
static inline void image_tensor(GgufImage *image, const char *name, uint32_t type,
                                uint32_t dimension_count, const uint64_t *dimensions,
                                uint64_t offset) {
    image_count(image, 8);
    image_text(image, name, strlen(name));
    image_number(image, dimension_count, 4);
    for (uint32_t i = 0; i < dimension_count; i++)
        image_number(image, dimensions[i], 8);
    image_number(image, type, 4);
    image_number(image, offset, 8);
}

static inline void image_pad(GgufImage *image, size_t alignment) {
    while (image->size % alignment)
        image_zeros(image, 1);
}

#endif
