/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/problem.h"

#include <math.h>

#include "base/round.h"
#include "engine/memory.h"
#include "engine/scratch.h"
#include "kv/fit.h"
#include "kv/tails.h"

/* Device bytes for blocks, as a plan counts them. The pool has slots for whole tokens of all layers
 * only, and where it has them for every token, the last blocks of sequences are no less whole. */
static double block_bytes(const AlisaStageSetup *setup, const AlisaSchedProblem *problem,
                          uint64_t slots) {
    const AlisaSetupOptions *options = setup->options;
    const AlisaSchedKvBytes *kv = &problem->bytes;
    uint32_t layers = problem->model.layer_count, block = ALISA_SCHED_BLOCK;
    uint64_t tokens = slots / layers, blocks = tokens / block;
    if (tokens >= (uint64_t)options->sequence_count * options->context_length)
        blocks =
            (uint64_t)options->sequence_count * (alisa_divide_up(options->context_length, block));
    return layers *
           ((double)blocks * block * (kv->slot + kv->fixed) + options->sequence_count * kv->tail);
}

/* `slots` for tokens of one layer, over all layers, in the bytes a plan is made with: what else the
 * context takes is counted as the plan counts it. */
static uint64_t pool_bytes(const AlisaStageSetup *setup, const AlisaSchedProblem *problem,
                           uint64_t slots) {
    if (problem->policy->by_blocks) return (uint64_t)block_bytes(setup, problem, slots);
    return (uint64_t)ceil((double)slots * problem->bytes.slot + alisa_sched_fixed_bytes(problem));
}

uint64_t alisa_problem_device_bytes(const AlisaStageSetup *setup, const AlisaSchedProblem *problem,
                                    uint64_t slots) {
    return problem->model.weight_bytes + problem->run.scratch_bytes +
           pool_bytes(setup, problem, slots);
}

AlisaSchedRun alisa_problem_run(const AlisaStageSetup *setup) {
    const AlisaSetupOptions *options = setup->options;
    const AlisaPlacementOptions *placement = &options->placement;
    AlisaKvShape shape = alisa_setup_kv_shape(setup);
    uint32_t context = options->context_length;
    uint32_t prompt = placement->prompt_length ? placement->prompt_length : context / 8;
    if (prompt == 0) prompt = 1;
    if (prompt >= context) prompt = context - 1;
    bool dense = options->attention.kind == ALISA_SELECT_DENSE;
    return (AlisaSchedRun){.batch = options->sequence_count,
                           .prompt_length = prompt,
                           .generate_length = context - prompt,
                           .micro_batch = options->micro_batch,
                           .key_type = options->key_type,
                           .value_type = options->value_type,
                           .sparsity = dense ? 0.0 : options->attention.sparsity,
                           .keep = options->attention.keep,
                           .window = options->attention.window,
                           .scores = options->attention.scores,
                           .lists = options->attention.lists,
                           .new_pick_rate = alisa_sched_usual_new_picks(options->attention.scores),
                           .schedule = placement->schedule,
                           /* i8 is as small as an input, and needs no product. */
                           .recompute = placement->recompute && !alisa_kv_tails_needed(&shape),
                           .inputs_share = placement->inputs_share,
                           .host_share = placement->host_share,
                           .scratch_bytes = alisa_scratch_bytes(setup)};
}

/* How the cache will be cut, and bytes of K and V that go in one copy: each row has two numbers
 * with it. */
static AlisaStatus fit_cache(const AlisaStageSetup *setup, const AlisaKvMemory *memory,
                             uint64_t *slots, uint64_t *copied, AlisaError *error) {
    AlisaKvFit fit;
    AlisaKvShape shape = alisa_setup_kv_shape(setup);
    uint64_t largest = alisa_opencl_info(setup->shard->device)->max_allocation;
    AlisaStatus status = alisa_kv_fit(&shape, memory, largest, &fit, error);
    if (status != ALISA_OK) return status;
    uint64_t row = alisa_kv_token_bytes(&shape) / shape.layer_count;
    *copied = alisa_staging_part_of(fit.staging_bytes) / (row + 2 * sizeof(int32_t)) * row;
    *slots = (uint64_t)fit.rows.arena_count * fit.rows.device_slots;
    return ALISA_OK;
}

AlisaStatus alisa_problem_describe(const AlisaStageSetup *setup, const AlisaSchedProfile *rates,
                                   const AlisaKvMemory *memory, AlisaSchedProblem *problem,
                                   AlisaError *error) {
    const AlisaSchedModel *model = &setup->engine->model;
    AlisaSchedRun run = alisa_problem_run(setup);
    uint64_t slots = 0;
    AlisaStatus status = ALISA_OK;
    if (memory) status = fit_cache(setup, memory, &slots, &run.copy_bytes, error);
    if (status != ALISA_OK) return status;
    run.device_bytes = model->weight_bytes + run.scratch_bytes;
    if (!memory) run.device_bytes += alisa_memory_left(setup);
    run.host_bytes = memory ? memory->host_bytes : 0;
    status = alisa_sched_problem_init(problem, rates, model, &run, setup->options->placement.policy,
                                      error);
    if (status == ALISA_OK && memory)
        problem->run.device_bytes = alisa_problem_device_bytes(setup, problem, slots);
    return status;
}
