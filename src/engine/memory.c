/*
 * What the device's budget leaves for the context of a session, and how the context uses it.
 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/session.h"
#include "kv/fit.h"

AlisaAttentionShape alisa_session_attention_shape(const AlisaSession *session) {
    const AlisaShape *shape = &session->engine->shape;
    const AlisaLayerShape *layer = &shape->layers[0];
    return (AlisaAttentionShape){.head_count = layer->head_count,
                                 .kv_head_count = layer->kv_head_count,
                                 .head_dim = layer->head_dim,
                                 .rope_dim = shape->rope.dim,
                                 .scale = shape->attention_scale,
                                 .key_type = session->options.key_type,
                                 .value_type = session->options.value_type};
}

AlisaSparseShape alisa_session_sparse_shape(const AlisaSession *session) {
    return (AlisaSparseShape){.attention = alisa_session_attention_shape(session),
                              .select = session->options.attention,
                              .layer_count = session->engine->shape.layer_count,
                              .sequence_count = session->options.sequence_count,
                              .context_length = session->options.context_length,
                              .micro_batch = session->options.micro_batch,
                              .count_lists = session->options.count_lists};
}

AlisaKvShape alisa_session_kv_shape(const AlisaSession *session) {
    const AlisaShape *shape = &session->engine->shape;
    const AlisaLayerShape *layer = &shape->layers[0];
    return (AlisaKvShape){.layer_count = shape->layer_count,
                          .kv_head_count = layer->kv_head_count,
                          .head_dim = layer->head_dim,
                          .sequence_count = session->options.sequence_count,
                          .context_length = session->options.context_length,
                          .key_type = session->options.key_type,
                          .value_type = session->options.value_type};
}

AlisaStatus alisa_session_check_context(const AlisaEngine *engine, uint32_t asked,
                                        AlisaError *error) {
    const AlisaShape *shape = &engine->shape;
    const char *architecture = shape->architecture->name;
    uint32_t window = alisa_shape_full_attention(shape);
    if (asked > window) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "a context of %u tokens is longer than the model's sliding window "
                               "of %u (key %s.attention.sliding_window), past which this version "
                               "would compute something else: ask for at most -c %u",
                               asked, window, architecture, window);
    }
    if (asked == 0 && window < shape->context_length) {
        alisa_log_write(&engine->log, ALISA_LOG_WARNING,
                        "context shortened from %u to %u tokens, the sliding window of the model "
                        "(key %s.attention.sliding_window): this version does not compute past it",
                        shape->context_length, window, architecture);
    }
    return ALISA_OK;
}

/* What a session has that asks for no context. */
static uint32_t usual_context(const AlisaEngine *engine) {
    uint32_t window = alisa_shape_full_attention(&engine->shape);
    return window < engine->shape.context_length ? window : engine->shape.context_length;
}

/* Device bytes for the context of the session. */
static uint64_t bytes_left(AlisaSession *session) {
    const AlisaEngine *engine = session->engine;
    double share = session->options.placement.device_share;
    if (share > 0.0) {
        AlisaKvShape shape = alisa_session_kv_shape(session);
        shape.key_type = shape.value_type = ALISA_KV_F16;
        return (uint64_t)(share * (double)shape.sequence_count * shape.context_length *
                          (double)alisa_kv_token_bytes(&shape));
    }
    uint64_t used = alisa_weights_bytes(engine->weights) + alisa_session_scratch_needed(session);
    return engine->device_memory > used ? engine->device_memory - used : 0;
}

/* Device bytes that grow with the context: KV, and what choosing tokens keeps of them. */
static AlisaStatus context_bytes(const AlisaSession *session, uint32_t context, uint64_t *bytes,
                                 AlisaError *error) {
    AlisaKvShape kv = alisa_session_kv_shape(session);
    kv.context_length = context;
    *bytes = alisa_kv_tails_bytes(&kv, session->options.micro_batch) +
             (uint64_t)kv.sequence_count * context * (alisa_kv_token_bytes(&kv) + sizeof(int32_t));
    if (session->options.attention.kind == ALISA_SELECT_DENSE) return ALISA_OK;
    AlisaSparseShape sparse = alisa_session_sparse_shape(session);
    sparse.context_length = context;
    uint64_t chosen = alisa_sparse_bytes(&sparse, error);
    *bytes += chosen;
    return chosen ? ALISA_OK : ALISA_ERROR_ARGUMENT;
}

/* The longest context, up to `most`, whose bytes are at most `left`. */
static uint32_t longest_context(const AlisaSession *session, uint32_t most, uint64_t left) {
    uint32_t fits = 0;
    for (uint32_t over = most + 1; over - fits > 1;) {
        uint32_t middle = fits + (over - fits) / 2;
        uint64_t bytes;
        if (context_bytes(session, middle, &bytes, NULL) == ALISA_OK && bytes <= left) {
            fits = middle;
        } else {
            over = middle;
        }
    }
    return fits;
}

