/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/observe.h"

#include <stdlib.h>

/* Measured over predicted: beyond these predictions are corrected. */
#define RATIO_HIGH 1.25
#define RATIO_LOW  (1.0 / RATIO_HIGH)

/* The share of a step from which on copies may be what it takes its time for. */
#define NEARLY_ALL 0.9

static int compare(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* Those that are 0 are left out. 0: none. */
static double median(const double ratios[ALISA_SCHED_OBSERVED]) {
    double values[ALISA_SCHED_OBSERVED];
    size_t used = 0;
    for (uint32_t i = 0; i < ALISA_SCHED_OBSERVED; i++)
        if (ratios[i] > 0.0) values[used++] = ratios[i];
    if (used == 0) return 0.0;
    qsort(values, used, sizeof *values, compare);
    return used % 2 ? values[used / 2] : (values[used / 2 - 1] + values[used / 2]) / 2.0;
}

AlisaSchedMeasured alisa_sched_attribute(const AlisaSchedProblem *problem, double seconds,
                                         double copied) {
    AlisaSchedMeasured measured = {.seconds = seconds, .waited = copied, .copied = copied};
    if (alisa_sched_overlaps(problem) && !alisa_sched_loads_late(problem))
        measured.waited = copied >= NEARLY_ALL * seconds ? -1.0 : 0.0;
    if (measured.waited > seconds) measured.waited = -1.0;
    return measured;
}

/* 0, not known, is not. */
static bool is_off(double ratio) {
    return ratio > RATIO_HIGH || (ratio > 0.0 && ratio < RATIO_LOW);
}

bool alisa_sched_correct(AlisaSchedObserver *observer, AlisaSchedProblem *problem,
                         const AlisaSchedCost *predicted, const AlisaSchedMeasured *measured) {
    double compute = predicted->total - predicted->exposed;
    double copies = predicted->load + predicted->store;
    if (!(measured->seconds > 0.0) || !(compute > 0.0)) return false;
    uint32_t at = observer->count++;
    observer->total[at] = measured->seconds / predicted->total;
    double computed = measured->waited < 0.0 ? 0.0 : measured->seconds - measured->waited;
    observer->compute[at] = computed / compute;
    observer->copies[at] = copies > 0.0 ? measured->copied / copies : 0.0;
    if (observer->count < ALISA_SCHED_OBSERVED) return false;
    observer->count = 0;
    double total = median(observer->total);
    if (!is_off(total)) return false;
    double computing = median(observer->compute), copying = median(observer->copies);
    /* A step that takes longer than its parts: there is more to both than they were taken for. */
    if (!is_off(computing) && !is_off(copying)) computing = copying = total;
    if (computing > 0.0) problem->correction.compute *= computing;
    if (copying > 0.0) problem->correction.transfer *= copying;
    return true;
}

void alisa_sched_solve_again(AlisaSchedProblem *problem, const AlisaSchedStep *now,
                             AlisaSchedPlan *plan) {
    if (!problem->policy->solves_again || now->length >= alisa_sched_final_length(problem)) return;
    problem->start = *now;
    problem->inputs_limit = plan->inputs_saved;
    AlisaSchedPlan solved;
    AlisaError error;
    if (problem->policy->solve(problem, &solved, &error) == ALISA_OK) *plan = solved;
}
