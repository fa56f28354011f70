/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/parameters.h"

#include <stdio.h>
#include <string.h>

#include "ops/limits.h"

static const char *const layout_words[] = {"item", "group", "clblast", "matrix", NULL};

static const char *const activation_words[] = {"float", "int16", "half", NULL};

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
    {"sum_rows", NULL, ITEM, PLACE(Matmul, sum_rows), {2, 3, 4, 6, 12}, 5, 1, ALISA_OPS_SUM_ROWS},
    {"sum_vectors", NULL, ITEM, PLACE(Matmul, sum_vectors), {1, 2}, 2, 1, ALISA_OPS_SUM_VECTORS},
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
                                       [ALISA_ACTIVATIONS_INT16] = ITEM | GROUP,
                                       [ALISA_ACTIVATIONS_HALF] = GROUP};
    bool there = layouts[activations] >> layout & 1;
    return there ? (AlisaActivations)activations : ALISA_ACTIVATIONS_FLOAT;
}

uint32_t alisa_int16_depth(const AlisaMatmulParameters *parameters) {
    enum { BLOCK = 32 };
    return parameters->depth < BLOCK ? BLOCK : parameters->depth;
}
