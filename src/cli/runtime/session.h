/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions by the flags: their options, making them, and how well their steps were predicted.
 */
#ifndef ALISA_CLI_RUNTIME_SESSION_H
#define ALISA_CLI_RUNTIME_SESSION_H

#include "runtime/policy.h"

/* The options of a session and the structs that they point to. Their pointers are set only while a
 * session is made, so that a choice can be copied. */
typedef struct SessionChoice {
    AlisaSessionOptions options;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
} SessionChoice;

/* The options of a session by the flags, under this policy. */
SessionChoice alisa_cli_session_choose(const Settings *settings, AlisaPolicy policy);
/* Makes a session of an engine as chosen; the caller destroys it. */
AlisaStatus alisa_cli_session_create(AlisaEngine *engine, const SessionChoice *choice,
                                     AlisaSession **session, AlisaError *error);
/* The options as the session carries them out. */
SessionChoice alisa_cli_session_chosen(const AlisaSession *session);
/* Median of |predicted - measured| / measured over the session's steps that had a prediction,
 * *steps of them; 0 where none had. */
double alisa_cli_session_prediction_error(const AlisaSession *session, size_t *steps);

#endif
