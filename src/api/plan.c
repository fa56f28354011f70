/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/plan.h"
#include "api/model.h"
#include "engine/open.h"
#include "sched/scheduler.h"

#define USUAL_SCRATCH (UINT64_C(1) << 30)

void alisa_plan_options_defaults(AlisaPlanOptions *options) {
    *options = (AlisaPlanOptions){.batch = 1,
                                  .prompt_length = 128,
                                  .generate_length = 512,
                                  .micro_batch = 512,
                                  .key_type = ALISA_KV_F16,
                                  .swa_window = 64,
                                  .value_type = ALISA_KV_F16,
                                  .kv_sparsity = 0.8,
                                  .new_picks = -1.0,
                                  .recompute = true,
                                  .inputs_share = -1.0,
                                  .host_share = -1.0};
}

bool alisa_plan_profile_name(size_t index, char name[64]) {
    return alisa_sched_profile_name(index, name);
}

static AlisaStatus find_model(const AlisaPlanOptions *options, AlisaSchedModel *model,
                              AlisaError *error) {
    if (options->model_shape) return alisa_sched_model_find(options->model_shape, model, error);
    if (!options->model || !options->model->has_weights) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "there is nothing to plan for: give a model with weights, or a "
                               "published shape");
    }
    *model = alisa_engine_model(options->model->gguf, &options->model->shape);
    return ALISA_OK;
}

/* Device bytes for everything, where a share of the context's is the context's. */
static uint64_t shared_bytes(const AlisaPlanOptions *options, const AlisaSchedModel *model,
                             const AlisaSchedRun *run) {
    AlisaSchedKvBytes halves;
    alisa_sched_kv_bytes(model, ALISA_KV_F16, ALISA_KV_F16, &halves);
    double tokens = (double)run->batch * ((double)run->prompt_length + run->generate_length);
    return model->weight_bytes + run->scratch_bytes +
           (uint64_t)(options->device_share * tokens * model->layer_count * halves.slot);
}

static AlisaStatus published_problem(const AlisaPlanOptions *options, AlisaPolicy policy,
                                     AlisaSchedProblem *problem, AlisaError *error) {
    AlisaSchedProfile profile;
    AlisaSchedModel model = {0};
    if (!options->profile) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "no device profile was given");
    }
    AlisaStatus status = alisa_sched_profile_find(options->profile, &profile, error);
    if (status == ALISA_OK) status = find_model(options, &model, error);
    if (status != ALISA_OK) return status;
    AlisaSchedRun run = {
        .batch = options->batch,
        .prompt_length = options->prompt_length,
        .generate_length = options->generate_length,
        .micro_batch = options->micro_batch,
        .key_type = options->key_type,
        .value_type = options->value_type,
        .sparsity = options->kv_sparsity,
        .keep = options->kv_keep,
        .scores = options->swa_scores,
        .window = options->swa_window,
        .lists = options->swa_lists,
        .new_pick_rate = alisa_sched_usual_new_picks(options->swa_scores),
        .schedule = options->schedule,
        .recompute = options->recompute,
        .inputs_share = options->inputs_share,
        .host_share = options->host_share,
        .device_bytes = options->device_memory ? options->device_memory : profile.device_bytes,
        .host_bytes = options->host_memory ? options->host_memory : profile.host_bytes,
        .scratch_bytes = options->scratch ? options->scratch : USUAL_SCRATCH};
    if (options->device_share > 0.0) run.device_bytes = shared_bytes(options, &model, &run);
    return alisa_sched_problem_init(problem, &profile, &model, &run, policy, error);
}

/* What a policy's sessions attend to. */
static const AlisaSelectKind kinds[ALISA_POLICY_COUNT] = {
    [ALISA_POLICY_H2O] = ALISA_SELECT_H2O,
    [ALISA_POLICY_ALISA] = ALISA_SELECT_SWA,
};

