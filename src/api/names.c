/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the values of enums, as messages and the command line have them. */
#include "attn/select.h"
#include "base/kv_type.h"
#include "sched/plan.h"
#include "tune/tune.h"

const char *alisa_status_name(AlisaStatus status) {
    return alisa_error_name(status);
}

const char *alisa_tuning_match_name(AlisaTuningMatch match) {
    static const char *const names[ALISA_TUNING_MATCH_COUNT] = {
        [ALISA_TUNING_NONE] = "none",     [ALISA_TUNING_TYPE] = "type",
        [ALISA_TUNING_VENDOR] = "vendor", [ALISA_TUNING_ARCHITECTURE] = "architecture",
        [ALISA_TUNING_STALE] = "stale",   [ALISA_TUNING_EXACT] = "exact",
    };
    return (unsigned)match < ALISA_TUNING_MATCH_COUNT ? names[match] : "unknown match";
}

const char *alisa_select_kind_name(AlisaSelectKind kind) {
    return alisa_selector_kind_name(kind);
}

const char *alisa_select_scores_name(AlisaSelectScores scores) {
    return alisa_selector_scores_name(scores);
}

const char *alisa_select_lists_name(AlisaSelectLists lists) {
    return alisa_selector_lists_name(lists);
}

const char *alisa_policy_name(AlisaPolicy policy) {
    return alisa_sched_policy_name(policy);
}

const char *alisa_kv_type_name(AlisaKvType type) {
    const AlisaKvTypeInfo *info = alisa_kv_type_info(type);
    return info ? info->name : NULL;
}

const char *alisa_tune_effort_name(AlisaTuneEffort effort) {
    return alisa_tuner_effort_name(effort);
}
