/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement: which tokens of a sequence are on the device, on the host, or dropped, with only the
 * layer inputs kept that their K and V can be computed from (X, as the paper calls them). A policy
 * makes a plan once; the plan gives a step for every length; a step is data that says everything
 * about where tokens are, so that neither those who carry it out nor those who compute what it
 * costs need to know the policy.
 */
#ifndef ALISA_SCHED_PLAN_H
#define ALISA_SCHED_PLAN_H

#include "alisa/placement.h"
#include "alisa/select.h"
#include "sched/cost.h"

/* A run: what is generated, how, and within which limits. */
typedef struct AlisaSchedRun {
    uint32_t batch;           /* sequences */
    uint32_t prompt_length;   /* tokens of each prompt */
    uint32_t generate_length; /* tokens generated for each sequence */
    uint32_t micro_batch;     /* most rows of a prefill that are computed at once */
    AlisaKvType key_type;
    AlisaKvType value_type;
    double sparsity; /* share of the tokens that a sparse policy leaves out of a list */
    uint32_t keep;   /* a list has at least so many tokens; 0: no such limit */
    uint32_t window; /* most rows that are summed; 0: as many as a list has locals */
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    double new_pick_rate; /* share of the chosen tokens that the step before did not choose */
    AlisaSchedule schedule;
    bool recompute;        /* K and V may be dropped and computed again */
    double inputs_share;   /* share of the tokens off the device that are dropped; negative: the
                              policy   chooses */
    double host_share;     /* share of the KV on the host, for accelerate and flexgen; negative: the
                              policy     chooses */
    uint64_t device_bytes; /* memory of the device, for weights, KV and scratch */
    uint64_t host_bytes;   /* memory of the host, for KV */
    uint64_t scratch_bytes; /* of device_bytes, all that is neither weights nor KV */
    uint64_t copy_bytes;    /* most bytes of one copy; 0: no such limit */
} AlisaSchedRun;

/* Where the tokens of every sequence are at one length; the same in all layers. Positions:
 *   [0, inputs_end)         dropped; X of those below inputs_on_device is on the device, of others
 *                           on the host
 *   [inputs_end, host_end)  K and V on the host
 *   [host_end, length)      K and V on the device
 * The device may hold copies of tokens before host_end: `hot` of them for each layer and sequence.
 */
typedef struct AlisaSchedStep {
    uint32_t length; /* tokens, those of this step included */
    uint32_t
        phase; /* 1: all tokens are on the device; 2: some are on the host; 3: some are dropped */
    uint32_t host_end;         /* see above */
    uint32_t inputs_end;       /* see above */
    uint32_t inputs_saved;     /* X of the positions below is kept from the start of the run */
    uint32_t inputs_on_device; /* see above; at most inputs_saved */
    uint32_t kept;             /* tokens of each list */
    uint32_t locals;           /* newest tokens, which are in every list; `kept` counts them too */
    uint32_t forgotten;        /* tokens that are gone for good */
    uint32_t hot;              /* see above */
    bool streamed;             /* tokens loaded for a layer are not kept for the next step */
} AlisaSchedStep;

/* When tokens leave the device, and how many: {p1, p2, alpha, beta} of the paper. A length past the
 * final one stands for never. */
typedef struct AlisaSchedPhases {
    uint32_t host_from;   /* p1: length from which on tokens are on the host */
    uint32_t inputs_from; /* p2: length from which on tokens are dropped */
    double host_share;    /* alpha: share of all tokens, the oldest, that are off the device */
    double
        inputs_share; /* beta: share of the tokens off the device, the oldest, that are dropped */
} AlisaSchedPhases;

/* What a policy has decided for a run. */
typedef struct AlisaSchedPlan {
    AlisaSchedPhases phases;
    uint32_t inputs_saved;     /* as in AlisaSchedStep */
    uint32_t inputs_on_device; /* as in AlisaSchedStep */
    uint32_t block_count;      /* blocks of ALISA_SCHED_BLOCK tokens in all layers; vllm only */
    double seconds;            /* predicted for the run, or for what is left of it; alisa only */
    double best_seconds;       /* predicted for `best`; 0: there was no exhaustive search */
    AlisaSchedPhases best;     /* what an exhaustive search found */
} AlisaSchedPlan;

/* Tokens of a block, where sequences come and go by blocks. */
enum { ALISA_SCHED_BLOCK = 16 };

typedef struct AlisaSchedPolicy AlisaSchedPolicy;

/* All that a policy decides from. */
typedef struct AlisaSchedProblem {
    AlisaSchedProfile profile;
    AlisaSchedModel model;
    AlisaSchedRun run;
    AlisaSchedKvBytes bytes;
    AlisaSchedCorrection correction;
    const AlisaSchedPolicy *policy;
    AlisaSchedStep start;  /* where tokens are when the plan begins; length 0: there are none yet */
    uint32_t inputs_limit; /* the plan may count on X of the positions below */
    uint32_t inputs_room;  /* tokens whose X has room on the device beside the pool */
    uint64_t inputs_bytes; /* of the pool, taken at once where a plan saves any X: for those of
                              inputs_room and their tables */
    bool exhaustive;       /* the search goes through all of its grid too, to compare */
} AlisaSchedProblem;

