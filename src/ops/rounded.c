/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations that are rounded once for each product, in a scratch of fixed size, so many rows at a
 * time as fit in it.
 */
#include <stdio.h>
#include <string.h>

#include "base/round.h"
#include "ops/ops_internal.h"

enum { BLOCK = 32, FACTOR_BYTES = 16 /* of a block, at most */ };

/* Where groups share tiles, a prompt of 512 rows for matrices of up to 16 thousand columns, in
 * bytes; a work-item by itself does as well with a few hundred at a time. */
#define CODES_BYTES      ((uint64_t)16 << 20)
#define ITEM_CODES_BYTES ((uint64_t)4 << 20)

AlisaStatus alisa_ops_rounded_create(AlisaOps *ops, AlisaError *error) {
    bool used = false, grouped = false;
    for (int format = 0; format < ALISA_FORMAT_COUNT; format++) {
        const AlisaMatvecParameters *few = &ops->parameters.matvec[format];
        const AlisaMatmulParameters *many = &ops->parameters.matmul[format];
        bool by_few =
            alisa_layout_activations(few->layout, few->activations) != ALISA_ACTIVATIONS_FLOAT;
        bool by_many =
            alisa_layout_activations(many->layout, many->activations) != ALISA_ACTIVATIONS_FLOAT;
        used |= by_few | by_many;
        grouped |= by_many && many->layout != ALISA_LAYOUT_ITEM;
    }
    if (!used) return ALISA_OK;
    uint64_t codes = grouped ? CODES_BYTES : ITEM_CODES_BYTES;
    AlisaStatus status = alisa_buffer_create(ops->device, codes, ALISA_BUFFER_READ_WRITE,
                                             "rounded activations", &ops->rounded.codes, error);
    if (status == ALISA_OK)
        status = alisa_buffer_create(ops->device, codes / 2 / BLOCK * FACTOR_BYTES,
                                     ALISA_BUFFER_READ_WRITE, "scales of activations",
                                     &ops->rounded.factors, error);
    return status;
}

void alisa_ops_rounded_destroy(AlisaOps *ops) {
    alisa_buffer_destroy(&ops->rounded.codes);
    alisa_buffer_destroy(&ops->rounded.factors);
}

void alisa_ops_rounded_common(const AlisaOps *ops, const AlisaMatrix *weights, const AlisaVector *y,
                              AlisaArgument arguments[ALISA_OPS_ROUNDED_COMMON]) {
    const AlisaArgument common[ALISA_OPS_ROUNDED_COMMON] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG_BUFFER(&ops->rounded.codes),
        ALISA_ARG_BUFFER(&ops->rounded.factors),
        ALISA_ARG_BUFFER(y->buffer),
        ALISA_ARG(y->offset),
        ALISA_ARG(weights->rows),
        ALISA_ARG(weights->columns),
    };
    memcpy(arguments, common, sizeof common);
}

void alisa_ops_rounded_share(AlisaOps *ops) {
    ops->rounded.is_shared = true;
    ops->rounded.held.rounding = NULL;
}

void alisa_ops_rounded_unshare(AlisaOps *ops) {
    ops->rounded.is_shared = false;
}

static bool is_held(const AlisaOpsRounded *rounded, const AlisaOpsRounding *rounding,
                    uint32_t columns, AlisaVector x, uint32_t rows) {
    return rounded->is_shared && rounded->held.rounding == rounding &&
           rounded->held.x.buffer == x.buffer && rounded->held.x.offset == x.offset &&
           rounded->held.columns == columns && rounded->held.rows == rows;
}

uint32_t alisa_ops_rounded_most(const AlisaOps *ops, const AlisaOpsRounding *rounding,
                                uint32_t columns) {
    uint64_t codes = alisa_round_up_64(columns, rounding->columns);
    return (uint32_t)(ops->rounded.codes.size / (codes * rounding->code_bytes + rounding->padding));
}

AlisaStatus alisa_ops_rounded_rows(AlisaOps *ops, const AlisaOpsRounding *rounding,
                                   AlisaKernel **round, uint32_t columns, AlisaVector x,
                                   uint32_t rows, AlisaError *error) {
    if (is_held(&ops->rounded, rounding, columns, x, rows)) return ALISA_OK;
    ops->rounded.held.rounding = NULL;
    AlisaStatus status =
        alisa_ops_kernel(ops, rounding->file, rounding->kernel_name, NULL, round, error);
    if (status) return status;
    uint64_t items = alisa_round_up_64(columns, rounding->columns) / BLOCK;
    const AlisaLaunch launch = {{items, rows, 1}, {0, 0, 0}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(&ops->rounded.codes),
        ALISA_ARG_BUFFER(&ops->rounded.factors),
        ALISA_ARG(columns),
    };
    status = alisa_kernel_launch(*round, &launch, arguments, sizeof arguments / sizeof *arguments,
                                 error);
    if (status) return status;
    ops->rounded.held.rounding = rounding;
    ops->rounded.held.x = x;
    ops->rounded.held.columns = columns;
    ops->rounded.held.rows = rows;
    return ALISA_OK;
}

AlisaStatus alisa_ops_rounded_multiply(AlisaOps *ops, const AlisaOpsRounding *rounding,
                                       AlisaKernel **round, const AlisaMatrix *weights,
                                       AlisaVector x, uint32_t rows, AlisaVector y,
                                       uint32_t accumulate, AlisaOpsProduct *product,
                                       AlisaError *error) {
    uint32_t most = alisa_ops_rounded_most(ops, rounding, weights->columns);
    AlisaStatus status = ALISA_OK;
    if (most == 0)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "matmul: %u columns are too many for activations %s: use parameters "
                               "with activations float",
                               weights->columns, rounding->name);
    while (rows > 0 && !status) {
        uint32_t count = rows < most ? rows : most;
        status = alisa_ops_rounded_rows(ops, rounding, round, weights->columns, x, count, error);
        if (!status) status = product(ops, weights, x, count, y, accumulate, error);
        x.offset += (uint64_t)count * weights->columns;
        y.offset += (uint64_t)count * weights->rows;
        rows -= count;
    }
    return status;
}
