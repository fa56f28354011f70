/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/format.h"

#include "base/round.h"

enum {
    LINE = 64,  /* bytes: planes begin with a line of a processor's cache */
    VECTOR = 16 /* bytes: a row of a plane begins so */
};

#define FOURS                                                                                      \
    { "codes", 32, 16 }
#define EIGHTS                                                                                     \
    { "codes", 32, 32 }
#define HIGH                                                                                       \
    { "high bits", 32, 8 }
#define SCALES(n)                                                                                  \
    { "scales", 32, n }
#define SUPERS(n)                                                                                  \
    { "scales of scales", 256, n }
#define OF_CODES .alignment = VECTOR, .has_codes = true, .fits_halves = true
#define HALVES   .columns = 32, .scales = ALISA_SCALES_HALVES, OF_CODES
#define BFLOATS  .columns = 32, .scales = ALISA_SCALES_BFLOATS, OF_CODES
#define BYTES    .columns = 256, .scales = ALISA_SCALES_BYTES, OF_CODES

static const AlisaFormatInfo formats[ALISA_FORMAT_COUNT] = {
    [ALISA_FORMAT_F32] = {.name = "f32",
                          .use = ALISA_FORMAT_OFTEN,
                          .columns = 1,
                          .alignment = 4,
                          .is_flat = true,
                          .planes = {{"codes", 1, 4}}},
    [ALISA_FORMAT_F16] = {.name = "f16",
                          .use = ALISA_FORMAT_MOST,
                          .columns = 1,
                          .alignment = 2,
                          .is_flat = true,
                          .fits_halves = true,
                          .fits_matrix = true,
                          .planes = {{"codes", 1, 2}}},
    [ALISA_FORMAT_BF16] = {.name = "bf16",
                           .use = ALISA_FORMAT_OFTEN,
                           .columns = 1,
                           .alignment = 2,
                           .is_flat = true,
                           .planes = {{"codes", 1, 2}}},
    [ALISA_FORMAT_Q8_0] = {.name = "q8_0",
                           .use = ALISA_FORMAT_MOST,
                           HALVES,
                           .code_bits = 8,
                           .parts = 1,
                           .fits_matrix = true,
                           .planes = {EIGHTS, SCALES(2)}},
    [ALISA_FORMAT_Q4_0] = {.name = "q4_0",
                           .use = ALISA_FORMAT_MOST,
                           HALVES,
                           .code_bits = 4,
                           .offset = 8,
                           .parts = 1,
                           .fits_matrix = true,
                           .planes = {FOURS, SCALES(2)}},
    [ALISA_FORMAT_Q4_1] = {.name = "q4_1",
                           HALVES,
                           .code_bits = 4,
                           .parts = 1,
                           .has_minima = true,
                           .planes = {FOURS, SCALES(4)}},
    [ALISA_FORMAT_Q5_0] = {.name = "q5_0",
                           .use = ALISA_FORMAT_OFTEN,
                           HALVES,
                           .code_bits = 6,
                           .offset = 16,
                           .parts = 1,
                           .fits_matrix = true,
                           .planes = {FOURS, SCALES(2), HIGH}},
    [ALISA_FORMAT_Q5_1] = {.name = "q5_1",
                           HALVES,
                           .code_bits = 6,
                           .parts = 1,
                           .has_minima = true,
                           .planes = {FOURS, SCALES(4), HIGH}},
    [ALISA_FORMAT_Q2_K] = {.name = "q2_k",
                           BYTES,
                           .code_bits = 4,
                           .parts = 2,
                           .has_minima = true,
                           .planes = {FOURS, SCALES(4), SUPERS(4)}},
    [ALISA_FORMAT_Q3_K] = {.name = "q3_k",
                           BYTES,
                           .code_bits = 4,
                           .offset = 4,
                           .parts = 2,
                           .planes = {FOURS, SCALES(2), SUPERS(2)}},
    [ALISA_FORMAT_Q4_K] = {.name = "q4_k",
                           .use = ALISA_FORMAT_MOST,
                           BYTES,
                           .code_bits = 4,
                           .parts = 1,
                           .has_minima = true,
                           .planes = {FOURS, SCALES(2), SUPERS(4)}},
    [ALISA_FORMAT_Q5_K] = {.name = "q5_k",
                           .use = ALISA_FORMAT_OFTEN,
                           BYTES,
                           .code_bits = 6,
                           .parts = 1,
                           .has_minima = true,
                           .planes = {FOURS, SCALES(2), HIGH, SUPERS(4)}},
    [ALISA_FORMAT_Q6_K] = {.name = "q6_k",
                           .use = ALISA_FORMAT_MOST,
                           BYTES,
                           .code_bits = 6,
                           .offset = 32,
                           .parts = 2,
                           .planes = {FOURS, SCALES(2), HIGH, SUPERS(2)}},
    [ALISA_FORMAT_IQ4_NL] = {.name = "iq4_nl",
                             HALVES,
                             .code_bits = 4,
                             .parts = 1,
                             .fits_matrix = true,
                             .planes = {FOURS, SCALES(2)}},
    [ALISA_FORMAT_IQ4_XS] = {.name = "iq4_xs",
                             .use = ALISA_FORMAT_OFTEN,
                             BYTES,
                             .code_bits = 4,
                             .parts = 1,
                             .planes = {FOURS, SCALES(1), SUPERS(2)}},
    [ALISA_FORMAT_MXFP4] = {.name = "mxfp4",
                            .use = ALISA_FORMAT_OFTEN,
                            HALVES,
                            .code_bits = 4,
                            .parts = 1,
                            .planes = {FOURS, SCALES(2)}},
    [ALISA_FORMAT_NVFP4] =
        {.name = "nvfp4", HALVES, .code_bits = 4, .parts = 2, .planes = {FOURS, SCALES(4)}},
    [ALISA_FORMAT_IQ1] =
        {.name = "iq1", BYTES, .code_bits = 4, .parts = 2, .planes = {FOURS, SCALES(2), SUPERS(2)}},
    [ALISA_FORMAT_IQ2] =
        {.name = "iq2", BYTES, .code_bits = 4, .parts = 2, .planes = {FOURS, SCALES(2), SUPERS(2)}},
    [ALISA_FORMAT_IQ3_XXS] = {.name = "iq3_xxs",
                              BYTES,
                              .code_bits = 4,
                              .parts = 1,
                              .planes = {FOURS, SCALES(1), SUPERS(2)}},
    [ALISA_FORMAT_IQ3_S] = {.name = "iq3_s",
                            BYTES,
                            .code_bits = 4,
                            .parts = 1,
                            .planes = {FOURS, SCALES(1), SUPERS(2)}},
};

