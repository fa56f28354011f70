/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product with activations and short sums that are halves: activations are made of
 * floats once for each product (rounded.c). Where the device does not compute with halves it is a
 * twin of floats, which tests alone ask for (alisa_parameter_set_check).
 */
#include <stdio.h>

#include "ops/ops_internal.h"

static const AlisaOpsRounding rounding = {"that are halves", 32, 2, 0, "gemm/halve.cl", "halve"};

enum { COMMON = ALISA_OPS_ROUNDED_COMMON };

static AlisaStatus multiply(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x, uint32_t rows,
                            AlisaVector y, uint32_t accumulate, AlisaError *error) {
    (void)x; /* in the scratch */
    enum { ALIGNMENT = 8 };
    uint32_t format = weights->format;
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[format];
    int aligned = alisa_matrix_is_aligned(weights, ALIGNMENT);
    AlisaKernel **kernel = &ops->half.matmul[format][aligned];
    if (!*kernel) {
        char options[256], capabilities[96];
        alisa_ops_capability_options(ops, ALISA_OPS_HALVES, capabilities);
        snprintf(options, sizeof options,
                 "-DFORMAT=%u -DALIGNED=%d -DTILE_ROWS=%u -DTILE_OUTPUTS=%u -DITEM_ROWS=%u "
                 "-DITEM_OUTPUTS=%u -DDEPTH=%u%s",
                 format, aligned, parameters->tile_rows, parameters->tile_outputs,
                 parameters->item_rows, parameters->item_outputs, parameters->depth, capabilities);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_half.cl", "matmul_half", options, kernel, error);
        if (status) return status;
    }
    const AlisaLaunch launch = alisa_ops_tile_launch(parameters, weights, rows);
    AlisaArgument arguments[COMMON + 2];
    alisa_ops_rounded_common(ops, weights, &y, arguments);
    arguments[COMMON] = ALISA_ARG(rows);
    arguments[COMMON + 1] = ALISA_ARG(accumulate);
    return alisa_kernel_launch(*kernel, &launch, arguments, COMMON + 2, error);
}

AlisaStatus alisa_ops_half_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                  uint32_t rows, AlisaVector y, uint32_t accumulate,
                                  AlisaError *error) {
    return alisa_ops_rounded_multiply(ops, &rounding, &ops->half.halve, weights, x, rows, y,
                                      accumulate, multiply, error);
}
