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
#include "formats/numbers.clh"

typedef enum AlisaFormat {
    ALISA_FORMAT_F32 = FORMAT_F32,
    ALISA_FORMAT_F16 = FORMAT_F16,
    ALISA_FORMAT_BF16 = FORMAT_BF16,
    ALISA_FORMAT_Q8_0 = FORMAT_Q8_0,
    ALISA_FORMAT_Q4_0 = FORMAT_Q4_0,
    ALISA_FORMAT_Q4_1 = FORMAT_Q4_1,
    ALISA_FORMAT_Q5_0 = FORMAT_Q5_0,
    ALISA_FORMAT_Q5_1 = FORMAT_Q5_1,
    ALISA_FORMAT_Q2_K = FORMAT_Q2_K,
    ALISA_FORMAT_Q3_K = FORMAT_Q3_K,
    ALISA_FORMAT_Q4_K = FORMAT_Q4_K,
    ALISA_FORMAT_Q5_K = FORMAT_Q5_K,
    ALISA_FORMAT_Q6_K = FORMAT_Q6_K,
    ALISA_FORMAT_IQ4_NL = FORMAT_IQ4_NL,
    ALISA_FORMAT_IQ4_XS = FORMAT_IQ4_XS,
    ALISA_FORMAT_MXFP4 = FORMAT_MXFP4,
    ALISA_FORMAT_NVFP4 = FORMAT_NVFP4,
    ALISA_FORMAT_IQ1 = FORMAT_IQ1,
    ALISA_FORMAT_IQ2 = FORMAT_IQ2,
    ALISA_FORMAT_IQ3_XXS = FORMAT_IQ3_XXS,
    ALISA_FORMAT_IQ3_S = FORMAT_IQ3_S,
    ALISA_FORMAT_COUNT
} AlisaFormat;

/* What scales of codes are, and minima likewise (cl/formats/scales.clh). */
typedef enum AlisaScales {
    ALISA_SCALES_NONE, /* flat formats */
    ALISA_SCALES_HALVES,
    ALISA_SCALES_BFLOATS,
    ALISA_SCALES_BYTES /* bytes, times halves that 256 weights share */
} AlisaScales;

/* How much of what people run is stored so: what is worth tuning and benchmarking. */
typedef enum AlisaFormatUse {
    ALISA_FORMAT_SELDOM,
    ALISA_FORMAT_OFTEN,
    ALISA_FORMAT_MOST
} AlisaFormatUse;

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
    bool fits_matrix;   /* and their scales are halves for each 32, without minima */
    AlisaFormatUse use;
    AlisaScales scales;
    uint32_t code_bits; /* 4, 6 or 8; of formats with codes */
    uint32_t offset; /* of codes of 4 and 6 bits that are no places in a list: what is taken off */
    uint32_t parts;  /* of 32 weights, each with a scale of its own: 1 or 2 */
    bool has_minima; /* something is added to weights after they are scaled */
    AlisaPlaneInfo planes[ALISA_FORMAT_PLANES];
} AlisaFormatInfo;

/* NULL for a number that is no format. */
const AlisaFormatInfo *alisa_format_info(uint32_t format);

/* Bits of a weight in all planes, without padding. */
double alisa_format_bits(const AlisaFormatInfo *info);

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
    /* Where the buffer's bytes are in host memory, if they are there and not on the device: the
     * buffer is a size without memory then, and each product copies the matrix first. Usually NULL.
     */
    const uint8_t *host;
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
