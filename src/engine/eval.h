/*
 * The calls by which sequences get longer.
 */
#ifndef ALISA_ENGINE_EVAL_H
#define ALISA_ENGINE_EVAL_H

#include "engine/session.h"

/* What alisa_session_eval does. */
AlisaStatus alisa_engine_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                                      AlisaError *error);

#endif
