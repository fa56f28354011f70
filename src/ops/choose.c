/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel a product is for, and how its launch cuts the work. */
#include "base/round.h"
#include "ops/ops_internal.h"

enum { VECTOR_OUTPUTS = 16 };

/* With fewer columns a second pass of matvec over more rows than these costs more than it saves. */
enum { NARROW_COLUMNS = 512, NARROW_ROWS = 8 };

bool alisa_ops_is_aligned(const AlisaMatrix *weights, AlisaVector x) {
    return x.offset % 4 == 0 && weights->columns % 4 == 0 && alisa_matrix_is_aligned(weights, 16);
}

bool alisa_ops_has_many(const AlisaOps *ops, const AlisaMatrix *weights, uint32_t rows) {
    uint32_t format = weights->format;
    uint32_t at_once = ops->parameters.matvec[format].rows,
             from = ops->parameters.matmul[format].from;
    uint32_t few = at_once > NARROW_ROWS ? at_once : NARROW_ROWS;
    if (weights->columns < NARROW_COLUMNS && from > few + 1) from = few + 1;
    return rows >= from;
}

AlisaActivations alisa_ops_matmul_activations(const AlisaOps *ops, const AlisaMatrix *weights,
                                              uint32_t rows) {
    uint32_t format = weights->format;
    const AlisaMatvecParameters *few = &ops->parameters.matvec[format];
    const AlisaMatmulParameters *many = &ops->parameters.matmul[format];
    bool is_many = alisa_ops_has_many(ops, weights, rows);
    uint32_t layout = is_many ? many->layout : few->layout;
    uint32_t activations = is_many ? many->activations : few->activations;
    return alisa_layout_activations(layout, activations);
}

uint32_t alisa_ops_matvec_run(const AlisaOps *ops, uint32_t outputs, uint32_t items,
                              uint32_t side) {
    uint32_t all = alisa_opencl_info(ops->device)->compute_units * items;
    return alisa_divide_up(alisa_divide_up(outputs, all), side) * side;
}

AlisaOpsPanels alisa_ops_panels(const AlisaOps *ops, const AlisaMatrix *weights, uint32_t rows,
                                const AlisaMatmulParameters *parameters) {
    /* A shorter tile wastes less where the whole one would leave the last nearly empty. */
    uint32_t whole = parameters->sum_rows, shorter = (2 * whole + 2) / 3;
    bool is_less = alisa_divide_up(rows, shorter) * shorter < alisa_divide_up(rows, whole) * whole;
    AlisaOpsPanels made = {.tile = is_less, .tile_rows = is_less ? shorter : whole};
    /* Panels alone keep the device busy unless there are few; then the rows are cut as well, at the
     * price of dequantising a panel again for each part. */
    uint32_t outputs = VECTOR_OUTPUTS * parameters->sum_vectors;
    uint32_t all = alisa_divide_up(weights->rows, outputs);
    uint32_t units = alisa_opencl_info(ops->device)->compute_units;
    uint32_t parts = alisa_divide_up(units * parameters->panels, all);
    made.chunk = alisa_divide_up(alisa_divide_up(rows, parts), made.tile_rows) * made.tile_rows;
    made.launch = (AlisaLaunch){{all, alisa_divide_up(rows, made.chunk), 1}, {1, 1, 1}};
    return made;
}

AlisaLaunch alisa_ops_tile_launch(const AlisaMatmulParameters *parameters,
                                  const AlisaMatrix *weights, uint32_t rows) {
    size_t group = (size_t)(parameters->tile_rows / parameters->item_rows) *
                   (parameters->tile_outputs / parameters->item_outputs);
    return (AlisaLaunch){{alisa_divide_up(weights->rows, parameters->tile_outputs) * group,
                          alisa_divide_up(rows, parameters->tile_rows), 1},
                         {group, 1, 1}};
}
