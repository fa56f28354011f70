/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/session.h"

#include "alisa/bench.h"
#include "common/statistics.h"

#include <math.h>
#include <stdlib.h>

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

SessionChoice alisa_cli_session_choose(const Settings *settings, AlisaPolicy policy) {
    SessionChoice choice;
    alisa_session_options_defaults(&choice.options);
    choice.options.context_length = (uint32_t)settings->context;
    choice.options.micro_batch = (uint32_t)settings->micro_batch;
    choice.options.key_type = alisa_cli_policy_kv_type(settings->key_type, policy);
    choice.options.value_type = alisa_cli_policy_kv_type(settings->value_type, policy);
    choice.options.count_lists = settings->stats;
    choice.options.record_steps = policy != ALISA_POLICY_DEVICE;
    choice.options.interrupt = alisa_cli_interrupted;
    alisa_cli_policy_select(settings, policy, &choice.attention);
    choose_placement(settings, policy, &choice.placement);
    return choice;
}

AlisaStatus alisa_cli_session_create(AlisaEngine *engine, const SessionChoice *choice,
                                     AlisaSession **session, AlisaError *error) {
    AlisaSessionOptions options = choice->options;
    options.attention = &choice->attention;
    options.placement = &choice->placement;
    return alisa_session_create(engine, &options, session, error);
}

SessionChoice alisa_cli_session_chosen(const AlisaSession *session) {
    SessionChoice choice;
    alisa_session_options(session, &choice.options);
    choice.attention = *choice.options.attention;
    choice.placement = *choice.options.placement;
    return choice;
}

double alisa_cli_session_prediction_error(const AlisaSession *session, size_t *steps) {
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
