/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What trials of different families share: trial.c runs them, and each family has a file trial_*.c.
 */
#ifndef ALISA_TUNE_TRIAL_INTERNAL_H
#define ALISA_TUNE_TRIAL_INTERNAL_H

#include "base/random.h"
#include "tune/trial.h"

/* What a family does in a trial. A function that has nothing to do may be NULL. */
typedef struct AlisaTrialKind {
    /* Makes buffers and cases. If it fails, destroy is called. */
    AlisaStatus (*create)(AlisaTrial *trial, AlisaError *error);
    void (*destroy)(AlisaTrial *trial);
    /* Makes what a case needs that depends on the parameters; release frees it. */
    AlisaStatus (*prepare)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error);
    void (*release)(AlisaTrial *trial);
    /* Runs a smaller or odd-shaped piece of the case, and says whether its results are right. */
    AlisaStatus (*check)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error);
    /* alisa_trial_verify. */
    AlisaStatus (*verify)(AlisaTrial *trial, AlisaOps *ops, bool *right, AlisaError *error);
    /* Launches one pass. */
    AlisaStatus (*launch)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error);
} AlisaTrialKind;

struct AlisaTrial {
    AlisaDevice *device; /* not owned */
    AlisaParameterSet set;
    bool curve; /* has the cases of alisa_trial_create_lengths or alisa_trial_create_crossover */
    const AlisaTrialKind *kind;
    AlisaTrialCase cases[ALISA_TRIAL_CASES];
    uint32_t case_count;
    void *state; /* owned by the functions of `kind` */
};

extern const AlisaTrialKind alisa_trial_products;
extern const AlisaTrialKind alisa_trial_attention;
extern const AlisaTrialKind alisa_trial_selection;
extern const AlisaTrialKind alisa_trial_rows;
extern const AlisaTrialKind alisa_trial_store;
extern const AlisaTrialKind alisa_trial_seal;
extern const AlisaTrialKind alisa_trial_moves;

/* The bit of AlisaTrialCase.ignores for a field of a set of parameters. */
#define ALISA_TRIAL_BIT(set, field)                                                                \
    (UINT64_C(1) << (offsetof(Alisa##set##Parameters, field) / sizeof(uint32_t)))

/* Makes a buffer with a copy of `data`, or with undefined contents if `data` is NULL. */
AlisaStatus alisa_trial_upload(AlisaTrial *trial, const void *data, uint64_t size,
                               AlisaBuffer *buffer, AlisaError *error);
/* `count` random numbers between -0.5 and 0.5; the caller frees them. */
float *alisa_trial_numbers(uint64_t count, uint64_t seed, AlisaError *error);

#endif
