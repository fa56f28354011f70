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
static double block_bytes(const AlisaStageSetup *stage, const AlisaSchedProblem *problem,
                          uint64_t slots) {
    const AlisaSetupOptions *options = stage->options;
    const AlisaSchedKvBytes *kv = &problem->bytes;
    uint32_t layers = alisa_sched_model_kv_layers(&problem->model), block = ALISA_SCHED_BLOCK;
    uint64_t tokens = slots / layers, blocks = tokens / block;
    if (tokens >= (uint64_t)options->sequence_count * options->context_length)
        blocks =
            (uint64_t)options->sequence_count * (alisa_divide_up(options->context_length, block));
    return layers *
           ((double)blocks * block * (kv->slot + kv->fixed) + options->sequence_count * kv->tail);
}

/* `slots` for tokens of one layer, over all layers, in the bytes a plan is made with: what else the
 * context takes is counted as the plan counts it. */
static uint64_t pool_bytes(const AlisaStageSetup *stage, const AlisaSchedProblem *problem,
                           uint64_t slots) {
    if (problem->policy->by_blocks) return (uint64_t)block_bytes(stage, problem, slots);
    return (uint64_t)ceil((double)slots * problem->bytes.slot + alisa_sched_fixed_bytes(problem));
}

uint64_t alisa_problem_device_bytes(const AlisaStageSetup *stage, const AlisaSchedProblem *problem,
                                    uint64_t slots) {
    return alisa_sched_model_device_bytes(&problem->model) + problem->run.scratch_bytes +
           pool_bytes(stage, problem, slots);
}

AlisaSchedModel alisa_problem_model(const AlisaStageSetup *stage) {
    AlisaSchedModel model = stage->shard->model;
    model.window_layer_count = alisa_setup_kv_shape(stage).window_layer_count;
    return model;
}

AlisaSchedRun alisa_problem_run(const AlisaStageSetup *stage) {
    const AlisaSetupOptions *options = stage->options;
    const AlisaPlacementOptions *placement = &options->placement;
    AlisaKvShape shape = alisa_setup_kv_shape(stage);
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
                           .scratch_bytes = alisa_scratch_bytes(stage)};
}

static uint64_t slots_of(const AlisaResidencyShape *fit) {
    return (uint64_t)fit->arena_count * fit->device_slots;
}

/* How a cache is cut, or why it cannot be. */
static AlisaStatus fit_cache(const AlisaStageSetup *stage, const AlisaKvMemory *memory,
                             AlisaKvFit *fit, AlisaError *error) {
    AlisaKvShape shape = alisa_setup_kv_shape(stage);
    uint64_t largest = alisa_opencl_info(stage->shard->device)->max_allocation;
    return alisa_kv_fit(&shape, memory, largest, fit, error);
}

/* ---- Layer inputs --------------------------------------------------------------------------- */

/* The memory of a cache that keeps inputs too, `rows` of them on the device and those of `tokens`
 * tokens of every sequence on the host; false where there is not as much. */
static bool share_memory(const AlisaStageSetup *stage, uint64_t rows, uint64_t tokens,
                         const AlisaKvMemory *without, AlisaKvMemory *with) {
    AlisaDevice *device = stage->shard->device;
    AlisaKvShape shape = alisa_setup_kv_shape(stage);
    uint64_t caches = (uint64_t)shape.layer_count * shape.sequence_count;
    *with = *without;
    with->input_columns = stage->engine->shape.embedding_length;
    uint64_t row = 2 * (uint64_t)with->input_columns;
    with->input_device_bytes = rows * row;
    with->input_host_bytes = tokens * caches * row;
    uint64_t device_bytes = with->input_device_bytes;
    /* Beside a share of the context's bytes, overhead is scratch. */
    if (!(stage->options->placement.device_share > 0.0)) {
        uint64_t before = alisa_kv_tiered_overhead(device, &shape, without, NULL);
        uint64_t after = alisa_kv_tiered_overhead(device, &shape, with, NULL);
        if (before == 0 || after == 0) return false;
        device_bytes += after - before + alisa_setup_rebuild_bytes(stage, with->max_rows);
    }
    if (device_bytes > with->device_bytes || with->input_host_bytes > with->host_bytes)
        return false;
    with->device_bytes -= device_bytes;
    with->host_bytes -= with->input_host_bytes;
    return true;
}

/* Rows of inputs that have to have room on the device where any are kept: those of a step. */
static uint64_t least_input_rows(const AlisaStageSetup *stage, const AlisaKvMemory *memory) {
    return (uint64_t)memory->max_rows * alisa_setup_kv_shape(stage).layer_count + 1;
}

