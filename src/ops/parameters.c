#include "ops/parameters.h"

#include <stdio.h>
#include <string.h>

static const char *const layout_words[] = {"item", "group", "clblast", "matrix", NULL};

static const char *const activation_words[] = {"float", "int8", "half", NULL};

#define ALWAYS            ALISA_PARAMETER_ALWAYS
#define ITEM              ALISA_PARAMETER_ITEM
#define GROUP             ALISA_PARAMETER_GROUP
#define CLBLAST           ALISA_PARAMETER_CLBLAST
#define MATRIX            ALISA_PARAMETER_MATRIX
#define TILES             ALISA_PARAMETER_TILES
#define ROUNDED           ALISA_PARAMETER_ROUNDED
#define OURS              ALISA_PARAMETER_OURS
#define PLACE(set, field) (uint32_t)(offsetof(Alisa##set##Parameters, field) / sizeof(uint32_t))
#define LAYOUT(set)                                                                                \
    { "layout", layout_words, ALWAYS, PLACE(set, layout), {0, 1}, 2, 0, ALISA_LAYOUT_GROUP }
/* The first `count` of the words. */
#define ACTIVATIONS(set, count)                                                                    \
    {                                                                                              \
        "activations", activation_words, ROUNDED, PLACE(set, activations), {0, 1, 2}, count, 0,    \
            (count)-1                                                                              \
    }
#define OF_CLBLAST(name) #name, NULL, CLBLAST, PLACE(Matmul, clblast.name)

/* Groups for each compute unit with which tiles of more outputs than the least are enough. */
enum { MATRIX_BUSY = 2 };

/* Of matmul in layout item. */
enum { MOST_SUM_ROWS = 12, MOST_SUM_VECTORS = 2 };

static const AlisaParameterInfo matvec_table[] = {
    LAYOUT(Matvec),
    {"single", NULL, ALWAYS, PLACE(Matvec, single), {1, 2, 4, 8}, 4, 1, 16},
    {"several", NULL, ALWAYS, PLACE(Matvec, several), {1, 2, 3, 4}, 4, 1, 16},
    {"rows", NULL, ALWAYS, PLACE(Matvec, rows), {4, 6, 8, 12, 16}, 5, 1, ALISA_OPS_MATVEC_ROWS},
    {"items", NULL, ITEM, PLACE(Matvec, items), {4, 16, 64}, 3, 1, 4096},
    ACTIVATIONS(Matvec, 2),
    {"group", NULL, GROUP, PLACE(Matvec, group), {32, 64, 128, 256}, 4, 1, 1024},
    {"lanes", NULL, GROUP, PLACE(Matvec, lanes), {0, 1}, 2, 0, 1},
};

static const AlisaParameterInfo matmul_table[] = {
    {"layout",
     layout_words,
     ALWAYS,
     PLACE(Matmul, layout),
     {0, 1, 2, 3},
     4,
     0,
     ALISA_LAYOUT_MATRIX},
    {"depth", NULL, OURS, PLACE(Matmul, depth), {8, 16, 32, 64, 128, 256}, 6, 4, 4096},
    {"panels", NULL, ITEM, PLACE(Matmul, panels), {1, 2, 4, 8}, 4, 1, 1024},
    {"sum_rows", NULL, ITEM, PLACE(Matmul, sum_rows), {2, 3, 4, 6, 12}, 5, 1, MOST_SUM_ROWS},
    {"sum_vectors", NULL, ITEM, PLACE(Matmul, sum_vectors), {1, 2}, 2, 1, MOST_SUM_VECTORS},
    ACTIVATIONS(Matmul, 3),
    {"tile_rows", NULL, TILES, PLACE(Matmul, tile_rows), {16, 32, 64, 128}, 4, 4, 256},
    {"tile_outputs", NULL, TILES, PLACE(Matmul, tile_outputs), {16, 32, 64, 128}, 4, 4, 256},
    {"item_rows", NULL, GROUP, PLACE(Matmul, item_rows), {4, 8}, 2, 4, 16},
    {"item_outputs", NULL, GROUP, PLACE(Matmul, item_outputs), {4, 8}, 2, 4, 16},
    {"warp_rows", NULL, MATRIX, PLACE(Matmul, warp_rows), {16, 32, 64}, 3, 8, 128},
    {"warp_outputs", NULL, MATRIX, PLACE(Matmul, warp_outputs), {16, 32, 64}, 3, 16, 128},
    {"few_outputs", NULL, MATRIX, PLACE(Matmul, few_outputs), {16, 32, 64}, 3, 16, 256},
    {"few_depth", NULL, MATRIX, PLACE(Matmul, few_depth), {64, 128, 256}, 3, 32, 1024},
    {"few_parts", NULL, MATRIX, PLACE(Matmul, few_parts), {1, 2, 4, 8}, 4, 1, 32},
    {OF_CLBLAST(gemmk), {0, 1}, 2, 0, 1},
    {OF_CLBLAST(mwg), {16, 32, 64, 128}, 4, 8, 128},
    {OF_CLBLAST(nwg), {16, 32, 64, 128}, 4, 8, 128},
    {OF_CLBLAST(mdimc), {1, 8, 16, 32}, 4, 1, 32},
    {OF_CLBLAST(ndimc), {1, 8, 16, 32}, 4, 1, 32},
    {OF_CLBLAST(vwm), {1, 2, 4, 8}, 4, 1, 16},
    {OF_CLBLAST(vwn), {1, 2, 4, 8}, 4, 1, 16},
    {OF_CLBLAST(sa), {0, 1}, 2, 0, 1},
    {OF_CLBLAST(sb), {0, 1}, 2, 0, 1},
    {OF_CLBLAST(mdima), {8, 16, 32}, 3, 1, 32},
    {OF_CLBLAST(ndimb), {8, 16, 32}, 3, 1, 32},
    {OF_CLBLAST(kwg), {16, 32}, 2, 8, 64},
    {OF_CLBLAST(kwi), {2, 4, 8}, 3, 1, 16},
    {OF_CLBLAST(kreg), {1, 2, 4, 8}, 4, 1, 16},
    {OF_CLBLAST(strm), {0, 1}, 2, 0, 1},
    {OF_CLBLAST(strn), {0, 1}, 2, 0, 1},
    {OF_CLBLAST(indirect), {1, 256, 512, 1024}, 4, 1, 4096},
    {"from", NULL, ALWAYS, PLACE(Matmul, from), {5, 9, 17, 33, 65}, 5, 1, 65536},
};