/* Which tokens a policy attends to. */
typedef enum AlisaSchedAttention {
    ALISA_SCHED_ATTEND_ALL,    /* all of them */
    ALISA_SCHED_ATTEND_CHOSEN, /* those of a list; the others may be chosen later */
    ALISA_SCHED_ATTEND_KEPT    /* those of a list; the others are forgotten */
} AlisaSchedAttention;

struct AlisaSchedPolicy {
    const char *name; /* as users give it: "flexgen" */
    AlisaSchedAttention attention;
    bool always_overlaps; /* copies run beside the computation whatever the schedule, as the
                             policy's authors describe it */
    bool solves_again;    /* makes a new plan in the middle of a run if predictions were wrong */
    bool by_blocks;       /* sequences come and go as blocks are free (sched/queue.h) */
    /* Makes the plan. If nothing fits, ALISA_ERROR_MEMORY with a sentence that names the limit, the
     * bytes that are missing and the flag that helps. */
    AlisaStatus (*solve)(const AlisaSchedProblem *problem, AlisaSchedPlan *plan, AlisaError *error);
    /* Fills in where tokens are in a step, whose length, list and forgotten tokens are set already.
     */
    void (*place)(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                  AlisaSchedStep *step);
};

/* NULL, or which of these is none that there is. */
const char *alisa_sched_check_choices(AlisaPolicy policy, AlisaSchedule schedule,
                                      AlisaSelectScores scores, AlisaSelectLists lists);

/* The share of choices that are new in a step, where nothing was measured. */
double alisa_sched_usual_new_picks(AlisaSelectScores scores);

extern const AlisaSchedPolicy alisa_sched_policy_device;
extern const AlisaSchedPolicy alisa_sched_policy_accelerate;
extern const AlisaSchedPolicy alisa_sched_policy_flexgen;
extern const AlisaSchedPolicy alisa_sched_policy_vllm;
extern const AlisaSchedPolicy alisa_sched_policy_h2o;
extern const AlisaSchedPolicy alisa_sched_policy_alisa;

/* The name of a policy; NULL for a number that is no policy. */
const char *alisa_sched_policy_name(AlisaPolicy policy);

/* Fills *problem, after checking the numbers and that the weights fit. */
AlisaStatus alisa_sched_problem_init(AlisaSchedProblem *problem, const AlisaSchedProfile *profile,
                                     const AlisaSchedModel *model, const AlisaSchedRun *run,
                                     AlisaPolicy policy, AlisaError *error);

/* The tokens of a sequence at the end of the run. */
uint32_t alisa_sched_final_length(const AlisaSchedProblem *problem);
/* Device bytes beside KV slots that do not grow with the context, since they are taken at once for
 * the final length: what selection keeps, and ranges and tails of blocks. */
double alisa_sched_fixed_bytes(const AlisaSchedProblem *problem);
/* Device bytes that are left for KV and all that belongs to it. */
double alisa_sched_pool_bytes(const AlisaSchedProblem *problem);
/* Whether copies run beside the computation. */
bool alisa_sched_overlaps(const AlisaSchedProblem *problem);
/* Whether a layer chooses its tokens itself, and then waits for the loads of those that are
 * missing. */
bool alisa_sched_loads_late(const AlisaSchedProblem *problem);

/* Fills in the step that a plan has at a length. */
void alisa_sched_place(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                       uint32_t length, AlisaSchedStep *step);

/* Bytes that KV and all that belongs to it need in a step. */
typedef struct AlisaSchedDemand {
    double device;
    double host;
} AlisaSchedDemand;

/* Layers whose loaded tokens are on the device at a time: one is read while the next arrives. */
double alisa_sched_staged_layers(const AlisaSchedProblem *problem);
AlisaSchedDemand alisa_sched_demand(const AlisaSchedProblem *problem, const AlisaSchedStep *step);

/* The work of `active` sequences in the step `step`, which follows `before`. */
void alisa_sched_work(const AlisaSchedProblem *problem, const AlisaSchedStep *before,
                      const AlisaSchedStep *step, double active, AlisaSchedWork *work);
/* The work of a step of `active` sequences that attend to all of their tokens, `tokens` of all
 * sequences together, which are on the device. */
void alisa_sched_dense_work(double active, double tokens, AlisaSchedWork *work);
/* The work of computing the prompts of `active` sequences, after which tokens are as in `step`. */
void alisa_sched_prefill_work(const AlisaSchedProblem *problem, const AlisaSchedStep *step,
                              double active, AlisaSchedWork *work);
/* Computes what work costs, with the profile, model and correction of the problem. */
void alisa_sched_time(const AlisaSchedProblem *problem, const AlisaSchedWork *work,
                      AlisaSchedCost *cost);

/* By how much a plan exceeds each limit, at the length at which it exceeds it most. */
typedef struct AlisaSchedExcess {
    double device; /* bytes; 0 or less: none */
    double host;
    uint32_t length; /* at which the device's limit is exceeded most; the host's, if the device's is
                        not */
} AlisaSchedExcess;

AlisaSchedExcess alisa_sched_excess(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan);
/* ALISA_OK if the plan fits, else an error whose sentence says which limit it exceeds. */
AlisaStatus alisa_sched_fit(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                            AlisaError *error);

/* Finds the phases with the least predicted time (sched/search.c). */
AlisaStatus alisa_sched_search(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                               AlisaError *error);

/* The share of KV on the host, by the linear program that sched/flexgen.c describes. */
double alisa_sched_flexgen_share(const AlisaSchedProblem *problem);

#endif
