/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/matrix_tile.h"

/* Groups for each compute unit with which tiles of more outputs than the least are enough. */
enum { BUSY = 2 };

bool alisa_matrix_multiplies(uint32_t format, const AlisaDeviceInfo *info) {
    return alisa_format_info(format)->fits_matrix && info->capabilities & ALISA_CAPABILITY_PTX;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static AlisaMatrixTile with_group(AlisaMatrixTile tile) {
    tile.group =
        32 * tile.parts * (tile.rows / tile.warp_rows) * (tile.outputs / tile.warp_outputs);
    return tile;
}

AlisaMatrixTile alisa_matrix_tile(const AlisaMatmulParameters *parameters) {
    return with_group((AlisaMatrixTile){.rows = parameters->tile_rows,
                                        .outputs = parameters->tile_outputs,
                                        .depth = parameters->depth,
                                        .warp_rows = parameters->warp_rows,
                                        .warp_outputs = parameters->warp_outputs,
                                        .parts = 1});
}

AlisaMatrixTile alisa_matrix_tile_half(const AlisaMatmulParameters *parameters) {
    AlisaMatrixTile tile = alisa_matrix_tile(parameters);
    if (tile.warp_rows > ALISA_OPS_MATRIX_ROWS) {
        tile.rows /= 2;
        tile.warp_rows /= 2;
    }
    return tile;
}

static uint64_t factor_bytes(const AlisaMatrixTile *tile) {
    return (2 * (uint64_t)tile->rows + tile->outputs) * tile->depth * 2;
}

/* In local memory; the sums that warps hand over take the place of the factors. */
static bool tile_fits(const AlisaMatrixTile *tile, const AlisaDeviceInfo *info) {
    uint64_t scales = (uint64_t)tile->outputs * (tile->depth / 32) * sizeof(float);
    return factor_bytes(tile) + scales <= info->local_memory;
}

AlisaMatrixTile alisa_matrix_tile_few(const AlisaMatmulParameters *parameters,
                                      const AlisaDeviceInfo *info, uint32_t rows,
                                      uint32_t outputs) {
    uint32_t needed = ALISA_OPS_MATRIX_ROWS;
    while (needed < rows && needed < parameters->tile_rows)
        needed *= 2;
    uint64_t groups = outputs / parameters->few_outputs;
    bool is_busy = groups >= (uint64_t)BUSY * info->compute_units;
    uint32_t wide = is_busy ? parameters->few_outputs : ALISA_OPS_MATRIX_OUTPUTS;
    AlisaMatrixTile tile =
        with_group((AlisaMatrixTile){.rows = needed,
                                     .outputs = wide,
                                     .depth = parameters->few_depth,
                                     .warp_rows = least(parameters->warp_rows, needed),
                                     .warp_outputs = least(parameters->warp_outputs, wide),
                                     .parts = parameters->few_parts});
    /* The same warps share fewer sums where these need several; deep tiles are for few rows. */
    while (tile.parts > 1 && tile.group > 32 * parameters->few_parts) {
        tile.parts /= 2;
        tile = with_group(tile);
    }
    while (tile.depth > 32 && !tile_fits(&tile, info)) {
        tile.depth /= 2;
        tile.parts = least(tile.parts, tile.depth / 32);
        tile = with_group(tile);
    }
    return tile;
}

const char *alisa_matrix_tile_check(const AlisaMatrixTile *tile, const AlisaDeviceInfo *info) {
    if (tile->depth % (32 * tile->parts)) return "the depth is not made of whole spans of a warp";
    if (tile->warp_rows * tile->warp_outputs > 2048) return "a warp has more than 2048 sums";
    if (tile->group > info->max_work_group) return "the device has no groups of that size";
    uint64_t sums = (uint64_t)(tile->parts - 1) * tile->rows * tile->outputs * sizeof(float);
    if (!tile_fits(tile, info) || sums > factor_bytes(tile))
        return "the tiles do not fit in the device's local memory";
    return NULL;
}
