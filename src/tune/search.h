/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a device's parameters. It starts from the values there are and changes one
 * parameter at a time, as long as that makes the cases of the set's trial faster. Results are
 * checked before they are timed.
 */
#ifndef ALISA_TUNE_SEARCH_H
#define ALISA_TUNE_SEARCH_H

#include "tune/measure.h"

/* What a search gained for a set. */
typedef struct AlisaTuneGain {
    bool changed;   /* the set has other values than before */
    double speedup; /* time before over time after, of all cases, weighted */
} AlisaTuneGain;

/* Improves one set of *parameters until nothing helps or `seconds` are over; all other sets stay as
 * they are. The values found are measured once more beside those that were there, and taken if they
 * are faster by 5 % at least, where a case that gets slower counts four times. Lossy values are
 * taken if they are 1.2 times as fast as the best exact ones. */
AlisaStatus alisa_tuner_search(const AlisaTuneSearch *search, const AlisaParameterSet *set,
                               double seconds, AlisaOpsParameters *parameters, AlisaTuneGain *gain,
                               AlisaError *error);

#endif
