/*
 * --policy: what each policy's authors do, where a flag does not say otherwise.
 */
#ifndef ALISA_CLI_RUNTIME_POLICY_H
#define ALISA_CLI_RUNTIME_POLICY_H

#include "common/terminal.h"

/* Reads a list of names, none of them twice; policies has room for ALISA_POLICY_COUNT. */
ExitCode alisa_cli_policy_list(const char *list, AlisaPolicy *policies, size_t *count);

/* Sets the KV types and the attention of a session. */
void alisa_cli_policy_choose(const Settings *settings, AlisaPolicy policy,
                             AlisaSessionOptions *options);
/* `setting` is what -ctk or -ctv say. */
AlisaKvType alisa_cli_policy_kv_type(int setting, AlisaPolicy policy);
AlisaSelectKind alisa_cli_policy_attention(const Settings *settings, AlisaPolicy policy);

/* Median over the session's steps of |predicted - measured| / measured; *steps of them had a
 * prediction, and without any it is 0. */
double alisa_cli_policy_prediction_error(const AlisaSession *session, size_t *steps);

#endif
