/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the budgets of devices leave for the context of a session, stage by stage, and what the
 * context takes of them: before a stage is made.
 *
 * Stages that draw on the same budget share what weights and scratch leave of it, and all stages
 * share the host's memory, by the bytes of K and V that a token has in their layers.
 */
#ifndef ALISA_ENGINE_MEMORY_H
#define ALISA_ENGINE_MEMORY_H

#include "engine/setup.h"

/* All device bytes of a stage beside the weights. memory: of its cache where it is tiered, NULL
 * otherwise. */
AlisaStatus alisa_memory_bytes(const AlisaStageSetup *stage, const AlisaKvMemory *memory,
                               uint64_t *bytes, AlisaError *error);

/* Device bytes of a stage for what grows with the context. */
uint64_t alisa_memory_left(const AlisaSessionSetup *setup, uint32_t stage);
/* Whether the context fits on the devices. */
bool alisa_memory_fits(const AlisaSessionSetup *setup);
/* Where the context does not fit beside weights and scratch: shortens it to one that does and logs
 * that; with `asked`, or where hardly any would fit, fails with an error that says which would. */
AlisaStatus alisa_memory_fit(AlisaSessionSetup *setup, bool asked, AlisaError *error);
/* Memory of the caches of a tiered session, in setup->plans. Too little for one step of a stage:
 * ALISA_ERROR_MEMORY that says of which memory, and how much is missing. */
AlisaStatus alisa_memory_fit_tiers(AlisaSessionSetup *setup, AlisaError *error);
/* Half of the host's free memory: the most that K and V take of it, if nobody says otherwise. */
uint64_t alisa_memory_host_bytes(void);

#endif
