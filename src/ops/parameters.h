/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of kernels as data: what a tuner may change and which values it may try. The
 * values for a device are one AlisaOpsParameters; a table says what they are called, which of them
 * matter in which layout, and what makes a set of them impossible.
 */
#ifndef ALISA_OPS_PARAMETERS_H
#define ALISA_OPS_PARAMETERS_H

#include <stddef.h>

#include "alisa/device.h"
#include "device/sgemm.h"
#include "ops/format.h"

/* Who does the work. */
typedef enum AlisaLayout {
    ALISA_LAYOUT_ITEM,    /* one work-item computes whole rows with long vectors */
    ALISA_LAYOUT_GROUP,   /* a work-group shares each row or tile through local memory */
    ALISA_LAYOUT_CLBLAST, /* matmul only: CLBlast, with weights that were made floats */
    ALISA_LAYOUT_MATRIX   /* matmul only: matrix instructions, for halves and small integers */
} AlisaLayout;

/* What activations are while they are multiplied. */
typedef enum AlisaActivations {
    ALISA_ACTIVATIONS_FLOAT,
    ALISA_ACTIVATIONS_INT16, /* rounded to 16 bits, in blocks of 32 (cl/gemm/quantise.cl) */
    ALISA_ACTIVATIONS_HALF   /* to halves, likewise (cl/gemm/halve.cl), and so are short sums */
} AlisaActivations;

/* Every parameter is a uint32_t, so that the table can name its place. */

/* Products with few rows of activations, for each format of weights. */
typedef struct AlisaMatvecParameters {
    uint32_t layout;      /* AlisaLayout */
    uint32_t single;      /* weight rows side by side where there is one row of activations */
    uint32_t several;     /* and where there are more */
    uint32_t rows;        /* most rows of activations of a launch, <= ALISA_OPS_MATVEC_ROWS */
    uint32_t items;       /* work-items for each compute unit (item) */
    uint32_t activations; /* AlisaActivations; int16 for formats with codes only (item, group) */
    uint32_t group;       /* work-items that share the rows; a power of two (group) */
    uint32_t lanes;       /* 1: sums by sub-groups or warps, not through local memory (group) */
} AlisaMatvecParameters;

/* Products with many. */
typedef struct AlisaMatmulParameters {
    uint32_t layout; /* AlisaLayout */
    uint32_t from;   /* rows of activations from which it is taken in place of launches of matvec */
    /* Columns of a step: panel (item) or tiles (group, matrix); of tiles with int16 at least 32. */
    uint32_t depth;
    uint32_t panels;                /* work-items for each compute unit (item) */
    uint32_t sum_rows, sum_vectors; /* sums in registers: rows x vectors of 16 outputs (item) */
    /* AlisaActivations; int16 for formats with codes only (item, group), half for those that fit
     * halves (group). */
    uint32_t activations;
    uint32_t tile_rows, tile_outputs; /* of a work-group (group, matrix) */
    uint32_t item_rows, item_outputs; /* of these, of a work-item (group) */
    uint32_t warp_rows, warp_outputs; /* of these, of a warp (matrix) */
    /* In place of tile_outputs and depth where those tiles are too few for the device, and warps
     * that share sums there: fewer where a tile has several warps, less deep where local memory
     * wants it (matrix). */
    uint32_t few_outputs, few_depth, few_parts;
    AlisaSgemmParameters clblast; /* (clblast) */
} AlisaMatmulParameters;

/* Attention of a step to a list of tokens. */
typedef struct AlisaDecodeParameters {
    uint32_t layout; /* AlisaLayout */
    uint32_t chunk;  /* tokens of a piece of the softmax */
    uint32_t busy;   /* work-items or groups for each compute unit: fewer are cut along the list */
    uint32_t group;  /* work-items of a group; 0: by the size of a head (group) */
    uint32_t tokens; /* keys in local memory at a time (group) */
} AlisaDecodeParameters;

/* Attention of prompts: what it has beside AlisaDecodeParameters, whose layout it shares. */
typedef struct AlisaPrefillParameters {
    uint32_t queries; /* rows times heads of a tile */
} AlisaPrefillParameters;

/* Choosing tokens. */
typedef struct AlisaSelectParameters {
    uint32_t layout;      /* AlisaLayout */
    uint32_t group;       /* work-items that share a list (group) */
    uint32_t index_group; /* work-items that share a row of the index of keys (group) */
} AlisaSelectParameters;

/* Norms and the largest logit. */
typedef struct AlisaRowParameters {
    uint32_t group; /* work-items that share a row */
} AlisaRowParameters;

/* Rows of K and V that are rotated and stored. */
typedef struct AlisaStoreParameters {
    uint32_t group; /* most work-items of a group, which does whole heads of a row */
} AlisaStoreParameters;

/* Blocks of K and V that are quantised by channel, and back. */
typedef struct AlisaSealParameters {
    uint32_t group; /* most work-items of a group, each with 8 channels of a block */
} AlisaSealParameters;

/* Rows of K and V between their slots and what is packed for a copy. */
typedef struct AlisaMoveParameters {
    uint32_t group; /* most work-items that share a row */
} AlisaMoveParameters;

