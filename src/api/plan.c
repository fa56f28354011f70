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

bool alisa_plan_shape_name(size_t index, char name[64]) {
    const char *found = alisa_sched_model_name(index);
    if (found) snprintf(name, 64, "%s", found);
    return found != NULL;
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

static AlisaStatus measured_problem(const AlisaPlanOptions *options, AlisaPolicy policy,
                                    AlisaSchedProblem *problem, AlisaError *error) {
    if (options->device_memory || options->scratch) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a plan for an engine is made for the engine's budget and the "
                               "scratch of its sessions: leave device_memory and scratch 0");
    }
    AlisaSetupOptions session = session_options(options, policy);
    return alisa_engine_session_problem(options->engine, &session, problem, error);
}

static AlisaStatus make_problem(const AlisaPlanOptions *options, AlisaPolicy policy,
                                AlisaSchedProblem *problem, AlisaError *error) {
    if (options->new_picks > 1.0)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "cannot plan: the rate of new picks is at most 1");
    const char *wrong = alisa_sched_check_choices(policy, options->schedule, options->swa_scores,
                                                  options->swa_lists);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "cannot plan: %s", wrong);
    AlisaStatus status = options->engine ? measured_problem(options, policy, problem, error)
                                         : published_problem(options, policy, problem, error);
    if (status != ALISA_OK) return status;
    if (options->new_picks >= 0.0) problem->run.new_pick_rate = options->new_picks;
    problem->exhaustive = options->exhaustive;
    return ALISA_OK;
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

static void fill(const AlisaSchedProblem *problem, const AlisaSchedResult *result,
                 AlisaPlan *plan) {
    const AlisaSchedPhases *phases = &result->plan.phases;
    const AlisaSchedCost *cost = &result->cost;
    uint32_t last = alisa_sched_final_length(problem);
    snprintf(plan->model, sizeof plan->model, "%s", problem->model.name);
    snprintf(plan->device, sizeof plan->device, "%s", problem->profile.name);
    plan->weight_bytes = problem->model.weight_bytes;
    plan->prefill_seconds = result->prefill_seconds;
    plan->decode_seconds = result->decode_seconds;
    plan->tokens_per_second =
        result->generated / (result->prefill_seconds + result->decode_seconds);
    if (phases->host_from <= last) {
        plan->host_from = phases->host_from;
        plan->host_share = phases->host_share;
    }
    if (phases->inputs_from <= last) {
        plan->inputs_from = phases->inputs_from;
        plan->inputs_share = phases->inputs_share;
    }
    plan->greedy_seconds = result->plan.seconds;
    plan->best_seconds = result->plan.best_seconds;
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
    AlisaSchedProblem problem;
    AlisaSchedResult result = {0};
    AlisaStatus status = make_problem(options, policy, &problem, error);
    if (status == ALISA_OK) status = alisa_sched_simulate(&problem, &result, error);
    if (status == ALISA_OK) status = copy_steps(&result, plan, error);
    if (status == ALISA_OK) fill(&problem, &result, plan);
    alisa_sched_result_finish(&result);
    return status;
}

AlisaStatus alisa_plan_save_profile(const AlisaPlanOptions *options, AlisaPolicy policy,
                                    const char *path, AlisaError *error) {
    if (!options->engine)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "only what was measured can be saved, and there is no engine");
    AlisaSchedProblem problem;
    AlisaStatus status = make_problem(options, policy, &problem, error);
    if (status != ALISA_OK) return status;
    const char *source =
        options->engine->shards[0].emulates_link ? "measured, on an emulated link" : "measured";
    return alisa_sched_profile_write(&problem.profile, source, path, error);
}

void alisa_plan_finish(AlisaPlan *plan) {
    free(plan->steps);
    *plan = (AlisaPlan){0};
}
