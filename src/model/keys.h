/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a file by what follows the architecture's name in theirs: read into a shape, with the
 * bounds that they must keep.
 */
#ifndef ALISA_MODEL_KEYS_H
#define ALISA_MODEL_KEYS_H

#include <stddef.h>

#include "gguf/gguf.h"
#include "model/shape.h"

/* "llama.context_length" and its like. */
typedef struct AlisaKeyName {
    char text[160];
} AlisaKeyName;

AlisaKeyName alisa_keys_name(const AlisaShape *shape, const char *suffix);

typedef struct AlisaIntegerKey {
    const char *suffix;
    uint32_t *value; /* stays as it is where the key is absent */
    uint32_t minimum;
    uint32_t maximum;
    bool required;
} AlisaIntegerKey;

AlisaStatus alisa_keys_read_integers(const AlisaGguf *gguf, const AlisaShape *shape,
                                     const AlisaIntegerKey *keys, size_t count, AlisaError *error);

/* A key with one value for all layers, or an array with one for each. */
typedef struct AlisaLayerKey {
    const char *suffix;
    size_t field; /* of AlisaLayerShape: where its uint32_t is */
    uint32_t minimum;
    uint32_t maximum;
    bool required;
} AlisaLayerKey;

/* Layers keep what they have where the key is absent. */
AlisaStatus alisa_keys_read_layers(const AlisaGguf *gguf, const AlisaShape *shape,
                                   const AlisaLayerKey *key, AlisaError *error);

typedef struct AlisaFloatKey {
    const char *suffix;
    float *value; /* stays as it is where the key is absent */
} AlisaFloatKey;

/* Numbers that mean nothing unless they are positive and finite. */
AlisaStatus alisa_keys_read_floats(const AlisaGguf *gguf, const AlisaShape *shape,
                                   const AlisaFloatKey *keys, size_t count, AlisaError *error);

/* Whether keys, or elements of an array, of the type are integers. */
bool alisa_keys_is_integer(AlisaGgufValueType type);

#endif
