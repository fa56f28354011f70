/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product with activations of 16 bits, made of floats once for each product (rounded.c).
 */
#include <stdio.h>

#include "base/round.h"
#include "ops/ops_internal.h"

/* Columns and padding: CODES_ROUND blocks and CODES_PADDING of cl/gemm/codes.clh. */
static const AlisaOpsRounding rounding = {"of 16 bits", 512, 2, 64, "gemm/quantise.cl", "quantise"};

static AlisaStatus multiply_parts(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaOpsProduct *product, AlisaError *error) {
    return alisa_ops_rounded_multiply(ops, &rounding, &ops->int16.quantise, weights, x, rows, y,
                                      accumulate, product, error);
}

enum { COMMON = ALISA_OPS_ROUNDED_COMMON };

/* ---- Few rows ------------------------------------------------------------------------------ */

/* The rows are in the scratch. */
static AlisaStatus launch_item(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                               uint32_t rows, uint32_t accumulate, AlisaError *error) {
    enum { FIRST = COMMON + 2, MORE = ALISA_OPS_PRODUCT_ARGUMENTS };
    const AlisaMatrix *weights = &products[0].weights;
    uint32_t format = weights->format, outputs = 0, items = 0;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[format];
    uint32_t side = rows == 1 ? parameters->single : parameters->several;
    AlisaKernel **kernel = &ops->int16.matvec[format][count - 1][rows - 1];
    if (!*kernel) {
        char options[192], capabilities[96], matrices[24] = "";
        alisa_ops_capability_options(ops, ALISA_OPS_VNNI, capabilities);
        if (count > 1) snprintf(matrices, sizeof matrices, " -DMATRICES=%u", count);
        snprintf(options, sizeof options, "-DFORMAT=%u -DROWS=%u -DOUTPUTS=%u%s%s", format, rows,
                 side, matrices, capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_int16.cl", "matvec_int16", options, kernel, error);
        if (status) return status;
    }
    for (uint32_t i = 0; i < count; i++)
        outputs += products[i].weights.rows;
    uint32_t run = alisa_ops_matvec_run(ops, outputs, parameters->items, side);
    AlisaArgument arguments[FIRST + MORE * (ALISA_OPS_PRODUCTS - 1)];
    alisa_ops_rounded_common(ops, weights, &products[0].y, arguments);
    arguments[COMMON] = ALISA_ARG(accumulate);
    arguments[COMMON + 1] = ALISA_ARG(run);
    for (uint32_t i = 0; i < count; i++) {
        items += alisa_divide_up(products[i].weights.rows, run);
        if (i > 0) alisa_ops_product_arguments(&products[i], &arguments[FIRST + MORE * (i - 1)]);
    }
    const AlisaLaunch launch = {{items, 1, 1}, {1, 1, 1}};
    return alisa_kernel_launch(*kernel, &launch, arguments, FIRST + MORE * (count - 1), error);
}

static AlisaStatus matvec_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                               uint32_t rows, AlisaVector y, uint32_t accumulate,
                               AlisaError *error) {
    (void)x; /* in the scratch */
    const AlisaProduct product = {*weights, y};
    return launch_item(ops, &product, 1, rows, accumulate, error);
}

bool alisa_ops_int16_fits(const AlisaOps *ops, uint32_t columns, uint32_t rows) {
    return rows <= alisa_ops_rounded_most(ops, &rounding, columns);
}

AlisaStatus alisa_ops_int16_matvec_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                        AlisaVector x, uint32_t rows, AlisaError *error) {
    AlisaStatus status = alisa_ops_rounded_rows(ops, &rounding, &ops->int16.quantise,
                                                products[0].weights.columns, x, rows, error);
    return status ? status : launch_item(ops, products, count, rows, 0, error);
}

