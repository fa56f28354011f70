/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that are kept as layer inputs: the memory for that, and their K and V computed again.
 */
#ifndef ALISA_ENGINE_REBUILD_H
#define ALISA_ENGINE_REBUILD_H

#include "engine/stage.h"

/* Makes the cache of the stage anew, with the layer inputs that the plan wants, and tells the
 * problem what memory there is then; where that does not fit, the cache stays as it is and the
 * problem has no inputs. */
AlisaStatus alisa_rebuild_keep_inputs(AlisaStage *stage, const AlisaKvMemory *memory,
                                      const AlisaSchedPlan *plan, AlisaSchedProblem *problem,
                                      AlisaError *error);
/* Takes a zeroed or half-built one. */
void alisa_rebuild_finish(AlisaRebuild *rebuild);

/* Computes K and V of the layer's tokens that have none. The products overwrite normed, key, value
 * and attended of the step. */
AlisaStatus alisa_rebuild_layer(AlisaStage *stage, uint32_t layer, AlisaError *error);

#endif