/* Kernels read what sixteen spans have in each plane at once, but of codes 64 bytes, in rows that
 * are padded to sixteen bytes: bytes past the last row, at most. */
static uint64_t overread(const AlisaFormatInfo *info) {
    enum { SPANS = 16, LEAST = 128 };
    uint64_t scales = (uint64_t)SPANS * info->planes[1].bytes;
    return info->is_flat ? 0 : scales > LEAST ? scales : LEAST;
}

const AlisaFormatInfo *alisa_format_info(uint32_t format) {
    return format < ALISA_FORMAT_COUNT ? &formats[format] : NULL;
}

double alisa_format_bits(const AlisaFormatInfo *info) {
    double bits = 0.0;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name; i++)
        bits += 8.0 * info->planes[i].bytes / info->planes[i].columns;
    return bits;
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
    return used + overread(info);
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
    uint64_t size = matrix->buffer->size, past = overread(info);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name; i++) {
        uint64_t begin = matrix->planes[i];
        if (begin % info->alignment || size < past || begin > size - past ||
            matrix->rows > (size - past - begin) / alisa_format_stride(info, i, matrix->columns))
            return false;
    }
    return true;
}

bool alisa_matrix_is_aligned(const AlisaMatrix *matrix, uint32_t bytes) {
    const AlisaFormatInfo *info = &formats[matrix->format];
    return info->alignment >= bytes || (matrix->planes[0] % bytes == 0 &&
                                        alisa_format_stride(info, 0, matrix->columns) % bytes == 0);
}
