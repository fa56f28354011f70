/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a set of parameters impossible. */
#include "ops/limits.h"
#include "ops/matrix_tile.h"
#include "ops/parameters.h"

static bool is_power_of_two(uint32_t value) {
    return value > 0 && (value & (value - 1)) == 0;
}

static const char *check_activations(uint32_t layout, uint32_t activations, uint32_t format,
                                     const AlisaDeviceInfo *info) {
    const AlisaFormatInfo *weights = alisa_format_info(format);
    bool half = activations == ALISA_ACTIVATIONS_HALF;
    if (activations == ALISA_ACTIVATIONS_INT16 && !weights->has_codes)
        return "activations of 16 bits are multiplied by weights that are codes only";
    if (half && layout != ALISA_LAYOUT_GROUP) return "halves are multiplied in layout group only";
    if (half && !weights->fits_halves)
        return "halves are multiplied by weights of 16, 8 or 4 bits with the range of halves only";
    if (half && !(info->capabilities & ALISA_CAPABILITY_FP16))
        return "the device does not compute with halves";
    return NULL;
}

static const char *check_matvec(uint32_t format, const uint32_t *values,
                                const AlisaDeviceInfo *info) {
    const AlisaMatvecParameters *matvec = (const AlisaMatvecParameters *)(const void *)values;
    if (matvec->layout == ALISA_LAYOUT_ITEM) {
        /* More vectors of sums than any processor has registers. */
        if (matvec->rows * matvec->several > 64) return "a work-item has more than 64 sums";
        return check_activations(matvec->layout, matvec->activations, format, info);
    }
    if (!is_power_of_two(matvec->group)) return "the group is no power of two";
    if (matvec->group > info->max_work_group) return "the device has no groups of that size";
    if (matvec->lanes && !alisa_limits_has_lanes(matvec->group, info))
        return "the device has no lanes that add up by themselves in groups of that size";
    uint64_t sums = (uint64_t)matvec->rows * matvec->several;
    if (matvec->single > sums) sums = matvec->single;
    if (sums * matvec->group * sizeof(float) > info->local_memory)
        return "the sums of a group do not fit in the device's local memory";
    return check_activations(matvec->layout, matvec->activations, format, info);
}

/* A tile that a group of gemmk 0 brings to local memory, or not. */
static const char *check_staged(uint32_t staged, uint32_t tile, uint32_t vector, uint32_t across,
                                uint32_t group, uint32_t depth) {
    if (!staged) return NULL;
    if (across > group || tile % (across * vector) || depth % (group / across))
        return "a tile is not brought to local memory by whole work-items";
    return NULL;
}

/* CLBlast checks less: with some of these its kernels do not compile, with others (gemmk 1) they
 * write past the end of matrices. */
static const char *check_clblast(const AlisaSgemmParameters *set, const AlisaDeviceInfo *info) {
    if (!alisa_opencl_has_sgemm()) return "this build has no CLBlast";
    const uint32_t powers[] = {set->mwg, set->nwg, set->mdimc, set->ndimc, set->vwm, set->vwn,
                               set->kwg, set->kwi, set->mdima, set->ndimb, set->kreg};
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (!is_power_of_two(powers[i])) return "a number is no power of two";
    uint32_t group = set->mdimc * set->ndimc;
    if (group > info->max_work_group) return "the device has no groups of that size";
    if (set->mwg % (set->mdimc * set->vwm) || set->nwg % (set->ndimc * set->vwn))
        return "a tile is not made of whole vectors of work-items";
    uint32_t sums = set->mwg * set->nwg / group, unrolled = set->gemmk ? set->kreg : set->kwi;
    if (sums > 256) return "a work-item has more than 256 sums";
    /* What the compiler unrolls: minutes where there is more. */
    if (sums / set->vwm * unrolled > 1024)
        return "a work-item has more than 1024 operations a step";
    if (set->gemmk) {
        if (set->mwg != set->nwg) return "the tile of gemmk 1 is no square";
        return set->kreg % set->vwn ? "the columns of gemmk 1 are no whole vectors" : NULL;
    }
    if (set->kwg % set->kwi) return "a step is not made of whole unrolled parts";
    const char *wrong = check_staged(set->sa, set->mwg, set->vwm, set->mdima, group, set->kwg);
    if (!wrong) wrong = check_staged(set->sb, set->nwg, set->vwn, set->ndimb, group, set->kwg);
    if (wrong) return wrong;
    uint64_t tiles = (uint64_t)set->kwg * (set->sa * set->mwg + set->sb * set->nwg);
    if (tiles * sizeof(float) > info->local_memory)
        return "the tiles do not fit in the device's local memory";
    return NULL;
}

