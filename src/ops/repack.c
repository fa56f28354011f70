/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/repack.h"

#include <string.h>

#include "base/weight_type.h"

/* One row; planes[i] is its place in plane i. Flat rows are copied. */
typedef void RowRepacker(const uint8_t *blocks, uint64_t columns, uint8_t *const planes[]);

static void repack_q8_0(const uint8_t *blocks, uint64_t columns, uint8_t *const planes[]) {
    uint8_t *codes = planes[0], *scales = planes[1];
    for (uint64_t b = 0; b < columns / 32; b++, blocks += 34) {
        memcpy(scales + 2 * b, blocks, 2);
        memcpy(codes + 32 * b, blocks + 2, 32);
    }
}

static void repack_q4_0(const uint8_t *blocks, uint64_t columns, uint8_t *const planes[]) {
    uint8_t *codes = planes[0], *scales = planes[1];
    for (uint64_t b = 0; b < columns / 32; b++, blocks += 18) {
        memcpy(scales + 2 * b, blocks, 2);
        memcpy(codes + 16 * b, blocks + 2, 16);
    }
}

/* A row of the table of types for which there is no format of their own: floats. */
static void repack_floats(uint32_t type, const uint8_t *blocks, uint64_t columns, uint8_t *row) {
    alisa_weight_type_dequantise(type, blocks, columns, (float *)(void *)row);
}

static const struct {
    uint32_t type;
    AlisaFormat format;
    RowRepacker *repack; /* NULL: the row as it is */
} rows_of_types[] = {
    {ALISA_WEIGHT_F32, ALISA_FORMAT_F32, NULL},
    {ALISA_WEIGHT_F16, ALISA_FORMAT_F16, NULL},
    {ALISA_WEIGHT_BF16, ALISA_FORMAT_BF16, NULL},
    {ALISA_WEIGHT_Q8_0, ALISA_FORMAT_Q8_0, repack_q8_0},
    {ALISA_WEIGHT_Q4_0, ALISA_FORMAT_Q4_0, repack_q4_0},
};

enum { ROW_COUNT = sizeof rows_of_types / sizeof *rows_of_types };

static size_t find_type(uint32_t type) {
    size_t i = 0;
    while (i < ROW_COUNT && rows_of_types[i].type != type)
        i++;
    return i;
}

bool alisa_repack_format(uint32_t type, AlisaFormat *format) {
    size_t i = find_type(type);
    *format = i < ROW_COUNT ? rows_of_types[i].format : ALISA_FORMAT_F32;
    return alisa_weight_type_is_computed(type);
}

bool alisa_repack_is_copy(uint32_t type) {
    size_t i = find_type(type);
    return i < ROW_COUNT && !rows_of_types[i].repack;
}

void alisa_repack_rows(uint32_t type, const uint8_t *blocks, uint64_t rows, uint64_t columns,
                       uint8_t *const planes[ALISA_FORMAT_PLANES]) {
    AlisaFormat format;
    alisa_repack_format(type, &format);
    size_t index = find_type(type);
    RowRepacker *repack = index < ROW_COUNT ? rows_of_types[index].repack : NULL;
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
        if (repack)
            repack(blocks + row * row_bytes, columns, here);
        else if (index == ROW_COUNT)
            repack_floats(type, blocks + row * row_bytes, columns, here[0]);
        else
            memcpy(here[0], blocks + row * row_bytes, row_bytes);
    }
}
