/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/resolve.h"

#include <stdlib.h>

#include "engine/memory.h"

/* ---- What can be asked for ----------------------------------------------------------------- */

/* Sparse attention as it is wanted. */
static AlisaStatus check_attention(const AlisaSetupOptions *options, AlisaError *error) {
    if (options->attention.kind == ALISA_SELECT_DENSE) return ALISA_OK;
    if (options->placement.policy == ALISA_POLICY_VLLM) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "policy vllm attends to every token: it takes no attention but "
                               "dense");
    }
    const AlisaSelectOptions *select = &options->attention;
    if (options->placement.policy == ALISA_POLICY_H2O &&
        (select->scores != ALISA_SELECT_SCORES_SPARSE ||
         (select->kind != ALISA_SELECT_H2O && select->kind != ALISA_SELECT_LOCAL))) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "policy h2o forgets what a list leaves out: it takes no attention "
                               "but h2o and local, with sparse scores");
    }
    const char *wrong = alisa_selector_check(select);
    return wrong ? alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s", wrong) : ALISA_OK;
}

static AlisaStatus check_options(const AlisaEngine *engine, const AlisaSetupOptions *options,
                                 AlisaError *error) {
    if (options->sequence_count == 0 || options->micro_batch == 0) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a session needs at least one sequence and a micro-batch (-ub) of "
                               "at least one row");
    }
    const AlisaSelectOptions *select = &options->attention;
    const char *wrong = alisa_sched_check_choices(
        options->placement.policy, options->placement.schedule, select->scores, select->lists);
    if (wrong || (unsigned)select->kind >= ALISA_SELECT_KIND_COUNT) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "cannot make a session: %s",
                               wrong ? wrong : "there is no such kind of attention");
    }
    uint32_t head_dim = engine->shape.layers[0].head_dim;
    AlisaStatus status = alisa_kv_type_check(options->key_type, head_dim, error);
    if (status == ALISA_OK) status = alisa_kv_type_check(options->value_type, head_dim, error);
    return status == ALISA_OK ? check_attention(options, error) : status;
}

/* ---- Budgets ------------------------------------------------------------------------------- */

/* Policy device and dense attention where every layer has a window: none chooses tokens, and all
 * that they keep is on the device. */
static void leave_windows_alone(AlisaSessionSetup *setup) {
    AlisaSetupOptions *options = &setup->options;
    const AlisaShape *shape = &setup->engine->shape;
    if (alisa_setup_window_layers(shape, options) < shape->layer_count ||
        (options->placement.policy == ALISA_POLICY_DEVICE &&
         options->attention.kind == ALISA_SELECT_DENSE))
        return;
    setup->not_needed = options->placement.only_if_needed;
    if (!setup->not_needed)
        alisa_log_write(&setup->engine->log, ALISA_LOG_WARNING,
                        "every layer of the model has a sliding window, of %u tokens (key "
                        "%s.attention.sliding_window), which stay on the device: policy and sparse "
                        "attention have no effect",
                        shape->layers[0].sliding_window, shape->architecture->name);
    options->placement.policy = ALISA_POLICY_DEVICE;
    options->attention.kind = ALISA_SELECT_DENSE;
}

/* Every stage of a tiered session has layers that it places. */
static AlisaStatus check_stages(const AlisaSessionSetup *setup, AlisaError *error) {
    for (uint32_t i = 0; i < setup->stage_count; i++) {
        const AlisaStageSetup stage = alisa_setup_stage(setup, i);
        if (alisa_setup_kv_shape(&stage).layer_count > 0) continue;
        uint32_t first = stage.shard->first_layer;
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "layers %u to %u, which are on a device of their own, all have a "
                               "sliding window: there is nothing to place but by policy device",
                               first, first + stage.shard->layer_count - 1);
    }
    return ALISA_OK;
}

/* Policy device and dense attention in place of alisa, where they do. */
static bool take_what_fits(AlisaSessionSetup *setup) {
    AlisaSetupOptions *options = &setup->options;
    const AlisaSetupOptions asked = *options;
    options->placement.policy = ALISA_POLICY_DEVICE;
    options->attention.kind = ALISA_SELECT_DENSE;
    if (options->placement.halves_if_they_fit) {
        options->key_type = options->value_type = ALISA_KV_F16;
        if (alisa_memory_fits(setup)) return true;
        options->key_type = asked.key_type;
        options->value_type = asked.value_type;
    }
    if (alisa_memory_fits(setup)) return true;
    *options = asked;
    return false;
}

static AlisaStatus fit_tiers(AlisaSessionSetup *setup, bool adapts, AlisaError *error) {
    AlisaSelectOptions *select = &setup->options.attention;
    AlisaStatus status = check_stages(setup, error);
    if (status != ALISA_OK) return status;
    setup->plans =
        alisa_allocate_zeroed(setup->stage_count, sizeof *setup->plans, "plans of stages", error);
    if (!setup->plans) return ALISA_ERROR_MEMORY;
    /* Lists that grew would need tokens that are forgotten. */
    if (setup->options.placement.policy == ALISA_POLICY_H2O)
        select->keep = 2 * alisa_selector_half_budget(select, setup->options.context_length);
    status = alisa_memory_fit_tiers(setup, error);
    if (status != ALISA_ERROR_MEMORY || !adapts || select->scores != ALISA_SELECT_SCORES_QUERY)
        return status;
    /* Sparse scores need no index of keys, which leaves more for K and V. */
    select->scores = ALISA_SELECT_SCORES_SPARSE;
    if (alisa_memory_fit_tiers(setup, NULL) != ALISA_OK) return status;
    alisa_log_write(&setup->engine->log, ALISA_LOG_WARNING,
                    "the index of keys does not fit on the device beside a step's keys and values: "
                    "tokens are chosen by the attention of past rows, not by the step's own query");
    return ALISA_OK;
}

AlisaStatus alisa_resolve(const AlisaEngine *engine, const AlisaShard *shards, uint32_t stage_count,
                          const AlisaSetupOptions *options, AlisaSessionSetup *setup,
                          AlisaError *error) {
    *setup = (AlisaSessionSetup){
        .engine = engine, .shards = shards, .stage_count = stage_count, .options = *options};
    AlisaStatus status = check_options(engine, options, error);
    if (status != ALISA_OK) return status;
    AlisaSetupOptions *resolved = &setup->options;
    bool asked = options->context_length > 0;
    if (!asked) resolved->context_length = engine->shape.context_length;
    leave_windows_alone(setup);
    if (resolved->logit_rows == 0) resolved->logit_rows = options->sequence_count;
    const AlisaPlacementOptions *placement = &resolved->placement;
    bool adapts = placement->policy == ALISA_POLICY_ALISA && placement->only_if_needed;
    if (adapts) setup->not_needed = take_what_fits(setup);
    return resolved->placement.policy == ALISA_POLICY_DEVICE ? alisa_memory_fit(setup, asked, error)
                                                             : fit_tiers(setup, adapts, error);
}

void alisa_resolve_finish(AlisaSessionSetup *setup) {
    free(setup->plans);
    setup->plans = NULL;
}
