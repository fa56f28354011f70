/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a session resolved against the budgets of the engine's devices: context_length and
 * logit_rows have values, and policy, attention and KV types are those that are carried out.
 */
#ifndef ALISA_ENGINE_RESOLVE_H
#define ALISA_ENGINE_RESOLVE_H

#include "engine/session.h"

/* For stages of `stage_count` shards of the engine. Options that cannot be used:
 * ALISA_ERROR_ARGUMENT; memory that does not suffice: ALISA_ERROR_MEMORY. The plans in *setup have
 * no more than their memory yet. *setup is finished also after a failure. */
AlisaStatus alisa_resolve(const AlisaEngine *engine, const AlisaShard *shards, uint32_t stage_count,
                          const AlisaSetupOptions *options, AlisaSessionSetup *setup,
                          AlisaError *error);
/* Takes a zeroed one. */
void alisa_resolve_finish(AlisaSessionSetup *setup);

#endif