typedef struct AlisaOpsParameters {
    AlisaMatvecParameters matvec[ALISA_FORMAT_COUNT];
    AlisaMatmulParameters matmul[ALISA_FORMAT_COUNT];
    AlisaDecodeParameters decode;
    AlisaPrefillParameters prefill;
    AlisaSelectParameters select;
    AlisaRowParameters row;
    AlisaStoreParameters store;
    AlisaSealParameters seal;
    AlisaMoveParameters move;
} AlisaOpsParameters;

enum { ALISA_OPS_MATVEC_ROWS = 16 };

/* What activations are in a layout: floats, whatever a set says, in those where they are nothing
 * else. */
AlisaActivations alisa_layout_activations(uint32_t layout, uint32_t activations);

/* Columns of a step of tiles with activations of 16 bits: whole blocks of 32. */
uint32_t alisa_int16_depth(const AlisaMatmulParameters *parameters);

/* Defaults by queried properties of the device (largest work-group, local memory), in one layout
 * all families that have it; and, as the others, in the one that suits the type of the device.
 * ALISA_LAYOUT_MATRIX: where the device has it, ALISA_LAYOUT_GROUP for the rest. */
void alisa_ops_parameters_in(const AlisaDeviceInfo *info, AlisaLayout layout,
                             AlisaOpsParameters *parameters);
void alisa_ops_parameters_defaults(const AlisaDeviceInfo *info, AlisaOpsParameters *parameters);

/* Leaves products of the formats (bit i: AlisaFormat i) as they are, and has those of the others
 * need no scratch: a model without them does not pay for it. */
void alisa_ops_parameters_leave(AlisaOpsParameters *parameters, uint32_t formats);

/* ---- The table ----------------------------------------------------------------------------- */

enum { ALISA_PARAMETER_CANDIDATES = 8 };

/* In which layouts of its family a parameter matters. */
enum {
    ALISA_PARAMETER_ITEM = 1u << ALISA_LAYOUT_ITEM,
    ALISA_PARAMETER_GROUP = 1u << ALISA_LAYOUT_GROUP,
    ALISA_PARAMETER_CLBLAST = 1u << ALISA_LAYOUT_CLBLAST,
    ALISA_PARAMETER_MATRIX = 1u << ALISA_LAYOUT_MATRIX,
    ALISA_PARAMETER_TILES = ALISA_PARAMETER_GROUP | ALISA_PARAMETER_MATRIX,
    ALISA_PARAMETER_ROUNDED = ALISA_PARAMETER_ITEM | ALISA_PARAMETER_GROUP,
    ALISA_PARAMETER_OURS = ALISA_PARAMETER_ITEM | ALISA_PARAMETER_TILES,
    ALISA_PARAMETER_ALWAYS = ALISA_PARAMETER_OURS | ALISA_PARAMETER_CLBLAST
};

typedef struct AlisaParameterInfo {
    const char *name;
    const char *const *words; /* names of the values 0, 1 ...; NULL: they are numbers */
    uint32_t layouts;         /* ALISA_PARAMETER_* */
    uint32_t offset;          /* uint32_t[offset] of the set */
    uint32_t candidates[ALISA_PARAMETER_CANDIDATES]; /* what a tuner tries */
    uint32_t candidate_count;
    uint32_t least, most; /* what a file may ask for */
} AlisaParameterInfo;

typedef enum AlisaFamily {
    ALISA_FAMILY_MATVEC,
    ALISA_FAMILY_MATMUL,
    ALISA_FAMILY_DECODE,
    ALISA_FAMILY_PREFILL,
    ALISA_FAMILY_SELECT,
    ALISA_FAMILY_ROW,
    ALISA_FAMILY_STORE,
    ALISA_FAMILY_SEAL,
    ALISA_FAMILY_MOVE,
    ALISA_FAMILY_COUNT
} AlisaFamily;

/* A set of parameters: a family, and a format of weights where it has one set for each. */
typedef struct AlisaParameterSet {
    AlisaFamily family;
    uint32_t format; /* AlisaFormat; 0 where there is one set */
} AlisaParameterSet;

typedef struct AlisaFamilyInfo {
    const char *name; /* "matvec" */
    bool by_format;
    const AlisaParameterInfo *parameters;
    uint32_t parameter_count;
} AlisaFamilyInfo;

const AlisaFamilyInfo *alisa_family_info(AlisaFamily family);

/* Sets by index; false past the last one. */
bool alisa_parameter_set(size_t index, AlisaParameterSet *set);
/* "matvec.q8_0", "decode". */
void alisa_parameter_set_name(const AlisaParameterSet *set, char name[32]);
/* False: there is no set of that name. */
bool alisa_parameter_set_find(const char *name, AlisaParameterSet *set);

/* The set's values, uint32_t each, in the order of AlisaParameterInfo.offset. */
uint32_t *alisa_parameter_values(AlisaOpsParameters *parameters, const AlisaParameterSet *set);

/* NULL, or in words (static) what the device cannot do, or what no kernel is made for. */
const char *alisa_parameter_set_check(const AlisaParameterSet *set, const uint32_t *values,
                                      const AlisaDeviceInfo *info);

/* Whether a parameter matters beside the other values of its set. */
bool alisa_parameter_matters(const AlisaFamilyInfo *family, const AlisaParameterInfo *parameter,
                             const uint32_t *values);

/* Whether results with this value are less exact than with the parameter's others. */
bool alisa_parameter_loses(const AlisaParameterInfo *parameter, uint32_t value);

#endif
