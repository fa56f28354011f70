/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls by which sequences get longer.
 */
#ifndef ALISA_ENGINE_EVAL_H
#define ALISA_ENGINE_EVAL_H

#include "engine/session.h"

/* What alisa_session_eval does. */
AlisaStatus alisa_engine_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                                      AlisaError *error);

/* What alisa_session_keep does. */
uint32_t alisa_engine_session_keep(AlisaSession *session, uint32_t sequence, const int32_t *tokens,
                                   size_t count);

#endif
