/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of weights in files: the one table that everything about a type on the host comes from.
 * What a type becomes on a device is in ops/format.h.
 */
#ifndef ALISA_BASE_WEIGHT_TYPE_H
#define ALISA_BASE_WEIGHT_TYPE_H

#include "base/status.h"

/* Types that are computed with, as numbered in GGUF files. Files hold other numbers too. */
typedef enum AlisaWeightType {
    ALISA_WEIGHT_F32 = 0,
    ALISA_WEIGHT_F16 = 1,
    ALISA_WEIGHT_Q4_0 = 2,
    ALISA_WEIGHT_Q8_0 = 8,
    ALISA_WEIGHT_BF16 = 30,
} AlisaWeightType;

typedef struct AlisaWeightTypeInfo {
    uint32_t id;
    const char *name;        /* "Q8_0" */
    uint32_t block_elements; /* a row is a whole number of blocks */
    uint32_t block_bytes;
    uint32_t alignment; /* bytes: of the widest element of a block */
    /* Writes the exact values of one block. NULL for types that are only listed. */
    void (*dequantise)(const uint8_t *block, float *values);
} AlisaWeightTypeInfo;

/* NULL for an id this version does not know. */
const AlisaWeightTypeInfo *alisa_weight_type_info(uint32_t id);

/* Whether this version computes with weights of the type; false for an unknown id. */
bool alisa_weight_type_is_computed(uint32_t id);
/* The row of the table; NULL past the last one. */
const AlisaWeightTypeInfo *alisa_weight_type_at(size_t index);

/* The names of the types that are computed with, as in a sentence: "F32, F16 and Q8_0". */
void alisa_weight_type_list(char text[512]);

/* Bytes of a row of whole blocks; 0 for an unknown id. */
uint64_t alisa_weight_type_row_bytes(uint32_t id, uint64_t columns);
/* Writes the exact values of a row of whole blocks of a type that is computed with. */
void alisa_weight_type_dequantise(uint32_t id, const uint8_t *row, uint64_t columns, float *values);

#endif
