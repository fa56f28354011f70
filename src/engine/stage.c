/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stage.h"

#include <stdlib.h>

#include "engine/memory.h"
#include "engine/rebuild.h"

/* ---- Making -------------------------------------------------------------------------------- */

static AlisaStatus find_places(AlisaStage *stage, AlisaError *error) {
    const AlisaStageSetup *setup = &stage->setup;
    uint32_t layers = setup->shard->layer_count;
    stage->places = alisa_allocate(layers, sizeof *stage->places, "layers", error);
    stage->reached = alisa_allocate_zeroed(setup->options->sequence_count, sizeof *stage->reached,
                                           "layers", error);
    if (!stage->places || !stage->reached) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < layers; i++) {
        stage->places[i] = alisa_setup_place(setup, i);
        if (stage->places[i].window > 0) stage->window = stage->places[i].window;
        stage->global_layers += stage->places[i].window == 0;
    }
    return ALISA_OK;
}

static AlisaStatus create_cache(AlisaStage *stage, const AlisaKvMemory *memory, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    AlisaKvShape shape = alisa_setup_kv_shape(&stage->setup);
    AlisaStatus status = memory ? alisa_kv_create_tiered(device, &shape, memory, &stage->kv, error)
                                : alisa_kv_create(device, &shape, &stage->kv, error);
    if (status != ALISA_OK || !alisa_kv_tails_needed(&shape)) return status;
    status = alisa_kv_tails_create(device, &shape, stage->setup.options->micro_batch, &stage->tails,
                                   error);
    if (status != ALISA_OK || !memory) return status;
    return alisa_buffer_create(device, stage->tails->slots.size, ALISA_BUFFER_READ_WRITE,
                               "KV lists", &stage->layer_lists, error);
}

static AlisaStatus create_attention(AlisaStage *stage, AlisaError *error) {
    const AlisaStageSetup *setup = &stage->setup;
    const AlisaSetupOptions *options = setup->options;
    AlisaAttentionShape attention = alisa_setup_attention_shape(setup);
    AlisaStatus status = alisa_attention_create(setup->shard->ops, &attention, options->micro_batch,
                                                options->context_length, &stage->attention, error);
    if (status != ALISA_OK || options->attention.kind == ALISA_SELECT_DENSE) return status;
    AlisaSparseShape sparse = alisa_setup_sparse_shape(setup);
    if (sparse.layer_count == 0) return ALISA_OK;
    return alisa_sparse_create(setup->shard->ops, &sparse, &stage->sparse, error);
}

static AlisaStatus create_scratch(AlisaStage *stage, AlisaError *error) {
    AlisaStatus status = alisa_scratch_init(&stage->scratch, &stage->setup, error);
    if (status == ALISA_OK)
        status = alisa_expert_rows_init(&stage->experts, &stage->setup.engine->shape.experts,
                                        stage->setup.options->micro_batch, error);
    if (status == ALISA_OK) status = alisa_rows_init(&stage->rows, &stage->setup, error);
    if (status != ALISA_OK) return status;
    const char *what = "step";
    stage->turns =
        alisa_allocate(stage->setup.options->sequence_count, sizeof *stage->turns, what, error);
    stage->placed =
        alisa_allocate(alisa_setup_placed_rows(&stage->setup), sizeof *stage->placed, what, error);
    stage->taken =
        alisa_allocate(stage->setup.options->sequence_count, sizeof *stage->taken, what, error);
    return stage->turns && stage->placed && stage->taken ? ALISA_OK : ALISA_ERROR_MEMORY;
}

/* Who carries the plan out. */
static AlisaStatus create_placement(AlisaStage *stage, const AlisaStagePlan *plan,
                                    AlisaError *error) {
    const AlisaStageSetup *setup = &stage->setup;
    uint32_t rows = plan->memory.max_rows;
    AlisaStatus status = ALISA_OK;
    if (alisa_kv_inputs(stage->kv))
        status = alisa_rebuild_init(&stage->rebuild, setup, rows, error);
    if (status != ALISA_OK) return status;
    const AlisaPlacementShape shape = {.layer_count = stage->global_layers,
                                       .sequence_count = setup->options->sequence_count,
                                       .context_length = setup->options->context_length,
                                       .row_tokens = alisa_setup_row_tokens(setup),
                                       .max_rows = rows};
    return alisa_placement_create(setup->shard->device, &shape, &plan->problem, &plan->plan,
                                  stage->kv, stage->sparse, &stage->placement, error);
}

