/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the search share: the search of one set.
 */
#ifndef ALISA_TUNE_SEARCH_STATE_H
#define ALISA_TUNE_SEARCH_STATE_H

#include <string.h>

#include "tune/search.h"

enum { PARAMETERS = ALISA_TUNE_VALUES };

/* The search of one set. */
typedef struct State {
    const AlisaTuneSearch *search;
    const AlisaParameterSet *set;
    const AlisaFamilyInfo *family;
    AlisaTrial *trial;
    const AlisaTrialCase *cases;
    uint32_t case_count;
    AlisaOpsParameters *parameters;      /* values that are tried are written here */
    double reference[ALISA_TRIAL_CASES]; /* [case] seconds with the values that were there before */
    uint32_t best[PARAMETERS];           /* the best values so far */
    double best_cost;                    /* their cost beside the reference, whose cost is 1 */
    uint64_t beside;                     /* alisa_tuner_hash_others */
    uint64_t ends_at;                    /* time of the clock at which the search ends */
} State;

/* The values at hand: those that are tried next. */
static inline uint32_t *values_of(const State *state) {
    return alisa_parameter_values(state->parameters, state->set);
}

static inline void copy_values(const State *state, uint32_t *to, const uint32_t *from) {
    memcpy(to, from, state->family->parameter_count * sizeof *to);
}

static inline bool is_interrupted(const State *state) {
    const AlisaTuneSearch *search = state->search;
    return search->interrupt && search->interrupt(search->interrupt_user);
}

/* The cost of a case that takes `ratio` times its time before. What is slower costs more than its
 * time, so that no size is given up for others. */
double alisa_tuner_cost(double ratio);

/* Cost of the second values beside the first, and time of them over that of the first, both timed
 * anew and in turn; INFINITY where one gives wrong results or the search is interrupted. */
AlisaStatus alisa_tuner_compare(State *state, const uint32_t *const both[2], double *cost,
                                double *ratio, AlisaError *error);

/* Whether the best values are right for more sizes than those they were timed with. */
AlisaStatus alisa_tuner_verify_best(State *state, bool *right, AlisaError *error);

#endif
