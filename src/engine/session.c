#include "engine/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rates.h"

void alisa_session_options_defaults(AlisaSessionOptions *options) {
    *options = (AlisaSessionOptions){.sequence_count = 1,
                                     .micro_batch = 512,
                                     .key_type = ALISA_KV_F16,
                                     .value_type = ALISA_KV_F16};
    alisa_selector_options_defaults(&options->attention);
    alisa_placement_options_defaults(&options->placement);
}

void alisa_placement_options_defaults(AlisaPlacementOptions *options) {
    *options = (AlisaPlacementOptions){.recompute = true, .inputs_share = -1.0, .host_share = -1.0};
}

typedef struct ScratchBuffer {
    AlisaBuffer *buffer;
    uint64_t bytes;
    const char *what;
} ScratchBuffer;

#define SCRATCH_COUNT 15

/* One row a buffer of AlisaStepBuffers: the size of each in one place. */
static void list_scratch(AlisaSession *session, ScratchBuffer list[SCRATCH_COUNT]) {
    const AlisaShape *shape = &session->engine->shape;
    AlisaStepBuffers *buffers = &session->buffers;
    uint64_t rows = session->options.micro_batch;
    uint64_t row_floats = rows * sizeof(float);
    uint64_t heads = (uint64_t)shape->layers[0].head_count * shape->layers[0].head_dim;
    uint64_t kv_heads = (uint64_t)shape->layers[0].kv_head_count * shape->layers[0].head_dim;
    uint64_t feed_forward = alisa_shape_feed_forward(shape);
    uint64_t logit_rows = session->options.logit_rows;
    const ScratchBuffer all[SCRATCH_COUNT] = {
        {&buffers->tokens, rows * sizeof(int32_t), "step tokens"},
        {&buffers->row_slots, rows * sizeof(int32_t), "step slots"},
        {&buffers->rotations, row_floats * shape->rope.dim, "step rotations"},
        {&buffers->logit_rows, rows * sizeof(int32_t), "step logit rows"},
        {&buffers->tiles, rows * sizeof(AlisaAttentionTile), "step tiles"},
        {&buffers->residual, row_floats * shape->embedding_length, "residual stream (-ub)"},
        {&buffers->normed, row_floats * shape->embedding_length, "normed stream (-ub)"},
        {&buffers->query, row_floats * heads, "queries (-ub)"},
        {&buffers->key, row_floats * kv_heads, "keys (-ub)"},
        {&buffers->value, row_floats * kv_heads, "values (-ub)"},
        {&buffers->attended, row_floats * heads, "attention output (-ub)"},
        {&buffers->gate, row_floats * feed_forward, "feed-forward gate (-ub)"},
        {&buffers->up, row_floats * feed_forward, "feed-forward up (-ub)"},
        {&buffers->logits, logit_rows * shape->vocabulary_size * sizeof(float), "logits"},
        {&buffers->choices, logit_rows * sizeof(int32_t), "likeliest tokens"},
    };
    memcpy(list, all, sizeof all);
}

uint64_t alisa_session_scratch_needed(AlisaSession *session) {
    ScratchBuffer list[SCRATCH_COUNT];
    list_scratch(session, list);
    uint64_t bytes = alisa_ops_scratch_bytes(session->engine->ops);
    for (size_t i = 0; i < SCRATCH_COUNT; i++)
        bytes += list[i].bytes;
    return bytes;
}

static AlisaStatus create_scratch(AlisaSession *session, AlisaError *error) {
    ScratchBuffer list[SCRATCH_COUNT];
    list_scratch(session, list);
    for (size_t i = 0; i < SCRATCH_COUNT; i++) {
        AlisaStatus status =
            alisa_buffer_create(session->engine->device, list[i].bytes, ALISA_BUFFER_READ_WRITE,
                                list[i].what, list[i].buffer, error);
        if (status != ALISA_OK) return status;
        session->scratch_bytes += list[i].bytes;
    }
    return ALISA_OK;
}

