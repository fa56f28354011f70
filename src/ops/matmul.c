/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product: a kernel by layout and number of rows, its options, its launch (cl/gemm).
 */
#include <stdio.h>

#include "base/round.h"
#include "ops/ops_internal.h"

/* A group for each tile of rows x outputs. */
static AlisaStatus launch_tiles(AlisaKernel *kernel, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                const AlisaMatrixTile *tile, AlisaError *error) {
    const AlisaLaunch launch = {
        {(size_t)alisa_divide_up(weights->rows, tile->outputs) * tile->group,
         alisa_divide_up(rows, tile->rows), 1},
        {tile->group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
        ALISA_ARG(weights->rows),
        ALISA_ARG(weights->columns),
        ALISA_ARG(rows),
        ALISA_ARG(accumulate),
    };
    return alisa_kernel_launch(kernel, &launch, arguments, sizeof arguments / sizeof *arguments,
                               error);
}

static AlisaStatus matmul_group(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaError *error) {
    uint32_t format = weights->format;
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[format];
    const AlisaMatrixTile tile = {.rows = parameters->tile_rows,
                                  .outputs = parameters->tile_outputs,
                                  .group = parameters->tile_rows / parameters->item_rows *
                                           (parameters->tile_outputs / parameters->item_outputs)};
    int aligned = alisa_ops_is_aligned(weights, x);
    AlisaKernel **kernel = &ops->matmul[format][aligned];
    if (!*kernel) {
        char options[192];
        snprintf(options, sizeof options,
                 "-DFORMAT=%u -DALIGNED=%d -DTILE_ROWS=%u -DTILE_OUTPUTS=%u -DITEM_ROWS=%u "
                 "-DITEM_OUTPUTS=%u -DDEPTH=%u",
                 format, aligned, tile.rows, tile.outputs, parameters->item_rows,
                 parameters->item_outputs, parameters->depth);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_group.cl", "matmul_group", options, kernel, error);
        if (status) return status;
    }
    return launch_tiles(*kernel, weights, x, rows, y, accumulate, &tile, error);
}

static bool keeps_busy(const AlisaOps *ops, const AlisaMatrixTile *tile, uint32_t rows,
                       uint32_t outputs) {
    uint64_t tiles =
        (uint64_t)alisa_divide_up(rows, tile->rows) * alisa_divide_up(outputs, tile->outputs);
    return tiles >= alisa_opencl_info(ops->device)->compute_units;
}

/* The tile for a product; each has a number of its own, below half of ALISA_OPS_MATMUL_BUILDS. */
static AlisaMatrixTile choose_tile(const AlisaOps *ops, const AlisaMatmulParameters *parameters,
                                   uint32_t rows, uint32_t outputs, bool aligned,
                                   uint32_t *variant) {
    AlisaMatrixTile tile = alisa_matrix_tile(parameters);
    bool is_few = rows < tile.rows;
    *variant = 0;
    if (!is_few && !keeps_busy(ops, &tile, rows, outputs)) {
        tile = alisa_matrix_tile_half(parameters);
        is_few = !keeps_busy(ops, &tile, rows, outputs);
        *variant = 1;
    }
    if (is_few) {
        tile = alisa_matrix_tile_few(parameters, alisa_opencl_info(ops->device), rows, outputs);
        *variant = tile.outputs == ALISA_OPS_MATRIX_OUTPUTS;
        for (uint32_t i = tile.rows; i >= ALISA_OPS_MATRIX_ROWS; i /= 2)
            *variant += 2;
    } else if (!aligned) {
        /* What is not aligned is read one by one, and a deep step of that by few warps wants more
         * registers than there are. */
        tile.depth = ALISA_OPS_MATRIX_COLUMNS;
    }
    return tile;
}

static AlisaStatus matmul_matrix(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                 uint32_t rows, AlisaVector y, uint32_t accumulate,
                                 AlisaError *error) {
    uint32_t format = weights->format;
    int aligned = alisa_ops_is_aligned(weights, x);
    uint32_t variant;
    const AlisaMatrixTile tile =
        choose_tile(ops, &ops->parameters.matmul[format], rows, weights->rows, aligned, &variant);
    AlisaKernel **kernel = &ops->matmul[format][2 * variant + (uint32_t)aligned];
    if (!*kernel) {
        char options[192];
        snprintf(options, sizeof options,
                 "-DFORMAT=%u -DALIGNED=%d -DTILE_ROWS=%u -DTILE_OUTPUTS=%u -DWARP_ROWS=%u "
                 "-DWARP_OUTPUTS=%u -DPARTS=%u -DDEPTH=%u",
                 format, aligned, tile.rows, tile.outputs, tile.warp_rows, tile.warp_outputs,
                 tile.parts, tile.depth);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_matrix.cl", "matmul_matrix", options, kernel, error);
        if (status) return status;
    }
    return launch_tiles(*kernel, weights, x, rows, y, accumulate, &tile, error);
}

static AlisaStatus matmul_item(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                               uint32_t rows, AlisaVector y, uint32_t accumulate,
                               AlisaError *error) {
    uint32_t format = weights->format;
    const AlisaMatmulParameters *parameters = &ops->parameters.matmul[format];
    const AlisaOpsPanels panels = alisa_ops_panels(ops, weights, rows, parameters);
    AlisaKernel **kernel = &ops->matmul[format][panels.tile];
    if (!*kernel) {
        char options[96];
        snprintf(options, sizeof options, "-DFORMAT=%u -DTILE_ROWS=%u -DVECTORS=%u -DDEPTH=%u",
                 format, panels.tile_rows, parameters->sum_vectors, parameters->depth);
        AlisaStatus status =
            alisa_ops_kernel(ops, "gemm/matmul_item.cl", "matmul_item", options, kernel, error);
        if (status) return status;
    }
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(weights->buffer),
        ALISA_ARG(weights->planes),
        ALISA_ARG_BUFFER(x.buffer),
        ALISA_ARG(x.offset),
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

/* Launches of matvec. */
static AlisaStatus multiply_few(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                uint32_t rows, AlisaVector y, uint32_t accumulate,
                                AlisaOpsProduct *product, AlisaError *error) {
    uint32_t at_once = ops->parameters.matvec[weights->format].rows;
    AlisaStatus status = ALISA_OK;
    /* Equal parts: 9 rows are 5 and 4, not 8 and 1. */
    for (uint32_t parts = alisa_divide_up(rows, at_once); parts > 0 && !status; parts--) {
        uint32_t count = alisa_divide_up(rows, parts);
        status = product(ops, weights, x, count, y, accumulate, error);
        x.offset += (uint64_t)count * weights->columns;
        y.offset += (uint64_t)count * weights->rows;
        rows -= count;
    }
    return status;
}

static AlisaStatus check_product(const AlisaMatrix *weights, AlisaVector x, uint32_t rows,
                                 AlisaVector y, AlisaError *error) {
    AlisaStatus status = alisa_ops_check_matrix("matmul", weights, error);
    if (!status) status = alisa_ops_check_vector("matmul", "x", x, rows, weights->columns, error);
    if (!status) status = alisa_ops_check_vector("matmul", "y", y, rows, weights->rows, error);
    return status;
}

AlisaStatus alisa_ops_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                             uint32_t rows, AlisaVector y, bool accumulate, AlisaError *error) {
    static const struct {
        AlisaOpsProduct *few[ALISA_LAYOUT_MATRIX + 1], *many[ALISA_LAYOUT_MATRIX + 1];
    } products[] = {
        [ALISA_ACTIVATIONS_FLOAT] = {.few = {[ALISA_LAYOUT_ITEM] = alisa_ops_matvec_item,
                                             [ALISA_LAYOUT_GROUP] = alisa_ops_matvec_group},
                                     .many = {[ALISA_LAYOUT_ITEM] = matmul_item,
                                              [ALISA_LAYOUT_GROUP] = matmul_group,
                                              [ALISA_LAYOUT_CLBLAST] = alisa_ops_clblast_matmul,
                                              [ALISA_LAYOUT_MATRIX] = matmul_matrix}},
        [ALISA_ACTIVATIONS_INT16] = {.few = {[ALISA_LAYOUT_ITEM] = alisa_ops_int16_matvec_item,
                                             [ALISA_LAYOUT_GROUP] = alisa_ops_int16_matvec_group},
                                     .many = {[ALISA_LAYOUT_ITEM] = alisa_ops_int16_matmul_item,
                                              [ALISA_LAYOUT_GROUP] = alisa_ops_int16_matmul_group}},
        [ALISA_ACTIVATIONS_HALF] = {.many = {[ALISA_LAYOUT_GROUP] = alisa_ops_half_matmul}},
    };
    AlisaStatus status = check_product(weights, x, rows, y, error);
    if (status) return status;
    if (weights->host)
        return alisa_ops_streamed_matmul(ops, weights, x, rows, y, accumulate, error);

    uint32_t format = weights->format;
    AlisaActivations activations = alisa_ops_matmul_activations(ops, weights, rows);
    if (alisa_ops_has_many(ops, weights, rows))
        return products[activations].many[ops->parameters.matmul[format].layout](
            ops, weights, x, rows, y, accumulate, error);
    return multiply_few(ops, weights, x, rows, y, accumulate,
                        products[activations].few[ops->parameters.matvec[format].layout], error);
}

AlisaStatus alisa_ops_matmul_each(AlisaOps *ops, const AlisaProduct *products, uint32_t count,
                                  AlisaVector x, uint32_t rows, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < count && !status; i++)
        status = check_product(&products[i].weights, x, rows, products[i].y, error);
    if (status) return status;
    alisa_ops_rounded_share(ops);
    for (uint32_t i = 0, together; i < count && !status; i += together) {
        const AlisaProduct *first = &products[i];
        for (together = 1; i + together < count; together++)
            if (!alisa_ops_matvec_together(ops, first, together + 1, x, rows)) break;
        status = together > 1
                     ? alisa_ops_matvec_each(ops, first, together, x, rows, error)
                     : alisa_ops_matmul(ops, &first->weights, x, rows, first->y, false, error);
    }
    alisa_ops_rounded_unshare(ops);
    return status;
}
