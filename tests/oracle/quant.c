/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_u16(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* Bits of a half of the kind wanted, sign included: an element of F16, or a block's scale. */
static uint32_t make_half(OracleWeights kind, uint32_t k, AlisaRandom *random) {
    uint32_t sign =
        kind == ORACLE_WEIGHTS_LARGE ? (k & 1) << 15 : alisa_random_next(random) & 0x8000;
    uint32_t fraction = alisa_random_below(random, 1024);
    switch (kind) {
    case ORACLE_WEIGHTS_LARGE:
        return sign | 28u << 10 | fraction; /* 2^13 .. 2^14 */
    case ORACLE_WEIGHTS_SUBNORMAL:
        return sign | (fraction ? fraction : 1);
    default:
        return sign | (12 + alisa_random_below(random, 4)) << 10 | fraction; /* 2^-3 .. 2 */
    }
}

static float make_float(OracleWeights kind, uint32_t k, AlisaRandom *random) {
    float value = alisa_random_normal(random);
    switch (kind) {
    case ORACLE_WEIGHTS_LARGE:
        return (k & 1 ? -1e4f : 1e4f) * (1 + fabsf(value));
    case ORACLE_WEIGHTS_SUBNORMAL:
        return value * 1e-30f; /* float subnormals may be flushed */
    default:
        return value;
    }
}

/* Where a block has halves, and where codes; what else it has is random. */
typedef struct Layout {
    uint32_t type;
    int32_t scale, minimum; /* bytes; -1: none that is a half */
    uint32_t codes, end;
    uint8_t lowest; /* a byte of the codes that are lowest */
} Layout;

enum { NO_HALF = -1 };

static const Layout layouts[] = {
    {ALISA_WEIGHT_Q4_0, 0, NO_HALF, 2, 18, 0},
    {ALISA_WEIGHT_Q4_1, 0, 2, 4, 20, 0},
    {ALISA_WEIGHT_Q5_0, 0, NO_HALF, 2, 22, 0},
    {ALISA_WEIGHT_Q5_1, 0, 2, 4, 24, 0},
    {ALISA_WEIGHT_Q8_0, 0, NO_HALF, 2, 34, 128},
    {ALISA_WEIGHT_Q2_K, 80, 82, 16, 80, 0},
    {ALISA_WEIGHT_Q3_K, 108, NO_HALF, 0, 96, 0},
    {ALISA_WEIGHT_Q4_K, 0, 2, 16, 144, 0},
    {ALISA_WEIGHT_Q5_K, 0, 2, 16, 176, 0},
    {ALISA_WEIGHT_Q6_K, 208, NO_HALF, 0, 192, 0},
    {ALISA_WEIGHT_IQ4_NL, 0, NO_HALF, 2, 18, 0},
    {ALISA_WEIGHT_IQ4_XS, 0, NO_HALF, 8, 136, 0},
    {ALISA_WEIGHT_MXFP4, NO_HALF, NO_HALF, 1, 17, 0xff},
    {ALISA_WEIGHT_NVFP4, NO_HALF, NO_HALF, 4, 36, 0xff},
    {ALISA_WEIGHT_TQ1_0, 52, NO_HALF, 0, 52, 0},
    {ALISA_WEIGHT_TQ2_0, 64, NO_HALF, 0, 64, 0},
    {ALISA_WEIGHT_IQ1_S, 0, NO_HALF, 2, 34, 0},
    {ALISA_WEIGHT_IQ1_M, NO_HALF, NO_HALF, 0, 32, 0},
    {ALISA_WEIGHT_IQ2_XXS, 0, NO_HALF, 2, 2, 0},
    {ALISA_WEIGHT_IQ2_XS, 0, NO_HALF, 2, 66, 0},
    {ALISA_WEIGHT_IQ2_S, 0, NO_HALF, 2, 74, 0},
    {ALISA_WEIGHT_IQ3_XXS, 0, NO_HALF, 2, 66, 0},
    {ALISA_WEIGHT_IQ3_S, 0, NO_HALF, 2, 106, 0},
};

static const Layout *find_layout(uint32_t type) {
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].type == type) return &layouts[i];
    return NULL;
}

