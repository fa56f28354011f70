/*
 * The matrix product with activations of 8 bits: made of floats once for each product, in a scratch
 * of fixed size, so many rows at a time as fit in it.
 */
#include <stdio.h>
#include <string.h>

#include "ops/ops_internal.h"

/* CODES_PADDING of cl/gemm/codes.clh, and what belongs to a block of activations. */
enum { PADDING = 64, BLOCK = 32, FACTOR_BYTES = 8 };

/* A prompt of 512 rows for matrices of up to 16 thousand columns. */
#define CODES_BYTES   ((uint64_t)8 << 20)
#define FACTORS_BYTES (CODES_BYTES / BLOCK * FACTOR_BYTES)

AlisaStatus alisa_ops_int8_create(AlisaOps *ops, AlisaError *error) {
    bool used = false;
    for (int type = 0; type < ALISA_OPS_TYPE_COUNT; type++) {
        const AlisaMatvecParameters *few = &ops->parameters.matvec[type];
        const AlisaMatmulParameters *many = &ops->parameters.matmul[type];
        used |= alisa_layout_activations(few->layout, few->activations) == ALISA_ACTIVATIONS_INT8;
        used |= alisa_layout_activations(many->layout, many->activations) == ALISA_ACTIVATIONS_INT8;
    }
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

/* Part after part of the rows, as many as fit in the scratch, each quantised and then multiplied.
 */
static AlisaStatus multiply_parts(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaOpsProduct *product, AlisaError *error) {
    uint32_t most = (uint32_t)(CODES_BYTES / ((uint64_t)weights->columns + PADDING));
    AlisaStatus status = ALISA_OK;
    if (most == 0)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "matmul: %u columns are too many for activations of 8 bits: use "
                               "parameters with activations float",
                               weights->columns);
    while (rows > 0 && !status) {
        uint32_t count = rows < most ? rows : most;
        status = quantise(ops, weights->columns, x, count, error);
        if (!status) status = product(ops, weights, x, count, y, accumulate, error);
        x.offset += (uint64_t)count * weights->columns;
        y.offset += (uint64_t)count * weights->rows;
        rows -= count;
    }
    return status;
}

/* The arguments that all kernels here begin with. */
enum { COMMON = 8 };
static void set_common(const AlisaOps *ops, const AlisaMatrix *weights, const AlisaVector *y,
                       AlisaArgument arguments[COMMON]) {
    const AlisaArgument common[COMMON] = {
        ALISA_ARG_BUFFER(weights->buffer),  ALISA_ARG(weights->offset),
        ALISA_ARG_BUFFER(&ops->int8.codes), ALISA_ARG_BUFFER(&ops->int8.factors),
        ALISA_ARG_BUFFER(y->buffer),        ALISA_ARG(y->offset),
        ALISA_ARG(weights->rows),           ALISA_ARG(weights->columns),
    };
    memcpy(arguments, common, sizeof common);
}

/* ---- Few rows ------------------------------------------------------------------------------ */

static AlisaStatus matvec_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                               uint32_t rows, AlisaVector y, uint32_t accumulate,
                               AlisaError *error) {
    (void)x; /* in the scratch */
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[type];
    uint32_t side = rows == 1 ? parameters->single : parameters->several;
    uint32_t run = alisa_ops_matvec_run(ops, weights, parameters->items, side);
    AlisaKernel **kernel = &ops->int8.matvec[type][rows - 1];
    if (!*kernel) {
        char options[64];
        snprintf(options, sizeof options, "-DWEIGHT_TYPE=%d -DROWS=%u -DOUTPUTS=%u", type, rows,
                 side);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_int8.cl", "matvec_int8", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = {{alisa_ops_ceil_divide(weights->rows, run), 1, 1}, {1, 1, 1}};
    AlisaArgument arguments[COMMON + 2];
    set_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(accumulate);
    arguments[COMMON + 1] = ALISA_ARG(run);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 2, error);
}

