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
    double waited; /* of these the computation waited for copies; negative: not known */
    double copied; /* time the link was busy, hidden or not; 0: not known */
} AlisaSchedMeasured;

/* For who cannot tell how long the computation waited: copies that overlap with nothing are waited
 * for; those that take nearly all of a step they overlap with leave open how long computing takes.
 */
AlisaSchedMeasured alisa_sched_attribute(const AlisaSchedProblem *problem, double seconds,
                                         double copied);

/* Notes a step of which `predicted` was said. When the median of ALISA_SCHED_OBSERVED steps is off
 * by more than 25 % either way, the problem's predictions are corrected; true then. */
bool alisa_sched_correct(AlisaSchedObserver *observer, AlisaSchedProblem *problem,
                         const AlisaSchedCost *predicted, const AlisaSchedMeasured *measured);

/* The plan for what is left of the run after the step `now`; stays as it is where the policy does
 * not solve again, or finds nothing. */
void alisa_sched_solve_again(AlisaSchedProblem *problem, const AlisaSchedStep *now,
                             AlisaSchedPlan *plan);

#endif
