/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of weights in files: the one table that everything about a type on the host comes from.
 * What a type becomes on a device is in ops/format.h.
 *
 * Flat types hold numbers. The others hold blocks of codes with scales: weight i of a block is
 *
 *     scale value(code i) [+ minimum]
 *
 * where the scale is a float of 16 bits, or such a float times a small integer of a part of the
 * block, and so is the minimum. Unpacking a block gives these; what they mean is in AlisaCoding.
 */
#ifndef ALISA_BASE_WEIGHT_TYPE_H
#define ALISA_BASE_WEIGHT_TYPE_H

#include "base/status.h"

/* Types that are computed with, as numbered in GGUF files. Files hold other numbers too. */
typedef enum AlisaWeightType {
    ALISA_WEIGHT_F32 = 0,
    ALISA_WEIGHT_F16 = 1,
    ALISA_WEIGHT_Q4_0 = 2,
    ALISA_WEIGHT_Q4_1 = 3,
    ALISA_WEIGHT_Q5_0 = 6,
    ALISA_WEIGHT_Q5_1 = 7,
    ALISA_WEIGHT_Q8_0 = 8,
    ALISA_WEIGHT_Q2_K = 10,
    ALISA_WEIGHT_Q3_K = 11,
    ALISA_WEIGHT_Q4_K = 12,
    ALISA_WEIGHT_Q5_K = 13,
    ALISA_WEIGHT_Q6_K = 14,
    ALISA_WEIGHT_IQ2_XXS = 16,
    ALISA_WEIGHT_IQ2_XS = 17,
    ALISA_WEIGHT_IQ3_XXS = 18,
    ALISA_WEIGHT_IQ1_S = 19,
    ALISA_WEIGHT_IQ4_NL = 20,
    ALISA_WEIGHT_IQ3_S = 21,
    ALISA_WEIGHT_IQ2_S = 22,
    ALISA_WEIGHT_IQ4_XS = 23,
    ALISA_WEIGHT_IQ1_M = 29,
    ALISA_WEIGHT_BF16 = 30,
    ALISA_WEIGHT_TQ1_0 = 34,
    ALISA_WEIGHT_TQ2_0 = 35,
    ALISA_WEIGHT_MXFP4 = 39,
    ALISA_WEIGHT_NVFP4 = 40,
} AlisaWeightType;

/* The most weights of a block, and parts of one. */
enum { ALISA_BLOCK_WEIGHTS = 256, ALISA_BLOCK_PARTS = 16 };

/* A block of a type with codes. */
typedef struct AlisaWeightBlock {
    uint8_t codes[ALISA_BLOCK_WEIGHTS];
    uint16_t scales[4];                    /* one for each coding->shared weights */
    uint16_t minimum;                      /* of the block; types with minima only */
    int8_t part_scales[ALISA_BLOCK_PARTS]; /* one for each coding->part weights, if that is not 0 */
    int8_t part_minima[ALISA_BLOCK_PARTS]; /* likewise; types with minima only */
} AlisaWeightBlock;

/* What the numbers of a block mean. */
typedef struct AlisaCoding {
    void (*unpack)(const uint8_t *block, AlisaWeightBlock *unpacked);
    const int8_t *values; /* [16]: of each code; NULL: the code less `zero` */
    uint8_t zero;
    uint8_t part;    /* weights that share small integers; 0: scales and minimum are whole */
    uint16_t shared; /* weights that share a scale of 16 bits */
    bool has_minima;
    bool is_bfloat; /* scales are bfloats; false: scales are halves. Minima are halves always */
    float factor;   /* a power of two that scales are multiplied with */
} AlisaCoding;

typedef struct AlisaWeightTypeInfo {
    uint32_t id;
    const char *name;        /* "Q8_0" */
    uint32_t block_elements; /* a row is a whole number of blocks */
    uint32_t block_bytes;
    uint32_t alignment; /* bytes: of the widest element of a block */
    /* Of a flat type: the exact value of a number. */
    float (*value)(const uint8_t *number);
    const AlisaCoding *coding; /* of a type with codes. Types with neither are only listed */
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

/* The scale of weight i of a block, and what is added to it (0 without minima): exact. */
float alisa_coding_scale(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i);
float alisa_coding_minimum(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i);
/* Weight i before scale and minimum. */
int32_t alisa_coding_value(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i);

#endif
