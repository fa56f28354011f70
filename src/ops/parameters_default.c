/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that suit a device by what it says of itself. */
#include "ops/limits.h"
#include "ops/parameters.h"

static uint32_t power_of_two_below(uint64_t limit, uint32_t wanted) {
    while (wanted > 1 && wanted > limit)
        wanted /= 2;
    return wanted;
}

/* The largest depth up to 256 whose panel fits. */
static uint32_t item_depth(uint64_t local_memory) {
    uint32_t depth = 256;
    while (depth > 32 && alisa_limits_item_bytes(depth) > local_memory)
        depth /= 2;
    return depth;
}

/* Register and local-memory tiles of matmul_group, largest first: the first one whose group the
 * device allows is used. */
static const AlisaMatmulParameters group_tiles[] = {
    {.tile_rows = 64, .tile_outputs = 64, .item_rows = 4, .item_outputs = 4},
    {.tile_rows = 64, .tile_outputs = 64, .item_rows = 8, .item_outputs = 4},
    {.tile_rows = 32, .tile_outputs = 32, .item_rows = 4, .item_outputs = 4},
    {.tile_rows = 16, .tile_outputs = 16, .item_rows = 4, .item_outputs = 4},
    {.tile_rows = 4, .tile_outputs = 4, .item_rows = 4, .item_outputs = 4},
};

/* Measured: on a CPU a work-item does best alone, with a tile in registers. For the rest what
 * CLBlast has for most GPUs, in groups as the device allows. */
static AlisaSgemmParameters clblast_defaults(const AlisaDeviceInfo *info) {
    AlisaSgemmParameters set = {.indirect = 512,
                                .mwg = 64,
                                .nwg = 64,
                                .mdimc = 16,
                                .ndimc = 8,
                                .vwm = 4,
                                .vwn = 4,
                                .kwg = 32,
                                .kwi = 2,
                                .sa = 1,
                                .sb = 1,
                                .mdima = 16,
                                .ndimb = 8,
                                .kreg = 8};
    uint64_t tiles = (uint64_t)set.kwg * (set.mwg + set.nwg) * sizeof(float);
    if (info->type == ALISA_DEVICE_CPU || info->max_work_group < 128 || info->local_memory < tiles)
        set = (AlisaSgemmParameters){.indirect = 1,
                                     .mwg = 16,
                                     .nwg = 16,
                                     .mdimc = 1,
                                     .ndimc = 1,
                                     .vwm = 8,
                                     .vwn = 8,
                                     .kwg = 32,
                                     .kwi = 4,
                                     .mdima = 16,
                                     .ndimb = 8,
                                     .kreg = 8};
    return set;
}

static AlisaMatmulParameters matmul_defaults(const AlisaDeviceInfo *info, AlisaLayout layout,
                                             uint32_t format) {
    const AlisaMatmulParameters *tile = group_tiles;
    while (tile->tile_rows > 4 && (uint64_t)(tile->tile_rows / tile->item_rows) *
                                          (tile->tile_outputs / tile->item_outputs) >
                                      info->max_work_group)
        tile++;
    AlisaMatmulParameters matmul = *tile;
    matmul.layout = layout == ALISA_LAYOUT_MATRIX ? ALISA_LAYOUT_GROUP : layout;
    /* A few launches of matvec beat tiles of a product that few rows leave half empty. Measured: on
     * a GPU a half to a third of the time up to 32 rows; on a CPU 0.65 at 16, 0.85 at 32. */
    matmul.from = 33;
    matmul.depth = layout == ALISA_LAYOUT_ITEM ? item_depth(info->local_memory) : 16;
    matmul.panels = 4;
    /* What the vector registers hold: 24 vectors of the 32 of AVX-512, or 12 halves of the 16 of
     * AVX2 (measured there: 2.5 times as fast as 24). Quarters, as NEON has them, were not
     * measured. */
    matmul.sum_rows = info->native_floats >= 16 ? 12 : 3;
    matmul.sum_vectors = 2;
    matmul.warp_rows = 32;
    matmul.warp_outputs = 32;
    matmul.few_outputs = 32;
    matmul.few_depth = 256;
    matmul.few_parts = 8;
    matmul.clblast = clblast_defaults(info);
    AlisaMatmulParameters matrix = matmul;
    matrix.layout = ALISA_LAYOUT_MATRIX;
    matrix.from = 9;
    matrix.tile_rows = 64;
    matrix.tile_outputs = 128;
    /* A plane of scales is read as often as a step begins: worth 1.4 with codes of 8 bits, for
     * which fewer steps are no loss. */
    matrix.depth = format == ALISA_FORMAT_Q8_0 ? 64 : 32;
    const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, format};
    bool possible =
        layout == ALISA_LAYOUT_MATRIX && !alisa_parameter_set_check(&set, &matrix.layout, info);
    return possible ? matrix : matmul;
}

