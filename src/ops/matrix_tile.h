/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of products by matrix instructions (cl/gemm/matmul_matrix.clh). */
#ifndef ALISA_OPS_MATRIX_TILE_H
#define ALISA_OPS_MATRIX_TILE_H

#include "ops/parameters.h"

/* A tile of a product by matrix instructions. */
typedef struct AlisaMatrixTile {
    uint32_t rows, outputs, depth;
    uint32_t warp_rows, warp_outputs;
    uint32_t parts; /* warps that share sums */
    uint32_t group; /* work-items */
} AlisaMatrixTile;

/* Whether the device has matrix instructions for weights of a format. */
bool alisa_matrix_multiplies(uint32_t format, const AlisaDeviceInfo *info);

enum {
    ALISA_OPS_MATRIX_ROWS = 8, /* the least of a tile */
    ALISA_OPS_MATRIX_OUTPUTS = 16,
    ALISA_OPS_MATRIX_COLUMNS = 32,
};

/* The tile of a group where whole tiles keep the device busy; half of it, by as many warps, where
 * only those do; and, few, where neither does: for so many rows of activations and outputs of
 * weights, with no more rows than are needed, and with the least outputs where more would leave the
 * device idle. */
AlisaMatrixTile alisa_matrix_tile(const AlisaMatmulParameters *parameters);
AlisaMatrixTile alisa_matrix_tile_half(const AlisaMatmulParameters *parameters);
AlisaMatrixTile alisa_matrix_tile_few(const AlisaMatmulParameters *parameters,
                                      const AlisaDeviceInfo *info, uint32_t rows, uint32_t outputs);

/* NULL, or in words (static) what the device or the kernel cannot do. */
const char *alisa_matrix_tile_check(const AlisaMatrixTile *tile, const AlisaDeviceInfo *info);

#endif
