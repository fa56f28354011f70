/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions opened: options and budgets are resolved here, in one place, and the plans' rates
 * measured, before a session takes its memory.
 */
#ifndef ALISA_ENGINE_OPEN_H
#define ALISA_ENGINE_OPEN_H

#include "engine/session.h"

/* What alisa_session_create and alisa_session_destroy do. */
AlisaStatus alisa_engine_session_open(AlisaEngine *engine, const AlisaSetupOptions *options,
                                      AlisaSession **session, AlisaError *error);
void alisa_engine_session_close(AlisaSession *session);

/* What the plans of a session with these options would be made from; none is opened. problems:
 * [engine->shard_count], one for each stage. */
AlisaStatus alisa_engine_session_problems(AlisaEngine *engine, const AlisaSetupOptions *options,
                                          AlisaSchedProblem *problems, AlisaError *error);

#endif
