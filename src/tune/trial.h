/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trial: a family of kernels at work on made-up numbers of ordinary sizes. It runs with given
 * parameters, is checked against what the host computes (scores of the index of keys: against those
 * of the plain layout), and is timed. The tuner searches with trials, the benchmark suite prints
 * their times.
 */
#ifndef ALISA_TUNE_TRIAL_H
#define ALISA_TUNE_TRIAL_H

#include "ops/ops.h"

/* The most cases of a trial. */
enum { ALISA_TRIAL_CASES = 9 };

/* One size that a family is run at. */
typedef struct AlisaTrialCase {
    const char *name; /* "1 row" */
    double weight;    /* how much its time counts beside those of the other cases */
    uint64_t ignores; /* bit i: the parameter at offset i does not matter to the case */
    double bytes;     /* bytes that a pass has to read and write */
    double flops;     /* floating-point operations of a pass; 0: they are not counted */
    uint32_t length;  /* tokens of the context, or rows, if the cases of the trial differ in them;
                         else 0 */
} AlisaTrialCase;

typedef struct AlisaTrial AlisaTrial;

/* Creates the trial of a set, which takes up to a few hundred MiB of device memory. */
AlisaStatus alisa_trial_create(AlisaDevice *device, const AlisaParameterSet *set,
                               AlisaTrial **trial, AlisaError *error);
/* Creates a trial of the family decode with other cases: contexts of several lengths, over all
 * tokens and over a fifth of them. */
AlisaStatus alisa_trial_create_lengths(AlisaDevice *device, AlisaTrial **trial, AlisaError *error);
/* Creates a trial of the family matmul with other cases: 4 rows, 8, and so on to 256. */
AlisaStatus alisa_trial_create_crossover(AlisaDevice *device, uint32_t type, AlisaTrial **trial,
                                         AlisaError *error);
void alisa_trial_destroy(AlisaTrial *trial);
/* The cases of a trial; the first is what the family is mostly used for. */
const AlisaTrialCase *alisa_trial_cases(const AlisaTrial *trial, uint32_t *count);

/* How long a case is timed. */
typedef struct AlisaTrialClock {
    uint32_t samples; /* samples wanted */
    double seconds;   /* after so many no further sample begins; one at least is taken */
} AlisaTrialClock;

/* What came of a case. */
typedef struct AlisaTrialResult {
    bool wrong;       /* the results are not those of the host; then nothing is timed */
    uint32_t samples; /* samples taken */
    double *seconds;  /* [clock.samples], the caller's: time of a pass, sample by sample */
} AlisaTrialResult;

/* Runs a case with these parameters: once to warm up and to check the results, then by the clock.
 * Fails where the device refuses the kernels. */
AlisaStatus alisa_trial_run(AlisaTrial *trial, uint32_t index, const AlisaOpsParameters *parameters,
                            const AlisaTrialClock *clock, AlisaTrialResult *result,
                            AlisaError *error);

/* Whether results with these parameters are right also at sizes between and beside those of the
 * cases; true for a family that has no such sizes. */
AlisaStatus alisa_trial_verify(AlisaTrial *trial, const AlisaOpsParameters *parameters, bool *right,
                               AlisaError *error);

#endif
