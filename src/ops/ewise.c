/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that touch each element a few times: norms, activations, sums, gather, largest
 * (cl/ewise). A row of the table below says which kernel does each.
 *
 * Groups have a fixed size and ranges are rounded up to it (the kernels check their end), because
 * some drivers compile a kernel again for every new group size.
 */
#include <stdio.h>

#include "base/round.h"
#include "ops/ops_internal.h"

enum { GROUP = 64, VECTOR = 4 }; /* work-items of a group; elements a work-item does */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A variant of an operation is bits, one a flag, and above them a number. */
static const struct {
    const char *file, *kernel;
    const char *flags[ALISA_OPS_EWISE_FLAGS]; /* options that bits of a variant set to 1 */
    const char *number;                       /* the option that takes the number */
    const char *group; /* the option that says how many work-items share a row; NULL: none do */
} operations[ALISA_OPS_EWISE_COUNT] = {
    [ALISA_OPS_NORM] = {"ewise/norm.cl", "ewise_norm", {"BIAS", "ADD"}, "NORM", "NORM_GROUP"},
    [ALISA_OPS_ACTIVATE] =
        {"ewise/activate.cl", "ewise_activate", {"GATED", "X_BIAS", "UP_BIAS"}, "ACTIVATION", NULL},
    [ALISA_OPS_BIAS] = {"ewise/bias.cl", "ewise_bias", {NULL}, NULL, NULL},
    [ALISA_OPS_ADD] = {"ewise/add.cl", "ewise_add", {NULL}, NULL, NULL},
    [ALISA_OPS_SCALE] = {"ewise/scale.cl", "ewise_scale", {"CAP"}, NULL, NULL},
    [ALISA_OPS_GATHER_ROWS] = {"ewise/gather_rows.cl", "ewise_gather_rows", {NULL}, NULL, NULL},
    [ALISA_OPS_LIKELIEST] =
        {"ewise/likeliest.cl", "ewise_likeliest", {NULL}, NULL, "LIKELIEST_GROUP"},
    [ALISA_OPS_ROUTE] = {"ewise/route.cl", "ewise_route", {NULL}, NULL, "ROUTE_GROUP"},
    [ALISA_OPS_COMBINE] = {"ewise/combine.cl", "ewise_combine", {"ADD"}, NULL, NULL},
    [ALISA_OPS_WEIGH] = {"ewise/weigh.cl", "ewise_weigh", {NULL}, NULL, NULL},
};

static AlisaStatus find_kernel(AlisaOps *ops, AlisaOpsEwise operation, uint32_t variant,
                               AlisaKernel **kernel, AlisaError *error) {
    AlisaKernel **kept = &ops->ewise[operation][variant];
    if (!*kept) {
        char options[128] = "";
        size_t used = 0;
        if (operations[operation].group)
            used += (size_t)snprintf(options, sizeof options, " -D%s=%u",
                                     operations[operation].group, ops->parameters.row.group);
        if (operations[operation].number)
            used +=
                (size_t)snprintf(options + used, sizeof options - used, " -D%s=%u",
                                 operations[operation].number, variant >> ALISA_OPS_EWISE_FLAGS);
        for (uint32_t i = 0; i < ALISA_OPS_EWISE_FLAGS; i++)
            if (variant >> i & 1)
                used += (size_t)snprintf(options + used, sizeof options - used, " -D%s=1",
                                         operations[operation].flags[i]);
        AlisaStatus status = alisa_ops_kernel(ops, operations[operation].file,
                                              operations[operation].kernel, options, kept, error);
        if (status) return status;
    }
    *kernel = *kept;
    return ALISA_OK;
}

AlisaLaunch alisa_ops_ewise_quads(uint64_t elements, uint32_t rows) {
    return (AlisaLaunch){{alisa_round_up_64(elements, VECTOR * GROUP) / VECTOR, rows, 1},
                         {GROUP, 1, 1}};
}

AlisaLaunch alisa_ops_ewise_groups(const AlisaOps *ops, uint32_t rows) {
    uint32_t group = ops->parameters.row.group;
    return (AlisaLaunch){{group, rows, 1}, {group, 1, 1}};
}