static AlisaStatus matvec_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaError *error) {
    (void)x; /* in the scratch */
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[type];
    uint32_t side = rows == 1 ? parameters->single : parameters->several;
    uint32_t group = parameters->group;
    AlisaKernel **kernel = &ops->int8.matvec[type][rows - 1];
    if (!*kernel) {
        char options[192], capabilities[96];
        uint32_t wanted = ALISA_OPS_DOT4 | (parameters->lanes ? ALISA_OPS_LANES : 0);
        alisa_ops_capability_options(ops, wanted, capabilities);
        snprintf(options, sizeof options, "-DWEIGHT_TYPE=%d -DROWS=%u -DOUTPUTS=%u -DGROUP=%u%s",
                 type, rows, side, group, capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_dot.cl", "matvec_dot", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = {{(size_t)alisa_ops_ceil_divide(weights->rows, side) * group, 1, 1},
                                {group, 1, 1}};
    AlisaArgument arguments[COMMON + 1];
    set_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 1, error);
}

AlisaStatus alisa_ops_int8_matvec_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                       uint32_t rows, AlisaVector y, uint32_t accumulate,
                                       AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matvec_item, error);
}

AlisaStatus alisa_ops_int8_matvec_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                        uint32_t rows, AlisaVector y, uint32_t accumulate,
                                        AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matvec_group, error);
}

/* ---- Many rows ----------------------------------------------------------------------------- */

static AlisaStatus matmul_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                               uint32_t rows, AlisaVector y, uint32_t accumulate,
                               AlisaError *error) {
    (void)x; /* in the scratch */
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[type];
    const AlisaOpsPanels panels = alisa_ops_panels(ops, weights, rows, parameters->panels);
    AlisaKernel **kernel = &ops->int8.matmul[type][panels.tile];
    if (!*kernel) {
        char options[96];
        snprintf(options, sizeof options, "-DWEIGHT_TYPE=%d -DTILE_ROWS=%u -DDEPTH=%u", type,
                 panels.tile_rows, parameters->depth);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_int8.cl", "matmul_int8", options, kernel, error);
        if (status) return status;
    }
    AlisaArgument arguments[COMMON + 3];
    set_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(rows);
    arguments[COMMON + 1] = ALISA_ARG(panels.chunk);
    arguments[COMMON + 2] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &panels.launch, arguments, COMMON + 3, error);
}

static AlisaStatus matmul_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaError *error) {
    (void)x; /* in the scratch */
    int type = alisa_ops_type_index(weights->type);
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[type];
    uint32_t group = parameters->tile_rows / parameters->item_rows *
                     (parameters->tile_outputs / parameters->item_outputs);
    AlisaKernel **kernel = &ops->int8.matmul[type][0];
    if (!*kernel) {
        char options[256], capabilities[96];
        alisa_ops_capability_options(ops, ALISA_OPS_DOT4, capabilities);
        snprintf(options, sizeof options,
                 "-DWEIGHT_TYPE=%d -DTILE_ROWS=%u -DTILE_OUTPUTS=%u -DITEM_ROWS=%u "
                 "-DITEM_OUTPUTS=%u -DDEPTH=%u%s",
                 type, parameters->tile_rows, parameters->tile_outputs, parameters->item_rows,
                 parameters->item_outputs, alisa_int8_depth(parameters), capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_dot.cl", "matmul_dot", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = {
        {(size_t)alisa_ops_ceil_divide(weights->rows, parameters->tile_outputs) * group,
         alisa_ops_ceil_divide(rows, parameters->tile_rows), 1},
        {group, 1, 1}};
    AlisaArgument arguments[COMMON + 2];
    set_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(rows);
    arguments[COMMON + 1] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 2, error);
}

AlisaStatus alisa_ops_int8_matmul_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                       uint32_t rows, AlisaVector y, uint32_t accumulate,
                                       AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matmul_item, error);
}

AlisaStatus alisa_ops_int8_matmul_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                        uint32_t rows, AlisaVector y, uint32_t accumulate,
                                        AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matmul_group, error);
}
