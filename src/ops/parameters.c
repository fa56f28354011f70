#include "ops/parameters.h"

#include <stdio.h>
#include <string.h>

static const char *const layout_words[] = {"item", "group", NULL};

static const char *const type_names[ALISA_OPS_TYPE_COUNT] = {
    [ALISA_OPS_F32] = "f32",   [ALISA_OPS_F16] = "f16",   [ALISA_OPS_BF16] = "bf16",
    [ALISA_OPS_Q8_0] = "q8_0", [ALISA_OPS_Q4_0] = "q4_0",
};

#define ALWAYS            ALISA_PARAMETER_ALWAYS
#define ITEM              ALISA_PARAMETER_ITEM
#define GROUP             ALISA_PARAMETER_GROUP
#define PLACE(set, field) (uint32_t)(offsetof(Alisa##set##Parameters, field) / sizeof(uint32_t))
#define LAYOUT(set)                                                                                \
    { "layout", layout_words, ALWAYS, PLACE(set, layout), {0, 1}, 2, 0, 1 }

static const AlisaParameterInfo matvec_table[] = {
    LAYOUT(Matvec),
    {"single", NULL, ALWAYS, PLACE(Matvec, single), {1, 2, 4, 8}, 4, 1, 16},
    {"several", NULL, ALWAYS, PLACE(Matvec, several), {1, 2, 3, 4}, 4, 1, 16},
    {"rows", NULL, ALWAYS, PLACE(Matvec, rows), {4, 6, 8, 12, 16}, 5, 1, ALISA_OPS_MATVEC_ROWS},
    {"items", NULL, ITEM, PLACE(Matvec, items), {4, 16, 64}, 3, 1, 4096},
    {"group", NULL, GROUP, PLACE(Matvec, group), {32, 64, 128, 256}, 4, 1, 1024},
};

