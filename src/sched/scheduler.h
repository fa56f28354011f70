/*
 * A run, step by step: the engine asks what to do next and carries it out, or nobody does and the
 * predicted times are added up (the simulator). Measured times, given back, correct the
 * predictions; where they part too far the phases are solved again from where the run is.
 */
#ifndef ALISA_SCHED_SCHEDULER_H
#define ALISA_SCHED_SCHEDULER_H

#include "sched/observe.h"
#include "sched/queue.h"

typedef struct AlisaScheduler AlisaScheduler;

/* What the next step is. Valid until the next call. */
typedef struct AlisaSchedDecision {
    const AlisaSchedAction *actions; /* to be carried out first, in order */
    size_t action_count;
    const AlisaSchedSequence *sequences; /* [batch]; those RUNNING compute one token */
    uint32_t running;
    AlisaSchedStep step;         /* where the tokens of running sequences are to be */
    AlisaSchedCost actions_cost; /* predicted, of the actions */
    AlisaSchedCost cost;         /* predicted, of the step itself */
} AlisaSchedDecision;

/* Solves the policy's plan. */
AlisaStatus alisa_sched_create(const AlisaSchedProblem *problem, AlisaScheduler **scheduler,
                               AlisaError *error);
void alisa_sched_destroy(AlisaScheduler *scheduler);

/* NULL when no sequence is left. */
const AlisaSchedDecision *alisa_sched_next(AlisaScheduler *scheduler);

const AlisaSchedProblem *alisa_sched_problem(const AlisaScheduler *scheduler);
const AlisaSchedPlan *alisa_sched_plan(const AlisaScheduler *scheduler);
const AlisaSchedQueue *alisa_sched_queue(const AlisaScheduler *scheduler);

/* Compares a step, without its actions, with what the last decision predicted (sched/observe.h);
 * true where predictions were corrected and phases solved again. */
bool alisa_sched_observe(AlisaScheduler *scheduler, const AlisaSchedMeasured *measured);

/* ---- Simulator ----------------------------------------------------------------------------- */

typedef struct AlisaSchedRecord {
    uint32_t length; /* of the longest running sequence */
    uint32_t phase;
    uint32_t running;
    double seconds;      /* actions included */
    double device_bytes; /* of K, V, X and what belongs to them */
    double host_bytes;
    double recomputable_bytes; /* K and V that are kept as X only */
    double bytes_to_device;
    double bytes_to_host;
} AlisaSchedRecord;

typedef struct AlisaSchedResult {
    double prefill_seconds;
    double decode_seconds; /* swaps and repeated prefills included */
    double generated;      /* tokens of all sequences */
    AlisaSchedCost cost;   /* sum over everything */
    double peak_device_bytes;
    double peak_host_bytes;
    uint32_t preempted;
    AlisaSchedPlan plan;
    AlisaSchedRecord *records; /* one a step; free with alisa_sched_result_finish */
    size_t record_count;
} AlisaSchedResult;

AlisaStatus alisa_sched_simulate(const AlisaSchedProblem *problem, AlisaSchedResult *result,
                                 AlisaError *error);
/* Takes a zeroed result. */
void alisa_sched_result_finish(AlisaSchedResult *result);

#endif
