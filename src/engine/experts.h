/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed-forward block of a layer with experts, of which each row takes some.
 *
 * The rows of a step are sorted by expert: each expert multiplies its rows with its own matrices,
 * as a layer without experts does it with all rows, and what a row's experts give is added up by
 * its shares. So experts that no row takes are not read. The host does the sorting, which is what
 * it waits for once a layer. A row that U experts take is U rows of `scratch.packed`, those of one
 * expert one after the other.
 */
#ifndef ALISA_ENGINE_EXPERTS_H
#define ALISA_ENGINE_EXPERTS_H

#include "engine/stage.h"

/* The layer has experts. */
bool alisa_experts_in(const AlisaLayerWeights *weights);

/* scratch.gate = act(x Wgate) * (x Wup) of each expert, and behind those the shared one's. */
AlisaStatus alisa_experts_expand(AlisaStage *stage, const AlisaLayerWeights *weights,
                                 const AlisaBuffer *x, uint32_t rows, AlisaError *error);
/* y = the sum of what the experts of each row give, or y += it. */
AlisaStatus alisa_experts_contract(AlisaStage *stage, const AlisaLayerWeights *weights,
                                   uint32_t rows, AlisaVector y, bool accumulate,
                                   AlisaError *error);

#endif
