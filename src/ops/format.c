/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/format.h"

#include "base/round.h"

enum {
    LINE = 64,  /* bytes: planes begin with a line of a processor's cache */
    VECTOR = 16 /* bytes: a row of a plane begins so */
};

/* Kernels read sixteen halves at once from a place that is a multiple of as many, in rows that are
 * padded to eight: bytes past the last row. */
enum { OVERREAD = 16 };

static const AlisaFormatInfo formats[ALISA_FORMAT_COUNT] = {
    [ALISA_FORMAT_F32] =
        {.name = "f32", .columns = 1, .alignment = 4, .is_flat = true, .planes = {{"codes", 1, 4}}},
    [ALISA_FORMAT_F16] = {.name = "f16",
                          .columns = 1,
                          .alignment = 2,
                          .is_flat = true,
                          .fits_halves = true,
                          .planes = {{"codes", 1, 2}}},
    [ALISA_FORMAT_BF16] = {.name = "bf16",
                           .columns = 1,
                           .alignment = 2,
                           .is_flat = true,
                           .planes = {{"codes", 1, 2}}},
    [ALISA_FORMAT_Q8_0] = {.name = "q8_0",
                           .columns = 32,
                           .alignment = VECTOR,
                           .has_codes = true,
                           .fits_halves = true,
                           .planes = {{"codes", 32, 32}, {"scales", 32, 2}}},
    [ALISA_FORMAT_Q4_0] = {.name = "q4_0",
                           .columns = 32,
                           .alignment = VECTOR,
                           .has_codes = true,
                           .fits_halves = true,
                           .planes = {{"codes", 32, 16}, {"scales", 32, 2}}},
};

const AlisaFormatInfo *alisa_format_info(uint32_t format) {
    return format < ALISA_FORMAT_COUNT ? &formats[format] : NULL;
}

uint64_t alisa_format_stride(const AlisaFormatInfo *info, uint32_t plane, uint64_t columns) {
    const AlisaPlaneInfo *part = &info->planes[plane];
    if (!part->name) return 0;
    uint64_t bytes = columns / part->columns * part->bytes;
    return info->is_flat ? bytes : alisa_round_up_64(bytes, VECTOR);
}

uint64_t alisa_format_layout(const AlisaFormatInfo *info, uint64_t rows, uint64_t columns,
                             uint64_t planes[ALISA_FORMAT_PLANES]) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++) {
        uint64_t stride = alisa_format_stride(info, i, columns);
        planes[i] = stride ? alisa_round_up_64(used, LINE) : 0;
        if (stride) used = planes[i] + rows * stride;
    }
    return info->is_flat ? used : used + OVERREAD;
}

AlisaMatrix alisa_matrix_at(const AlisaBuffer *buffer, uint64_t offset, uint32_t format,
                            uint32_t rows, uint32_t columns) {
    AlisaMatrix matrix = {.buffer = buffer, .format = format, .rows = rows, .columns = columns};
    const AlisaFormatInfo *info = &formats[format];
    alisa_format_layout(info, rows, columns, matrix.planes);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name; i++)
        matrix.planes[i] += offset;
    return matrix;
}

AlisaMatrix alisa_matrix_rows(const AlisaMatrix *matrix, uint32_t first, uint32_t rows) {
    AlisaMatrix made = *matrix;
    made.rows = rows;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        made.planes[i] += first * alisa_format_stride(&formats[matrix->format], i, matrix->columns);
    return made;
}

bool alisa_matrix_is_inside(const AlisaMatrix *matrix) {
    const AlisaFormatInfo *info = &formats[matrix->format];
    uint64_t size = matrix->buffer->size, overread = info->is_flat ? 0 : OVERREAD;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name; i++) {
        uint64_t begin = matrix->planes[i];
        if (begin % info->alignment || size < overread || begin > size - overread ||
            matrix->rows >
                (size - overread - begin) / alisa_format_stride(info, i, matrix->columns))
            return false;
    }
    return true;
}

bool alisa_matrix_is_aligned(const AlisaMatrix *matrix, uint32_t bytes) {
    const AlisaFormatInfo *info = &formats[matrix->format];
    return info->alignment >= bytes || (matrix->planes[0] % bytes == 0 &&
                                        alisa_format_stride(info, 0, matrix->columns) % bytes == 0);
}
