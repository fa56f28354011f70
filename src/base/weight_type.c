/* SPDX-License-Identifier: Apache-2.0 */
#include "base/weight_type.h"

#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/weight_blocks.h"

static float value_of_f32(const uint8_t *number) {
    float value;
    memcpy(&value, number, sizeof value);
    return value;
}

static float value_of_f16(const uint8_t *number) {
    return alisa_half_to_float((uint16_t)(number[0] | number[1] << 8));
}

static float value_of_bf16(const uint8_t *number) {
    return alisa_bfloat_to_float((uint16_t)(number[0] | number[1] << 8));
}

/* Types of ggml (enum ggml_type) and the size of their blocks. Ids 4 and 5 (Q4_2, Q4_3) never
 * appeared in GGUF. */
static const AlisaWeightTypeInfo types[] = {
    {ALISA_WEIGHT_F32, "F32", 1, 4, 4, value_of_f32, NULL},
    {ALISA_WEIGHT_F16, "F16", 1, 2, 2, value_of_f16, NULL},
    {ALISA_WEIGHT_BF16, "BF16", 1, 2, 2, value_of_bf16, NULL},
    {ALISA_WEIGHT_Q8_0, "Q8_0", 32, 34, 2, NULL, &alisa_coding_q8_0},
    {ALISA_WEIGHT_Q4_0, "Q4_0", 32, 18, 2, NULL, &alisa_coding_q4_0},
    {ALISA_WEIGHT_Q4_1, "Q4_1", 32, 20, 2, NULL, &alisa_coding_q4_1},
    {ALISA_WEIGHT_Q5_0, "Q5_0", 32, 22, 2, NULL, &alisa_coding_q5_0},
    {ALISA_WEIGHT_Q5_1, "Q5_1", 32, 24, 2, NULL, &alisa_coding_q5_1},
    {9, "Q8_1", 32, 36, 2, NULL, NULL},
    {ALISA_WEIGHT_Q2_K, "Q2_K", 256, 84, 2, NULL, &alisa_coding_q2_k},
    {ALISA_WEIGHT_Q3_K, "Q3_K", 256, 110, 2, NULL, &alisa_coding_q3_k},
    {ALISA_WEIGHT_Q4_K, "Q4_K", 256, 144, 2, NULL, &alisa_coding_q4_k},
    {ALISA_WEIGHT_Q5_K, "Q5_K", 256, 176, 2, NULL, &alisa_coding_q5_k},
    {ALISA_WEIGHT_Q6_K, "Q6_K", 256, 210, 2, NULL, &alisa_coding_q6_k},
    {15, "Q8_K", 256, 292, 4, NULL, NULL},
    {ALISA_WEIGHT_IQ2_XXS, "IQ2_XXS", 256, 66, 2, NULL, &alisa_coding_iq2_xxs},
    {ALISA_WEIGHT_IQ2_XS, "IQ2_XS", 256, 74, 2, NULL, &alisa_coding_iq2_xs},
    {ALISA_WEIGHT_IQ3_XXS, "IQ3_XXS", 256, 98, 2, NULL, &alisa_coding_iq3_xxs},
    {ALISA_WEIGHT_IQ1_S, "IQ1_S", 256, 50, 2, NULL, &alisa_coding_iq1_s},
    {ALISA_WEIGHT_IQ4_NL, "IQ4_NL", 32, 18, 2, NULL, &alisa_coding_iq4_nl},
    {ALISA_WEIGHT_IQ3_S, "IQ3_S", 256, 110, 2, NULL, &alisa_coding_iq3_s},
    {ALISA_WEIGHT_IQ2_S, "IQ2_S", 256, 82, 2, NULL, &alisa_coding_iq2_s},
    {ALISA_WEIGHT_IQ4_XS, "IQ4_XS", 256, 136, 2, NULL, &alisa_coding_iq4_xs},
    {24, "I8", 1, 1, 1, NULL, NULL},
    {25, "I16", 1, 2, 2, NULL, NULL},
    {26, "I32", 1, 4, 4, NULL, NULL},
    {27, "I64", 1, 8, 8, NULL, NULL},
    {28, "F64", 1, 8, 8, NULL, NULL},
    {ALISA_WEIGHT_IQ1_M, "IQ1_M", 256, 56, 2, NULL, &alisa_coding_iq1_m},
    {31, "Q4_0_4_4", 32, 18, 2, NULL, NULL},
    {32, "Q4_0_4_8", 32, 18, 2, NULL, NULL},
    {33, "Q4_0_8_8", 32, 18, 2, NULL, NULL},
    {ALISA_WEIGHT_TQ1_0, "TQ1_0", 256, 54, 2, NULL, &alisa_coding_tq1_0},
    {ALISA_WEIGHT_TQ2_0, "TQ2_0", 256, 66, 2, NULL, &alisa_coding_tq2_0},
    {36, "IQ4_NL_4_4", 32, 18, 2, NULL, NULL},
    {37, "IQ4_NL_4_8", 32, 18, 2, NULL, NULL},
    {38, "IQ4_NL_8_8", 32, 18, 2, NULL, NULL},
    {ALISA_WEIGHT_MXFP4, "MXFP4", 32, 17, 1, NULL, &alisa_coding_mxfp4},
    {ALISA_WEIGHT_NVFP4, "NVFP4", 64, 36, 1, NULL, &alisa_coding_nvfp4},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

_Static_assert(TYPE_COUNT * sizeof "IQ4_NL_8_8, " < 512, "a list of all types has room");

const AlisaWeightTypeInfo *alisa_weight_type_at(size_t index) {
    return index < TYPE_COUNT ? &types[index] : NULL;
}

const AlisaWeightTypeInfo *alisa_weight_type_info(uint32_t id) {
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].id == id) return &types[i];
    return NULL;
}

