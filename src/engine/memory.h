/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the budget of a device leaves for the context of a session, and what the context takes of
 * it: before a stage is made.
 */
#ifndef ALISA_ENGINE_MEMORY_H
#define ALISA_ENGINE_MEMORY_H

#include "engine/setup.h"

/* Device bytes for what grows with the context. */
uint64_t alisa_memory_left(const AlisaStageSetup *setup);
/* Whether the whole context asked for fits on the device. */
bool alisa_memory_fits(const AlisaStageSetup *setup);
/* Sets the context length: the one asked for if it fits beside weights and scratch, otherwise an
 * error that says which length would; with none asked for, the model's, shortened to one that fits.
 */
AlisaStatus alisa_memory_fit(AlisaStageSetup *setup, AlisaError *error);
/* Memory of the cache of a tiered session. Too little for one step: ALISA_ERROR_MEMORY that says
 * of which memory, and how much is missing. */
AlisaStatus alisa_memory_fit_tiers(AlisaStageSetup *setup, AlisaKvMemory *memory,
                                   AlisaError *error);
/* Half of the host's free memory: the most that K and V take of it, if nobody says otherwise. */
uint64_t alisa_memory_host_bytes(void);

#endif
