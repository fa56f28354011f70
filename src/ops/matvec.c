/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of few rows, the launches of matvec: a kernel by layout and number of rows, its options,
 * its launch (cl/gemm). Products of the same activations share a launch where work-items cooperate,
 * and where activations are rounded: what a launch costs is as much as what a small product takes.
 */
#include <stdio.h>
#include <string.h>

#include "base/round.h"
#include "ops/ops_internal.h"

/* Weight rows that are read side by side. */
static uint32_t side_of(const AlisaMatvecParameters *parameters, uint32_t rows) {
    return rows == 1 ? parameters->single : parameters->several;
}

AlisaStatus alisa_ops_matvec_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaError *error) {
    uint32_t format = weights->format;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[format];
    uint32_t side = side_of(parameters, rows);
    AlisaKernel **kernel = &ops->matvec[format][0][0][rows - 1];
    if (!*kernel) {
        char options[64];
        snprintf(options, sizeof options, "-DFORMAT=%u -DROWS=%u -DOUTPUTS=%u", format, rows, side);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matvec_item.cl", "matvec_item", options, kernel, error);
        if (status) return status;
    }
    uint32_t run = alisa_ops_matvec_run(ops, weights->rows, parameters->items, side);
    const AlisaLaunch launch = {{alisa_divide_up(weights->rows, run), 1, 1}, {1, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
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

void alisa_ops_product_arguments(const AlisaProduct *product,
                                 AlisaArgument arguments[ALISA_OPS_PRODUCT_ARGUMENTS]) {
    const AlisaArgument all[ALISA_OPS_PRODUCT_ARGUMENTS] = {
        ALISA_ARG_BUFFER(product->weights.buffer), ALISA_ARG(product->weights.planes),
        ALISA_ARG_BUFFER(product->y.buffer),       ALISA_ARG(product->y.offset),
        ALISA_ARG(product->weights.rows),
    };
    memcpy(arguments, all, sizeof all);
}

/* The kernel for `count` products of the format of the first. */
static AlisaStatus group_kernel(AlisaOps *ops, const AlisaProduct *first, uint32_t count,
                                AlisaVector x, uint32_t rows, AlisaKernel ***kernel,
                                AlisaError *error) {
    uint32_t format = first->weights.format;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[format];
    int aligned = alisa_ops_is_aligned(&first->weights, x);
    *kernel = &ops->matvec[format][aligned][count - 1][rows - 1];
    if (**kernel) return ALISA_OK;
    char options[192], capabilities[96], matrices[24] = "";
    uint32_t wanted = (alisa_format_info(format)->has_codes ? ALISA_OPS_BYTES : 0) |
                      (parameters->lanes ? ALISA_OPS_LANES : 0);
    alisa_ops_capability_options(ops, wanted, capabilities);
    if (count > 1) snprintf(matrices, sizeof matrices, " -DMATRICES=%u", count);
    snprintf(options, sizeof options,
             "-DFORMAT=%u -DROWS=%u -DOUTPUTS=%u -DGROUP=%u -DALIGNED=%d%s%s", format, rows,
             side_of(parameters, rows), parameters->group, aligned, matrices, capabilities);
    return alisa_ops_kernel(ops, "gemm/matvec_group.cl", "matvec_group", options, *kernel, error);
}

static AlisaStatus launch_group(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                AlisaVector x, uint32_t rows, uint32_t accumulate,
                                AlisaError *error) {
    enum { ARGUMENTS = 9, MORE = ALISA_OPS_PRODUCT_ARGUMENTS };
    const AlisaMatrix *weights = &products[0].weights;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[weights->format];
    uint32_t side = side_of(parameters, rows), groups = 0;
    AlisaKernel **kernel;
    AlisaStatus status = group_kernel(ops, products, count, x, rows, &kernel, error);
    if (status) return status;
    AlisaArgument arguments[ARGUMENTS + MORE * (ALISA_OPS_PRODUCTS - 1)] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(products[0].y.buffer),
        ALISA_ARG(products[0].y.offset),
        ALISA_ARG(weights->rows),
        ALISA_ARG(weights->columns),
        ALISA_ARG(accumulate),
    };
    for (uint32_t i = 0; i < count; i++) {
        groups += alisa_divide_up(products[i].weights.rows, side);
        if (i > 0)
            alisa_ops_product_arguments(&products[i], &arguments[ARGUMENTS + MORE * (i - 1)]);
    }
    const AlisaLaunch launch = {{(size_t)groups * parameters->group, 1, 1},
                                {parameters->group, 1, 1}};
    return alisa_kernel_launch(*kernel, &launch, arguments, ARGUMENTS + MORE * (count - 1), error);
}

AlisaStatus alisa_ops_matvec_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                   uint32_t rows, AlisaVector y, uint32_t accumulate,
                                   AlisaError *error) {
    const AlisaProduct product = {*weights, y};
    return launch_group(ops, &product, 1, x, rows, accumulate, error);
}

bool alisa_ops_matvec_together(const AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                               AlisaVector x, uint32_t rows) {
    const AlisaMatrix *first = &products[0].weights;
    const AlisaMatvecParameters *parameters = &ops->parameters.matvec[first->format];
    bool is_item = parameters->layout == ALISA_LAYOUT_ITEM;
    uint32_t activations = is_item ? ALISA_ACTIVATIONS_INT16 : ALISA_ACTIVATIONS_FLOAT;
    if (count > ALISA_OPS_PRODUCTS || rows == 0 || rows > parameters->rows) return false;
    for (uint32_t i = 0; i < count; i++) {
        const AlisaMatrix *weights = &products[i].weights;
        if (weights->host || weights->format != first->format ||
            weights->columns != first->columns ||
            alisa_ops_is_aligned(weights, x) != alisa_ops_is_aligned(first, x) ||
            alisa_ops_has_many(ops, weights, rows) ||
            alisa_ops_matmul_activations(ops, weights, rows) != activations)
            return false;
    }
    return !is_item || alisa_ops_int16_fits(ops, first->columns, rows);
}

AlisaStatus alisa_ops_matvec_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                  AlisaVector x, uint32_t rows, AlisaError *error) {
    if (ops->parameters.matvec[products[0].weights.format].layout == ALISA_LAYOUT_ITEM)
        return alisa_ops_int16_matvec_each(ops, products, count, x, rows, error);
    return launch_group(ops, products, count, x, rows, 0, error);
}