static const char *check_matrix(const AlisaMatmulParameters *matmul, uint32_t format,
                                const AlisaDeviceInfo *info) {
    if (!alisa_matrix_multiplies(format, info))
        return "the device has no matrix instructions for weights of that format";
    const uint32_t powers[] = {matmul->tile_rows,    matmul->tile_outputs, matmul->warp_rows,
                               matmul->warp_outputs, matmul->few_outputs,  matmul->few_depth,
                               matmul->few_parts};
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (!is_power_of_two(powers[i])) return "a number is no power of two";
    if (matmul->tile_rows < ALISA_OPS_MATRIX_ROWS ||
        matmul->tile_outputs < ALISA_OPS_MATRIX_OUTPUTS ||
        matmul->few_outputs < ALISA_OPS_MATRIX_OUTPUTS)
        return "a tile is smaller than what an instruction multiplies";
    if (matmul->tile_rows % matmul->warp_rows || matmul->tile_outputs % matmul->warp_outputs)
        return "a tile is not made of whole warps";
    AlisaMatrixTile tile = alisa_matrix_tile(matmul); /* half of it fits where it does */
    const char *wrong = alisa_matrix_tile_check(&tile, info);
    for (uint32_t rows = ALISA_OPS_MATRIX_ROWS; rows <= matmul->tile_rows; rows *= 2)
        for (int is_high = 0; is_high < 2 && !wrong; is_high++) {
            tile = alisa_matrix_tile_few(matmul, info, rows, is_high ? UINT32_MAX : 1);
            wrong = alisa_matrix_tile_check(&tile, info);
        }
    return wrong;
}

static const char *check_matmul(uint32_t format, const uint32_t *values,
                                const AlisaDeviceInfo *info) {
    const AlisaMatmulParameters *matmul = (const AlisaMatmulParameters *)(const void *)values;
    if (matmul->layout == ALISA_LAYOUT_CLBLAST) return check_clblast(&matmul->clblast, info);
    if (matmul->layout == ALISA_LAYOUT_MATRIX) return check_matrix(matmul, format, info);
    if (matmul->layout == ALISA_LAYOUT_ITEM) {
        if (matmul->depth % 32) return "the depth is no multiple of 32";
        if (alisa_limits_item_bytes(matmul->depth) > info->local_memory)
            return "the panel does not fit in the device's local memory";
        return check_activations(matmul->layout, matmul->activations, format, info);
    }
    if (matmul->item_rows % 4 || matmul->item_outputs % 4)
        return "rows or outputs of a work-item are no multiple of 4";
    if (matmul->tile_rows % matmul->item_rows || matmul->tile_outputs % matmul->item_outputs)
        return "a tile is not made of whole work-items";
    bool int16 = matmul->activations == ALISA_ACTIVATIONS_INT16;
    if (matmul->depth % 4 || (32 % matmul->depth && !(int16 && matmul->depth % 32 == 0)))
        return "the depth does not divide 32";
    if (matmul->item_rows * matmul->item_outputs > 64) return "a work-item has more than 64 sums";
    uint64_t group = (uint64_t)(matmul->tile_rows / matmul->item_rows) *
                     (matmul->tile_outputs / matmul->item_outputs);
    if (group > info->max_work_group) return "the device has no groups of that size";
    uint32_t sides = matmul->tile_rows + matmul->tile_outputs;
    uint64_t tiles = matmul->depth * (sides + 8ull) * sizeof(float);
    const AlisaFormatInfo *weights = alisa_format_info(format);
    uint32_t numbers = weights->has_minima ? 2 : 1; /* that go with codes */
    if (int16) { /* four columns in an int, of activations in two, and the scales of parts of blocks
                  */
        uint32_t depth = alisa_int16_depth(matmul);
        tiles = depth * (sides + matmul->tile_rows + 12ull) +
                (uint64_t)depth / 32 * weights->parts * numbers * sizeof(float) * sides;
    }
    if (matmul->activations == ALISA_ACTIVATIONS_HALF) { /* likewise */
        tiles = tiles / 2 + numbers * sizeof(float) * sides;
        if (weights->parts > 1 && 16 % matmul->depth)
            return "the depth does not divide the weights that share a scale";
    }
    if (tiles > info->local_memory) return "the tiles do not fit in the device's local memory";
    return check_activations(matmul->layout, matmul->activations, format, info);
}

