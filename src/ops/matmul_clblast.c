/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product by CLBlast: blocks of weights as floats, blocks of all three matrices small
 * enough for a scratch of fixed size.
 */
#include <stdio.h>

#include "ops/ops_internal.h"

/* Whole tiles and steps of every set of parameters that passes the check, and whole blocks of every
 * weight type. Outputs enough for the groups of a large device. */
enum { BLOCK_OUTPUTS = 2048, BLOCK_COLUMNS = 512, BLOCK_ROWS = 512 };

enum { GROUP = 64, QUAD = 4 }; /* work-items of a group of dequantise; elements of a work-item */

#define WEIGHT_FLOATS ((uint64_t)BLOCK_OUTPUTS * BLOCK_COLUMNS)
#define SCRATCH_FLOATS                                                                             \
    (WEIGHT_FLOATS + (uint64_t)BLOCK_ROWS * BLOCK_COLUMNS + (uint64_t)BLOCK_ROWS * BLOCK_OUTPUTS)

AlisaStatus alisa_ops_clblast_create(AlisaOps *ops, AlisaError *error) {
    bool used = false;
    for (int format = 0; format < ALISA_FORMAT_COUNT; format++)
        used |= ops->parameters.matmul[format].layout == ALISA_LAYOUT_CLBLAST;
    if (!used) return ALISA_OK;
    AlisaStatus status =
        alisa_buffer_create(ops->device, WEIGHT_FLOATS * sizeof(float), ALISA_BUFFER_READ_WRITE,
                            "dequantised weights", &ops->clblast.weights, error);
    if (status == ALISA_OK) {
        status = alisa_buffer_create(ops->device, SCRATCH_FLOATS * sizeof(float),
                                     ALISA_BUFFER_READ_WRITE, "scratch of CLBlast",
                                     &ops->clblast.scratch, error);
    }
    return status;
}

void alisa_ops_clblast_destroy(AlisaOps *ops) {
    alisa_buffer_destroy(&ops->clblast.weights);
    alisa_buffer_destroy(&ops->clblast.scratch);
}

/* A block of weights, from output `output` and column `column` on, as floats; sets where they are.
 */
static AlisaStatus dequantise(AlisaOps *ops, const AlisaMatrix *weights, uint32_t output,
                              uint32_t column, AlisaSgemm *product, AlisaError *error) {
    uint32_t format = weights->format;
    AlisaKernel **kernel = &ops->clblast.dequantise[format];
    if (!*kernel) {
        char options[32];
        snprintf(options, sizeof options, "-DFORMAT=%u", format);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/dequantise.cl", "dequantise", options, kernel, error);
        if (status) return status;
    }
    size_t group = GROUP;
    while (group > alisa_kernel_max_group(*kernel))
        group /= 2;
    size_t quads = ((size_t)product->columns + QUAD - 1) / QUAD;
    const AlisaLaunch launch = {{(quads + group - 1) / group * group, product->outputs, 1},
                                {group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG(weights->columns),
        ALISA_ARG(output),
        ALISA_ARG(column),
        ALISA_ARG_BUFFER(&ops->clblast.weights),
        ALISA_ARG(product->columns),
    };
    product->weights = (AlisaSgemmMatrix){&ops->clblast.weights, 0, product->columns};
    return alisa_kernel_launch(*kernel, &launch, arguments, sizeof arguments / sizeof *arguments,
                               error);
}

static uint32_t block_of(uint32_t size, uint32_t from, uint32_t most) {
    return size - from < most ? size - from : most;
}

/* All rows with one block of weights. */
static AlisaStatus multiply_rows(AlisaOps *ops, const AlisaSgemmParameters *parameters,
                                 AlisaSgemm product, AlisaError *error) {
    uint32_t rows = product.rows;
    AlisaStatus status = ALISA_OK;
    for (uint32_t row = 0; row < rows && !status; row += product.rows) {
        product.rows = block_of(rows, row, BLOCK_ROWS);
        status = alisa_opencl_sgemm(ops->device, &product, parameters, error);
        product.activations.offset += (uint64_t)product.rows * product.activations.stride;
        product.results.offset += (uint64_t)product.rows * product.results.stride;
    }
    return status;
}

AlisaStatus alisa_ops_clblast_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                     uint32_t rows, AlisaVector y, uint32_t accumulate,
                                     AlisaError *error) {
    uint32_t format = weights->format;
    const AlisaSgemmMatrix floats = {weights->buffer, weights->planes[0] / sizeof(float),
                                     weights->columns};
    bool in_place = format == ALISA_FORMAT_F32 && alisa_sgemm_reaches(&floats, weights->rows);
    AlisaStatus status = ALISA_OK;
    for (uint32_t n = 0; n < weights->rows; n += BLOCK_OUTPUTS) {
        for (uint32_t k = 0; k < weights->columns && !status; k += BLOCK_COLUMNS) {
            AlisaSgemm product = {.weights = floats,
                                  .activations = {x.buffer, x.offset + k, weights->columns},
                                  .results = {y.buffer, y.offset + n, weights->rows},
                                  .outputs = block_of(weights->rows, n, BLOCK_OUTPUTS),
                                  .columns = block_of(weights->columns, k, BLOCK_COLUMNS),
                                  .rows = rows,
                                  .accumulate = accumulate || k > 0,
                                  .scratch = &ops->clblast.scratch};
            product.weights.offset += (uint64_t)n * weights->columns + k;
            if (!in_place) status = dequantise(ops, weights, n, k, &product, error);
            if (!status)
                status =
                    multiply_rows(ops, &ops->parameters.matmul[format].clblast, product, error);
        }
    }
    return status;
}
