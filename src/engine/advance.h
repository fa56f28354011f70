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

/* Computes all tokens of a sequence again, from the first on. Where that fails the sequence keeps
 * its length, unless it is a device that failed. */
AlisaStatus alisa_advance_again(AlisaSession *session, uint32_t sequence, AlisaError *error);

/* Tells the stages of truncations since the last call. A sequence that was cut back behind what
 * layers with a window keep is computed again, or where whole sequences come and go and it is not
 * on the device, waits to be. The call in hand is to be begun after this. */
AlisaStatus alisa_advance_truncate(AlisaSession *session, AlisaError *error);

/* After a device has failed in the middle of moves: the contents of any slot are unknown, and no
 * sequence holds a token any more. */
void alisa_advance_lose(AlisaSession *session);

#endif
