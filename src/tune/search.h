/*
 * The search for a device's parameters: from the defaults, one parameter at a time, as long as that
 * makes the family's cases faster. Every candidate is checked by the family's trial before it is
 * timed.
 */
#ifndef ALISA_TUNE_SEARCH_H
#define ALISA_TUNE_SEARCH_H

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

/* What a set gained. */
typedef struct AlisaTuneGain {
    bool changed;   /* other parameters than before */
    double speedup; /* of the cases, weighted: time before over time after */
} AlisaTuneGain;

/* Improves one set of *parameters (a set of another family it depends on stays as it is), until
 * nothing helps or `seconds` are over. The result is faster by 5 % at least, what is slower in some
 * sizes counted four times, measured once more beside what was there, or nothing is changed. Values
 * that lose accuracy are taken where they are 1.2 times as fast as the best without. */
AlisaStatus alisa_tuner_search(const AlisaTuneSearch *search, const AlisaParameterSet *set,
                               double seconds, AlisaOpsParameters *parameters, AlisaTuneGain *gain,
                               AlisaError *error);

/* Seconds of a pass of a case with these parameters, or what the journal knows of it; INFINITY
 * where the device refuses them or computes something else, or where that ended a process. `known`
 * tells the measurement from others. */
AlisaStatus alisa_tuner_time(const AlisaTuneSearch *search, AlisaTrial *trial, uint32_t index,
                             const AlisaOpsParameters *parameters, const AlisaTuneTrial *known,
                             double *seconds, AlisaError *error);

/* Hash of all parameters but those of a set. */
uint64_t alisa_tuner_hash_others(const AlisaOpsParameters *parameters,
                                 const AlisaParameterSet *set);

/* With the parameters that were found, how many rows a product has to have for the kernels of
 * matmul, and for CLBlast, to be the faster ones. */
AlisaStatus alisa_tuner_find_crossover(const AlisaTuneSearch *search, uint32_t type,
                                       const AlisaOpsParameters *parameters,
                                       AlisaTuneCrossover *crossover, AlisaError *error);

#endif