bool alisa_session_fits(AlisaSession *session) {
    uint32_t asked = session->options.context_length, *context = &session->options.context_length;
    if (asked == 0) *context = usual_context(session->engine);
    uint64_t bytes;
    bool fits =
        context_bytes(session, *context, &bytes, NULL) == ALISA_OK && bytes <= bytes_left(session);
    *context = asked;
    return fits;
}

AlisaStatus alisa_session_fit(AlisaSession *session, AlisaError *error) {
    AlisaEngine *engine = session->engine;
    AlisaSessionOptions *options = &session->options;
    bool asked = options->context_length > 0;
    if (!asked) options->context_length = usual_context(engine);

    uint64_t bytes;
    AlisaStatus status = context_bytes(session, options->context_length, &bytes, error);
    if (status != ALISA_OK) return status;
    uint64_t used = alisa_weights_bytes(engine->weights) + alisa_session_scratch_needed(session);
    uint64_t left = bytes_left(session);
    if (bytes <= left) return ALISA_OK;
    uint32_t fits = longest_context(session, options->context_length, left);
    if (asked || fits < 16) {
        return alisa_error_set(
            error, ALISA_ERROR_MEMORY,
            "a context of %u tokens for %u sequences needs %.1f MiB beside %.1f MiB of weights and "
            "scratch, and the device budget is %.1f MiB, which holds %u tokens: lower -c, "
            "--batch or -ub, raise --device-mem if it was set, or use --policy alisa",
            options->context_length, options->sequence_count, (double)bytes / 0x1p20,
            (double)used / 0x1p20, (double)(used + left) / 0x1p20, fits);
    }
    options->context_length = fits;
    alisa_log_write(&engine->log, ALISA_LOG_WARNING,
                    "context shortened from %u to %u tokens a sequence to fit the device budget of "
                    "%.1f MiB",
                    usual_context(engine), options->context_length, (double)(used + left) / 0x1p20);
    return ALISA_OK;
}

/* ---- Two tiers ----------------------------------------------------------------------------- */

/* A sequence's tokens get slots one by one, or by whole blocks. */
static uint32_t row_tokens(const AlisaSession *session) {
    return session->tails ? ALISA_KV_BLOCK : 1;
}

uint32_t alisa_session_placed_rows(const AlisaSession *session) {
    const AlisaSessionOptions *options = &session->options;
    AlisaKvShape shape = alisa_session_kv_shape(session);
    if (!alisa_kv_tails_needed(&shape)) return options->micro_batch;
    return alisa_kv_blocks_moves(options->sequence_count, options->micro_batch) * ALISA_KV_BLOCK;
}

uint64_t alisa_session_host_bytes(void) {
    long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 2 : 0;
}

AlisaStatus alisa_session_fit_tiers(AlisaSession *session, AlisaKvMemory *memory,
                                    AlisaError *error) {
    AlisaSessionOptions *options = &session->options;
    const AlisaEngine *engine = session->engine;
    if (options->context_length == 0) options->context_length = usual_context(engine);
    /* Lists that grew would need tokens that are forgotten. */
    if (options->placement.policy == ALISA_POLICY_H2O)
        options->attention.keep =
            2 * alisa_selector_half_budget(&options->attention, options->context_length);
    AlisaKvShape shape = alisa_session_kv_shape(session);
    uint64_t host = options->placement.host_memory;
    /* A share of the context's bytes is for what grows with the context; what else a session needs
     * is scratch then, as it is beside a cache on the device. */
    bool share = options->placement.device_share > 0.0;
    uint64_t left = bytes_left(session), fixed = 0;
    if (alisa_kv_tails_needed(&shape)) fixed += alisa_kv_tails_bytes(&shape, options->micro_batch);
    if (options->attention.kind != ALISA_SELECT_DENSE) {
        AlisaSparseShape sparse = alisa_session_sparse_shape(session);
        uint64_t chosen =
            share ? alisa_sparse_state_bytes(&sparse, error) : alisa_sparse_bytes(&sparse, error);
        if (chosen == 0) return ALISA_ERROR_ARGUMENT;
        fixed += chosen;
    }
    *memory = (AlisaKvMemory){.device_bytes = left > fixed ? left - fixed : 0,
                              .host_bytes = host ? host : alisa_session_host_bytes(),
                              .max_rows = alisa_session_placed_rows(session),
                              .row_group = alisa_ops_parameters(engine->ops)->move.group};
    uint64_t overhead = alisa_kv_tiered_overhead(engine->device, &shape, memory, error);
    if (overhead == 0) return ALISA_ERROR_MEMORY;
    if (!share) {
        memory->device_bytes =
            memory->device_bytes > overhead ? memory->device_bytes - overhead : 0;
    }
    return ALISA_OK;
}

/* Device bytes for blocks, as a plan counts them. The pool has slots for whole tokens of all layers
 * only, and where it has them for every token, the last blocks of sequences are no less whole. */
