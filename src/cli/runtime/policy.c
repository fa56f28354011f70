/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy.h"

#include <string.h>

/* The values that auto stands for under a policy. */
typedef struct Preset {
    AlisaSelectKind attention;
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    AlisaKvType kv_type;
    uint32_t keep;
} Preset;

/* Policies without a row here attend to everything, with keys and values in f16. Of the ways in
 * which policy alisa can choose tokens, one list of a layer chosen by the step's own query is the
 * best one that moves no more tokens than past rows do; with 32 tokens at least, short texts lose
 * nothing either (bench/results). */
static const Preset presets[ALISA_POLICY_COUNT] = {
    [ALISA_POLICY_H2O] = {.attention = ALISA_SELECT_H2O},
    [ALISA_POLICY_ALISA] = {.attention = ALISA_SELECT_SWA,
                            .scores = ALISA_SELECT_SCORES_QUERY,
                            .kv_type = ALISA_KV_I8,
                            .keep = 32},
};

static int or_preset(int setting, int preset) {
    return setting >= 0 ? setting : preset;
}

AlisaKvType alisa_cli_policy_kv_type(int setting, AlisaPolicy policy) {
    return (AlisaKvType)or_preset(setting, (int)presets[policy].kv_type);
}

AlisaSelectKind alisa_cli_policy_attention(const Settings *settings, AlisaPolicy policy) {
    return (AlisaSelectKind)or_preset(settings->attention, (int)presets[policy].attention);
}

void alisa_cli_policy_select(const Settings *settings, AlisaPolicy policy,
                             AlisaSelectOptions *attention) {
    const Preset *preset = &presets[policy];
    alisa_select_options_defaults(attention);
    attention->kind = alisa_cli_policy_attention(settings, policy);
    /* The scores, lists and least tokens of a preset belong to the attention of that preset. */
    const Preset *choosing =
        attention->kind == preset->attention ? preset : &presets[ALISA_POLICY_DEVICE];
    attention->sparsity = settings->kv_sparsity;
    attention->keep = settings->kv_keep >= 0 ? (uint32_t)settings->kv_keep : choosing->keep;
    attention->sinks = (uint32_t)settings->swa_sinks;
    attention->window = (uint32_t)settings->swa_window;
    attention->scores = (AlisaSelectScores)or_preset(settings->swa_scores, (int)choosing->scores);
    attention->lists = (AlisaSelectLists)or_preset(settings->swa_lists, (int)choosing->lists);
}

static ExitCode refuse_policy(const char *word, size_t length) {
    char names[128] = "";
    for (int i = 0; i < ALISA_POLICY_COUNT; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                 alisa_policy_name((AlisaPolicy)i));
    }
    return alisa_cli_refuse(EXIT_USAGE, "--policy: '%.*s' is not one of %s", (int)length, word,
                            names);
}

ExitCode alisa_cli_policy_list(const char *list, AlisaPolicy *policies, size_t *count) {
    *count = 0;
    for (const char *word = list;;) {
        size_t length = strcspn(word, ",");
        int found = 0;
        while (found < ALISA_POLICY_COUNT &&
               (strlen(alisa_policy_name((AlisaPolicy)found)) != length ||
                strncmp(alisa_policy_name((AlisaPolicy)found), word, length) != 0)) {
            found++;
        }
        if (found == ALISA_POLICY_COUNT) return refuse_policy(word, length);
        for (size_t i = 0; i < *count; i++) {
            if (policies[i] != (AlisaPolicy)found) continue;
            return alisa_cli_refuse(EXIT_USAGE, "--policy: '%.*s' is named twice", (int)length,
                                    word);
        }
        policies[(*count)++] = (AlisaPolicy)found;
        if (!word[length]) return EXIT_DONE;
        word += length + 1;
    }
}
