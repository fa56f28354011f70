/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurements: the memory that a session uses, where its keys and values are, what each of its
 * steps took and attended to; and the speed of a device's kernels on made-up numbers.
 */
#ifndef ALISA_BENCH_H
#define ALISA_BENCH_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sessions ----------------------------------------------------------------------------- */

typedef struct AlisaMemoryUse {
    uint64_t weight_bytes;         /* weights on the device, or shared with it */
    uint64_t host_weight_bytes;    /* weights in host memory by AlisaEngineOptions.tensor_rules */
    uint64_t kv_bytes;             /* room on the device for K, V and their tables */
    uint64_t scratch_bytes;        /* room on the device for everything else */
    uint64_t host_to_device_bytes; /* copied by eval calls since the session was created */
    uint64_t device_to_host_bytes; /* likewise, from the device */
} AlisaMemoryUse;

ALISA_API void alisa_session_memory(const AlisaSession *session, AlisaMemoryUse *use);

/* Where K and V are now and what that took so far. A token counts once in every layer. */
typedef struct AlisaPlacementUse {
    uint64_t device_tokens;       /* with K and V on the device, whether also on the host or not */
    uint64_t host_tokens;         /* with K and V on the host only */
    uint64_t recomputable_tokens; /* without K and V, but with what they are computed from */
    uint64_t forgotten_tokens;    /* gone for good (policy h2o) */
    uint64_t device_bytes;        /* room on the device for K, V and their tables */
    uint64_t host_bytes;          /* size of K and V on the host */
    uint64_t bytes_to_device;     /* K, V and layer inputs copied to the device so far */
    uint64_t bytes_to_host;       /* likewise, to the host */
    uint32_t host_from;           /* length of the first recorded step at which tokens were on the
                                     host only; 0: none was, or record_steps is false */
    uint32_t inputs_from;         /* length of the first recorded step at which tokens were layer
                                     inputs only; 0 as for host_from */
    uint64_t recomputed;          /* tokens whose K and V were computed again from layer inputs */
    uint32_t preempted;           /* times that a sequence left the device (policy vllm) */
    uint32_t replanned;           /* times that predictions were off by more than 25 % and the plan
                                     was made again */
    double link_rate;             /* bytes/s each way of an emulated link; 0: there is none */
    bool not_needed;              /* only_if_needed turned policy alisa into policy device */
} AlisaPlacementUse;

ALISA_API void alisa_session_placement(const AlisaSession *session, AlisaPlacementUse *use);

/* A step in which every sequence that had rows had one, with the alisa_session_admit before it. */
typedef struct AlisaStepRecord {
    uint32_t length;          /* tokens of the longest sequence */
    uint32_t phase;           /* 1: all K and V on the device; 2: some on the host; 3: some tokens
                                 are layer inputs only */
    uint32_t running;         /* sequences that had a row */
    double predicted_seconds; /* 0: there was nothing to predict from */
    double measured_seconds;
    uint64_t bytes_to_device; /* copied for the step */
    uint64_t bytes_to_host;   /* likewise, to the host */
} AlisaStepRecord;

/* The records so far of a session with record_steps: [*count], owned by the session, valid until
 * the next eval. */
ALISA_API const AlisaStepRecord *alisa_session_steps(const AlisaSession *session, size_t *count);

/* What the lists of one layer were, over all steps so far. A pick is a token of a list that was
 * chosen by its rank, by a rule or by chance, not for being a sink or among the newest. A weight is
 * the softmax probability that one head gave one token of its list. */
typedef struct AlisaSelectCounts {
    uint64_t lists;         /* one for each step and sequence, or for each of its KV heads */
    uint64_t tokens;        /* lengths of the sequences, summed over the lists */
    uint64_t kept;          /* tokens in the lists */
    uint64_t globals;       /* picks */
    uint64_t new_picks;     /* picks that the list of the step before did not have; they must be
                               loaded where the device holds nothing but the last list */
    uint64_t revivals;      /* new picks that none of the last k lists had */
    uint64_t weights;       /* all weights */
    uint64_t small_weights; /* weights under 1 % of the largest of their head: attention sparsity */
} AlisaSelectCounts;

/* Counts of the lists of a layer in a session with count_lists. Prompts do not count. All are 0
 * with dense attention, without count_lists, and for a layer that the model does not have. */
ALISA_API void alisa_session_lists(const AlisaSession *session, uint32_t layer,
                                   AlisaSelectCounts *counts);

/* ---- Kernels ------------------------------------------------------------------------------ */

/* One size of one kernel family, timed with the parameters that engines use. A pass is one
 * operation of that size. All pointers are valid during the call. */
typedef struct AlisaBenchTest {
    const char *group;      /* "matrix-vector", "matrix-matrix", "attention" or "transfer" */
    const char *name;       /* "matvec.q8_0, 1 row" */
    const char *parameters; /* "layout=item single=2 ..." */
    double bytes;           /* bytes that a pass reads and writes; 0: not counted */
    double flops;           /* operations on floats in a pass; 0: not counted */
    const double *seconds;  /* [samples] time of a pass */
    uint32_t samples;
    const char *curve; /* curve that the test is a point of: "dense" or "80 % sparsity" over the
                          tokens of a context, "to-device" or "to-host" over the bytes of a copy;
                          NULL: none */
    uint64_t at;       /* tokens or bytes at which the point is; 0 without a curve */
} AlisaBenchTest;

typedef struct AlisaBenchOptions {
    uint32_t samples; /* most samples of a test; default 9 */
    double seconds;   /* time after which no further sample of a test is begun; default 1 */
    void (*report)(void *user, const AlisaBenchTest *test); /* called after each test; required */
    void *report_user;                                      /* default NULL */
    bool (*interrupt)(void *user);                          /* asked between tests; true stops with
                                                               ALISA_ERROR_INTERRUPTED; default NULL: never stopped */
    void *interrupt_user;                                   /* default NULL */
} AlisaBenchOptions;

ALISA_API void alisa_bench_options_defaults(AlisaBenchOptions *options);
/* Times all tests, in about a minute. Wrong results of a kernel are ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_bench_kernels(AlisaDevice *device, const AlisaBenchOptions *options,
                                          AlisaError *error);

#ifdef __cplusplus
}
#endif
#endif
