/*
 * The matrix product with activations of 8 bits: made of floats once for each product, in a scratch
 * of fixed size, so many rows at a time as fit in it.
 */
#include <stdio.h>

#include "ops/ops_internal.h"

/* CODES_PADDING of cl/gemm/int8.clh, and what belongs to a block of activations. */
enum { PADDING = 64, BLOCK = 32, FACTOR_BYTES = 8 };

/* A prompt of 512 rows for matrices of up to 16 thousand columns. */
#define CODES_BYTES   ((uint64_t)8 << 20)
#define FACTORS_BYTES (CODES_BYTES / BLOCK * FACTOR_BYTES)

AlisaStatus alisa_ops_int8_create(AlisaOps *ops, AlisaError *error) {
    const AlisaOpsParameters *all = &ops->parameters;
    bool used = false;
    for (int type = 0; type < ALISA_OPS_TYPE_COUNT; type++)
        used |= (all->matvec[type].layout == ALISA_LAYOUT_ITEM && all->matvec[type].activations) ||
                (all->matmul[type].layout == ALISA_LAYOUT_ITEM && all->matmul[type].activations);
    if (!used) return ALISA_OK;
    AlisaStatus status = alisa_buffer_create(ops->device, CODES_BYTES, ALISA_BUFFER_READ_WRITE,
                                             "activations of 8 bits", &ops->int8.codes, error);
    if (status == ALISA_OK)
        status = alisa_buffer_create(ops->device, FACTORS_BYTES, ALISA_BUFFER_READ_WRITE,
                                     "scales of activations", &ops->int8.factors, error);
    return status;
}

void alisa_ops_int8_destroy(AlisaOps *ops) {
    alisa_buffer_destroy(&ops->int8.codes);
    alisa_buffer_destroy(&ops->int8.factors);
}

static AlisaStatus quantise(AlisaOps *ops, uint32_t columns, AlisaVector x, uint32_t rows,
                            AlisaError *error) {
    AlisaStatus status =
        alisa_ops_kernel(ops, "gemm/quantise.cl", "quantise", NULL, &ops->int8.quantise, error);
    if (status) return status;
    const AlisaLaunch launch = {{columns / BLOCK, rows, 1}, {0, 0, 0}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(&ops->int8.codes),
        ALISA_ARG_BUFFER(&ops->int8.factors),
        ALISA_ARG(columns),
    };
    return alisa_kernel_launch(ops->int8.quantise, &launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}

/* The rows that fit in the scratch; 0: not even one. */
static AlisaStatus count_rows(const AlisaMatrix *weights, uint32_t *most, AlisaError *error) {
    *most = (uint32_t)(CODES_BYTES / ((uint64_t)weights->columns + PADDING));
    if (*most > 0) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "matmul: %u columns are too many for activations of 8 bits: use "
                           "parameters with activations float",
                           weights->columns);
}

AlisaStatus alisa_ops_int8_matvec(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaError *error) {
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[type];
    uint32_t side = rows == 1 ? parameters->single : parameters->several, most;
    AlisaKernel **kernel = &ops->int8.matvec[type][rows - 1];
    if (!*kernel) {
        char options[64];
        snprintf(options, sizeof options, "-DWEIGHT_TYPE=%d -DROWS=%u -DOUTPUTS=%u", type, rows,
                 side);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_int8.cl", "matvec_int8", options, kernel, error);
        if (status) return status;
    }
    AlisaStatus status = count_rows(weights, &most, error);
    if (!status && most < rows)
        return alisa_ops_int8_matmul(ops, weights, x, rows, y, accumulate, error);
    if (!status) status = quantise(ops, weights->columns, x, rows, error);
    if (status) return status;
    uint32_t run = alisa_ops_matvec_run(ops, weights, parameters->items, side);
    const AlisaLaunch launch = {{alisa_ops_ceil_divide(weights->rows, run), 1, 1}, {1, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->offset),
        ALISA_ARG_BUFFER(&ops->int8.codes),
        ALISA_ARG_BUFFER(&ops->int8.factors),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
        ALISA_ARG(weights->rows),
        ALISA_ARG(weights->columns),
        ALISA_ARG(accumulate),
        ALISA_ARG(run),
    };
    return alisa_kernel_launch(*kernel, &launch, arguments, sizeof arguments / sizeof *arguments,
                               error);
}

/* Of rows that fit in the scratch. */
static AlisaStatus multiply(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x, uint32_t rows,
                            AlisaVector y, uint32_t accumulate, AlisaError *error) {
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[type];
    const AlisaOpsPanels panels = alisa_ops_panels(ops, weights, rows, parameters->panels);
    AlisaKernel **kernel = &ops->int8.matmul[type][panels.tile];
    AlisaStatus status = ALISA_OK;
    if (!*kernel) {
        char options[96];
        snprintf(options, sizeof options, "-DWEIGHT_TYPE=%d -DTILE_ROWS=%u -DDEPTH=%u", type,
                 panels.tile_rows, parameters->depth);
        status =
            alisa_ops_kernel(ops, "gemm/matmul_int8.cl", "matmul_int8", options, kernel, error);
    }
    if (!status) status = quantise(ops, weights->columns, x, rows, error);
    if (status) return status;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->offset),
        ALISA_ARG_BUFFER(&ops->int8.codes),
        ALISA_ARG_BUFFER(&ops->int8.factors),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
        ALISA_ARG(weights->rows),
        ALISA_ARG(weights->columns),
        ALISA_ARG(rows),
        ALISA_ARG(panels.chunk),
        ALISA_ARG(accumulate),
    };
    return alisa_kernel_launch(*kernel, &panels.launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}

AlisaStatus alisa_ops_int8_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaError *error) {
    uint32_t most;
    AlisaStatus status = count_rows(weights, &most, error);
    while (rows > 0 && !status) {
        uint32_t count = rows < most ? rows : most;
        status = multiply(ops, weights, x, count, y, accumulate, error);
        x.offset += (uint64_t)count * weights->columns;
        y.offset += (uint64_t)count * weights->rows;
        rows -= count;
    }
    return status;
}