static double block_bytes(const AlisaSession *session, const AlisaSchedProblem *problem,
                          uint64_t slots) {
    const AlisaSessionOptions *options = &session->options;
    const AlisaSchedKvBytes *kv = &problem->bytes;
    uint32_t layers = problem->model.layer_count, block = ALISA_SCHED_BLOCK;
    uint64_t tokens = slots / layers, blocks = tokens / block;
    if (tokens >= (uint64_t)options->sequence_count * options->context_length)
        blocks =
            (uint64_t)options->sequence_count * ((options->context_length + block - 1) / block);
    return layers *
           ((double)blocks * block * (kv->slot + kv->fixed) + options->sequence_count * kv->tail);
}

/* `slots` for tokens of one layer, over all layers, in the bytes a plan is made with: what else the
 * context takes is counted as the plan counts it. */
static uint64_t pool_bytes(const AlisaSession *session, const AlisaSchedProblem *problem,
                           uint64_t slots) {
    if (problem->policy->by_blocks) return (uint64_t)block_bytes(session, problem, slots);
    return (uint64_t)ceil((double)slots * problem->bytes.slot + alisa_sched_fixed_bytes(problem));
}

AlisaSchedRun alisa_session_run(AlisaSession *session) {
    const AlisaSessionOptions *options = &session->options;
    const AlisaPlacementOptions *placement = &options->placement;
    AlisaKvShape shape = alisa_session_kv_shape(session);
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
                           .scratch_bytes = alisa_session_scratch_needed(session)};
}

/* How the cache will be cut, and bytes of K and V that go in one copy: each row has two numbers
 * with it. */
static AlisaStatus fit_cache(AlisaSession *session, const AlisaKvMemory *memory, uint64_t *slots,
                             uint64_t *copied, AlisaError *error) {
    AlisaKvFit fit;
    AlisaKvShape shape = alisa_session_kv_shape(session);
    uint64_t largest = alisa_opencl_info(session->engine->device)->max_allocation;
    AlisaStatus status = alisa_kv_fit(&shape, memory, largest, &fit, error);
    if (status != ALISA_OK) return status;
    uint64_t row = alisa_kv_token_bytes(&shape) / shape.layer_count;
    *copied = alisa_staging_part_of(fit.staging_bytes) / (row + 2 * sizeof(int32_t)) * row;
    *slots = (uint64_t)fit.rows.arena_count * fit.rows.device_slots;
    return ALISA_OK;
}

AlisaStatus alisa_session_describe(AlisaSession *session, const AlisaSchedProfile *rates,
                                   const AlisaKvMemory *memory, AlisaSchedProblem *problem,
                                   AlisaError *error) {
    const AlisaSchedModel *model = &session->engine->model;
    AlisaSchedRun run = alisa_session_run(session);
    uint64_t slots = 0, beside = model->weight_bytes + run.scratch_bytes;
    AlisaStatus status = ALISA_OK;
    if (memory) status = fit_cache(session, memory, &slots, &run.copy_bytes, error);
    if (status != ALISA_OK) return status;
    run.device_bytes = memory ? beside : beside + bytes_left(session);
    run.host_bytes = memory ? memory->host_bytes : 0;
    status = alisa_sched_problem_init(problem, rates, model, &run,
                                      session->options.placement.policy, error);
    if (status == ALISA_OK && memory)
        problem->run.device_bytes = beside + pool_bytes(session, problem, slots);
    return status;
}

AlisaStatus alisa_session_plan(AlisaSession *session, const AlisaSchedProfile *rates,
                               const AlisaKvMemory *memory, AlisaError *error) {
    const AlisaSessionOptions *options = &session->options;
    AlisaEngine *engine = session->engine;
    AlisaSchedProblem problem;
    AlisaSchedPlan plan;
    AlisaStatus status = alisa_session_describe(session, rates, memory, &problem, error);
    if (status == ALISA_OK) status = problem.policy->solve(&problem, &plan, error);
    if (status == ALISA_OK && plan.inputs_saved > 0) {
        status = alisa_session_keep_inputs(session, memory, &plan, &problem, error);
        if (status != ALISA_OK) return status;
        const AlisaTiers *tiers = alisa_kv_tiers(session->kv);
        uint64_t slots = (uint64_t)alisa_tiers_store(tiers)->arena_count *
                         alisa_residency_free_device_slots(alisa_tiers_residency(tiers), 0);
        problem.run.device_bytes = engine->model.weight_bytes + problem.run.scratch_bytes +
                                   pool_bytes(session, &problem, slots);
    }
    if (status != ALISA_OK) return status;
    const AlisaPlacementShape shape = {.layer_count = engine->shape.layer_count,
                                       .sequence_count = options->sequence_count,
                                       .context_length = options->context_length,
                                       .row_tokens = row_tokens(session),
                                       .max_rows = memory->max_rows};
    return alisa_placement_create(engine->device, &shape, &problem, session->kv, session->sparse,
                                  &session->placement, error);
}
