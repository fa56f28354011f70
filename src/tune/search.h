/*
 * The search for a device's parameters: from the defaults, one parameter at a time, as long as that
 * makes the family's cases faster. Every candidate is checked by the family's trial before it is
 * timed.
 */
#ifndef ALISA_TUNE_SEARCH_H
#define ALISA_TUNE_SEARCH_H

#include "tune/measure.h"

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

#endif