static AlisaSetupOptions session_options(const AlisaPlanOptions *options, AlisaPolicy policy) {
    AlisaSessionOptions defaults;
    alisa_session_options_defaults(&defaults);
    AlisaSetupOptions session = alisa_setup_options(&defaults);
    session.sequence_count = options->batch;
    session.context_length = options->prompt_length + options->generate_length;
    session.micro_batch = options->micro_batch;
    session.key_type = options->key_type;
    session.value_type = options->value_type;
    session.likeliest_only = true;
    session.attention.kind = kinds[policy];
    session.attention.sparsity = options->kv_sparsity;
    session.attention.keep = options->kv_keep;
    session.attention.scores = options->swa_scores;
    session.attention.lists = options->swa_lists;
    session.attention.window = options->swa_window;
    session.placement = (AlisaPlacementOptions){.policy = policy,
                                                .schedule = options->schedule,
                                                .recompute = options->recompute,
                                                .inputs_share = options->inputs_share,
                                                .host_share = options->host_share,
                                                .device_share = options->device_share,
                                                .host_memory = options->host_memory,
                                                .prompt_length = options->prompt_length};
    return session;
}

static AlisaStatus measured_problems(const AlisaPlanOptions *options, AlisaPolicy policy,
                                     AlisaSchedProblem *problems, AlisaError *error) {
    if (options->device_memory || options->scratch) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a plan for an engine is made for the engine's budget and the "
                               "scratch of its sessions: leave device_memory and scratch 0");
    }
    AlisaSetupOptions session = session_options(options, policy);
    return alisa_engine_session_problems(options->engine, &session, problems, error);
}

/* What is planned: a problem for each stage of the engine's sessions, or the one of a published
 * device. */
typedef struct Problems {
    AlisaSchedProblem *items; /* [count] */
    uint32_t count;
} Problems;

/* The caller frees problems->items, also after a failure. */
static AlisaStatus make_problems(const AlisaPlanOptions *options, AlisaPolicy policy,
                                 Problems *problems, AlisaError *error) {
    uint32_t count = options->engine ? options->engine->shard_count : 1;
    *problems = (Problems){0};
    if (options->new_picks > 1.0)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "cannot plan: the rate of new picks is at most 1");
    const char *wrong = alisa_sched_check_choices(policy, options->schedule, options->swa_scores,
                                                  options->swa_lists);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "cannot plan: %s", wrong);
    problems->items = alisa_allocate(count, sizeof *problems->items, "plan", error);
    if (!problems->items) return ALISA_ERROR_MEMORY;
    problems->count = count;
    AlisaStatus status = options->engine
                             ? measured_problems(options, policy, problems->items, error)
                             : published_problem(options, policy, problems->items, error);
    for (uint32_t i = 0; i < problems->count && status == ALISA_OK; i++) {
        AlisaSchedProblem *problem = &problems->items[i];
        if (options->new_picks >= 0.0) problem->run.new_pick_rate = options->new_picks;
        problem->exhaustive = options->exhaustive;
    }
    return status;
}

static AlisaStatus copy_steps(const AlisaSchedResult *result, AlisaPlan *plan, AlisaError *error) {
    plan->steps = alisa_allocate(result->record_count, sizeof *plan->steps, "plan", error);
    if (!plan->steps) return ALISA_ERROR_MEMORY;
    plan->step_count = result->record_count;
    for (size_t i = 0; i < result->record_count; i++) {
        const AlisaSchedRecord *record = &result->records[i];
        plan->steps[i] = (AlisaPlanStep){.length = record->length,
                                         .phase = record->phase,
                                         .running = record->running,
                                         .seconds = record->seconds,
                                         .device_bytes = record->device_bytes,
                                         .host_bytes = record->host_bytes,
                                         .recomputable_bytes = record->recomputable_bytes};
    }
    return ALISA_OK;
}

