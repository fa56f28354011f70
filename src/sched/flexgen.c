/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FlexGen's static split as a linear program in two variables: w, the share of K and V on the host,
 * and t, the time of the run's last step.
 *
 *   minimise t
 *   subject to  t >= computing a step                      (does not depend on w)
 *               t >= loading w of the cache                (grows with w)
 *               t >= storing w of the new tokens
 *               device:  (1 - w) cache + two layers of w cache <= pool (one, where there is one)
 *               host:    w cache <= host memory
 *               0 <= w <= 1
 *
 * Every constraint is a half-plane, so the least t is at a corner of the feasible region: all are
 * tried, and of equal ones the smallest w is taken.
 */
#include "sched/plan.h"

#include <math.h>

/* t >= slope w + least */
typedef struct Bound {
    double slope, least;
} Bound;

enum { BOUND_COUNT = 3 };

static double least_time(const Bound *bounds, double share) {
    double time = 0.0;
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        time = fmax(time, bounds[i].slope * share + bounds[i].least);
    }
    return time;
}

static void take_corner(const Bound *bounds, double share, double low, double high, double *best) {
    if (!(share >= low && share <= high)) return;
    double time = least_time(bounds, share), now = least_time(bounds, *best);
    if (time < now * (1.0 - 1e-12) || (time <= now && share < *best)) *best = share;
}

/* Time of moving `share` of a step's traffic one way, as a bound: the fixed part is the latency. */
static Bound moving(const AlisaSchedProblem *problem, bool load, double bytes) {
    AlisaSchedWork all = {.to_device = load ? bytes : 0.0, .to_host = load ? 0.0 : bytes};
    AlisaSchedCost cost;
    alisa_sched_time(problem, &all, &cost);
    double latency = alisa_sched_model_kv_layers(&problem->model) * problem->profile.link_latency;
    double time = cost.load + cost.store;
    return (Bound){time - fmin(latency, time), 0.0};
}

double alisa_sched_flexgen_share(const AlisaSchedProblem *problem) {
    uint32_t last = alisa_sched_final_length(problem);
    AlisaSchedStep before = {.length = last - 1};
    AlisaSchedStep step = {.length = last, .kept = last, .locals = last};
    AlisaSchedWork work;
    AlisaSchedCost cost;
    alisa_sched_work(problem, &before, &step, problem->run.batch, &work);
    alisa_sched_time(problem, &work, &cost);
    double layer = (double)problem->run.batch * problem->bytes.slot; /* of one token */
    const Bound bounds[BOUND_COUNT] = {
        {0.0, cost.total}, moving(problem, true, layer * last), moving(problem, false, layer)};

    double cache = layer * alisa_sched_model_kv_layers(&problem->model) * last;
    AlisaSchedDemand all = alisa_sched_demand(problem, &step);
    double saved = cache - alisa_sched_staged_layers(problem) * layer * last; /* by w = 1 */
    double excess = all.device - alisa_sched_pool_bytes(problem);
    double low = excess > 0.0 ? (saved > 0.0 ? excess / saved : 1.0) : 0.0;
    double high = fmin(1.0, (double)problem->run.host_bytes / cache);
    low = fmin(low, 1.0);
    /* An infeasible program gets the smallest share the device allows; the fit check refuses it. */
    double best = low;
    take_corner(bounds, high, low, high, &best);
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            double slopes = bounds[i].slope - bounds[j].slope;
            if (slopes == 0.0) continue;
            take_corner(bounds, (bounds[j].least - bounds[i].least) / slopes, low, high, &best);
        }
    }
    return best;
}
