/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of weights on a device: the closed set that kernels are written for (cl/formats).
 *
 * A matrix is planes in one buffer. A plane holds one kind of thing of all rows - codes, scales -
 * one row after the other, so that neighbouring work-items load neighbouring bytes. The planes of a
 * repacked matrix, and the rows in them, are aligned to 16 bytes. What becomes of a file's types is
 * in repack.h.
 */
#ifndef ALISA_OPS_FORMAT_H
#define ALISA_OPS_FORMAT_H

#include "device/device.h"

/* The values are those of FORMAT in cl/formats/format.clh. */
typedef enum AlisaFormat {
    ALISA_FORMAT_F32,
    ALISA_FORMAT_F16,
    ALISA_FORMAT_BF16,
    ALISA_FORMAT_Q8_0, /* codes of 8 bits and a scale for each 32 */
    ALISA_FORMAT_Q4_0, /* codes of 4 bits and a scale for each 32 */
    ALISA_FORMAT_COUNT
} AlisaFormat;

/* Most planes of a format: codes, high bits of codes, scales (with minima), scales of those. */
enum { ALISA_FORMAT_PLANES = 4 };

/* So many bytes hold what a plane has of so many columns. */
typedef struct AlisaPlaneInfo {
    const char *name; /* "codes", "scales"; NULL past the last plane */
    uint32_t columns;
    uint32_t bytes;
} AlisaPlaneInfo;

typedef struct AlisaFormatInfo {
    const char *name;   /* "q8_0", in the names of sets of parameters */
    uint32_t columns;   /* a row is a multiple of so many weights */
    uint32_t alignment; /* bytes at which planes begin, and rows where it is 16 */
    bool is_flat;       /* one plane, as in a file: rows lie one behind the other without padding */
    bool has_codes;     /* small integers with scales, which activations of 8 bits multiply */
    bool fits_halves;   /* weights before their scale have the range of halves */
    AlisaPlaneInfo planes[ALISA_FORMAT_PLANES];
} AlisaFormatInfo;

/* NULL for a number that is no format. */
const AlisaFormatInfo *alisa_format_info(uint32_t format);

/* Bytes from one row of a plane to the next; 0 for a plane that the format has not. */
uint64_t alisa_format_stride(const AlisaFormatInfo *info, uint32_t plane, uint64_t columns);

/* Where the planes of a matrix begin when it lies by itself from byte 0 on. Returns the bytes it
 * needs, among them those that kernels may read past the end of a row of scales. */
uint64_t alisa_format_layout(const AlisaFormatInfo *info, uint64_t rows, uint64_t columns,
                             uint64_t planes[ALISA_FORMAT_PLANES]);

/* `rows` x `columns` weights on a device: row n holds the inputs' weights of output n. */
typedef struct AlisaMatrix {
    const AlisaBuffer *buffer;
    uint32_t format; /* AlisaFormat */
    uint32_t rows;
    uint32_t columns;
    uint64_t planes[ALISA_FORMAT_PLANES]; /* bytes from the start of the buffer */
} AlisaMatrix;

/* A matrix that was laid out by alisa_format_layout, from byte `offset` of the buffer on. */
AlisaMatrix alisa_matrix_at(const AlisaBuffer *buffer, uint64_t offset, uint32_t format,
                            uint32_t rows, uint32_t columns);
/* The matrix of its rows from `first` on. */
AlisaMatrix alisa_matrix_rows(const AlisaMatrix *matrix, uint32_t first, uint32_t rows);

/* Whether its rows begin at a multiple of so many bytes. */
bool alisa_matrix_is_aligned(const AlisaMatrix *matrix, uint32_t bytes);

/* Whether all planes are aligned as the format asks, and lie inside the buffer. */
bool alisa_matrix_is_inside(const AlisaMatrix *matrix);

#endif