static AlisaStatus create_inputs(AlisaSession *session, AlisaError *error) {
    AlisaStepInputs *inputs = &session->inputs;
    size_t rows = session->options.micro_batch;
    size_t vocabulary = session->engine->shape.vocabulary_size;
    inputs->tokens = alisa_allocate(rows, sizeof *inputs->tokens, "step", error);
    inputs->row_slots = alisa_allocate(rows, sizeof *inputs->row_slots, "step", error);
    inputs->list_offsets = alisa_allocate(rows, sizeof *inputs->list_offsets, "step", error);
    inputs->counts = alisa_allocate(rows, sizeof *inputs->counts, "step", error);
    inputs->rotations = alisa_allocate(rows * session->engine->shape.rope.dim,
                                       sizeof *inputs->rotations, "step", error);
    inputs->logit_rows = alisa_allocate(rows, sizeof *inputs->logit_rows, "step", error);
    inputs->tiles = alisa_allocate(rows, sizeof *inputs->tiles, "step", error);
    inputs->sparse = alisa_allocate(rows, sizeof *inputs->sparse, "step", error);
    uint32_t *tables = alisa_allocate_zeroed(4 * (size_t)session->options.sequence_count,
                                             sizeof *tables, "sequence table", error);
    session->lengths = tables; /* and owns the others */
    bool choices = session->options.likeliest_only;
    uint64_t logit_rows = session->options.logit_rows;
    if (choices) {
        session->choices =
            alisa_allocate(logit_rows, sizeof *session->choices, "likeliest tokens", error);
    } else {
        session->logits =
            alisa_allocate(logit_rows * vocabulary, sizeof *session->logits, "logits", error);
    }
    session->turns =
        alisa_allocate(session->options.sequence_count, sizeof *session->turns, "step", error);
    session->placed =
        alisa_allocate(alisa_session_placed_rows(session), sizeof *session->placed, "step", error);
    bool whole = session->turns && session->placed && inputs->tokens && inputs->row_slots &&
                 inputs->list_offsets && inputs->counts && inputs->rotations &&
                 inputs->logit_rows && inputs->tiles && inputs->sparse && tables &&
                 (choices ? session->choices != NULL : session->logits != NULL);
    if (!whole) return ALISA_ERROR_MEMORY;
    session->call_rows = tables + session->options.sequence_count;
    session->call_ends = session->call_rows + session->options.sequence_count;
    session->forgotten = session->call_ends + session->options.sequence_count;
    return ALISA_OK;
}

/* Sparse attention as it is wanted. */
static AlisaStatus check_attention(const AlisaSessionOptions *options, AlisaError *error) {
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

static bool is_tiered(const AlisaSessionOptions *options) {
    return options->placement.policy != ALISA_POLICY_DEVICE;
}

static AlisaStatus check_options(const AlisaEngine *engine, const AlisaSessionOptions *options,
                                 AlisaError *error) {
    if (options->sequence_count == 0 || options->micro_batch == 0) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a session needs at least one sequence and a micro-batch (-ub) of "
                               "at least one row");
    }
    uint32_t head_dim = engine->shape.layers[0].head_dim;
    AlisaStatus status = alisa_kv_type_check(options->key_type, head_dim, error);
    if (status == ALISA_OK) status = alisa_kv_type_check(options->value_type, head_dim, error);
    return status == ALISA_OK ? check_attention(options, error) : status;
}

/* Policy device and dense attention in place of alisa, where they do. */
static void take_what_fits(AlisaSession *session) {
    AlisaSessionOptions *options = &session->options, asked = *options;
    options->placement.policy = ALISA_POLICY_DEVICE;
    options->attention.kind = ALISA_SELECT_DENSE;
    session->not_needed = true;
    if (options->placement.halves_if_they_fit) {
        options->key_type = options->value_type = ALISA_KV_F16;
        if (alisa_session_fits(session)) return;
        options->key_type = asked.key_type;
        options->value_type = asked.value_type;
    }
    if (alisa_session_fits(session)) return;
    *options = asked;
    session->not_needed = false;
}