bool alisa_weight_type_is_computed(uint32_t id) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(id);
    return info && (info->value || info->coding);
}

void alisa_weight_type_list(char text[512]) {
    size_t last = 0, used = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (alisa_weight_type_is_computed(types[i].id)) last = i;
    for (size_t i = 0; i <= last && used < 512; i++) {
        if (!alisa_weight_type_is_computed(types[i].id)) continue;
        const char *before = used == 0 ? "" : i == last ? " and " : ", ";
        used += (size_t)snprintf(text + used, 512 - used, "%s%s", before, types[i].name);
    }
}

uint64_t alisa_weight_type_row_bytes(uint32_t id, uint64_t columns) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(id);
    return info ? columns / info->block_elements * info->block_bytes : 0;
}

/* ---- What codes mean ------------------------------------------------------------------------ */

static float sixteen_bits(bool is_bfloat, uint16_t bits) {
    return is_bfloat ? alisa_bfloat_to_float(bits) : alisa_half_to_float(bits);
}

float alisa_coding_scale(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i) {
    uint32_t shared = i / coding->shared;
    float scale = coding->factor * sixteen_bits(coding->is_bfloat, block->scales[shared]);
    if (!coding->part) return scale;
    uint32_t part = i / coding->part;
    return scale * (float)block->part_scales[part];
}

float alisa_coding_minimum(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i) {
    if (!coding->has_minima) return 0;
    float minimum = alisa_half_to_float(block->minimum);
    if (!coding->part) return minimum;
    uint32_t part = i / coding->part;
    return minimum * (float)block->part_minima[part];
}

int32_t alisa_coding_value(const AlisaCoding *coding, const AlisaWeightBlock *block, uint32_t i) {
    uint8_t code = block->codes[i];
    return coding->values ? coding->values[code] : (int32_t)code - coding->zero;
}

static void dequantise_block(const AlisaWeightTypeInfo *info, const uint8_t *bytes, float *values) {
    const AlisaCoding *coding = info->coding;
    AlisaWeightBlock block;
    coding->unpack(bytes, &block);
    for (uint32_t i = 0; i < info->block_elements; i++) {
        /* Exact: no scale, code and value have more than 24 bits together. */
        values[i] =
            alisa_coding_scale(coding, &block, i) * (float)alisa_coding_value(coding, &block, i);
        if (coding->has_minima) values[i] += alisa_coding_minimum(coding, &block, i);
    }
}

void alisa_weight_type_dequantise(uint32_t id, const uint8_t *row, uint64_t columns,
                                  float *values) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(id);
    for (uint64_t k = 0; k < columns; k += info->block_elements, row += info->block_bytes) {
        if (info->coding)
            dequantise_block(info, row, values + k);
        else
            values[k] = info->value(row);
    }
}
