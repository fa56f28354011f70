/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that are kept as layer inputs: the memory for that, and their K and V computed again.
 */
#ifndef ALISA_ENGINE_REBUILD_H
#define ALISA_ENGINE_REBUILD_H

#include "engine/stage.h"

/* What a stage whose cache keeps inputs takes to compute up to `rows` rows at a time:
 * alisa_setup_rebuild_bytes on the device. Takes a zeroed one. */
AlisaStatus alisa_rebuild_init(AlisaRebuild *rebuild, const AlisaStageSetup *setup, uint32_t rows,
                               AlisaError *error);
/* Takes a zeroed or half-built one. */
void alisa_rebuild_finish(AlisaRebuild *rebuild);

/* Computes K and V of the layer's tokens that have none. The products overwrite normed, key, value
 * and attended of the step. */
AlisaStatus alisa_rebuild_layer(AlisaStage *stage, uint32_t layer, AlisaError *error);

#endif
