/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares measured times of steps with predicted ones. If they differ too much, predictions are
 * corrected and the phases are solved again from where the run is.
 */
#ifndef ALISA_SCHED_OBSERVE_H
#define ALISA_SCHED_OBSERVE_H

#include "sched/plan.h"

/* Steps that are judged together. */
enum { ALISA_SCHED_OBSERVED = 8 };

/* The steps noted since the last judgement; zeroed: none. */
typedef struct AlisaSchedObserver {
    /* Of each step, times measured over times predicted; 0: there was nothing to compare. */
    double total[ALISA_SCHED_OBSERVED];   /* the step */
    double compute[ALISA_SCHED_OBSERVED]; /* its computation */
    double copies[ALISA_SCHED_OBSERVED];  /* its copies */
    uint32_t count;                       /* steps noted */
} AlisaSchedObserver;

/* What was measured of a step. */
typedef struct AlisaSchedMeasured {
    double seconds; /* the time of the step */
    double waited;  /* seconds in which the computation waited for copies; negative: not known */
    double copied;  /* seconds in which the link was busy, hidden or not; 0: not known */
} AlisaSchedMeasured;

/* Estimates how long the computation waited, if that was not measured. Without overlap it waited
 * for all copies. With overlap it did not wait, unless the copies took nearly all of the step: then
 * it is not known. */
AlisaSchedMeasured alisa_sched_attribute(const AlisaSchedProblem *problem, double seconds,
                                         double copied);

/* Notes what was predicted and what was measured of a step. After every ALISA_SCHED_OBSERVED steps
 * the median of measured over predicted time is judged: if it is above 1.25 or below 1 / 1.25, the
 * problem's correction is changed and the result is true. */
bool alisa_sched_correct(AlisaSchedObserver *observer, AlisaSchedProblem *problem,
                         const AlisaSchedCost *predicted, const AlisaSchedMeasured *measured);

/* Makes *plan the plan for what is left of the run after the step `now`. It stays as it is if the
 * policy does not solve again, or finds no plan. */
void alisa_sched_solve_again(AlisaSchedProblem *problem, const AlisaSchedStep *now,
                             AlisaSchedPlan *plan);

#endif
