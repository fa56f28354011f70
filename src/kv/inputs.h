/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer inputs, kept in place of K and V: from the layer input of a token (its activations after
 * the norm before attention) its K and V can be computed again. They are kept as halves, on the
 * device first, then on the host, by tiers of their own.
 *
 * Calls of a step, of which `place` comes once and the others for each layer:
 *   place    chooses the rows whose inputs are to be kept
 *   keep     stores the inputs of those rows
 *   need     starts to load the inputs of tokens whose K and V the layer has to rebuild
 *   recall   gives these inputs as rows of floats, for the products with W_K and W_V
 *   end      lets their slots be used for others
 */
#ifndef ALISA_KV_INPUTS_H
#define ALISA_KV_INPUTS_H

#include "kv/tiers.h"

typedef struct AlisaInputs AlisaInputs;

typedef struct AlisaInputsShape {
    AlisaResidencyShape residency; /* slots for layer inputs */
    uint32_t columns;              /* elements of a layer input */
    uint32_t max_rows;             /* most rows of one `place` */
    uint32_t row_group;            /* as in AlisaRowStoreShape */
} AlisaInputsShape;

AlisaStatus alisa_inputs_create(AlisaDevice *device, const AlisaInputsShape *shape,
                                AlisaStaging *staging, AlisaInputs **inputs, AlisaError *error);
void alisa_inputs_destroy(AlisaInputs *inputs);

/* Chooses rows of the step, whose inputs will be kept; `sources` are their indices in the step. */
AlisaStatus alisa_inputs_place(AlisaInputs *inputs, const AlisaTokenRow *rows,
                               const uint32_t *sources, uint32_t count, AlisaError *error);
/* Stores the inputs of the rows that were placed last; x is float[step rows][columns] from element
 * `offset` on. */
AlisaStatus alisa_inputs_keep(AlisaInputs *inputs, uint32_t layer, const AlisaBuffer *x,
                              uint64_t offset, AlisaError *error);

/* Starts to load the inputs of the tokens of `rebuilds` (alisa_tiers_rebuilds), which stay valid.
 */
AlisaStatus alisa_inputs_need(AlisaInputs *inputs, const AlisaMoves *rebuilds, AlisaError *error);
/* Writes the inputs of the tokens of at most max_rows moves, all of one layer, to x: float[count]
 * [columns] from element `offset` on. */
AlisaStatus alisa_inputs_recall(AlisaInputs *inputs, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *x, uint64_t offset, AlisaError *error);
void alisa_inputs_end(AlisaInputs *inputs, uint32_t layer);

/* The tiers of the layer inputs, for all else that a policy may order: offload, forget, refill,
 * truncate. */
AlisaTiers *alisa_inputs_tiers(AlisaInputs *inputs);

#endif
