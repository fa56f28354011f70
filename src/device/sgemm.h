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

/* How CLBlast's kernels are built, by its own names in small letters. M are the outputs, N the rows
 * of activations, K the columns that are summed over. Flags are 0 or 1, the others powers of two.
 * It has two kernels (gemmk), and what one of them has alone does not matter to the other. */
typedef struct AlisaSgemmParameters {
    uint32_t indirect;     /* with fewer than indirect^3 multiplications, a third kernel is taken
                              that reads matrices as they are, as CLBlast has it for the device */
    uint32_t gemmk;        /* 0: a work-item takes one column at a time; 1: kreg of them */
    uint32_t mwg, nwg;     /* a group's tile; gemmk 1 is right with equal ones only */
    uint32_t mdimc, ndimc; /* work-items of a group */
    uint32_t vwm, vwn;     /* width of vectors */
    uint32_t kwg;          /* gemmk 0: columns of a step */
    uint32_t kwi;          /* of these, unrolled */
    uint32_t sa, sb;       /* gemmk 0: weights, activations of a step are brought to local memory */
    uint32_t mdima, ndimb; /* with sa, sb: work-items side by side that bring them */
    uint32_t strm, strn;   /* gemmk 0: a work-item's vectors are apart, not side by side */
    uint32_t kreg;         /* gemmk 1: columns in registers */
} AlisaSgemmParameters;

/* A matrix of floats from element `offset` of a buffer, its rows `stride` elements apart. */
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
    bool accumulate;
    /* Overwritten: floats for all three matrices, each side made whole tiles (columns: whole
     * steps). */
    const AlisaBuffer *scratch;
} AlisaSgemm;

/* Whether the library was built with CLBlast. */
bool alisa_opencl_has_sgemm(void);

/* Whether CLBlast, which counts in int, reaches every element. */
bool alisa_sgemm_reaches(const AlisaSgemmMatrix *matrix, uint32_t rows);

/* results[r][n] = sum_k activations[r][k] weights[n][k] (+ results[r][n] if `accumulate`), enqueued
 * in order on the compute queue; nothing waits. Without CLBlast, and for matrices that end outside
 * their buffers or out of its reach: ALISA_ERROR_ARGUMENT or ALISA_ERROR_DEVICE with its code. */
AlisaStatus alisa_opencl_sgemm(AlisaDevice *device, const AlisaSgemm *product,
                               const AlisaSgemmParameters *parameters, AlisaError *error);

#endif
