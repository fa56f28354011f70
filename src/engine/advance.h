/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that were checked become tokens: cut into steps, each run through the stages and recorded.
 */
#ifndef ALISA_ENGINE_ADVANCE_H
#define ALISA_ENGINE_ADVANCE_H

#include "engine/session.h"

/* Appends rows that were checked, in a call begun by alisa_timeline_begin. */
AlisaStatus alisa_advance(AlisaSession *session, const AlisaRow *rows, size_t count,
                          AlisaError *error);

/* Tells the stages of truncations since the last call. */
AlisaStatus alisa_advance_truncate(AlisaSession *session, AlisaError *error);

/* After a device has failed in the middle of moves: the contents of any slot are unknown, and no
 * sequence holds a token any more. */
void alisa_advance_lose(AlisaSession *session);

#endif
