/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three phases of ALISA (Zhao, Wu, Wang, 2024): all tokens on the device; then the oldest on
 * the host, chosen ones loaded; then the oldest of those as layer inputs only, chosen ones
 * recomputed. What this engine adds: moves are incremental, and what device memory is left holds
 * copies of the tokens that were chosen last, so that only new choices travel.
 */
#include "sched/plan.h"

#include <math.h>

static void place(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                  AlisaSchedStep *step) {
    const AlisaSchedPhases *phases = &plan->phases;
    step->inputs_saved = plan->inputs_saved;
    step->inputs_on_device = plan->inputs_on_device;
    if (step->length < phases->host_from) return;
    step->phase = 2;
    double offloaded = floor(phases->host_share * step->length + 1e-9);
    /* Locals never leave, except where every token is attended to: then those on the host come by
     * turns, and none is worth more than others. */
    bool dense = step->kept >= step->length;
    double old = dense ? step->length : (double)step->length - step->locals;
    step->host_end = (uint32_t)fmin(offloaded, old);
    if (step->length >= phases->inputs_from) {
        step->phase = 3;
        step->inputs_end = (uint32_t)floor(phases->inputs_share * step->host_end + 1e-9);
        if (step->inputs_end > plan->inputs_saved) step->inputs_end = plan->inputs_saved;
    }
    if (dense || !alisa_sched_overlaps(problem)) {
        step->streamed = true; /* Algorithm 2 loads what is chosen at every step */
        return;
    }
    double free = alisa_sched_pool_bytes(problem) - alisa_sched_demand(problem, step).device;
    double slot =
        problem->bytes.slot * problem->run.batch * alisa_sched_model_kv_layers(&problem->model);
    step->hot = (uint32_t)fmin(step->host_end, fmax(0.0, floor(free / slot)));
}

const AlisaSchedPolicy alisa_sched_policy_alisa = {
    .name = "alisa",
    .attention = ALISA_SCHED_ATTEND_CHOSEN,
    .solves_again = true,
    .solve = alisa_sched_search,
    .place = place,
};