/* Sparse scores, which need no index of keys, where that leaves too little for K and V. */
static AlisaStatus fit_tiers(AlisaSession *session, bool adapts, AlisaKvMemory *memory,
                             AlisaError *error) {
    AlisaSelectScores *scores = &session->options.attention.scores;
    AlisaStatus status = alisa_session_fit_tiers(session, memory, error);
    if (status != ALISA_ERROR_MEMORY || !adapts || *scores != ALISA_SELECT_SCORES_QUERY)
        return status;
    *scores = ALISA_SELECT_SCORES_SPARSE;
    if (alisa_session_fit_tiers(session, memory, NULL) != ALISA_OK) return status;
    alisa_log_write(&session->engine->log, ALISA_LOG_WARNING,
                    "the index of keys does not fit on the device beside a step's keys and values: "
                    "tokens are chosen by the attention of past rows, not by the step's own query");
    return ALISA_OK;
}

/* Resolves the options against the device's budget; memory: of a cache over two tiers. */
static AlisaStatus prepare(AlisaSession *session, AlisaEngine *engine,
                           const AlisaSessionOptions *options, AlisaKvMemory *memory,
                           AlisaError *error) {
    session->engine = engine;
    session->options = *options;
    if (session->options.logit_rows == 0) session->options.logit_rows = options->sequence_count;
    const AlisaPlacementOptions *placement = &options->placement;
    bool adapts = placement->policy == ALISA_POLICY_ALISA && placement->only_if_needed;
    if (adapts) take_what_fits(session);
    if (!is_tiered(&session->options)) return alisa_session_fit(session, error);
    return fit_tiers(session, adapts, memory, error);
}

AlisaStatus alisa_session_problem(AlisaEngine *engine, const AlisaSessionOptions *options,
                                  AlisaSchedProblem *problem, AlisaError *error) {
    AlisaKvMemory memory;
    AlisaSchedProfile rates;
    AlisaStatus status = check_options(engine, options, error);
    if (status == ALISA_OK)
        status = alisa_session_check_context(engine, options->context_length, error);
    if (status != ALISA_OK) return status;
    AlisaSession *session = alisa_allocate_zeroed(1, sizeof *session, "session", error);
    if (!session) return ALISA_ERROR_MEMORY;
    status = prepare(session, engine, options, &memory, error);
    if (status == ALISA_OK) status = alisa_rates_measure(engine, &session->options, &rates, error);
    if (status == ALISA_OK)
        status = alisa_session_describe(
            session, &rates, is_tiered(&session->options) ? &memory : NULL, problem, error);
    alisa_session_destroy(session);
    return status;
}

AlisaStatus alisa_session_open(AlisaEngine *engine, const AlisaSessionOptions *options,
                               const AlisaSchedProfile *rates, AlisaSession **session,
                               AlisaError *error) {
    AlisaKvMemory memory;
    AlisaSchedProfile measured;
    *session = NULL;
    AlisaStatus status = check_options(engine, options, error);
    if (status != ALISA_OK) return status;
    AlisaSession *made = alisa_allocate_zeroed(1, sizeof *made, "session", error);
    if (!made) return ALISA_ERROR_MEMORY;
    status = prepare(made, engine, options, &memory, error);
    bool tiered = is_tiered(&made->options);
    /* Before the session takes its memory, which measuring needs some of. */
    if (status == ALISA_OK && tiered && !rates) {
        status = alisa_rates_measure(engine, &made->options, &measured, error);
        rates = &measured;
    }
    if (status != ALISA_OK) goto fail;
    AlisaKvShape cache = alisa_session_kv_shape(made);
    status = tiered ? alisa_kv_create_tiered(engine->device, &cache, &memory, &made->kv, error)
                    : alisa_kv_create(engine->device, &cache, &made->kv, error);
    if (status == ALISA_OK && alisa_kv_tails_needed(&cache)) {
        status = alisa_kv_tails_create(engine->device, &cache, options->micro_batch, &made->tails,
                                       error);
    }
    if (status != ALISA_OK) goto fail;
    AlisaAttentionShape attention = alisa_session_attention_shape(made);
    status = alisa_attention_create(engine->ops, &attention, made->options.micro_batch,
                                    made->options.context_length, &made->attention, error);
    if (status == ALISA_OK && made->options.attention.kind != ALISA_SELECT_DENSE) {
        AlisaSparseShape sparse = alisa_session_sparse_shape(made);
        made->scratch_bytes += alisa_sparse_bytes(&sparse, error);
        status = alisa_sparse_create(engine->ops, &sparse, &made->sparse, error);
    }
    if (status == ALISA_OK) status = create_scratch(made, error);
    if (status == ALISA_OK) status = create_inputs(made, error);
    if (status == ALISA_OK && tiered) status = alisa_session_plan(made, rates, &memory, error);
    if (status == ALISA_OK && made->options.placement.policy == ALISA_POLICY_VLLM)
        status = alisa_session_create_admission(made, error);
    if (status == ALISA_OK && tiered && made->tails) {
        status =
            alisa_buffer_create(engine->device, made->tails->slots.size, ALISA_BUFFER_READ_WRITE,
                                "KV lists", &made->layer_lists, error);
    }
    if (status != ALISA_OK) goto fail;
    made->scratch_bytes += alisa_attention_scratch(made->attention);
    made->scratch_bytes += alisa_ops_scratch_bytes(engine->ops);
    *session = made;
    return ALISA_OK;
fail:
    alisa_session_destroy(made);
    return status;
}

