#include "sched/observe.h"

#include <math.h>
#include <stdlib.h>

/* Measured over predicted: beyond these predictions are corrected. */
#define RATIO_HIGH 1.25
#define RATIO_LOW  (1.0 / RATIO_HIGH)

/* Copies that take this share of a step are what it waits for. */
#define MOST_OF_A_STEP 0.5

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

AlisaSchedMeasured alisa_sched_attribute(const AlisaSchedProblem *problem,
                                         const AlisaSchedCost *predicted, double seconds,
                                         double bytes_to_device, double bytes_to_host) {
    double compute = predicted->total - predicted->exposed;
    const AlisaSchedWork bytes = {.to_device = bytes_to_device / problem->model.layer_count,
                                  .to_host = bytes_to_host / problem->model.layer_count};
    AlisaSchedCost moved;
    alisa_sched_time(problem, &bytes, &moved);
    double copies = moved.load + moved.store;
    if (copies < MOST_OF_A_STEP * seconds) return (AlisaSchedMeasured){.seconds = seconds};
    double waited = fmax(0.0, seconds - compute);
    /* Predicted copies are those of predicted bytes. */
    double expected = predicted->load + predicted->store;
    double slower = alisa_sched_overlaps(problem) ? seconds / copies : waited / copies;
    return (AlisaSchedMeasured){seconds, waited, waited > 0.0 ? expected * slower : 0.0};
}

bool alisa_sched_correct(AlisaSchedObserver *observer, AlisaSchedProblem *problem,
                         const AlisaSchedCost *predicted, const AlisaSchedMeasured *measured) {
    double compute = predicted->total - predicted->exposed;
    double copies = predicted->load + predicted->store;
    if (!(measured->seconds > 0.0) || !(compute > 0.0)) return false;
    uint32_t at = observer->count++;
    observer->total[at] = measured->seconds / predicted->total;
    observer->compute[at] = (measured->seconds - measured->waited) / compute;
    observer->copies[at] = copies > 0.0 ? measured->copied / copies : 0.0;
    if (observer->count < ALISA_SCHED_OBSERVED) return false;
    observer->count = 0;
    double total = median(observer->total);
    if (total <= RATIO_HIGH && total >= RATIO_LOW) return false;
    double computing = median(observer->compute), copying = median(observer->copies);
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
