/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --policy: the attention and the types of keys and values that the authors of a policy use, where
 * a flag does not say otherwise.
 */
#ifndef ALISA_CLI_RUNTIME_POLICY_H
#define ALISA_CLI_RUNTIME_POLICY_H

#include "alisa/placement.h"
#include "alisa/select.h"
#include "common/terminal.h"

/* Reads a list of names, none of them twice; policies has room for ALISA_POLICY_COUNT. */
ExitCode alisa_cli_policy_list(const char *list, AlisaPolicy *policies, size_t *count);

/* The options of a session and what they point to, which the pointers are set to when it is made:
 * so it can be copied. */
typedef struct SessionChoice {
    AlisaSessionOptions options;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
} SessionChoice;

/* The options of a session by the flags, under this policy. */
SessionChoice alisa_cli_policy_choose(const Settings *settings, AlisaPolicy policy);
/* alisa_session_create. */
AlisaStatus alisa_cli_policy_session(AlisaEngine *engine, const SessionChoice *choice,
                                     AlisaSession **session, AlisaError *error);
/* The options as the session carries them out. */
SessionChoice alisa_cli_policy_chosen(const AlisaSession *session);
/* The type of keys or values under a policy; `setting` is the value of -ctk or -ctv. */
AlisaKvType alisa_cli_policy_kv_type(int setting, AlisaPolicy policy);
/* The attention under a policy. */
AlisaSelectKind alisa_cli_policy_attention(const Settings *settings, AlisaPolicy policy);

/* Median of |predicted - measured| / measured over the session's steps that had a prediction,
 * *steps of them; 0 where none had. */
double alisa_cli_policy_prediction_error(const AlisaSession *session, size_t *steps);

#endif
