/*
 * Seconds of one case with given parameters, each measured once: what was measured before, in this
 * process or one before it, is taken from the journal.
 */
#ifndef ALISA_TUNE_MEASURE_H
#define ALISA_TUNE_MEASURE_H

#include "tune/journal.h"
#include "tune/trial.h"

typedef struct AlisaTuneSearch {
    AlisaDevice *device;
    AlisaTuneJournal *journal;
    AlisaTuneEffort effort;
    uint64_t seed;                 /* of the order in which parameters are tried */
    bool (*interrupt)(void *user); /* asked between trials; may be NULL */
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

/* Seconds of a pass of a case with these parameters, or what the journal knows of it; INFINITY
 * where the device refuses them or computes something else, or where that ended a process. `known`
 * tells the measurement from others. */
AlisaStatus alisa_tuner_time(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error);

/* Hash of all parameters but those of a set. */
uint64_t alisa_tuner_hash_others(const AlisaOpsParameters *parameters,
                                 const AlisaParameterSet *set);

#endif