void alisa_ops_parameters_leave(AlisaOpsParameters *parameters, uint32_t formats) {
    for (uint32_t format = 0; format < ALISA_FORMAT_COUNT; format++) {
        if (formats >> format & 1) continue;
        parameters->matvec[format].activations = ALISA_ACTIVATIONS_FLOAT;
        parameters->matmul[format].activations = ALISA_ACTIVATIONS_FLOAT;
        if (parameters->matmul[format].layout == ALISA_LAYOUT_CLBLAST)
            parameters->matmul[format].layout = parameters->matvec[format].layout;
    }
}

static AlisaLayout default_layout(const AlisaDeviceInfo *info) {
    return info->type == ALISA_DEVICE_CPU ? ALISA_LAYOUT_ITEM : ALISA_LAYOUT_GROUP;
}

void alisa_ops_parameters_defaults(const AlisaDeviceInfo *info, AlisaOpsParameters *parameters) {
    AlisaLayout layout = default_layout(info);
    alisa_ops_parameters_in(info, layout == ALISA_LAYOUT_ITEM ? layout : ALISA_LAYOUT_MATRIX,
                            parameters);
}

void alisa_ops_parameters_in(const AlisaDeviceInfo *info, AlisaLayout wanted,
                             AlisaOpsParameters *parameters) {
    AlisaLayout layout = wanted > ALISA_LAYOUT_GROUP ? default_layout(info) : wanted;
    bool item = layout == ALISA_LAYOUT_ITEM;
    *parameters = (AlisaOpsParameters){
        .decode = {.layout = layout,
                   .chunk = item ? 256 : 128,
                   .busy = item ? 2 : 4,
                   .tokens = power_of_two_below(info->max_work_group, 32)},
        .prefill = {.queries = 16},
        .select = {.layout = info->max_work_group < 64 ? ALISA_LAYOUT_ITEM : layout,
                   .group = power_of_two_below(info->max_work_group, 256),
                   .index_group = power_of_two_below(info->max_work_group, 64)},
        .row = {.group = item ? 1 : power_of_two_below(info->max_work_group, 256)},
        .store = {.group = power_of_two_below(info->max_work_group, 256)},
        .seal = {.group = 1},
        /* As many as read along a row together on a GPU; on a CPU a work-item copies best what lies
         * in one piece. */
        .move = {.group = item ? 1 : power_of_two_below(info->max_work_group, 64)},
    };
    for (uint32_t format = 0; format < ALISA_FORMAT_COUNT; format++) {
        /* On a CPU one weight row alone streams best from memory; with more activations the loads
         * of those count more. Measured on a GPU with lanes: codes do best with
         * four rows that share each part of x, floats and codes whose scales are bytes with two. */
        uint32_t group = power_of_two_below(info->max_work_group, 64);
        bool lanes = alisa_limits_has_lanes(group, info);
        bool codes = alisa_format_info(format)->has_codes;
        bool integers = item && codes && info->capabilities & ALISA_CAPABILITY_VNNI;
        uint32_t activations = integers ? ALISA_ACTIVATIONS_INT16 : ALISA_ACTIVATIONS_FLOAT;
        bool few = !codes || alisa_format_info(format)->scales == ALISA_SCALES_BYTES;
        uint32_t single = item ? 1 : lanes && few ? 2 : 4;
        parameters->matvec[format] = (AlisaMatvecParameters){.layout = layout,
                                                             .single = single,
                                                             .several = item ? 2 : 4,
                                                             .rows = 8,
                                                             .items = integers ? 4 : 16,
                                                             .activations = activations,
                                                             .group = group,
                                                             .lanes = lanes};
        parameters->matmul[format] = matmul_defaults(info, wanted, format);
        parameters->matmul[format].activations = activations;
    }
}
