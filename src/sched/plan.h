/*
 * Placement: which tokens of a sequence are on the device, on the host, or kept only as the layer
 * inputs X their K and V can be computed from. A policy makes a plan once; the plan gives a step
 * for every length; a step is data that says everything about where tokens are, so that whoever
 * executes it, and whoever computes what it costs, needs to know nothing of the policy.
 */
#ifndef ALISA_SCHED_PLAN_H
#define ALISA_SCHED_PLAN_H

#include "sched/cost.h"

/* What is generated, and within which limits. */
typedef struct AlisaSchedRun {
    uint32_t batch;
    uint32_t prompt_length;
    uint32_t generate_length;
    uint32_t micro_batch; /* rows of a prefill computed at once */
    AlisaKvType key_type;
    AlisaKvType value_type;
    double sparsity; /* share of the tokens that sparse policies leave out */
    uint32_t keep;   /* at least so many tokens are kept */
    uint32_t window; /* most rows that are summed; 0: as many as there are locals */
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    double new_pick_rate; /* share of the chosen tokens that the step before had not chosen */
    AlisaSchedule schedule;
    bool recompute;      /* K and V may be computed from X */
    double inputs_share; /* of what is on the host, as X only; negative: what pays */
    double host_share;   /* of the KV, for accelerate and flexgen; negative: the policy's own */
    uint64_t device_bytes;
    uint64_t host_bytes;
    uint64_t scratch_bytes; /* on the device, beside weights and KV */
    uint64_t copy_bytes;    /* most bytes that go in one copy; 0: any */
} AlisaSchedRun;

/* Where the tokens of every sequence are at one length; the same in all layers. Positions:
 *   [0, inputs_end)         X only; those below inputs_on_device on the device, else on the host
 *   [inputs_end, host_end)  K and V on the host
 *   [host_end, length)      K and V on the device
 * Of the tokens before host_end the device may hold copies: `hot` for each layer and sequence. */
typedef struct AlisaSchedStep {
    uint32_t length; /* tokens, those of this step included */
    uint32_t phase;  /* 1: all on the device, 2: host too, 3: X too */
    uint32_t host_end;
    uint32_t inputs_end;
    uint32_t inputs_saved;     /* X of the positions below is kept from the start */
    uint32_t inputs_on_device; /* <= inputs_saved */
    uint32_t kept;             /* tokens attended to, by each list */
    uint32_t locals;           /* of these, the newest */
    uint32_t forgotten;        /* tokens that are gone for good */
    uint32_t hot;
    bool streamed; /* what is loaded for a layer is not kept for the next step */
} AlisaSchedStep;

/* {p1, p2, alpha, beta} of the paper. Lengths past the last one mean never. */
typedef struct AlisaSchedPhases {
    uint32_t host_from;   /* p1: from this length on, */
    uint32_t inputs_from; /* p2: and this one, */
    double host_share;    /* alpha: of all tokens, the oldest, are on the host, */
    double inputs_share;  /* beta: of those, the oldest, as X only */
} AlisaSchedPhases;

typedef struct AlisaSchedPlan {
    AlisaSchedPhases phases;
    uint32_t inputs_saved;     /* as in a step */
    uint32_t inputs_on_device; /* as in a step */
    uint32_t block_count;      /* of ALISA_SCHED_BLOCK tokens, all layers; vllm only */
    double seconds;            /* predicted, the whole run or what is left of it; alisa only */
    double best_seconds;       /* of the exhaustive search; 0: not searched */
    AlisaSchedPhases best;
} AlisaSchedPlan;

enum { ALISA_SCHED_BLOCK = 16 };

typedef struct AlisaSchedPolicy AlisaSchedPolicy;

/* Everything a policy decides from. */
typedef struct AlisaSchedProblem {
    AlisaSchedProfile profile;
    AlisaSchedModel model;
    AlisaSchedRun run;
    AlisaSchedKvBytes bytes;
    AlisaSchedCorrection correction;
    const AlisaSchedPolicy *policy;
    AlisaSchedStep start;  /* where tokens are when the plan begins; length 0: nothing is there */
    uint32_t inputs_limit; /* X may be counted on for the positions below */
    uint32_t inputs_room;  /* of these, X of so many is on the device beside the pool */
    bool exhaustive;       /* search all of the grid as well */
} AlisaSchedProblem;

typedef enum AlisaSchedAttention {
    ALISA_SCHED_ATTEND_ALL,
    ALISA_SCHED_ATTEND_CHOSEN, /* the others stay, they may be chosen later */
    ALISA_SCHED_ATTEND_KEPT    /* the others are forgotten */
} AlisaSchedAttention;

