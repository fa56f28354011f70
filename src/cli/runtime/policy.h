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

/* The type of keys or values under a policy; `setting` is the value of -ctk or -ctv. */
AlisaKvType alisa_cli_policy_kv_type(int setting, AlisaPolicy policy);
/* The attention under a policy. */
AlisaSelectKind alisa_cli_policy_attention(const Settings *settings, AlisaPolicy policy);
/* How a session under a policy chooses tokens. */
void alisa_cli_policy_select(const Settings *settings, AlisaPolicy policy,
                             AlisaSelectOptions *attention);

#endif
