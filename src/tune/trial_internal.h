/*
 * What the families of trials share: trial.c runs them, a file each makes them.
 */
#ifndef ALISA_TUNE_TRIAL_INTERNAL_H
#define ALISA_TUNE_TRIAL_INTERNAL_H

#include "base/random.h"
#include "tune/trial.h"

/* A family. Functions that are NULL have nothing to do. */
typedef struct AlisaTrialKind {
    /* Buffers and cases; a failure is followed by destroy. */
    AlisaStatus (*create)(AlisaTrial *trial, AlisaError *error);
    void (*destroy)(AlisaTrial *trial);
    /* What a case needs that depends on the parameters, and giving it back. */
    AlisaStatus (*prepare)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error);
    void (*release)(AlisaTrial *trial);
    /* A smaller or odd-shaped piece of the case, and whether its results are right. */
    AlisaStatus (*check)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error);
    /* alisa_trial_verify; NULL: nothing beyond check. */
    AlisaStatus (*verify)(AlisaTrial *trial, AlisaOps *ops, bool *right, AlisaError *error);
    /* A pass. */
    AlisaStatus (*launch)(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error);
} AlisaTrialKind;

struct AlisaTrial {
    AlisaDevice *device; /* not owned */
    AlisaParameterSet set;
    bool curve; /* the other cases: alisa_trial_create_lengths, alisa_trial_create_crossover */
    const AlisaTrialKind *kind;
    AlisaTrialCase cases[ALISA_TRIAL_CASES];
    uint32_t case_count;
    void *state; /* of the family */
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

/* A buffer of the device with a copy of `data`, or with anything where that is NULL. */
AlisaStatus alisa_trial_upload(AlisaTrial *trial, const void *data, uint64_t size,
                               AlisaBuffer *buffer, AlisaError *error);
/* `count` numbers between -0.5 and 0.5, malloc'ed. */
float *alisa_trial_numbers(uint64_t count, uint64_t seed, AlisaError *error);

#endif
