/*
 * Measured step times against predicted ones: where they part too far, predictions are corrected
 * and the phases solved again from where the run is.
 */
#ifndef ALISA_SCHED_OBSERVE_H
#define ALISA_SCHED_OBSERVE_H

#include "sched/plan.h"

enum { ALISA_SCHED_OBSERVED = 8 }; /* steps that are judged together */

/* Zeroed: none yet. */
typedef struct AlisaSchedObserver {
    /* Measured over predicted, [step]; 0: nothing to compare. */
    double total[ALISA_SCHED_OBSERVED];
    double compute[ALISA_SCHED_OBSERVED];
    double copies[ALISA_SCHED_OBSERVED];
    uint32_t count;
} AlisaSchedObserver;

/* A step as it was. */
typedef struct AlisaSchedMeasured {
    double seconds;
    double waited; /* of these the computation waited for copies */
    double copied; /* time the link was busy, hidden or not; 0: not known */
} AlisaSchedMeasured;

/* For who has the time and the bytes of a step only: what waited and copied must have been. Where
 * moving the bytes takes most of the step as predicted, it is the copies that are slow or fast,
 * else the computation. */
AlisaSchedMeasured alisa_sched_attribute(const AlisaSchedProblem *problem,
                                         const AlisaSchedCost *predicted, double seconds,
                                         double bytes_to_device, double bytes_to_host);

/* Notes a step of which `predicted` was said. When the median of ALISA_SCHED_OBSERVED steps is off
 * by more than 25 % either way, the problem's predictions are corrected; true then. */
bool alisa_sched_correct(AlisaSchedObserver *observer, AlisaSchedProblem *problem,
                         const AlisaSchedCost *predicted, const AlisaSchedMeasured *measured);

/* The plan for what is left of the run after the step `now`; stays as it is where the policy does
 * not solve again, or finds nothing. */
void alisa_sched_solve_again(AlisaSchedProblem *problem, const AlisaSchedStep *now,
                             AlisaSchedPlan *plan);

#endif
