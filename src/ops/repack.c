/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/repack.h"

#include <string.h>

#include "base/weight_type.h"

enum { SPAN = 32 };

static const struct {
    uint32_t type;
    AlisaFormat format;
} formats_of_types[] = {
    {ALISA_WEIGHT_F32, ALISA_FORMAT_F32},         {ALISA_WEIGHT_F16, ALISA_FORMAT_F16},
    {ALISA_WEIGHT_BF16, ALISA_FORMAT_BF16},       {ALISA_WEIGHT_Q8_0, ALISA_FORMAT_Q8_0},
    {ALISA_WEIGHT_Q4_0, ALISA_FORMAT_Q4_0},       {ALISA_WEIGHT_Q4_1, ALISA_FORMAT_Q4_1},
    {ALISA_WEIGHT_Q5_0, ALISA_FORMAT_Q5_0},       {ALISA_WEIGHT_Q5_1, ALISA_FORMAT_Q5_1},
    {ALISA_WEIGHT_Q2_K, ALISA_FORMAT_Q2_K},       {ALISA_WEIGHT_Q3_K, ALISA_FORMAT_Q3_K},
    {ALISA_WEIGHT_Q4_K, ALISA_FORMAT_Q4_K},       {ALISA_WEIGHT_Q5_K, ALISA_FORMAT_Q5_K},
    {ALISA_WEIGHT_Q6_K, ALISA_FORMAT_Q6_K},       {ALISA_WEIGHT_IQ4_NL, ALISA_FORMAT_IQ4_NL},
    {ALISA_WEIGHT_IQ4_XS, ALISA_FORMAT_IQ4_XS},   {ALISA_WEIGHT_MXFP4, ALISA_FORMAT_MXFP4},
    {ALISA_WEIGHT_NVFP4, ALISA_FORMAT_NVFP4},     {ALISA_WEIGHT_TQ1_0, ALISA_FORMAT_Q4_0},
    {ALISA_WEIGHT_TQ2_0, ALISA_FORMAT_Q4_0},      {ALISA_WEIGHT_IQ1_S, ALISA_FORMAT_IQ1},
    {ALISA_WEIGHT_IQ1_M, ALISA_FORMAT_IQ1},       {ALISA_WEIGHT_IQ2_XXS, ALISA_FORMAT_IQ2},
    {ALISA_WEIGHT_IQ2_XS, ALISA_FORMAT_IQ2},      {ALISA_WEIGHT_IQ2_S, ALISA_FORMAT_IQ2},
    {ALISA_WEIGHT_IQ3_XXS, ALISA_FORMAT_IQ3_XXS}, {ALISA_WEIGHT_IQ3_S, ALISA_FORMAT_IQ3_S},
};

bool alisa_repack_format(uint32_t type, AlisaFormat *format) {
    for (size_t i = 0; i < sizeof formats_of_types / sizeof *formats_of_types; i++)
        if (formats_of_types[i].type == type) {
            *format = formats_of_types[i].format;
            return true;
        }
    return false;
}

/* ---- Codes ----------------------------------------------------------------------------------- */

/* Codes of 32 weights as cl/formats has them; `more` is what the format's codes are more than those
 * of the type. */
static void write_fours(const uint8_t *codes, uint8_t more, uint8_t *to) {
    for (uint32_t i = 0; i < SPAN / 2; i++)
        to[i] = (uint8_t)(((codes[i] + more) & 15) | (codes[i + SPAN / 2] + more) << 4);
}

static void write_high_twos(const uint8_t *codes, uint8_t more, uint8_t *to) {
    for (uint32_t word = 0; word < 2; word++)
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t byte = 0;
            for (uint32_t group = 0; group < 4; group++)
                byte |= (uint32_t)((uint8_t)(codes[16 * word + 4 * group + i] + more) >> 4)
                        << 2 * group;
            to[4 * word + i] = (uint8_t)byte;
        }
}