static AlisaStatus matvec_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaError *error) {
    (void)x; /* in the scratch */
    uint32_t format = weights->format;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[format];
    uint32_t side = rows == 1 ? parameters->single : parameters->several;
    /* More rows of codes, or of activations beside them, do not stay in registers. */
    if (rows > 4) side = 1;
    if (side > 2) side = 2;
    uint32_t group = parameters->group;
    AlisaKernel **kernel = &ops->int16.matvec[format][0][rows - 1];
    if (!*kernel) {
        char options[192], capabilities[96];
        uint32_t wanted = ALISA_OPS_DOT4 | (parameters->lanes ? ALISA_OPS_LANES : 0);
        alisa_ops_capability_options(ops, wanted, capabilities);
        snprintf(options, sizeof options, "-DFORMAT=%u -DROWS=%u -DOUTPUTS=%u -DGROUP=%u%s", format,
                 rows, side, group, capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_dot.cl", "matvec_dot", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = {{(size_t)alisa_divide_up(weights->rows, side) * group, 1, 1},
                                {group, 1, 1}};
    AlisaArgument arguments[COMMON + 1];
    alisa_ops_rounded_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 1, error);
}

AlisaStatus alisa_ops_int16_matvec_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                        uint32_t rows, AlisaVector y, uint32_t accumulate,
                                        AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matvec_item, error);
}

AlisaStatus alisa_ops_int16_matvec_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                         uint32_t rows, AlisaVector y, uint32_t accumulate,
                                         AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matvec_group, error);
}

/* ---- Many rows ----------------------------------------------------------------------------- */

static AlisaStatus matmul_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                               uint32_t rows, AlisaVector y, uint32_t accumulate,
                               AlisaError *error) {
    (void)x; /* in the scratch */
    uint32_t format = weights->format;
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[format];
    const AlisaOpsPanels panels = alisa_ops_panels(ops, weights, rows, parameters);
    AlisaKernel **kernel = &ops->int16.matmul[format][panels.tile];
    if (!*kernel) {
        char options[192], capabilities[96];
        alisa_ops_capability_options(ops, ALISA_OPS_VNNI, capabilities);
        snprintf(options, sizeof options, "-DFORMAT=%u -DTILE_ROWS=%u -DVECTORS=%u -DDEPTH=%u%s",
                 format, panels.tile_rows, parameters->sum_vectors, parameters->depth,
                 capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_int16.cl", "matmul_int16", options, kernel, error);
        if (status) return status;
    }
    AlisaArgument arguments[COMMON + 3];
    alisa_ops_rounded_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(rows);
    arguments[COMMON + 1] = ALISA_ARG(panels.chunk);
    arguments[COMMON + 2] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &panels.launch, arguments, COMMON + 3, error);
}

static AlisaStatus matmul_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaError *error) {
    (void)x; /* in the scratch */
    uint32_t format = weights->format;
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[format];
    AlisaKernel **kernel = &ops->int16.matmul[format][0];
    if (!*kernel) {
        char options[256], capabilities[96];
        alisa_ops_capability_options(ops, ALISA_OPS_DOT4, capabilities);
        snprintf(options, sizeof options,
                 "-DFORMAT=%u -DTILE_ROWS=%u -DTILE_OUTPUTS=%u -DITEM_ROWS=%u "
                 "-DITEM_OUTPUTS=%u -DDEPTH=%u%s",
                 format, parameters->tile_rows, parameters->tile_outputs, parameters->item_rows,
                 parameters->item_outputs, alisa_int16_depth(parameters), capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_dot.cl", "matmul_dot", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = alisa_ops_tile_launch(parameters, weights, rows);
    AlisaArgument arguments[COMMON + 2];
    alisa_ops_rounded_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(rows);
    arguments[COMMON + 1] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 2, error);
}

AlisaStatus alisa_ops_int16_matmul_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                        uint32_t rows, AlisaVector y, uint32_t accumulate,
                                        AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matmul_item, error);
}

AlisaStatus alisa_ops_int16_matmul_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                         uint32_t rows, AlisaVector y, uint32_t accumulate,
                                         AlisaError *error) {
    return multiply_parts(ops, weights, x, rows, y, accumulate, matmul_group, error);
}