static const AlisaParameterInfo decode_table[] = {
    LAYOUT(Decode),
    {"chunk", NULL, ALWAYS, PLACE(Decode, chunk), {64, 128, 256, 512}, 4, 32, 4096},
    {"busy", NULL, ALWAYS, PLACE(Decode, busy), {1, 2, 4, 8, 16}, 5, 1, 1024},
    {"group", NULL, GROUP, PLACE(Decode, group), {0, 32, 64, 128, 256}, 5, 0, 256},
    {"tokens", NULL, GROUP, PLACE(Decode, tokens), {8, 16, 32}, 3, 1, 32},
};

static const AlisaParameterInfo prefill_table[] = {
    {"queries", NULL, ALWAYS, PLACE(Prefill, queries), {4, 8, 16}, 3, 1, 16},
};

static const AlisaParameterInfo select_table[] = {
    LAYOUT(Select),
    {"group", NULL, GROUP, PLACE(Select, group), {64, 128, 256, 512, 1024}, 5, 64, 1024},
    {"index_group", NULL, GROUP, PLACE(Select, index_group), {64, 128, 256}, 3, 64, 1024},
};

static const AlisaParameterInfo row_table[] = {
    {"group", NULL, ALWAYS, PLACE(Row, group), {1, 64, 128, 256}, 4, 1, 1024},
};

static const AlisaParameterInfo store_table[] = {
    {"group", NULL, ALWAYS, PLACE(Store, group), {16, 32, 64, 128, 256, 512}, 6, 1, 1024},
};

static const AlisaParameterInfo seal_table[] = {
    {"group", NULL, ALWAYS, PLACE(Seal, group), {1, 8, 16, 32, 64, 128}, 6, 1, 1024},
};

static const AlisaParameterInfo move_table[] = {
    {"group", NULL, ALWAYS, PLACE(Move, group), {1, 8, 16, 32, 64, 128, 256}, 7, 1, 1024},
};

#define TABLE(table) (table), (uint32_t)(sizeof(table) / sizeof *(table))

static const AlisaFamilyInfo families[ALISA_FAMILY_COUNT] = {
    [ALISA_FAMILY_MATVEC] = {"matvec", true, TABLE(matvec_table)},
    [ALISA_FAMILY_MATMUL] = {"matmul", true, TABLE(matmul_table)},
    [ALISA_FAMILY_DECODE] = {"decode", false, TABLE(decode_table)},
    [ALISA_FAMILY_PREFILL] = {"prefill", false, TABLE(prefill_table)},
    [ALISA_FAMILY_SELECT] = {"select", false, TABLE(select_table)},
    [ALISA_FAMILY_ROW] = {"row", false, TABLE(row_table)},
    [ALISA_FAMILY_STORE] = {"store", false, TABLE(store_table)},
    [ALISA_FAMILY_SEAL] = {"seal", false, TABLE(seal_table)},
    [ALISA_FAMILY_MOVE] = {"move", false, TABLE(move_table)},
};

const AlisaFamilyInfo *alisa_family_info(AlisaFamily family) {
    return &families[family];
}