static void write_eights(const uint8_t *codes, uint8_t zero, uint8_t *to) {
    for (uint32_t i = 0; i < SPAN; i++)
        to[i] = (uint8_t)(codes[i] - zero);
}

/* ---- Scales ---------------------------------------------------------------------------------- */

static uint8_t *write_u16(uint8_t *to, uint16_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

/* Those of the span that begins at weight k of a block, one part after the other. */
static void write_scales(const AlisaFormatInfo *format, const AlisaCoding *coding,
                         const AlisaWeightBlock *block, uint32_t k, uint8_t *to) {
    for (uint32_t part = 0; part < format->parts; part++) {
        uint32_t first = k + part * SPAN / 2;
        if (format->scales == ALISA_SCALES_BYTES) {
            *to++ = (uint8_t)block->part_scales[first / coding->part];
            if (format->has_minima) *to++ = (uint8_t)block->part_minima[first / coding->part];
        } else {
            to = write_u16(to, block->scales[first / coding->shared]);
            if (format->has_minima) to = write_u16(to, block->minimum);
        }
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void repack_row(const AlisaWeightTypeInfo *type, const AlisaFormatInfo *format,
                       const uint8_t *blocks, uint64_t columns, uint8_t *const planes[]) {
    const AlisaCoding *coding = type->coding;
    uint8_t *codes = planes[0], *scales = planes[1], *high = planes[2];
    uint8_t *supers = format->code_bits == 6 ? planes[3] : planes[2];
    uint8_t more = coding->values ? 0 : (uint8_t)(format->offset - coding->zero);
    uint32_t code_bytes = format->planes[0].bytes, scale_bytes = format->planes[1].bytes;
    for (uint64_t k = 0; k < columns; k += type->block_elements, blocks += type->block_bytes) {
        AlisaWeightBlock block;
        coding->unpack(blocks, &block);
        for (uint32_t i = 0; i < type->block_elements; i += SPAN) {
            if (format->code_bits == 8)
                write_eights(block.codes + i, coding->zero, codes);
            else
                write_fours(block.codes + i, more, codes);
            if (format->code_bits == 6) {
                write_high_twos(block.codes + i, more, high);
                high += SPAN / 4;
            }
            write_scales(format, coding, &block, i, scales);
            codes += code_bytes;
            scales += scale_bytes;
        }
        if (format->scales != ALISA_SCALES_BYTES) continue;
        supers = write_u16(supers, block.scales[0]);
        if (format->has_minima) supers = write_u16(supers, block.minimum);
    }
}

void alisa_repack_rows(uint32_t type, const uint8_t *blocks, uint64_t rows, uint64_t columns,
                       uint8_t *const planes[ALISA_FORMAT_PLANES]) {
    AlisaFormat format;
    if (!alisa_repack_format(type, &format)) return;
    const AlisaWeightTypeInfo *of_file = alisa_weight_type_info(type);
    const AlisaFormatInfo *info = alisa_format_info(format);
    uint64_t row_bytes = alisa_weight_type_row_bytes(type, columns);
    uint64_t strides[ALISA_FORMAT_PLANES], bytes[ALISA_FORMAT_PLANES];
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++) {
        const AlisaPlaneInfo *plane = &info->planes[i];
        strides[i] = alisa_format_stride(info, i, columns);
        bytes[i] = plane->name ? columns / plane->columns * plane->bytes : 0;
    }
#pragma omp parallel for schedule(dynamic, 16)
    for (uint64_t row = 0; row < rows; row++) {
        uint8_t *here[ALISA_FORMAT_PLANES] = {0};
        for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && strides[i]; i++) {
            here[i] = planes[i] + row * strides[i];
            memset(here[i] + bytes[i], 0, strides[i] - bytes[i]);
        }
        if (info->is_flat)
            memcpy(here[0], blocks + row * row_bytes, row_bytes);
        else
            repack_row(of_file, info, blocks + row * row_bytes, columns, here);
    }
}