/* Scales that are no halves in one piece. */
static void make_scales(uint32_t type, OracleWeights kind, AlisaRandom *random, uint32_t half,
                        uint8_t *bytes) {
    static const uint8_t exponents[ORACLE_WEIGHTS_COUNT] = {
        125, 140, 30, 126, 124}; /* 2^-3, 2^12, far below halves, and ordinary ones */
    if (type == ALISA_WEIGHT_MXFP4)
        bytes[0] = (uint8_t)(exponents[kind] + alisa_random_below(random, 3));
    for (uint32_t i = 0; i < 4 && type == ALISA_WEIGHT_NVFP4; i++)
        bytes[i] =
            (uint8_t)(kind == ORACLE_WEIGHTS_SUBNORMAL ? 1 + alisa_random_below(random, 7)
                      : kind == ORACLE_WEIGHTS_LARGE   ? 0x70 + alisa_random_below(random, 15)
                                                       : 0x30 + alisa_random_below(random, 32));
    for (uint32_t i = 0; i < 4 && type == ALISA_WEIGHT_IQ1_M; i++)
        bytes[49 + 2 * i] = (uint8_t)((bytes[49 + 2 * i] & 15) | (half >> 4 * i & 15) << 4);
}

static void make_block(const AlisaWeightTypeInfo *info, const Layout *layout, OracleWeights kind,
                       uint32_t block, AlisaRandom *random, uint8_t *bytes) {
    uint32_t half = make_half(kind, block, random);
    for (uint32_t i = 0; i < info->block_bytes; i++)
        bytes[i] = (uint8_t)alisa_random_next(random);
    for (uint32_t i = layout->codes; i < layout->end; i++) {
        uint32_t in_turn = block * (layout->end - layout->codes) + i - layout->codes;
        if (kind == ORACLE_WEIGHTS_EXTREME) bytes[i] = (uint8_t)(in_turn + 128);
        if (kind == ORACLE_WEIGHTS_LOWEST) bytes[i] = layout->lowest;
    }
    make_scales(info->id, kind, random, half, bytes);
    if (layout->scale != NO_HALF) write_u16(bytes + layout->scale, half);
    if (layout->minimum != NO_HALF)
        write_u16(bytes + layout->minimum, make_half(kind, block, random));
}

void oracle_make_row(uint32_t type, OracleWeights kind, uint32_t columns, AlisaRandom *random,
                     uint8_t *row) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
    if (info->coding) {
        const Layout *layout = find_layout(type);
        if (!layout) abort();
        for (uint32_t block = 0; block < columns / info->block_elements; block++)
            make_block(info, layout, kind, block, random, row + block * info->block_bytes);
        return;
    }
    for (uint32_t k = 0; k < columns; k++) {
        float value = make_float(kind, k, random);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        switch (type) {
        case ALISA_WEIGHT_F32:
            memcpy(row + 4 * k, &value, sizeof value);
            break;
        case ALISA_WEIGHT_BF16:
            write_u16(row + 2 * k, bits >> 16);
            break;
        default:
            write_u16(row + 2 * k, make_half(kind, k, random));
            break;
        }
    }
}

void oracle_sizes(uint32_t type, const uint8_t *row, uint32_t columns, float *sizes) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
    for (uint32_t k = 0; k < columns; k += info->block_elements, row += info->block_bytes) {
        AlisaWeightBlock block;
        if (info->coding)
            info->coding->unpack(row, &block);
        else
            sizes[k] = fabsf(info->value(row));
        for (uint32_t i = 0; i < info->block_elements && info->coding; i++)
            sizes[k + i] = fabsf(alisa_coding_scale(info->coding, &block, i) *
                                 (float)alisa_coding_value(info->coding, &block, i)) +
                           fabsf(alisa_coding_minimum(info->coding, &block, i));
    }
}