static const char *check_decode(const uint32_t *values, const AlisaDeviceInfo *info) {
    const AlisaDecodeParameters *decode = (const AlisaDecodeParameters *)(const void *)values;
    if (decode->chunk % 32) return "the chunk is no multiple of 32";
    if (decode->layout == ALISA_LAYOUT_ITEM) return NULL;
    if (!is_power_of_two(decode->tokens)) return "the tokens are no power of two";
    if (decode->group == 0) return NULL;
    if (!is_power_of_two(decode->group)) return "the group is no power of two";
    if (decode->tokens > decode->group) return "there are more tokens than work-items";
    if (decode->group > info->max_work_group) return "the device has no groups of that size";
    return NULL;
}

static const char *check_select(const uint32_t *values, const AlisaDeviceInfo *info) {
    const AlisaSelectParameters *select = (const AlisaSelectParameters *)(const void *)values;
    if (select->layout == ALISA_LAYOUT_ITEM) return NULL;
    if (!is_power_of_two(select->group) || !is_power_of_two(select->index_group))
        return "a group is no power of two";
    if (select->group > info->max_work_group || select->index_group > info->max_work_group)
        return "the device has no groups of that size";
    return NULL;
}

/* Of families with one parameter, the size of a group. */
static const char *check_group(const uint32_t *values, const AlisaDeviceInfo *info) {
    if (!is_power_of_two(values[0])) return "the group is no power of two";
    return values[0] > info->max_work_group ? "the device has no groups of that size" : NULL;
}

const char *alisa_parameter_set_check(const AlisaParameterSet *set, const uint32_t *values,
                                      const AlisaDeviceInfo *info) {
    const AlisaFamilyInfo *family = alisa_family_info(set->family);
    for (uint32_t i = 0; i < family->parameter_count; i++) {
        const AlisaParameterInfo *parameter = &family->parameters[i];
        uint32_t value = values[parameter->offset];
        if (!alisa_parameter_matters(family, parameter, values)) continue;
        if (value < parameter->least || value > parameter->most)
            return "a value is outside what its kernel is made for";
    }
    switch (set->family) {
    case ALISA_FAMILY_MATVEC:
        return check_matvec(set->format, values, info);
    case ALISA_FAMILY_MATMUL:
        return check_matmul(set->format, values, info);
    case ALISA_FAMILY_DECODE:
        return check_decode(values, info);
    case ALISA_FAMILY_SELECT:
        return check_select(values, info);
    case ALISA_FAMILY_ROW:
    case ALISA_FAMILY_STORE:
    case ALISA_FAMILY_SEAL:
    case ALISA_FAMILY_MOVE:
        return check_group(values, info);
    case ALISA_FAMILY_PREFILL:
    case ALISA_FAMILY_COUNT:
        break;
    }
    return NULL;
}