AlisaStatus alisa_stage_init(AlisaStage *stage, const AlisaStageSetup *setup,
                             const AlisaStagePlan *plan, AlisaError *error) {
    const AlisaKvMemory *memory = plan ? &plan->memory : NULL;
    stage->setup = *setup;
    AlisaStatus status = alisa_memory_bytes(setup, memory, &stage->device_bytes, error);
    if (status == ALISA_OK) status = find_places(stage, error);
    if (status == ALISA_OK) status = create_cache(stage, memory, error);
    if (status == ALISA_OK) status = create_attention(stage, error);
    if (status == ALISA_OK) status = create_scratch(stage, error);
    return status == ALISA_OK && plan ? create_placement(stage, plan, error) : status;
}

void alisa_stage_finish(AlisaStage *stage) {
    if (stage->setup.shard) {
        alisa_opencl_finish(stage->setup.shard->device, NULL);
        alisa_opencl_save_programs(stage->setup.shard->device);
    }
    alisa_rows_finish(&stage->rows);
    alisa_scratch_finish(&stage->scratch);
    alisa_expert_rows_finish(&stage->experts);
    alisa_placement_destroy(stage->placement);
    alisa_rebuild_finish(&stage->rebuild);
    alisa_buffer_destroy(&stage->layer_lists);
    alisa_sparse_destroy(stage->sparse);
    alisa_attention_destroy(stage->attention);
    alisa_kv_tails_destroy(stage->tails);
    alisa_kv_destroy(stage->kv);
    free(stage->turns);
    free(stage->placed);
    free(stage->taken);
    free(stage->places);
    free(stage->reached);
}

/* ---- Tokens of a sequence ------------------------------------------------------------------ */

uint32_t alisa_stage_take(AlisaStage *stage, const AlisaRow *rows, size_t count,
                          const uint32_t *lengths) {
    uint32_t most = stage->setup.options->micro_batch;
    if (stage->tails) return alisa_kv_blocks_step(&stage->tails->blocks, rows, count, lengths);
    return count < most ? (uint32_t)count : most;
}

uint32_t alisa_stage_occupied(const AlisaStage *stage, uint32_t sequence, uint32_t length) {
    if (!stage->tails || !alisa_kv_blocks_unseals(&stage->tails->blocks, sequence, length))
        return length;
    return (length / ALISA_KV_BLOCK + 1) * ALISA_KV_BLOCK;
}

uint32_t alisa_stage_placed(const AlisaStage *stage, uint32_t sequence, uint32_t length) {
    uint32_t tokens = alisa_stage_occupied(stage, sequence, length);
    return stage->tails ? tokens / ALISA_KV_BLOCK * ALISA_KV_BLOCK : tokens;
}

bool alisa_stage_reaches(const AlisaStage *stage, uint32_t sequence, uint32_t length) {
    if (stage->window == 0 || length == 0) return true;
    uint32_t first = length >= stage->window ? length - stage->window + 1 : 0;
    uint32_t block = length / ALISA_KV_BLOCK * ALISA_KV_BLOCK;
    if (stage->tails && block < first) first = block;
    uint32_t kept = alisa_setup_kv_shape(&stage->setup).window_tokens;
    return stage->reached[sequence] <= (uint64_t)first + kept;
}

AlisaStatus alisa_stage_truncate(AlisaStage *stage, uint32_t sequence, uint32_t length,
                                 AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    if (stage->sparse) status = alisa_sparse_truncate(stage->sparse, sequence, length, error);
    if (status != ALISA_OK || !stage->placement) return status;
    return alisa_placement_truncate(stage->placement, sequence,
                                    alisa_stage_occupied(stage, sequence, length), error);
}

uint64_t alisa_stage_kv_bytes(const AlisaStage *stage) {
    AlisaKvShape cache = alisa_setup_kv_shape(&stage->setup);
    return alisa_kv_bytes(stage->kv) +
           alisa_kv_tails_bytes(&cache, stage->setup.options->micro_batch);
}
