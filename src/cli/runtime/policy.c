/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy.h"

#include "alisa/bench.h"
#include "common/statistics.h"

#include <math.h>
#include <stdlib.h>
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

static void choose_attention(const Settings *settings, AlisaPolicy policy,
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

static void choose_placement(const Settings *settings, AlisaPolicy policy,
                             AlisaPlacementOptions *placement) {
    alisa_placement_options_defaults(placement);
    placement->policy = policy;
    placement->schedule = (AlisaSchedule)settings->schedule;
    placement->recompute = settings->recompute;
    placement->inputs_share = settings->inputs_share;
    placement->host_share = settings->host_share;
    placement->device_share = settings->device_memory.kv_share;
    placement->host_memory = settings->host_memory;
    /* A user who says how tokens are chosen wants them chosen, even where the whole context would
     * fit. */
    placement->only_if_needed = settings->attention < 0 && settings->swa_scores < 0 &&
                                settings->swa_lists < 0 && settings->kv_keep < 0;
    placement->halves_if_they_fit = settings->key_type < 0 && settings->value_type < 0;
}

SessionChoice alisa_cli_policy_choose(const Settings *settings, AlisaPolicy policy) {
    SessionChoice choice;
    alisa_session_options_defaults(&choice.options);
    choice.options.context_length = (uint32_t)settings->context;
    choice.options.micro_batch = (uint32_t)settings->micro_batch;
    choice.options.key_type = alisa_cli_policy_kv_type(settings->key_type, policy);
    choice.options.value_type = alisa_cli_policy_kv_type(settings->value_type, policy);
    choice.options.count_lists = settings->stats;
    choice.options.record_steps = policy != ALISA_POLICY_DEVICE;
    choice.options.interrupt = alisa_cli_interrupted;
    choose_attention(settings, policy, &choice.attention);
    choose_placement(settings, policy, &choice.placement);
    return choice;
}

AlisaStatus alisa_cli_policy_session(AlisaEngine *engine, const SessionChoice *choice,
                                     AlisaSession **session, AlisaError *error) {
    AlisaSessionOptions options = choice->options;
    options.attention = &choice->attention;
    options.placement = &choice->placement;
    return alisa_session_create(engine, &options, session, error);
}

SessionChoice alisa_cli_policy_chosen(const AlisaSession *session) {
    SessionChoice choice;
    alisa_session_options(session, &choice.options);
    choice.attention = *choice.options.attention;
    choice.placement = *choice.options.placement;
    return choice;
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

double alisa_cli_policy_prediction_error(const AlisaSession *session, size_t *steps) {
    size_t count;
    const AlisaStepRecord *records = alisa_session_steps(session, &count);
    *steps = 0;
    double *errors = malloc((count ? count : 1) * sizeof *errors);
    if (!errors) return 0.0;
    for (size_t i = 0; i < count; i++) {
        const AlisaStepRecord *step = &records[i];
        if (!(step->predicted_seconds > 0.0 && step->measured_seconds > 0.0)) continue;
        errors[(*steps)++] =
            fabs(step->predicted_seconds - step->measured_seconds) / step->measured_seconds;
    }
    double median = alisa_cli_median(errors, *steps);
    free(errors);
    return median;
}