/* ---- Sets ---------------------------------------------------------------------------------- */

bool alisa_parameter_set(size_t index, AlisaParameterSet *set) {
    for (int family = 0; family < ALISA_FAMILY_COUNT; family++) {
        size_t count = families[family].by_format ? ALISA_FORMAT_COUNT : 1;
        if (index < count) {
            *set = (AlisaParameterSet){(AlisaFamily)family, (uint32_t)index};
            return true;
        }
        index -= count;
    }
    return false;
}

void alisa_parameter_set_name(const AlisaParameterSet *set, char name[32]) {
    const AlisaFamilyInfo *family = &families[set->family];
    snprintf(name, 32, "%s%s%s", family->name, family->by_format ? "." : "",
             family->by_format ? alisa_format_info(set->format)->name : "");
}

bool alisa_parameter_set_find(const char *name, AlisaParameterSet *set) {
    char known[32];
    for (size_t i = 0; alisa_parameter_set(i, set); i++) {
        alisa_parameter_set_name(set, known);
        if (strcmp(known, name) == 0) return true;
    }
    return false;
}

uint32_t *alisa_parameter_values(AlisaOpsParameters *parameters, const AlisaParameterSet *set) {
    switch (set->family) {
    case ALISA_FAMILY_MATVEC:
        return &parameters->matvec[set->format].layout;
    case ALISA_FAMILY_MATMUL:
        return &parameters->matmul[set->format].layout;
    case ALISA_FAMILY_DECODE:
        return &parameters->decode.layout;
    case ALISA_FAMILY_PREFILL:
        return &parameters->prefill.queries;
    case ALISA_FAMILY_SELECT:
        return &parameters->select.layout;
    case ALISA_FAMILY_STORE:
        return &parameters->store.group;
    case ALISA_FAMILY_SEAL:
        return &parameters->seal.group;
    case ALISA_FAMILY_MOVE:
        return &parameters->move.group;
    case ALISA_FAMILY_ROW:
    case ALISA_FAMILY_COUNT:
        break;
    }
    return &parameters->row.group;
}

/* The first parameter of a family is its layout, if it has one. */
static uint32_t layout_of(const AlisaFamilyInfo *family, const uint32_t *values) {
    const AlisaParameterInfo *first = &family->parameters[0];
    return first->words == layout_words ? values[first->offset] : ALISA_LAYOUT_ITEM;
}

bool alisa_parameter_matters(const AlisaFamilyInfo *family, const AlisaParameterInfo *parameter,
                             const uint32_t *values) {
    return parameter->layouts == ALWAYS || parameter->layouts >> layout_of(family, values) & 1;
}

bool alisa_parameter_loses(const AlisaParameterInfo *parameter, uint32_t value) {
    return parameter->words == activation_words && value != ALISA_ACTIVATIONS_FLOAT;
}

AlisaActivations alisa_layout_activations(uint32_t layout, uint32_t activations) {
    static const uint32_t layouts[] = {[ALISA_ACTIVATIONS_FLOAT] = ALWAYS,
                                       [ALISA_ACTIVATIONS_INT8] = ITEM | GROUP,
                                       [ALISA_ACTIVATIONS_HALF] = GROUP};
    bool there = layouts[activations] >> layout & 1;
    return there ? (AlisaActivations)activations : ALISA_ACTIVATIONS_FLOAT;
}

uint32_t alisa_int8_depth(const AlisaMatmulParameters *parameters) {
    enum { BLOCK = 32 };
    return parameters->depth < BLOCK ? BLOCK : parameters->depth;
}

/* ---- What can be --------------------------------------------------------------------------- */

static bool is_power_of_two(uint32_t value) {
    return value > 0 && (value & (value - 1)) == 0;
}

/* Whether a group of that size can add up by lanes (cl/lanes.clh). */
static bool has_lanes(uint32_t group, const AlisaDeviceInfo *info) {
    return info->capabilities & ALISA_CAPABILITY_SUBGROUPS ||
           (info->capabilities & ALISA_CAPABILITY_PTX && group % 32 == 0);
}

static const char *check_activations(uint32_t layout, uint32_t activations, uint32_t format,
                                     const AlisaDeviceInfo *info) {
    const AlisaFormatInfo *weights = alisa_format_info(format);
    bool half = activations == ALISA_ACTIVATIONS_HALF;
    if (activations == ALISA_ACTIVATIONS_INT8 && !weights->has_codes)
        return "activations of 8 bits are multiplied by weights of 8 or 4 bits only";
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
    if (matvec->lanes && !has_lanes(matvec->group, info))
        return "the device has no lanes that add up by themselves in groups of that size";
    uint64_t sums = (uint64_t)matvec->rows * matvec->several;
    if (matvec->single > sums) sums = matvec->single;
    if (sums * matvec->group * sizeof(float) > info->local_memory)
        return "the sums of a group do not fit in the device's local memory";
    return check_activations(matvec->layout, matvec->activations, format, info);
}

