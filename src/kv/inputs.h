/*
 * Inputs of layers, kept in place of K and V: from the input of a token (after the norm before
 * attention) its K and V can be computed again. Kept as halves, on the device first, then on the
 * host, by tiers of their own.
 *
 * Of each layer of a step:
 *   place once a step, then keep: the inputs of chosen rows are stored
 *   need:    the inputs of tokens whose K and V the layer has to rebuild start to load
 *   recall:  they are there as rows of floats, for the products with W_K and W_V
 *   end:     their slots may be used for others
 */
#ifndef ALISA_KV_INPUTS_H
#define ALISA_KV_INPUTS_H

#include "kv/tiers.h"

typedef struct AlisaInputs AlisaInputs;

typedef struct AlisaInputsShape {
    AlisaResidencyShape residency; /* of the inputs' own slots */
    uint32_t columns;              /* elements of an input */
    uint32_t max_rows;             /* of one `place` */
    uint32_t row_group;            /* as in AlisaRowStoreShape */
} AlisaInputsShape;

AlisaStatus alisa_inputs_create(AlisaDevice *device, const AlisaInputsShape *shape,
                                AlisaStaging *staging, AlisaInputs **inputs, AlisaError *error);
void alisa_inputs_destroy(AlisaInputs *inputs);

/* Chooses rows of the step: `sources` are their indices in it. */
AlisaStatus alisa_inputs_place(AlisaInputs *inputs, const AlisaTokenRow *rows,
                               const uint32_t *sources, uint32_t count, AlisaError *error);
/* Stores the inputs of the rows placed last: x is float[step rows][columns] from `offset` on. */
AlisaStatus alisa_inputs_keep(AlisaInputs *inputs, uint32_t layer, const AlisaBuffer *x,
                              uint64_t offset, AlisaError *error);

/* `rebuilds` of alisa_tiers_need; they stay valid. */
AlisaStatus alisa_inputs_need(AlisaInputs *inputs, const AlisaMoves *rebuilds, AlisaError *error);
/* x[i] = input of the token of moves[i], float[count][columns] from `offset` on; at most max_rows
 * moves, all of one layer. */
AlisaStatus alisa_inputs_recall(AlisaInputs *inputs, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *x, uint64_t offset, AlisaError *error);
void alisa_inputs_end(AlisaInputs *inputs, uint32_t layer);

/* For what else a policy may order: offload, forget, refill, truncate. */
AlisaTiers *alisa_inputs_tiers(AlisaInputs *inputs);

#endif
