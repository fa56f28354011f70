/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of float matrices by CLBlast, where the library was built with it (ALISA_CLBLAST of the
 * build). Its kernels are built for a device at the first product with new parameters: a fraction
 * of a second where the driver remembers what it compiled, up to ten seconds where it does not.
 * What CLBlast refuses when it builds or launches them it also prints on standard error, so sets of
 * parameters are to be checked before (alisa_parameter_set_check).
 */
#ifndef ALISA_DEVICE_SGEMM_H
#define ALISA_DEVICE_SGEMM_H

#include "device/buffer.h"

/* How CLBlast's kernels are built, in CLBlast's own names in small letters. M stands for outputs, N
 * for rows of activations, K for the columns that are summed over. Flags are 0 or 1, all others
 * powers of two. CLBlast has two kernels (gemmk 0 and 1); a parameter that says "gemmk 0" does not
 * matter to kernel 1, and the other way round. */
typedef struct AlisaSgemmParameters {
    uint32_t indirect;     /* products of fewer than indirect^3 multiplications are done by a third
                              kernel, which reads matrices as they are and is built as CLBlast
                              knows best for the device */
    uint32_t gemmk;        /* 0: a work-item takes one column at a time; 1: it takes kreg columns */
    uint32_t mwg, nwg;     /* outputs and rows of a group's tile; gemmk 1 is right only if they are
                              equal */
    uint32_t mdimc, ndimc; /* work-items of a group, along outputs and along rows */
    uint32_t vwm, vwn;     /* width of the vectors read, along outputs and along rows */
    uint32_t kwg;          /* gemmk 0: columns that a group takes at a time */
    uint32_t kwi;          /* gemmk 0: how far the loop over them is unrolled */
    uint32_t sa, sb;       /* gemmk 0: weights (sa), activations (sb) go through local memory */
    uint32_t mdima,
        ndimb;           /* work-items side by side that bring weights, if sa; activations, if sb */
    uint32_t strm, strn; /* gemmk 0: the vectors of a work-item lie apart, not side by side; along
                            outputs (strm) and rows (strn) */
    uint32_t kreg;       /* gemmk 1: columns that a work-item holds in registers */
} AlisaSgemmParameters;

/* A matrix of floats that begins at element `offset` of a buffer; its rows are `stride` elements
 * apart. */
typedef struct AlisaSgemmMatrix {
    const AlisaBuffer *buffer;
    uint64_t offset;
    uint32_t stride;
} AlisaSgemmMatrix;

typedef struct AlisaSgemm {
    AlisaSgemmMatrix weights;     /* outputs x columns */
    AlisaSgemmMatrix activations; /* rows x columns */
    AlisaSgemmMatrix results;     /* rows x outputs */
    uint32_t outputs, columns, rows;
    bool accumulate; /* results += product, not results = product */
    /* Overwritten. It has room for all three matrices as floats, with outputs and rows rounded up
     * to tiles (mwg, nwg) and columns rounded up to kwg. */
    const AlisaBuffer *scratch;
} AlisaSgemm;

/* Whether the library was built with CLBlast. */
bool alisa_opencl_has_sgemm(void);

/* Whether CLBlast, which counts elements in int, reaches every element of a matrix of `rows` rows.
 */
bool alisa_sgemm_reaches(const AlisaSgemmMatrix *matrix, uint32_t rows);

/* Enqueues results[r][n] = sum_k activations[r][k] weights[n][k] (+ results[r][n] if `accumulate`)
 * in order on the compute queue, and returns. A build without CLBlast, and a matrix out of
 * CLBlast's reach, are ALISA_ERROR_ARGUMENT; what CLBlast refuses is an error with its code. */
AlisaStatus alisa_opencl_sgemm(AlisaDevice *device, const AlisaSgemm *product,
                               const AlisaSgemmParameters *parameters, AlisaError *error);

#endif