/* Local memory of matmul_item: a panel together with the copied rows of x. */
static uint64_t item_bytes(uint32_t depth) {
    enum { PANEL = 16 * MOST_SUM_VECTORS, PADDING = 16 };
    return (depth * PANEL + MOST_SUM_ROWS * ((uint64_t)depth + PADDING)) * sizeof(float);
}

bool alisa_matrix_multiplies(uint32_t format, const AlisaDeviceInfo *info) {
    return alisa_format_info(format)->fits_halves && info->capabilities & ALISA_CAPABILITY_PTX;
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
    bool is_busy = groups >= (uint64_t)MATRIX_BUSY * info->compute_units;
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

static const char *check_matrix_tile(const AlisaMatrixTile *tile, const AlisaDeviceInfo *info) {
    if (tile->depth % (32 * tile->parts)) return "the depth is not made of whole spans of a warp";
    if (tile->warp_rows * tile->warp_outputs > 2048) return "a warp has more than 2048 sums";
    if (tile->group > info->max_work_group) return "the device has no groups of that size";
    uint64_t sums = (uint64_t)(tile->parts - 1) * tile->rows * tile->outputs * sizeof(float);
    if (!tile_fits(tile, info) || sums > factor_bytes(tile))
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
    const char *wrong = check_matrix_tile(&tile, info);
    for (uint32_t rows = ALISA_OPS_MATRIX_ROWS; rows <= matmul->tile_rows; rows *= 2)
        for (int is_high = 0; is_high < 2 && !wrong; is_high++) {
            tile = alisa_matrix_tile_few(matmul, info, rows, is_high ? UINT32_MAX : 1);
            wrong = check_matrix_tile(&tile, info);
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
        if (item_bytes(matmul->depth) > info->local_memory)
            return "the panel does not fit in the device's local memory";
        return check_activations(matmul->layout, matmul->activations, format, info);
    }
    if (matmul->item_rows % 4 || matmul->item_outputs % 4)
        return "rows or outputs of a work-item are no multiple of 4";
    if (matmul->tile_rows % matmul->item_rows || matmul->tile_outputs % matmul->item_outputs)
        return "a tile is not made of whole work-items";
    bool int8 = matmul->activations == ALISA_ACTIVATIONS_INT8;
    if (matmul->depth % 4 || (32 % matmul->depth && !(int8 && matmul->depth % 32 == 0)))
        return "the depth does not divide 32";
    if (matmul->item_rows * matmul->item_outputs > 64) return "a work-item has more than 64 sums";
    uint64_t group = (uint64_t)(matmul->tile_rows / matmul->item_rows) *
                     (matmul->tile_outputs / matmul->item_outputs);
    if (group > info->max_work_group) return "the device has no groups of that size";
    uint32_t sides = matmul->tile_rows + matmul->tile_outputs;
    uint64_t tiles = matmul->depth * (sides + 8ull) * sizeof(float);
    if (int8) { /* four columns in an int, and the scales of blocks */
        uint32_t depth = alisa_int8_depth(matmul);
        tiles = depth * (sides + 8ull) + depth / 32 * sizeof(float) * sides;
    }
    if (matmul->activations == ALISA_ACTIVATIONS_HALF) /* likewise */
        tiles = tiles / 2 + sizeof(float) * sides;
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
    const AlisaFamilyInfo *family = &families[set->family];
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

/* ---- Defaults ------------------------------------------------------------------------------ */

static uint32_t power_of_two_below(uint64_t limit, uint32_t wanted) {
    while (wanted > 1 && wanted > limit)
        wanted /= 2;
    return wanted;
}

/* The largest depth up to 256 whose panel fits. */
static uint32_t item_depth(uint64_t local_memory) {
    uint32_t depth = 256;
    while (depth > 32 && item_bytes(depth) > local_memory)
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
    matrix.depth = 32;
    bool possible = layout == ALISA_LAYOUT_MATRIX && !check_matrix(&matrix, format, info);
    return possible ? matrix : matmul;
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
        /* One weight row alone streams best from memory; with more activations the loads of those
         * count more. */
        uint32_t group = power_of_two_below(info->max_work_group, 64);
        parameters->matvec[format] = (AlisaMatvecParameters){.layout = layout,
                                                             .single = item                     ? 1
                                                                       : has_lanes(group, info) ? 2
                                                                                                : 4,
                                                             .several = item ? 2 : 4,
                                                             .rows = 8,
                                                             .items = 16,
                                                             .group = group,
                                                             .lanes = has_lanes(group, info)};
        parameters->matmul[format] = matmul_defaults(info, wanted, format);
    }
}
