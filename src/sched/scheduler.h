/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run as it is predicted, step by step, and the simulator that adds its steps up. Measured times
 * may be given back in place of what a device would do: they correct the predictions, and if they
 * differ too much the phases are solved again from where the run is.
 */
#ifndef ALISA_SCHED_SCHEDULER_H
#define ALISA_SCHED_SCHEDULER_H

#include "sched/observe.h"
#include "sched/queue.h"

typedef struct AlisaScheduler AlisaScheduler;

/* What the next step is; valid until the next call. */
typedef struct AlisaSchedDecision {
    const AlisaSchedAction *actions; /* to be carried out before the step, in this order */
    size_t action_count;
    const AlisaSchedSequence *sequences; /* [batch]; those that run compute one token */
    uint32_t running;                    /* how many run */
    const AlisaSchedStep *steps;         /* [stage] where the tokens of running sequences are */
    const AlisaSchedCost *costs;         /* [stage] predicted for the step without the actions */
    AlisaSchedCost actions_cost;         /* predicted for the actions, in all stages together */
    AlisaSchedCost cost;                 /* the sum of `costs` */
} AlisaSchedDecision;

/* Makes the plans of a run, and begins it. problems: [stage_count], one for each stage in which
 * layers lie; the same but for devices, layers and budgets. */
AlisaStatus alisa_sched_create(const AlisaSchedProblem *problems, uint32_t stage_count,
                               AlisaScheduler **scheduler, AlisaError *error);
void alisa_sched_destroy(AlisaScheduler *scheduler);

/* The next step; NULL when no sequence is left. */
const AlisaSchedDecision *alisa_sched_next(AlisaScheduler *scheduler);

const AlisaSchedProblem *alisa_sched_problem(const AlisaScheduler *scheduler, uint32_t stage);
const AlisaSchedPlan *alisa_sched_plan(const AlisaScheduler *scheduler, uint32_t stage);
const AlisaSchedQueue *alisa_sched_queue(const AlisaScheduler *scheduler);

/* Compares what was measured of a step in a stage, without its actions, with what the last decision
 * predicted (sched/observe.h). True if predictions were corrected, and phases solved again. */
bool alisa_sched_observe(AlisaScheduler *scheduler, uint32_t stage,
                         const AlisaSchedMeasured *measured);

/* ---- Simulator ----------------------------------------------------------------------------- */

/* One simulated step in all stages together, its actions included. */
typedef struct AlisaSchedRecord {
    uint32_t length;           /* tokens of the longest running sequence */
    uint32_t phase;            /* as in AlisaSchedStep, of the stage that is furthest */
    uint32_t running;          /* sequences that compute a token */
    double seconds;            /* predicted time */
    double device_bytes;       /* of KV and all that belongs to it */
    double host_bytes;         /* of KV and layer inputs */
    double recomputable_bytes; /* that dropped K and V would take */
    double bytes_to_device;    /* copied */
    double bytes_to_host;      /* copied */
} AlisaSchedRecord;

/* A simulated run. */
typedef struct AlisaSchedResult {
    double prefill_seconds;    /* until the prompts are computed */
    double decode_seconds;     /* after that, with swaps and repeated prefills */
    double generated;          /* tokens of all sequences */
    AlisaSchedCost cost;       /* sum over all steps and actions */
    double peak_device_bytes;  /* the most bytes on devices, weights and scratch included */
    double peak_host_bytes;    /* the most bytes on the host */
    uint32_t preempted;        /* preemptions */
    AlisaSchedPlan *plans;     /* [stage] as they were made at the start */
    AlisaSchedRecord *records; /* [record_count], one a step */
    size_t record_count;
} AlisaSchedResult;

/* Runs what alisa_sched_create begins to its end by predicted times. alisa_sched_result_finish
 * frees *result. */
AlisaStatus alisa_sched_simulate(const AlisaSchedProblem *problems, uint32_t stage_count,
                                 AlisaSchedResult *result, AlisaError *error);
/* Frees plans and records; a zeroed result is allowed. */
void alisa_sched_result_finish(AlisaSchedResult *result);

#endif