AlisaStatus alisa_ops_ewise_launch(AlisaOps *ops, AlisaOpsEwise operation, uint32_t variant,
                                   const AlisaLaunch *sizes, const AlisaArgument *arguments,
                                   size_t count, AlisaError *error) {
    AlisaKernel *kernel;
    AlisaStatus status = find_kernel(ops, operation, variant, &kernel, error);
    return status ? status : alisa_kernel_launch(kernel, sizes, arguments, count, error);
}

/* A vector that may be missing: a kernel that does not read it gets another in its place. */
static AlisaVector or_else(AlisaVector vector, AlisaVector other) {
    return vector.buffer ? vector : other;
}

static AlisaStatus check_optional(const char *operation, const char *name, AlisaVector vector,
                                  uint64_t rows, uint64_t columns, AlisaError *error) {
    if (!vector.buffer) return ALISA_OK;
    return alisa_ops_check_vector(operation, name, vector, rows, columns, error);
}

AlisaStatus alisa_ops_norm(AlisaOps *ops, const AlisaNormalisation *how, AlisaVector x,
                           uint32_t rows, uint32_t columns, AlisaVector y, AlisaError *error) {
    uint32_t weight_rows = how->weight_rows ? how->weight_rows : 1;
    AlisaStatus status = alisa_ops_check_vector("norm", "x", x, rows, columns, error);
    if (!status)
        status = alisa_ops_check_vector("norm", "weight", how->weight, weight_rows, columns, error);
    if (!status) status = check_optional("norm", "bias", how->bias, 1, columns, error);
    if (!status) status = alisa_ops_check_vector("norm", "y", y, rows, columns, error);
    if (status) return status;
    uint32_t variant = (how->bias.buffer ? 1 : 0) | (how->accumulate ? 2 : 0) |
                       (uint32_t)how->kind << ALISA_OPS_EWISE_FLAGS;
    AlisaVector bias = or_else(how->bias, how->weight);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(how->weight.buffer),
        ALISA_ARG(how->weight.offset),
        ALISA_ARG(weight_rows),
        ALISA_ARG_BUFFER(bias.buffer),
        ALISA_ARG(bias.offset),
        ALISA_ARG(how->epsilon),
        ALISA_ARG(columns),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
    };
    const AlisaLaunch sizes = alisa_ops_ewise_groups(ops, rows);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_NORM, variant, &sizes, arguments, COUNT(arguments),
                                  error);
}

AlisaStatus alisa_ops_activate(AlisaOps *ops, const AlisaActivated *what, uint32_t rows,
                               uint32_t columns, AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("activate", "x", what->x, rows, columns, error);
    if (!status) status = check_optional("activate", "bias of x", what->x_bias, 1, columns, error);
    if (!status) status = check_optional("activate", "up", what->up, rows, columns, error);
    if (!status)
        status = check_optional("activate", "bias of up", what->up_bias, 1, columns, error);
    if (!status) status = alisa_ops_check_vector("activate", "y", y, rows, columns, error);
    if (status) return status;
    uint32_t variant = (what->up.buffer ? 1 : 0) | (what->x_bias.buffer ? 2 : 0) |
                       (what->up.buffer && what->up_bias.buffer ? 4 : 0) |
                       (uint32_t)what->activation << ALISA_OPS_EWISE_FLAGS;
    AlisaVector x = what->x, up = or_else(what->up, x);
    AlisaVector x_bias = or_else(what->x_bias, x), up_bias = or_else(what->up_bias, x);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(x_bias.buffer),
        ALISA_ARG(x_bias.offset),
        ALISA_ARG_BUFFER(up.buffer),
        ALISA_ARG(up.offset),
        ALISA_ARG_BUFFER(up_bias.buffer),
        ALISA_ARG(up_bias.offset),
        ALISA_ARG(columns),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
    };
    const AlisaLaunch sizes = alisa_ops_ewise_quads(columns, rows);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_ACTIVATE, variant, &sizes, arguments,
                                  COUNT(arguments), error);
}