AlisaStatus alisa_session_create(AlisaEngine *engine, const AlisaSessionOptions *options,
                                 AlisaSession **session, AlisaError *error) {
    *session = NULL;
    AlisaStatus status = alisa_session_check_context(engine, options->context_length, error);
    if (status != ALISA_OK) return status;
    return alisa_session_open(engine, options, NULL, session, error);
}

/* A machine that was busy when it was measured, or is now: beyond these, in what steps take over
 * what was predicted, it is measured again for the next session. */
#define MOST_CORRECTED  2.0
#define LEAST_CORRECTED 0.5

static void judge_rates(const AlisaSession *session) {
    if (!session->placement || session->measures) return;
    double corrected = alisa_placement_problem(session->placement)->correction.compute;
    if (corrected > MOST_CORRECTED || corrected < LEAST_CORRECTED)
        alisa_rates_forget(session->engine, &session->options);
}

void alisa_session_destroy(AlisaSession *session) {
    if (!session) return;
    judge_rates(session);
    /* Launches may still be queued, and they read memory that the caller is about to give back: the
     * mapped file above all. */
    alisa_opencl_finish(session->engine->device, NULL);
    alisa_opencl_save_programs(session->engine->device);
    ScratchBuffer list[SCRATCH_COUNT];
    list_scratch(session, list);
    for (size_t i = 0; i < SCRATCH_COUNT; i++)
        alisa_buffer_destroy(list[i].buffer);
    alisa_session_destroy_admission(session);
    alisa_placement_destroy(session->placement);
    alisa_session_destroy_rebuild(session);
    alisa_buffer_destroy(&session->layer_lists);
    alisa_sparse_destroy(session->sparse);
    alisa_attention_destroy(session->attention);
    alisa_kv_tails_destroy(session->tails);
    alisa_kv_destroy(session->kv);
    AlisaStepInputs *inputs = &session->inputs;
    free(inputs->tokens);
    free(inputs->row_slots);
    free(inputs->list_offsets);
    free(inputs->counts);
    free(inputs->rotations);
    free(inputs->logit_rows);
    free(inputs->tiles);
    free(inputs->sparse);
    free(session->turns);
    free(session->placed);
    free(session->records);
    free(session->lengths);
    free(session->logits);
    free(session->choices);
    free(session);
}

float *alisa_session_logits(AlisaSession *session, size_t index) {
    if (index >= session->logits_valid || !session->logits) return NULL;
    return session->logits + index * session->engine->shape.vocabulary_size;
}

int32_t alisa_session_likeliest(const AlisaSession *session, size_t index) {
    return index < session->logits_valid && session->choices ? session->choices[index] : -1;
}

