/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention of a layer: the rows' keys and values are stored, tokens are chosen, and the rows
 * attend to them. `layer` counts from the stage's first.
 */
#ifndef ALISA_ENGINE_ATTEND_H
#define ALISA_ENGINE_ATTEND_H

#include "engine/stage.h"

/* Blocks that sequences of a tiered cache were cut back into get their halves again, from codes
 * that may be on the host. Before the step's tokens get slots. */
AlisaStatus alisa_attend_unseal_from_tiers(AlisaStage *stage, AlisaError *error);

/* attended = attention(query, K, V), once key and value of the step's rows are stored. */
AlisaStatus alisa_attend(AlisaStage *stage, uint32_t layer, AlisaError *error);

#endif
