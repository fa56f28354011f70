/*
 * The options of a session resolved: every default replaced by its value, against the budgets of
 * the engine's devices.
 */
#ifndef ALISA_ENGINE_RESOLVE_H
#define ALISA_ENGINE_RESOLVE_H

#include "engine/session.h"

/* Options that cannot be used: ALISA_ERROR_ARGUMENT; memory that does not suffice:
 * ALISA_ERROR_MEMORY. *setup has no rates yet, and is finished also after a failure. */
AlisaStatus alisa_resolve(AlisaEngine *engine, const AlisaSessionOptions *options,
                          AlisaSessionSetup *setup, AlisaError *error);
/* Takes a zeroed one. */
void alisa_resolve_finish(AlisaSessionSetup *setup);

#endif