struct AlisaSchedPolicy {
    const char *name;
    AlisaSchedAttention attention;
    bool always_overlaps; /* whatever the schedule: as its authors describe it */
    bool solves_again;    /* from the middle of a run, when its predictions were wrong */
    bool by_blocks;       /* sequences come and go by free blocks: sched/queue.h */
    /* Fills the plan. Failing: ALISA_ERROR_MEMORY with the limit, the missing bytes, the flag. */
    AlisaStatus (*solve)(const AlisaSchedProblem *problem, AlisaSchedPlan *plan, AlisaError *error);
    void (*place)(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                  AlisaSchedStep *step); /* length and attention are filled in already */
};

/* The share of choices that are new in a step, where nothing was measured. */
double alisa_sched_usual_new_picks(AlisaSelectScores scores);

extern const AlisaSchedPolicy alisa_sched_policy_device;
extern const AlisaSchedPolicy alisa_sched_policy_accelerate;
extern const AlisaSchedPolicy alisa_sched_policy_flexgen;
extern const AlisaSchedPolicy alisa_sched_policy_vllm;
extern const AlisaSchedPolicy alisa_sched_policy_h2o;
extern const AlisaSchedPolicy alisa_sched_policy_alisa;
extern const AlisaSchedPolicy *const alisa_sched_policies[ALISA_POLICY_COUNT];

/* Name of a policy as users give it ("flexgen"); NULL for a number that is none. */
const char *alisa_sched_policy_name(AlisaPolicy policy);

/* Checks the numbers and that the weights fit. */
AlisaStatus alisa_sched_problem_init(AlisaSchedProblem *problem, const AlisaSchedProfile *profile,
                                     const AlisaSchedModel *model, const AlisaSchedRun *run,
                                     AlisaPolicy policy, AlisaError *error);

uint32_t alisa_sched_final_length(const AlisaSchedProblem *problem);
/* Of the device bytes of a context, those that do not grow with it: they are taken at once. */
double alisa_sched_fixed_bytes(const AlisaSchedProblem *problem);
/* Device bytes for KV and what belongs to it. */
double alisa_sched_pool_bytes(const AlisaSchedProblem *problem);
bool alisa_sched_overlaps(const AlisaSchedProblem *problem);
/* Whether a layer's tokens are chosen in the layer itself, which waits for those it misses. */
bool alisa_sched_loads_late(const AlisaSchedProblem *problem);

/* The step at a length, by the policy. */
void alisa_sched_place(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                       uint32_t length, AlisaSchedStep *step);

/* Bytes a step needs in all: device without weights and scratch. */
typedef struct AlisaSchedDemand {
    double device;
    double host;
} AlisaSchedDemand;

AlisaSchedDemand alisa_sched_demand(const AlisaSchedProblem *problem, const AlisaSchedStep *step);

/* Work of the step `step` that follows `before`, for `active` sequences. */
void alisa_sched_work(const AlisaSchedProblem *problem, const AlisaSchedStep *before,
                      const AlisaSchedStep *step, double active, AlisaSchedWork *work);
/* Work of a step of `active` sequences that attend to all of their `tokens`, summed over them,
 * which are on the device. */
void alisa_sched_dense_work(double active, double tokens, AlisaSchedWork *work);
/* Work of the prompts of `active` sequences, after which tokens are as in `step`. */
void alisa_sched_prefill_work(const AlisaSchedProblem *problem, const AlisaSchedStep *step,
                              double active, AlisaSchedWork *work);
void alisa_sched_time(const AlisaSchedProblem *problem, const AlisaSchedWork *work,
                      AlisaSchedCost *cost);

/* A plan's largest excess over the limits, over all lengths. */
typedef struct AlisaSchedExcess {
    double device; /* bytes; <= 0: none */
    double host;
    uint32_t length; /* where the first limit is passed most */
} AlisaSchedExcess;

AlisaSchedExcess alisa_sched_excess(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan);
/* ALISA_OK, or the sentence that says which limit binds. */
AlisaStatus alisa_sched_fit(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                            AlisaError *error);

/* sched/search.c: the phases with the least predicted time. */
AlisaStatus alisa_sched_search(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                               AlisaError *error);

/* sched/flexgen.c: the share of KV on the host by the linear program described there. */
double alisa_sched_flexgen_share(const AlisaSchedProblem *problem);

#endif
