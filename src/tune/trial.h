/*
 * A family of kernels at work on made-up numbers of ordinary sizes: run with given parameters,
 * checked against what the host computes (scores of the index of keys: against those of the plain
 * layout), and timed. The tuner searches with it, the benchmark
 * suite prints it.
 */
#ifndef ALISA_TUNE_TRIAL_H
#define ALISA_TUNE_TRIAL_H

#include "ops/ops.h"

enum { ALISA_TRIAL_CASES = 9 };

/* One size of the problem. */
typedef struct AlisaTrialCase {
    const char *name; /* "1 row" */
    double weight;    /* of its time among those of its set */
    uint64_t ignores; /* bit i: the parameter at offset i does not matter to it */
    double bytes;     /* that a pass has to read and write */
    double flops;     /* operations of a pass; 0: not counted */
    uint32_t length;  /* where cases differ in it: tokens of the context, or rows; else 0 */
} AlisaTrialCase;

typedef struct AlisaTrial AlisaTrial;

/* Takes up to a few hundred MiB of device memory. */
AlisaStatus alisa_trial_create(AlisaDevice *device, const AlisaParameterSet *set,
                               AlisaTrial **trial, AlisaError *error);
/* Of the family decode, with other cases: over all tokens and a fifth of them, by length. */
AlisaStatus alisa_trial_create_lengths(AlisaDevice *device, AlisaTrial **trial, AlisaError *error);
/* Of the family matmul, with other cases: 4 rows, 8 and so on to 256. */
AlisaStatus alisa_trial_create_crossover(AlisaDevice *device, uint32_t type, AlisaTrial **trial,
                                         AlisaError *error);
void alisa_trial_destroy(AlisaTrial *trial);
/* The first one is what the family is mostly used for. */
const AlisaTrialCase *alisa_trial_cases(const AlisaTrial *trial, uint32_t *count);

/* What is timed of a case. */
typedef struct AlisaTrialClock {
    uint32_t samples; /* wanted */
    double seconds;   /* no further sample is begun after these; one at least is taken */
} AlisaTrialClock;

typedef struct AlisaTrialResult {
    bool wrong;       /* what was computed is not what the host computes; then nothing is timed */
    uint32_t samples; /* taken */
    double *seconds;  /* [clock.samples] of a pass each, given by the caller */
} AlisaTrialResult;

/* Runs a case with these parameters: once to warm up and to check the results, then by the clock.
 * Fails where the device refuses the kernels. */
AlisaStatus alisa_trial_run(AlisaTrial *trial, uint32_t index, const AlisaOpsParameters *parameters,
                            const AlisaTrialClock *clock, AlisaTrialResult *result,
                            AlisaError *error);

/* Whether results are right at sizes between and beside those of the cases, with these parameters;
 * true where a family has none. */
AlisaStatus alisa_trial_verify(AlisaTrial *trial, const AlisaOpsParameters *parameters, bool *right,
                               AlisaError *error);

#endif