void alisa_session_lists(const AlisaSession *session, uint32_t layer, AlisaSelectCounts *counts) {
    bool counted = session->sparse && layer < session->engine->shape.layer_count;
    const AlisaSelectCounts *of_layer =
        counted ? alisa_sparse_counts(session->sparse, layer) : NULL;
    *counts = of_layer ? *of_layer : (AlisaSelectCounts){0};
}

uint32_t alisa_session_context_length(const AlisaSession *session) {
    return session->options.context_length;
}

void alisa_session_options(const AlisaSession *session, AlisaSessionOptions *options) {
    *options = session->options;
}

uint32_t alisa_session_length(const AlisaSession *session, uint32_t sequence) {
    return sequence < session->options.sequence_count ? session->lengths[sequence] : 0;
}

void alisa_session_truncate(AlisaSession *session, uint32_t sequence, uint32_t length) {
    if (sequence >= session->options.sequence_count) return;
    if (length >= session->lengths[sequence]) return;
    session->lengths[sequence] = length;
    if (length < session->forgotten[sequence]) session->forgotten[sequence] = length;
}

void alisa_session_memory(const AlisaSession *session, AlisaMemoryUse *use) {
    AlisaKvShape cache = alisa_session_kv_shape(session);
    uint64_t tail_bytes = alisa_kv_tails_bytes(&cache, session->options.micro_batch);
    *use = (AlisaMemoryUse){.weight_bytes = alisa_weights_bytes(session->engine->weights),
                            .kv_bytes = alisa_kv_bytes(session->kv) + tail_bytes,
                            .scratch_bytes = session->scratch_bytes,
                            .host_to_device_bytes = session->host_to_device_bytes,
                            .device_to_host_bytes = session->device_to_host_bytes};
}

void alisa_session_placement(const AlisaSession *session, AlisaPlacementUse *use) {
    AlisaKvUsage kv;
    AlisaMemoryUse memory;
    alisa_kv_usage(session->kv, &kv);
    alisa_session_memory(session, &memory);
    uint64_t dropped = kv.tokens[ALISA_TIER_DROPPED];
    AlisaKvShape shape = alisa_session_kv_shape(session);
    uint64_t row_bytes = alisa_kv_token_bytes(&shape) / shape.layer_count;
    *use = (AlisaPlacementUse){
        .device_tokens = kv.tokens[ALISA_TIER_DEVICE] + kv.tokens[ALISA_TIER_BOTH],
        .host_tokens = kv.tokens[ALISA_TIER_HOST],
        .recomputable_tokens = dropped,
        .forgotten_tokens = kv.tokens[ALISA_TIER_FORGOTTEN],
        .device_bytes = memory.kv_bytes,
        .host_bytes = (kv.tokens[ALISA_TIER_HOST] + kv.tokens[ALISA_TIER_BOTH]) * row_bytes,
        .bytes_to_device = kv.traffic.bytes_to_device,
        .bytes_to_host = kv.traffic.bytes_to_host,
        .recomputed = session->rebuild.tokens,
        .link_rate = alisa_opencl_emulated_link(session->engine->device).bytes_per_second,
        .not_needed = session->not_needed};
    if (session->admission) {
        const AlisaSchedQueue *queue = &session->admission->queue;
        use->preempted = queue->preempted;
        for (uint32_t i = 0; i < session->options.sequence_count; i++)
            if (queue->sequences[i].state == ALISA_SCHED_WAITING)
                use->recomputable_tokens += (uint64_t)session->lengths[i] * shape.layer_count;
    }
    if (session->placement) use->replanned = alisa_placement_replanned(session->placement);
    for (size_t i = 0; i < session->record_count; i++) {
        const AlisaStepRecord *record = &session->records[i];
        if (record->phase > 1 && use->host_from == 0) use->host_from = record->length;
        if (record->phase > 2 && use->inputs_from == 0) use->inputs_from = record->length;
    }
}

const AlisaStepRecord *alisa_session_steps(const AlisaSession *session, size_t *count) {
    *count = session->record_count;
    return session->records;
}
