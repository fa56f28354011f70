/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense operations on a device: one function each, launched in order on the compute queue.
 *
 * Activations are float, row-major. Weights are in one of the formats of format.h and are
 * dequantised inside the kernels. Each operation has a kernel for devices where one work-item does
 * a long vector job (CPUs) and one where many work-items cooperate (GPUs); AlisaOpsParameters says
 * which is used, or that CLBlast does the products of many rows.
 */
#ifndef ALISA_OPS_OPS_H
#define ALISA_OPS_OPS_H

#include "base/architecture.h"
#include "device/device.h"
#include "ops/format.h"
#include "ops/parameters.h"

/* Float activations from element `offset` of the buffer; rows are contiguous. */
typedef struct AlisaVector {
    const AlisaBuffer *buffer;
    uint64_t offset;
} AlisaVector;

typedef struct AlisaOps AlisaOps;

/* `parameters` NULL: the defaults. Kernels are built when first needed, or by alisa_ops_prepare. */
AlisaStatus alisa_ops_create(AlisaDevice *device, const AlisaOpsParameters *parameters,
                             AlisaOps **ops, AlisaError *error);
void alisa_ops_destroy(AlisaOps *ops);
AlisaDevice *alisa_ops_device(const AlisaOps *ops);
const AlisaOpsParameters *alisa_ops_parameters(const AlisaOps *ops);
/* Device memory held for products, for as long as the operations are there: 0 unless some are done
 * by CLBlast or with activations of 8 bits, or matrices are in host memory. */
uint64_t alisa_ops_scratch_bytes(const AlisaOps *ops);

/* Makes room on the device, once, for products with matrices that are in host memory and need
 * `bytes` there at most; 0: there are none. */
AlisaStatus alisa_ops_stream(AlisaOps *ops, uint64_t bytes, AlisaError *error);
/* Device bytes of the room for matrices of so many bytes. */
uint64_t alisa_ops_streamed_room(uint64_t bytes);
/* Bytes of such matrices that were copied to the device so far. */
uint64_t alisa_ops_streamed_bytes(const AlisaOps *ops);

/* y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n] if `accumulate`); x: rows x w->columns,
 * y: rows x w->rows. x and y do not overlap. */
AlisaStatus alisa_ops_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                             uint32_t rows, AlisaVector y, bool accumulate, AlisaError *error);

/* One of several products of the same activations. */
typedef struct AlisaProduct {
    AlisaMatrix weights;
    AlisaVector y;
} AlisaProduct;

/* y = x w^T of each, as alisa_ops_matmul does it, neighbours in one launch where the device gains
 * by that. `count` is any number. No y overlaps x or another y. */
AlisaStatus alisa_ops_matmul_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                  AlisaVector x, uint32_t rows, AlisaError *error);

/* What the activations of such a product are while it is computed. */
AlisaActivations alisa_ops_matmul_activations(const AlisaOps *ops, const AlisaMatrix *weights,
                                              uint32_t rows);

/* y[r][n] += bias[n], n < columns. */
typedef struct AlisaBiased {
    AlisaVector y, bias;
    uint32_t columns;
} AlisaBiased;

/* Each of up to three matrices of as many rows gets its bias, in one launch. */
AlisaStatus alisa_ops_add_bias_each(AlisaOps *ops, const AlisaBiased *biased, uint32_t count,
                                    uint32_t rows, AlisaError *error);

/* f(x[r][n] + x_bias[n]) (up[r][n] + up_bias[n]). Of x alone there must be a buffer: without `up`
 * f is not multiplied, and a bias that is missing is 0. */
typedef struct AlisaActivated {
    AlisaActivation
        activation; /* f; ALISA_ACTIVATION_SILU_CLAMPED cuts `up` too and adds 1 to it */
    AlisaVector x, x_bias, up, up_bias;
} AlisaActivated;

/* y is what is described, rows x columns. y may be x. */
AlisaStatus alisa_ops_activate(AlisaOps *ops, const AlisaActivated *what, uint32_t rows,
                               uint32_t columns, AlisaVector y, AlisaError *error);

/* y[r] = row tokens[r] of the table, dequantised; tokens: int32 on the device. */
AlisaStatus alisa_ops_embed(AlisaOps *ops, const AlisaMatrix *table, const AlisaBuffer *tokens,
                            uint32_t rows, AlisaVector y, AlisaError *error);

typedef struct AlisaNormalisation {
    AlisaNorm kind;
    float epsilon;
    AlisaVector weight;   /* [weight_rows][columns] */
    uint32_t weight_rows; /* row r is multiplied by row r mod weight_rows; 0 is 1 */
    AlisaVector bias;     /* [columns]; without a buffer: none */
    bool accumulate;      /* false: y = norm; true: y += norm */
} AlisaNormalisation;

/* y = norm of each row of x, or y += it; all rows x columns. y may be x. */
AlisaStatus alisa_ops_norm(AlisaOps *ops, const AlisaNormalisation *how, AlisaVector x,
                           uint32_t rows, uint32_t columns, AlisaVector y, AlisaError *error);

/* y += scale x; both rows x columns. */
AlisaStatus alisa_ops_add(AlisaOps *ops, AlisaVector x, float scale, uint32_t rows,
                          uint32_t columns, AlisaVector y, AlisaError *error);

/* y = scale y, or for a cap > 0 cap tanh(scale y / cap); rows x columns. */
AlisaStatus alisa_ops_scale(AlisaOps *ops, AlisaVector y, float scale, float cap, uint32_t rows,
                            uint32_t columns, AlisaError *error);

/* y[r] = x[indices[r]], rows of `columns` floats; indices: int32 on the device. */
AlisaStatus alisa_ops_gather_rows(AlisaOps *ops, AlisaVector x, const AlisaBuffer *indices,
                                  uint32_t rows, uint32_t columns, AlisaVector y,
                                  AlisaError *error);

/* choices[r] = index of the largest of x[r][0 .. columns - 1], the lowest one among equals; -1
 * where one is not a number or infinity. choices: int32[rows] on the device. */
AlisaStatus alisa_ops_likeliest(AlisaOps *ops, AlisaVector x, uint32_t rows, uint32_t columns,
                                const AlisaBuffer *choices, AlisaError *error);

#endif