static uint64_t rows_a_token(const AlisaStageSetup *stage) {
    return (uint64_t)alisa_setup_kv_shape(stage).layer_count * stage->options->sequence_count;
}

/* Tells the problem what keeping any inputs takes; with too little for that it has none. */
static void describe_inputs(const AlisaStageSetup *stage, const AlisaKvMemory *memory,
                            AlisaSchedProblem *problem) {
    AlisaKvMemory with;
    uint64_t least = least_input_rows(stage, memory);
    problem->run.recompute = share_memory(stage, least, 0, memory, &with);
    if (!problem->run.recompute) return;
    problem->inputs_bytes = memory->device_bytes - with.device_bytes;
    problem->inputs_room = (uint32_t)(least / rows_a_token(stage));
}

/* Gives the inputs that the plan wants their memory; false where too little would be left. */
static bool keep_inputs(const AlisaStageSetup *stage, AlisaStagePlan *plan) {
    AlisaSchedProblem *problem = &plan->problem;
    AlisaKvMemory with;
    AlisaKvFit fit;
    uint64_t least = least_input_rows(stage, &plan->memory);
    uint64_t wanted = plan->plan.inputs_on_device * rows_a_token(stage);
    if (!share_memory(stage, wanted > least ? wanted : least, plan->plan.inputs_saved,
                      &plan->memory, &with) ||
        fit_cache(stage, &with, &fit, NULL) != ALISA_OK)
        return false;
    plan->memory = with;
    problem->inputs_limit = plan->plan.inputs_saved;
    problem->inputs_room = (uint32_t)(slots_of(&fit.inputs) / rows_a_token(stage));
    problem->inputs_bytes = 0; /* no longer of the pool */
    problem->run.device_bytes = alisa_problem_device_bytes(stage, problem, slots_of(&fit.rows));
    return true;
}

/* ---- Problem and plan ----------------------------------------------------------------------- */

/* The most bytes of K and V that go in one copy: each row has two numbers with it. */
static uint64_t copied_bytes(const AlisaStageSetup *stage, const AlisaKvFit *fit) {
    AlisaKvShape shape = alisa_setup_kv_shape(stage);
    uint64_t row = alisa_kv_layer_bytes(&shape);
    return alisa_staging_part_of(fit->staging_bytes) / (row + 2 * sizeof(int32_t)) * row;
}

AlisaStatus alisa_problem_describe(const AlisaSessionSetup *setup, uint32_t stage,
                                   const AlisaSchedProfile *rates, AlisaSchedProblem *problem,
                                   AlisaError *error) {
    const AlisaStageSetup of = alisa_setup_stage(setup, stage);
    const AlisaKvMemory *memory = setup->plans ? &setup->plans[stage].memory : NULL;
    const AlisaSchedModel model = alisa_problem_model(&of);
    AlisaSchedRun run = alisa_problem_run(&of);
    AlisaKvFit fit;
    AlisaStatus status = memory ? fit_cache(&of, memory, &fit, error) : ALISA_OK;
    if (status != ALISA_OK) return status;
    if (memory) run.copy_bytes = copied_bytes(&of, &fit);
    run.device_bytes = alisa_sched_model_device_bytes(&model) + run.scratch_bytes;
    if (!memory) run.device_bytes += alisa_memory_left(setup, stage);
    run.host_bytes = memory ? memory->host_bytes : 0;
    status =
        alisa_sched_problem_init(problem, rates, &model, &run, of.options->placement.policy, error);
    if (status != ALISA_OK || !memory) return status;
    problem->run.device_bytes = alisa_problem_device_bytes(&of, problem, slots_of(&fit.rows));
    if (run.recompute) describe_inputs(&of, memory, problem);
    return ALISA_OK;
}

AlisaStatus alisa_problem_solve(AlisaSessionSetup *setup, uint32_t stage,
                                const AlisaSchedProfile *rates, AlisaError *error) {
    const AlisaStageSetup of = alisa_setup_stage(setup, stage);
    AlisaStagePlan *made = &setup->plans[stage];
    AlisaSchedProblem *problem = &made->problem;
    AlisaStatus status = alisa_problem_describe(setup, stage, rates, problem, error);
    if (status == ALISA_OK) status = problem->policy->solve(problem, &made->plan, error);
    if (status != ALISA_OK || made->plan.inputs_saved == 0 || keep_inputs(&of, made)) return status;
    problem->run.recompute = false;
    return problem->policy->solve(problem, &made->plan, error);
}
