/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that touch each element once or twice: norm, activation, gather, largest
 * (cl/ewise).
 *
 * Groups have a fixed size and ranges are rounded up to it (the kernels check their end), because
 * some drivers compile a kernel again for every new group size.
 */
#include <stdio.h>

#include "ops/ops_internal.h"

enum { GROUP = 64, VECTOR = 4 }; /* work-items of a group; elements a work-item does */

static size_t rounded_up(uint64_t value, uint64_t unit) {
    return (size_t)((value + unit - 1) / unit * unit);
}

AlisaStatus alisa_ops_rms_norm(AlisaOps *ops, AlisaVector x, AlisaVector weight, float epsilon,
                               uint32_t rows, uint32_t columns, AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("rms_norm", "x", x, rows, columns, error);
    if (!status) status = alisa_ops_check_vector("rms_norm", "weight", weight, 1, columns, error);
    if (!status) status = alisa_ops_check_vector("rms_norm", "y", y, rows, columns, error);
    uint32_t group = ops->parameters.row.group;
    if (!status && !ops->rms_norm) {
        char options[32];
        snprintf(options, sizeof options, "-DNORM_GROUP=%u", group);
        status = alisa_ops_kernel(ops, "ewise/rms_norm.cl", "ewise_rms_norm", options,
                                  &ops->rms_norm, error);
    }
    if (status) return status;
    const AlisaLaunch launch = {{group, rows, 1}, {group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset), ALISA_ARG_BUFFER(weight.buffer),
        ALISA_ARG(weight.offset),   ALISA_ARG(epsilon),  ALISA_ARG(columns),
        ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset),
    };
    return alisa_kernel_launch(ops->rms_norm, &launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}

AlisaStatus alisa_ops_silu_product(AlisaOps *ops, AlisaVector gate, AlisaVector up, uint32_t rows,
                                   uint32_t columns, AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("silu_product", "gate", gate, rows, columns, error);
    if (!status) status = alisa_ops_check_vector("silu_product", "up", up, rows, columns, error);
    if (!status) status = alisa_ops_check_vector("silu_product", "y", y, rows, columns, error);
    if (!status) {
        status = alisa_ops_kernel(ops, "ewise/silu_product.cl", "ewise_silu_product", NULL,
                                  &ops->silu_product, error);
    }
    if (status) return status;
    uint64_t elements = (uint64_t)rows * columns;
    const AlisaLaunch launch = {{rounded_up(elements, VECTOR * GROUP) / VECTOR, 1, 1},
                                {GROUP, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(gate.buffer), ALISA_ARG(gate.offset), ALISA_ARG_BUFFER(up.buffer),
        ALISA_ARG(up.offset),          ALISA_ARG(elements),    ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
    };
    return alisa_kernel_launch(ops->silu_product, &launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}

AlisaStatus alisa_ops_gather_rows(AlisaOps *ops, AlisaVector x, const AlisaBuffer *indices,
                                  uint32_t rows, uint32_t columns, AlisaVector y,
                                  AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("gather_rows", "y", y, rows, columns, error);
    if (!status) {
        status = alisa_ops_kernel(ops, "ewise/gather_rows.cl", "ewise_gather_rows", NULL,
                                  &ops->gather_rows, error);
    }
    if (status) return status;
    const AlisaLaunch launch = {{rounded_up(columns, VECTOR * GROUP) / VECTOR, rows, 1},
                                {GROUP, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),        ALISA_ARG_BUFFER(indices),
        ALISA_ARG(columns),         ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset),
    };
    return alisa_kernel_launch(ops->gather_rows, &launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}

AlisaStatus alisa_ops_likeliest(AlisaOps *ops, AlisaVector x, uint32_t rows, uint32_t columns,
                                const AlisaBuffer *choices, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("likeliest", "x", x, rows, columns, error);
    uint32_t group = ops->parameters.row.group;
    if (!status && !ops->likeliest) {
        char options[32];
        snprintf(options, sizeof options, "-DLIKELIEST_GROUP=%u", group);
        status = alisa_ops_kernel(ops, "ewise/likeliest.cl", "ewise_likeliest", options,
                                  &ops->likeliest, error);
    }
    if (status) return status;
    const AlisaLaunch launch = {{group, rows, 1}, {group, 1, 1}};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),
                                       ALISA_ARG(columns), ALISA_ARG_BUFFER(choices)};
    return alisa_kernel_launch(ops->likeliest, &launch, arguments,
                               sizeof arguments / sizeof *arguments, error);
}
