/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The established ways of placing K and V, as data a step is made of.
 */
#include "sched/plan.h"

#include <math.h>

#include "base/bytes.h"

static void place_on_device(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                            AlisaSchedStep *step) {
    (void)problem;
    (void)plan;
    (void)step;
}

static AlisaStatus solve_by_checking(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                                     AlisaError *error) {
    uint32_t never = alisa_sched_final_length(problem) + 1;
    *plan = (AlisaSchedPlan){.phases = {never, never, 0.0, 0.0}};
    return alisa_sched_fit(problem, plan, error);
}

/* Everything on the device; refuses when that is too little. */
const AlisaSchedPolicy alisa_sched_policy_device = {
    .name = "device",
    .attention = ALISA_SCHED_ATTEND_ALL,
    .solve = solve_by_checking,
    .place = place_on_device,
};

/* Zhang et al., "H2O: Heavy-Hitter Oracle", 2023: the tokens with the largest sums of all past rows
 * and the newest ones stay, the others are evicted for good. */
const AlisaSchedPolicy alisa_sched_policy_h2o = {
    .name = "h2o",
    .attention = ALISA_SCHED_ATTEND_KEPT,
    .solve = solve_by_checking,
    .place = place_on_device,
};

/* ---- A share of the oldest tokens on the host ---------------------------------------------- */

static void place_share(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                        AlisaSchedStep *step) {
    (void)problem;
    double offloaded = ceil(plan->phases.host_share * step->length - 1e-9);
    step->host_end = offloaded > step->length ? step->length : (uint32_t)offloaded;
    step->phase = step->host_end > 0 ? 2 : 1;
    step->streamed = true;
}

static AlisaStatus solve_share(const AlisaSchedProblem *problem, double share, AlisaSchedPlan *plan,
                               AlisaError *error) {
    uint32_t never = alisa_sched_final_length(problem) + 1;
    uint32_t first = share > 0.0 ? problem->run.prompt_length : never;
    *plan = (AlisaSchedPlan){.phases = {first, never, share, 0.0}};
    return alisa_sched_fit(problem, plan, error);
}

static AlisaStatus solve_accelerate(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                                    AlisaError *error) {
    double share = problem->run.host_share < 0.0 ? 1.0 : problem->run.host_share;
    return solve_share(problem, share, plan, error);
}

/* Hugging Face Accelerate: the cache lives on the host; the hooks of each layer load it before the
 * layer runs. */
const AlisaSchedPolicy alisa_sched_policy_accelerate = {
    .name = "accelerate",
    .attention = ALISA_SCHED_ATTEND_ALL,
    .solve = solve_accelerate,
    .place = place_share,
};

static AlisaStatus solve_flexgen(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                                 AlisaError *error) {
    double share = problem->run.host_share;
    if (share < 0.0) share = alisa_sched_flexgen_share(problem);
    return solve_share(problem, share, plan, error);
}

/* Sheng et al., "FlexGen", 2023: shares of weights, cache and activations for each memory, found by
 * a linear program and fixed for the run; copies overlap with computation. Weights stay on the
 * device here, and the host does not compute. */
const AlisaSchedPolicy alisa_sched_policy_flexgen = {
    .name = "flexgen",
    .attention = ALISA_SCHED_ATTEND_ALL,
    .always_overlaps = true,
    .solve = solve_flexgen,
    .place = place_share,
};

/* ---- Blocks -------------------------------------------------------------------------------- */

static AlisaStatus solve_blocks(const AlisaSchedProblem *problem, AlisaSchedPlan *plan,
                                AlisaError *error) {
    uint32_t never = alisa_sched_final_length(problem) + 1;
    *plan = (AlisaSchedPlan){.phases = {never, never, 0.0, 0.0}};
    const AlisaSchedKvBytes *bytes = &problem->bytes;
    double block = ALISA_SCHED_BLOCK * alisa_sched_model_kv_layers(&problem->model) *
                   (bytes->slot + bytes->fixed);
    double pool = alisa_sched_pool_bytes(problem) -
                  problem->run.batch * alisa_sched_model_kv_layers(&problem->model) * bytes->tail;
    double blocks = pool > 0.0 ? floor(pool / block) : 0.0;
    double needed = ceil((never - 1.0) / ALISA_SCHED_BLOCK);
    if (blocks < needed) {
        return alisa_error_set(
            error, ALISA_ERROR_MEMORY,
            "policy vllm: one sequence of %u tokens needs %s of device memory for its blocks, and "
            "there are %s beside weights and scratch: %s are missing; lower -p or -n, quantise "
            "with -ctk q8_0 -ctv q8_0 or i8, or raise --device-mem",
            never - 1, alisa_bytes_text(needed * block).text, alisa_bytes_text(blocks * block).text,
            alisa_bytes_text((needed - blocks) * block).text);
    }
    plan->block_count = blocks > 1e9 ? 1000000000u : (uint32_t)blocks;
    return ALISA_OK;
}

/* Kwon et al., "Efficient Memory Management for Large Language Model Serving with PagedAttention",
 * 2023. What happens to sequences is in sched/queue.c. */
const AlisaSchedPolicy alisa_sched_policy_vllm = {
    .name = "vllm",
    .attention = ALISA_SCHED_ATTEND_ALL,
    .by_blocks = true,
    .solve = solve_blocks,
    .place = place_on_device,
};
