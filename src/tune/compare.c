/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of values beside each other, timed anew: what a search found may have been luck.
 */
#include <math.h>

#include "tune/search_state.h"

enum { FINAL_SAMPLES = 9 };

#define SLOWER_COUNTS 4.0  /* times as much as faster, */
#define SLOWER_FROM   1.02 /* past what equal parameters differ by from run to run */

double alisa_tuner_cost(double ratio) {
    return ratio > SLOWER_FROM ? SLOWER_FROM + SLOWER_COUNTS * (ratio - SLOWER_FROM) : ratio;
}

/* Seconds of a case with both, in turn, so that a machine that slows down slows both. */
static AlisaStatus compare_case(State *state, uint32_t index, const uint32_t *const both[2],
                                double seconds[2], AlisaError *error) {
    const AlisaTrialClock clock = {FINAL_SAMPLES,
                                   2.0 * alisa_tuner_pace(state->search->effort)->case_seconds};
    seconds[0] = seconds[1] = INFINITY;
    for (int round = 0; round < 4; round++) {
        double samples[FINAL_SAMPLES];
        AlisaTrialResult result = {.seconds = samples};
        copy_values(state, values_of(state), both[round % 2]);
        AlisaStatus status = alisa_tuner_journal_beat(state->search->journal, error);
        if (status == ALISA_OK)
            status =
                alisa_trial_run(state->trial, index, state->parameters, &clock, &result, error);
        if (status != ALISA_OK) return status;
        double time = result.wrong ? INFINITY : alisa_tuner_least(samples, result.samples);
        if (time < seconds[round % 2]) seconds[round % 2] = time;
    }
    return ALISA_OK;
}

AlisaStatus alisa_tuner_compare(State *state, const uint32_t *const both[2], double *cost,
                                double *ratio, AlisaError *error) {
    double costs = 0.0, ratios = 0.0, weights = 0.0;
    AlisaStatus status = ALISA_OK;
    *cost = *ratio = INFINITY;
    for (uint32_t i = 0; i < state->case_count && status == ALISA_OK; i++) {
        double seconds[2];
        if (is_interrupted(state)) return ALISA_OK;
        status = compare_case(state, i, both, seconds, error);
        costs += state->cases[i].weight * alisa_tuner_cost(seconds[1] / seconds[0]);
        ratios += state->cases[i].weight * seconds[1] / seconds[0];
        weights += state->cases[i].weight;
    }
    if (status != ALISA_OK) return status;
    *cost = costs / weights;
    *ratio = ratios / weights;
    return ALISA_OK;
}

AlisaStatus alisa_tuner_verify_best(State *state, bool *right, AlisaError *error) {
    copy_values(state, values_of(state), state->best);
    AlisaStatus status = alisa_trial_verify(state->trial, state->parameters, right, error);
    if (status == ALISA_OK && !*right) {
        char name[32];
        alisa_parameter_set_name(state->set, name);
        alisa_log_write(&state->search->log, ALISA_LOG_WARNING,
                        "%s: the fastest parameters give wrong results at other sizes; they are "
                        "not used",
                        name);
    }
    return status;
}
