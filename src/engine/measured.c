/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/measured.h"

#include <stdlib.h>

#include "base/random.h"
#include "engine/problem.h"
#include "engine/resolve.h"

enum { MOST_CONTEXT = 1024, LEAST_CONTEXT = 6 * ALISA_KV_BLOCK };

/* Bytes of K and V that such a session takes at most. */
#define MOST_BYTES (UINT64_C(1) << 30)

enum { PATTERN_BYTES = 1 << 20 };

/* Numbers that every KV type reads as such, halves between 0.1 and 0.8, small codes: a piece of
 * them over and over. An emulated link lets them pass. */
static AlisaStatus fill(AlisaDevice *device, const AlisaBuffer *buffer, const uint8_t *pattern,
                        AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint64_t done = 0; done < buffer->size && status == ALISA_OK; done += PATTERN_BYTES) {
        uint64_t left = buffer->size - done;
        status = alisa_buffer_write_later(device, buffer, done, pattern,
                                          left < PATTERN_BYTES ? left : PATTERN_BYTES, error);
    }
    return status;
}

static AlisaStatus fill_cache(AlisaStage *stage, const uint8_t *pattern, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    const AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    uint32_t layers = stage->setup.shard->layer_count, whole = stage->global_layers;
    uint32_t arenas = tiers ? alisa_tiers_store(tiers)->arena_count : whole;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < arenas && status == ALISA_OK; i++) {
        status = fill(device, alisa_kv_keys(stage->kv, i), pattern, error);
        if (!status) status = fill(device, alisa_kv_values(stage->kv, i), pattern, error);
    }
    for (uint32_t i = 0; i < layers - whole && status == ALISA_OK; i++) {
        status = fill(device, alisa_kv_window_keys(stage->kv, i), pattern, error);
        if (!status) status = fill(device, alisa_kv_window_values(stage->kv, i), pattern, error);
    }
    for (uint32_t i = 0; i < layers && stage->tails && status == ALISA_OK; i++) {
        const AlisaKvTailLayer *tails = &stage->tails->layers[i];
        status = fill(device, &tails->key_params, pattern, error);
        if (!status) status = fill(device, &tails->value_params, pattern, error);
    }
    return status;
}

/* Keys, values, and what products multiply: processors take many times as long for numbers that
 * are nearly zero, which memory that was never written may hold. */
static AlisaStatus fill_stage(AlisaStage *stage, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaBuffer *operands[] = {&scratch->normed, &scratch->attended, &scratch->gate, NULL};
    uint8_t *pattern = alisa_allocate(PATTERN_BYTES, 1, "measuring", error);
    if (!pattern) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        pattern[i] = (uint8_t)(0x30 + alisa_random_below(&random, 11));
    AlisaStatus status = ALISA_OK;
    for (const AlisaBuffer **x = operands; *x && status == ALISA_OK; x++)
        status = fill(device, *x, pattern, error);
    if (status == ALISA_OK) status = fill_cache(stage, pattern, error);
    AlisaStatus finished = alisa_opencl_finish(device, status == ALISA_OK ? error : NULL);
    free(pattern);
    return status == ALISA_OK ? finished : status;
}

/* What the stages before would leave. */
static void fill_residual(AlisaSession *session) {
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    size_t floats = (size_t)session->options.micro_batch * session->engine->shape.embedding_length;
    for (size_t i = 0; i < floats; i++)
        session->residual[i] = (float)(2.0 * alisa_random_double(&random) - 1.0);
}

/* How many sequences of how many tokens, for the session at hand: as many as it has, as far as its
 * budget holds them. */
static void choose_size(const AlisaEngine *engine, const AlisaShard *shard,
                        AlisaSetupOptions *options) {
    const AlisaStageSetup stage = {engine, shard, options};
    const AlisaKvShape kv = alisa_setup_kv_shape(&stage);
    uint64_t left = alisa_engine_budget_left(engine, shard->budget) / 2;
    if (left > MOST_BYTES) left = MOST_BYTES;
    uint64_t tokens = left / alisa_kv_token_bytes(&kv);
    uint32_t sequences = options->sequence_count, context = options->context_length;
    if (sequences > ALISA_MEASURED_SEQUENCES) sequences = ALISA_MEASURED_SEQUENCES;
    if (sequences > options->micro_batch) sequences = options->micro_batch;
    if (context > MOST_CONTEXT) context = MOST_CONTEXT;
    context = context / ALISA_KV_BLOCK * ALISA_KV_BLOCK + 2 * ALISA_KV_BLOCK;
    if (context < LEAST_CONTEXT) context = LEAST_CONTEXT;
    while (sequences > 1 && (uint64_t)sequences * context > tokens) {
        if (context / 2 >= LEAST_CONTEXT) {
            context = context / 2 / ALISA_KV_BLOCK * ALISA_KV_BLOCK;
        } else {
            sequences /= 2;
        }
    }
    options->sequence_count = sequences;
    options->context_length = context;
}

AlisaSetupOptions alisa_measured_options(const AlisaEngine *engine, const AlisaShard *shard,
                                         const AlisaSetupOptions *wanted) {
    AlisaSetupOptions options = *wanted;
    AlisaPlacementOptions *placement = &options.placement;
    options.window_context = wanted->context_length;
    choose_size(engine, shard, &options);
    options.logit_rows = 0;
    options.record_steps = options.count_lists = false;
    options.interrupt = NULL;
    /* What is measured is the policy at work, not what a session does that has no need of it. */
    placement->only_if_needed = placement->halves_if_they_fit = false;
    placement->recompute = false;
    placement->inputs_share = -1.0;
    placement->host_share = 0.0;
    placement->device_share = 8.0; /* more than any type takes */
    placement->host_memory = MOST_BYTES;
    placement->prompt_length = 0;
    return options;
}

AlisaStatus alisa_measured_open(const AlisaEngine *engine, const AlisaShard *shard,
                                const AlisaSetupOptions *options, const AlisaSchedProfile *rates,
                                AlisaSession **session, AlisaError *error) {
    AlisaSessionSetup setup;
    *session = NULL;
    AlisaStatus status = alisa_resolve(engine, shard, 1, options, &setup, error);
    if (status == ALISA_OK && setup.plans) status = alisa_problem_solve(&setup, 0, rates, error);
    if (status == ALISA_OK) status = alisa_engine_session_make(&setup, session, error);
    alisa_resolve_finish(&setup);
    if (status != ALISA_OK) return status;
    (*session)->measures = true;
    fill_residual(*session);
    for (uint32_t i = 0; i < (*session)->stage_count && status == ALISA_OK; i++)
        status = fill_stage(&(*session)->stages[i], error);
    if (status != ALISA_OK) {
        alisa_engine_session_free(*session);
        *session = NULL;
    }
    return status;
}