/* Adds what a stage, which has this share of all layers, does when. */
static void add_phases(const AlisaSchedProblem *problem, const AlisaSchedPlan *of, double share,
                       AlisaPlan *plan) {
    const AlisaSchedPhases *phases = &of->phases;
    uint32_t last = alisa_sched_final_length(problem);
    plan->greedy_seconds += of->seconds;
    plan->best_seconds += of->best_seconds;
    plan->weight_bytes += problem->model.weight_bytes;
    plan->host_weight_bytes += problem->model.host_weight_bytes;
    if (phases->host_from <= last) {
        if (plan->host_from == 0 || phases->host_from < plan->host_from)
            plan->host_from = phases->host_from;
        plan->host_share += share * phases->host_share;
    }
    if (phases->inputs_from <= last) {
        if (plan->inputs_from == 0 || phases->inputs_from < plan->inputs_from)
            plan->inputs_from = phases->inputs_from;
        plan->inputs_share += share * phases->inputs_share;
    }
}

static void fill(const Problems *problems, const AlisaSchedResult *result, AlisaPlan *plan) {
    const AlisaSchedCost *cost = &result->cost;
    double layers = 0.0;
    for (uint32_t i = 0; i < problems->count; i++)
        layers += problems->items[i].model.layer_count;
    for (uint32_t i = 0; i < problems->count; i++) {
        const AlisaSchedProblem *problem = &problems->items[i];
        add_phases(problem, &result->plans[i], problem->model.layer_count / layers, plan);
    }
    snprintf(plan->model, sizeof plan->model, "%s", problems->items->model.name);
    snprintf(plan->device, sizeof plan->device, "%s", problems->items->profile.name);
    plan->prefill_seconds = result->prefill_seconds;
    plan->decode_seconds = result->decode_seconds;
    plan->tokens_per_second =
        result->generated / (result->prefill_seconds + result->decode_seconds);
    plan->time = (AlisaPlanTime){.weights = cost->weights,
                                 .matrix = cost->matrix,
                                 .attention = cost->dense + cost->gathered,
                                 .selection = cost->selection,
                                 .recompute = cost->rebuild,
                                 .launch = cost->launch,
                                 .link = cost->exposed};
    plan->binds = alisa_sched_cost_binds(cost);
    plan->peak_device_bytes = result->peak_device_bytes;
    plan->peak_host_bytes = result->peak_host_bytes;
    plan->bytes_to_device = cost->bytes_to_device;
    plan->bytes_to_host = cost->bytes_to_host;
    plan->preempted = result->preempted;
}

AlisaStatus alisa_plan_make(const AlisaPlanOptions *options, AlisaPolicy policy, AlisaPlan *plan,
                            AlisaError *error) {
    *plan = (AlisaPlan){.policy = policy};
    Problems problems;
    AlisaSchedResult result = {0};
    AlisaStatus status = make_problems(options, policy, &problems, error);
    if (status == ALISA_OK)
        status = alisa_sched_simulate(problems.items, problems.count, &result, error);
    if (status == ALISA_OK) status = copy_steps(&result, plan, error);
    if (status == ALISA_OK) fill(&problems, &result, plan);
    alisa_sched_result_finish(&result);
    free(problems.items);
    return status;
}

AlisaStatus alisa_plan_save_profile(const AlisaPlanOptions *options, AlisaPolicy policy,
                                    const char *path, AlisaError *error) {
    const AlisaEngine *engine = options->engine;
    if (!engine)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "only what was measured can be saved, and there is no engine");
    if (engine->shard_count > 1)
        return alisa_error_set(
            error, ALISA_ERROR_ARGUMENT,
            "a profile is of one device with all layers of a model, and those of "
            "this engine lie in %u places",
            engine->shard_count);
    Problems problems;
    AlisaStatus status = make_problems(options, policy, &problems, error);
    const char *source =
        engine->shards->emulates_link ? "measured, on an emulated link" : "measured";
    if (status == ALISA_OK)
        status = alisa_sched_profile_write(&problems.items->profile, source, path, error);
    free(problems.items);
    return status;
}

void alisa_plan_finish(AlisaPlan *plan) {
    free(plan->steps);
    *plan = (AlisaPlan){0};
}