AlisaStatus alisa_ops_add_bias_each(AlisaOps *ops, const AlisaBiased *biased, uint32_t count,
                                    uint32_t rows, AlisaError *error) {
    AlisaBiased all[ALISA_OPS_PRODUCTS];
    uint64_t quads = 0;
    for (uint32_t i = 0; i < ALISA_OPS_PRODUCTS; i++) {
        all[i] = biased[i < count ? i : 0];
        if (i >= count) all[i].columns = 0;
        AlisaStatus status =
            alisa_ops_check_vector("add_bias", "y", all[i].y, rows, all[i].columns, error);
        if (!status)
            status =
                alisa_ops_check_vector("add_bias", "bias", all[i].bias, 1, all[i].columns, error);
        if (status) return status;
        quads += (all[i].columns + VECTOR - 1) / VECTOR;
    }
    AlisaArgument arguments[5 * ALISA_OPS_PRODUCTS];
    for (uint32_t i = 0; i < ALISA_OPS_PRODUCTS; i++) {
        const AlisaArgument one[] = {ALISA_ARG_BUFFER(all[i].y.buffer), ALISA_ARG(all[i].y.offset),
                                     ALISA_ARG_BUFFER(all[i].bias.buffer),
                                     ALISA_ARG(all[i].bias.offset), ALISA_ARG(all[i].columns)};
        for (uint32_t j = 0; j < 5; j++)
            arguments[5 * i + j] = one[j];
    }
    const AlisaLaunch sizes = alisa_ops_ewise_quads(quads * VECTOR, rows);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_BIAS, 0, &sizes, arguments, COUNT(arguments),
                                  error);
}

AlisaStatus alisa_ops_add(AlisaOps *ops, AlisaVector x, float scale, uint32_t rows,
                          uint32_t columns, AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("add", "x", x, rows, columns, error);
    if (!status) status = alisa_ops_check_vector("add", "y", y, rows, columns, error);
    if (status) return status;
    uint64_t elements = (uint64_t)rows * columns;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),        ALISA_ARG(scale),
        ALISA_ARG(elements),        ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset),
    };
    const AlisaLaunch sizes = alisa_ops_ewise_quads(elements, 1);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_ADD, 0, &sizes, arguments, COUNT(arguments),
                                  error);
}

AlisaStatus alisa_ops_scale(AlisaOps *ops, AlisaVector y, float scale, float cap, uint32_t rows,
                            uint32_t columns, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("scale", "y", y, rows, columns, error);
    if (status) return status;
    uint64_t elements = (uint64_t)rows * columns;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset), ALISA_ARG(scale), ALISA_ARG(cap),
        ALISA_ARG(elements),
    };
    const AlisaLaunch sizes = alisa_ops_ewise_quads(elements, 1);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_SCALE, cap > 0.0f, &sizes, arguments,
                                  COUNT(arguments), error);
}

AlisaStatus alisa_ops_gather_rows(AlisaOps *ops, AlisaVector x, const AlisaBuffer *indices,
                                  uint32_t rows, uint32_t columns, AlisaVector y,
                                  AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("gather_rows", "y", y, rows, columns, error);
    if (status) return status;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),        ALISA_ARG_BUFFER(indices),
        ALISA_ARG(columns),         ALISA_ARG_BUFFER(y.buffer), ALISA_ARG(y.offset),
    };
    const AlisaLaunch sizes = alisa_ops_ewise_quads(columns, rows);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_GATHER_ROWS, 0, &sizes, arguments,
                                  COUNT(arguments), error);
}

AlisaStatus alisa_ops_likeliest(AlisaOps *ops, AlisaVector x, uint32_t rows, uint32_t columns,
                                const AlisaBuffer *choices, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_vector("likeliest", "x", x, rows, columns, error);
    if (status) return status;
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(x.buffer), ALISA_ARG(x.offset),
                                       ALISA_ARG(columns), ALISA_ARG_BUFFER(choices)};
    const AlisaLaunch sizes = alisa_ops_ewise_groups(ops, rows);
    return alisa_ops_ewise_launch(ops, ALISA_OPS_LIKELIEST, 0, &sizes, arguments, COUNT(arguments),
                                  error);
}
