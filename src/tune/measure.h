/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seconds of one case with given parameters, each measured once: what was measured before, in this
 * process or one before it, is taken from the journal.
 */
#ifndef ALISA_TUNE_MEASURE_H
#define ALISA_TUNE_MEASURE_H

#include "tune/journal.h"
#include "tune/trial.h"

/* What a search is done with. */
typedef struct AlisaTuneSearch {
    AlisaDevice *device;
    AlisaTuneJournal *journal;
    AlisaTuneEffort effort;
    uint64_t seed;                 /* for the order in which parameters are tried */
    bool (*interrupt)(void *user); /* whether to stop, asked between trials; NULL: never */
    void *interrupt_user;
    AlisaLog log;
} AlisaTuneSearch;

/* How much time an effort spends. */
typedef struct AlisaTunePace {
    double case_seconds; /* a case is timed for so long */
    uint32_t rounds;     /* all parameters are gone through so often */
    double hopeless;     /* a case this much slower than the best ends its set of values */
} AlisaTunePace;

const AlisaTunePace *alisa_tuner_pace(AlisaTuneEffort effort);

/* The least of `count` values; INFINITY of none. */
double alisa_tuner_least(const double *values, uint32_t count);

/* Seconds of a pass of a case with these parameters, measured or known from the journal. INFINITY
 * if the device refuses the parameters, if results with them are wrong, or if they ended a process.
 * `known` is the trial as the journal would have it. */
AlisaStatus alisa_tuner_time(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error);

/* A hash of all parameters except those of a set: times of the set's kernels may depend on them. */
uint64_t alisa_tuner_hash_others(const AlisaOpsParameters *parameters,
                                 const AlisaParameterSet *set);

#endif
