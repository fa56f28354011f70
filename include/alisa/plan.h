/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planning: what a run would cost, where its keys and values would live, and which policy suits it;
 * for a device at hand, or for one that is known only by its published figures. Predictions come
 * from the code that schedules real runs.
 */
#ifndef ALISA_PLAN_H
#define ALISA_PLAN_H

#include "alisa/placement.h"
#include "alisa/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The run: `batch` sequences, each of a prompt and of tokens generated after it. */
typedef struct AlisaPlanOptions {
    /* Plans for the sessions of this engine, from what they are measured to do. `profile`,
     * `model_shape` and `model` are not read then, `device_memory` and `scratch` must be 0. Default
     * NULL: plans for `profile` and a model. */
    AlisaEngine *engine;
    const char *profile;      /* name of a published device ("V100-32"), or a JSON file as
                                 alisa_plan_save_profile writes it; default NULL: none */
    const char *model_shape;  /* name of a published model ("opt-13b"); default NULL: `model` */
    const AlisaModel *model;  /* model with weights, read where model_shape is NULL; default NULL */
    uint32_t batch;           /* sequences that advance together; default 1 */
    uint32_t prompt_length;   /* tokens of each prompt; default 128 */
    uint32_t generate_length; /* tokens generated after each prompt; default 512 */
    uint32_t micro_batch;     /* most rows computed at once; default 512 */
    AlisaKvType key_type;     /* default ALISA_KV_F16 */
    AlisaKvType value_type;   /* default ALISA_KV_F16 */
    double kv_sparsity;       /* AlisaSelectOptions.sparsity of policies h2o and alisa;
                                 default 0.8 */
    uint32_t kv_keep;         /* AlisaSelectOptions.keep of policies h2o and alisa; default 0 */
    AlisaSelectScores swa_scores; /* AlisaSelectOptions.scores of policy alisa; default
                                     ALISA_SELECT_SCORES_SPARSE */
    AlisaSelectLists
        swa_lists; /* AlisaSelectOptions.lists of policy alisa; default ALISA_SELECT_LISTS_LAYER */
    uint32_t swa_window; /* AlisaSelectOptions.window of policy alisa; default 64 */
    double new_picks; /* share of a list that the list of the step before did not have, at most 1;
                         default -1: what is usual for swa_scores */
    AlisaSchedule schedule; /* default ALISA_SCHEDULE_OVERLAP */
    bool recompute;         /* AlisaPlacementOptions.recompute; default true */
    double inputs_share;    /* AlisaPlacementOptions.inputs_share; default -1: the fastest */
    double host_share;      /* AlisaPlacementOptions.host_share; default -1: the policy's choice */
    double device_share; /* AlisaPlacementOptions.device_share; default 0: what the memory leaves */
    uint64_t device_memory; /* bytes of the device for everything; default 0: as much as the profile
                               says, or the engine's budget */
    uint64_t host_memory; /* bytes of the host for K and V; default 0: as much as the profile says,
                             or half of what the host has free */
    uint64_t scratch; /* bytes of device_memory kept free of weights and KV; default 0: 1 GiB, or
                         what sessions of the engine take */
    bool exhaustive;  /* for policy alisa, evaluate every point of the grid that is searched, to see
                         what the greedy search misses; default false */
} AlisaPlanOptions;

/* A predicted step. */
typedef struct AlisaPlanStep {
    uint32_t length;  /* tokens of the longest sequence */
    uint32_t phase;   /* 1: all K and V on the device; 2: some on the host; 3: some tokens are
                         layer inputs only */
    uint32_t running; /* sequences that compute a token */
    double seconds;
    double device_bytes;       /* K, V and their tables on the device */
    double host_bytes;         /* K, V and layer inputs on the host */
    double recomputable_bytes; /* K and V of tokens that are layer inputs only */
} AlisaPlanStep;

/* Predicted seconds of the run by their cause. Their sum is the time of the run. */
typedef struct AlisaPlanTime {
    double weights;   /* reading weights */
    double matrix;    /* matrix products, as far as they outlast the reading of weights */
    double attention; /* attention over lists or over all tokens */
    double selection; /* scoring and picking tokens */
    double recompute; /* K and V computed again from layer inputs */
    double launch;    /* launching kernels */
    double link;      /* copies that no computation hides */
} AlisaPlanTime;

typedef struct AlisaPlan {
    AlisaPolicy policy;
    char model[64];
    char device[64];
    uint64_t weight_bytes;
    uint64_t host_weight_bytes; /* of those, bytes that stay in host memory by the engine's
                                   AlisaEngineOptions.tensor_rules */
    double prefill_seconds;     /* of all prompts */
    double decode_seconds;      /* of all generated tokens */
    double tokens_per_second;   /* generated tokens over the time of the run */
    uint32_t host_from;         /* p1: length at which tokens begin to go to the host; 0: never */
    uint32_t inputs_from;       /* p2: length at which some become layer inputs only; 0: never */
    double host_share;          /* alpha: share of the tokens on the host from p1 on */
    double inputs_share;        /* beta: share of those that are layer inputs only from p2 on */
    double greedy_seconds;      /* time of the run as the search of policy alisa predicts it; 0 for
                                   other policies */
    double best_seconds;        /* the same for the best point of the grid; 0 unless exhaustive */
    AlisaPlanTime time;
    const char *binds;        /* the largest part of `time`, in words; static storage */
    double peak_device_bytes; /* most bytes of the device, weights and scratch included */
    double peak_host_bytes;   /* most bytes of the host for K, V and layer inputs */
    double bytes_to_device;   /* copied in the whole run */
    double bytes_to_host;     /* likewise, to the host */
    uint32_t preempted;       /* times that a sequence leaves the device (policy vllm) */
    AlisaPlanStep *steps;     /* [step_count], in order */
    size_t step_count;
} AlisaPlan;

ALISA_API void alisa_plan_options_defaults(AlisaPlanOptions *options);

/* Predicts a run with a policy, its tokens chosen on the device (AlisaSessionOptions.
 * likeliest_only). A run that cannot fit is ALISA_ERROR_MEMORY, with the limit that binds, the
 * bytes missing and the flag that helps. With an engine, a kind of session that is new to the
 * device is measured first, which takes one or two seconds. On success *plan is freed with
 * alisa_plan_finish, which may also be called after a failure. */
ALISA_API AlisaStatus alisa_plan_make(const AlisaPlanOptions *options, AlisaPolicy policy,
                                      AlisaPlan *plan, AlisaError *error);
/* Frees the memory in *plan and zeroes it. A zeroed plan is allowed. */
ALISA_API void alisa_plan_finish(AlisaPlan *plan);
/* Writes the measured figures from which a plan for options->engine is made, as a JSON file that
 * AlisaPlanOptions.profile can name. */
ALISA_API AlisaStatus alisa_plan_save_profile(const AlisaPlanOptions *options, AlisaPolicy policy,
                                              const char *path, AlisaError *error);

/* Names of the published devices, by index from 0; false past the last one. */
ALISA_API bool alisa_plan_profile_name(size_t index, char name[64]);

#ifdef __cplusplus
}
#endif
#endif