static const AlisaParameterInfo matmul_table[] = {
    LAYOUT(Matmul),
    {"depth", NULL, ALWAYS, PLACE(Matmul, depth), {8, 16, 32, 64, 128, 256}, 6, 4, 4096},
    {"panels", NULL, ITEM, PLACE(Matmul, panels), {1, 2, 4, 8}, 4, 1, 1024},
    {"tile_rows", NULL, GROUP, PLACE(Matmul, tile_rows), {16, 32, 64, 128}, 4, 4, 256},
    {"tile_outputs", NULL, GROUP, PLACE(Matmul, tile_outputs), {16, 32, 64, 128}, 4, 4, 256},
    {"item_rows", NULL, GROUP, PLACE(Matmul, item_rows), {4, 8}, 2, 4, 16},
    {"item_outputs", NULL, GROUP, PLACE(Matmul, item_outputs), {4, 8}, 2, 4, 16},
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

#define TABLE(table) (table), (uint32_t)(sizeof(table) / sizeof *(table))

static const AlisaFamilyInfo families[ALISA_FAMILY_COUNT] = {
    [ALISA_FAMILY_MATVEC] = {"matvec", true, TABLE(matvec_table)},
    [ALISA_FAMILY_MATMUL] = {"matmul", true, TABLE(matmul_table)},
    [ALISA_FAMILY_DECODE] = {"decode", false, TABLE(decode_table)},
    [ALISA_FAMILY_PREFILL] = {"prefill", false, TABLE(prefill_table)},
    [ALISA_FAMILY_SELECT] = {"select", false, TABLE(select_table)},
    [ALISA_FAMILY_ROW] = {"row", false, TABLE(row_table)},
};

const AlisaFamilyInfo *alisa_family_info(AlisaFamily family) {
    return &families[family];
}

/* ---- Sets ---------------------------------------------------------------------------------- */

bool alisa_parameter_set(size_t index, AlisaParameterSet *set) {
    for (int family = 0; family < ALISA_FAMILY_COUNT; family++) {
        size_t count = families[family].by_type ? ALISA_OPS_TYPE_COUNT : 1;
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
    snprintf(name, 32, "%s%s%s", family->name, family->by_type ? "." : "",
             family->by_type ? type_names[set->type] : "");
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
        return &parameters->matvec[set->type].layout;
    case ALISA_FAMILY_MATMUL:
        return &parameters->matmul[set->type].layout;
    case ALISA_FAMILY_DECODE:
        return &parameters->decode.layout;
    case ALISA_FAMILY_PREFILL:
        return &parameters->prefill.queries;
    case ALISA_FAMILY_SELECT:
        return &parameters->select.layout;
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

/* ---- What can be --------------------------------------------------------------------------- */

static bool is_power_of_two(uint32_t value) {
    return value > 0 && (value & (value - 1)) == 0;
}

static const char *check_matvec(const uint32_t *values, const AlisaDeviceInfo *info) {
    const AlisaMatvecParameters *matvec = (const AlisaMatvecParameters *)(const void *)values;
    if (matvec->layout == ALISA_LAYOUT_ITEM) {
        /* More vectors of sums than any processor has registers. */
        return matvec->rows * matvec->several > 64 ? "a work-item has more than 64 sums" : NULL;
    }
    if (!is_power_of_two(matvec->group)) return "the group is no power of two";
    if (matvec->group > info->max_work_group) return "the device has no groups of that size";
    uint64_t sums = (uint64_t)matvec->rows * matvec->several;
    if (matvec->single > sums) sums = matvec->single;
    if (sums * matvec->group * sizeof(float) > info->local_memory)
        return "the sums of a group do not fit in the device's local memory";
    return NULL;
}

/* Local memory of matmul_item: a panel together with the copied rows of x. */
static uint64_t item_bytes(uint32_t depth) {
    enum { PANEL = 32, PADDING = 16, ROWS = 12 };
    return (depth * PANEL + ROWS * ((uint64_t)depth + PADDING)) * sizeof(float);
}

static const char *check_matmul(const uint32_t *values, const AlisaDeviceInfo *info) {
    const AlisaMatmulParameters *matmul = (const AlisaMatmulParameters *)(const void *)values;
    if (matmul->layout == ALISA_LAYOUT_ITEM) {
        if (matmul->depth % 32) return "the depth is no multiple of 32";
        return item_bytes(matmul->depth) > info->local_memory
                   ? "the panel does not fit in the device's local memory"
                   : NULL;
    }
    if (matmul->item_rows % 4 || matmul->item_outputs % 4)
        return "rows or outputs of a work-item are no multiple of 4";
    if (matmul->tile_rows % matmul->item_rows || matmul->tile_outputs % matmul->item_outputs)
        return "a tile is not made of whole work-items";
    if (matmul->depth % 4 || 32 % matmul->depth) return "the depth does not divide 32";
    if (matmul->item_rows * matmul->item_outputs > 64) return "a work-item has more than 64 sums";
    uint64_t group = (uint64_t)(matmul->tile_rows / matmul->item_rows) *
                     (matmul->tile_outputs / matmul->item_outputs);
    if (group > info->max_work_group) return "the device has no groups of that size";
    uint64_t tiles = (uint64_t)matmul->depth * (matmul->tile_rows + matmul->tile_outputs + 8);
    if (tiles * sizeof(float) > info->local_memory)
        return "the tiles do not fit in the device's local memory";
    return NULL;
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
        return check_matvec(values, info);
    case ALISA_FAMILY_MATMUL:
        return check_matmul(values, info);
    case ALISA_FAMILY_DECODE:
        return check_decode(values, info);
    case ALISA_FAMILY_SELECT:
        return check_select(values, info);
    case ALISA_FAMILY_ROW:
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

static AlisaMatmulParameters matmul_defaults(const AlisaDeviceInfo *info, AlisaLayout layout) {
    const AlisaMatmulParameters *tile = group_tiles;
    while (tile->tile_rows > 4 && (uint64_t)(tile->tile_rows / tile->item_rows) *
                                          (tile->tile_outputs / tile->item_outputs) >
                                      info->max_work_group)
        tile++;
    AlisaMatmulParameters matmul = *tile;
    matmul.layout = layout;
    /* A few launches of matvec beat tiles of a product that few rows leave half empty. Measured: on
     * a GPU a half to a third of the time up to 32 rows; on a CPU 0.65 at 16, 0.85 at 32. */
    matmul.from = 33;
    matmul.depth = layout == ALISA_LAYOUT_ITEM ? item_depth(info->local_memory) : 16;
    matmul.panels = 4;
    return matmul;
}

void alisa_ops_parameters_defaults(const AlisaDeviceInfo *info, AlisaOpsParameters *parameters) {
    bool item = info->type == ALISA_DEVICE_CPU;
    alisa_ops_parameters_in(info, item ? ALISA_LAYOUT_ITEM : ALISA_LAYOUT_GROUP, parameters);
}

void alisa_ops_parameters_in(const AlisaDeviceInfo *info, AlisaLayout layout,
                             AlisaOpsParameters *parameters) {
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
    };
    for (uint32_t type = 0; type < ALISA_OPS_TYPE_COUNT; type++) {
        /* One weight row alone streams best from memory; with more activations the loads of those
         * count more. */
        parameters->matvec[type] =
            (AlisaMatvecParameters){.layout = layout,
                                    .single = item ? 1 : 4,
                                    .several = item ? 2 : 4,
                                    .rows = 8,
                                    .items = 16,
                                    .group = power_of_two_below(info->max_work_group, 64)};
        parameters->matmul[type] = matmul_defaults(info, layout);
    }
}
