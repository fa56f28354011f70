/* SPDX-License-Identifier: Apache-2.0 */
#include "base/weight_type.h"

#include <stdio.h>
#include <string.h>

#include "base/half.h"

static uint16_t read_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void dequantise_f32(const uint8_t *block, float *values) {
    memcpy(values, block, sizeof *values);
}

static void dequantise_f16(const uint8_t *block, float *values) {
    *values = alisa_half_to_float(read_u16(block));
}

static void dequantise_bf16(const uint8_t *block, float *values) {
    *values = alisa_bfloat_to_float(read_u16(block));
}

/* half d; int8 q[32]: weight i is d q[i]. */
static void dequantise_q8_0(const uint8_t *block, float *values) {
    float scale = alisa_half_to_float(read_u16(block));
    for (uint32_t i = 0; i < 32; i++)
        values[i] = scale * (float)(int8_t)block[2 + i];
}

/* half d; uint8 q[16]: weight i is d (low nibble of q[i] - 8), weight i + 16 the same of the high
 * nibble. */
static void dequantise_q4_0(const uint8_t *block, float *values) {
    float scale = alisa_half_to_float(read_u16(block));
    for (uint32_t i = 0; i < 16; i++) {
        values[i] = scale * (float)((block[2 + i] & 15) - 8);
        values[i + 16] = scale * (float)((block[2 + i] >> 4) - 8);
    }
}

/* Types of ggml (enum ggml_type) and the size of their blocks. Ids 4 and 5 (Q4_2, Q4_3) never
 * appeared in GGUF. */
static const AlisaWeightTypeInfo types[] = {
    {ALISA_WEIGHT_F32, "F32", 1, 4, 4, dequantise_f32},
    {ALISA_WEIGHT_F16, "F16", 1, 2, 2, dequantise_f16},
    {ALISA_WEIGHT_BF16, "BF16", 1, 2, 2, dequantise_bf16},
    {ALISA_WEIGHT_Q8_0, "Q8_0", 32, 34, 2, dequantise_q8_0},
    {ALISA_WEIGHT_Q4_0, "Q4_0", 32, 18, 2, dequantise_q4_0},
    {3, "Q4_1", 32, 20, 2, NULL},
    {6, "Q5_0", 32, 22, 2, NULL},
    {7, "Q5_1", 32, 24, 2, NULL},
    {9, "Q8_1", 32, 36, 2, NULL},
    {10, "Q2_K", 256, 84, 2, NULL},
    {11, "Q3_K", 256, 110, 2, NULL},
    {12, "Q4_K", 256, 144, 2, NULL},
    {13, "Q5_K", 256, 176, 2, NULL},
    {14, "Q6_K", 256, 210, 2, NULL},
    {15, "Q8_K", 256, 292, 4, NULL},
    {16, "IQ2_XXS", 256, 66, 2, NULL},
    {17, "IQ2_XS", 256, 74, 2, NULL},
    {18, "IQ3_XXS", 256, 98, 2, NULL},
    {19, "IQ1_S", 256, 50, 2, NULL},
    {20, "IQ4_NL", 32, 18, 2, NULL},
    {21, "IQ3_S", 256, 110, 2, NULL},
    {22, "IQ2_S", 256, 82, 2, NULL},
    {23, "IQ4_XS", 256, 136, 2, NULL},
    {24, "I8", 1, 1, 1, NULL},
    {25, "I16", 1, 2, 2, NULL},
    {26, "I32", 1, 4, 4, NULL},
    {27, "I64", 1, 8, 8, NULL},
    {28, "F64", 1, 8, 8, NULL},
    {29, "IQ1_M", 256, 56, 2, NULL},
    {31, "Q4_0_4_4", 32, 18, 2, NULL},
    {32, "Q4_0_4_8", 32, 18, 2, NULL},
    {33, "Q4_0_8_8", 32, 18, 2, NULL},
    {34, "TQ1_0", 256, 54, 2, NULL},
    {35, "TQ2_0", 256, 66, 2, NULL},
    {36, "IQ4_NL_4_4", 32, 18, 2, NULL},
    {37, "IQ4_NL_4_8", 32, 18, 2, NULL},
    {38, "IQ4_NL_8_8", 32, 18, 2, NULL},
    {39, "MXFP4", 32, 17, 1, NULL},
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
    return info && info->dequantise;
}

void alisa_weight_type_list(char text[512]) {
    size_t last = 0, used = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].dequantise) last = i;
    for (size_t i = 0; i <= last && used < 512; i++) {
        if (!types[i].dequantise) continue;
        const char *before = used == 0 ? "" : i == last ? " and " : ", ";
        used += (size_t)snprintf(text + used, 512 - used, "%s%s", before, types[i].name);
    }
}

uint64_t alisa_weight_type_row_bytes(uint32_t id, uint64_t columns) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(id);
    return info ? columns / info->block_elements * info->block_bytes : 0;
}

void alisa_weight_type_dequantise(uint32_t id, const uint8_t *row, uint64_t columns,
                                  float *values) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(id);
    for (uint64_t k = 0; k < columns; k += info->block_elements, row += info->block_bytes)
        info->dequantise(row, values + k);
}
