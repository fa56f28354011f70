/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "engine/rebuild.h"

#include "engine/layer.h"

/* ---- Making ------------------------------------------------------------------------------- */

/* Device bytes of inputs: those the plan wants there, and the rows of one step at least. */
static uint64_t input_bytes(const AlisaStage *stage, const AlisaKvMemory *memory,
                            const AlisaSchedPlan *plan) {
    uint64_t layers = stage->setup.shard->layer_count;
    uint64_t wanted = plan->inputs_on_device * layers * stage->setup.options->sequence_count;
    uint64_t least = memory->max_rows * layers + 1;
    return (wanted > least ? wanted : least) * 2 * memory->input_columns;
}

/* What the inputs take of both memories; false where they do not fit. */
static bool share_memory(AlisaStage *stage, const AlisaSchedPlan *plan,
                         const AlisaKvMemory *without, AlisaKvMemory *with) {
    AlisaDevice *device = stage->setup.shard->device;
    AlisaKvShape shape = alisa_setup_kv_shape(&stage->setup);
    uint64_t caches = (uint64_t)shape.layer_count * shape.sequence_count;
    *with = *without;
    with->input_columns = stage->setup.engine->shape.embedding_length;
    with->input_device_bytes = input_bytes(stage, with, plan);
    with->input_host_bytes = plan->inputs_saved * caches * 2 * with->input_columns;
    uint64_t device_bytes = with->input_device_bytes;
    /* Beside a share of the context's bytes, overhead is scratch. */
    if (!(stage->setup.options->placement.device_share > 0.0)) {
        uint64_t before = alisa_kv_tiered_overhead(device, &shape, without, NULL);
        uint64_t after = alisa_kv_tiered_overhead(device, &shape, with, NULL);
        if (before == 0 || after == 0) return false;
        device_bytes += after - before;
    }
    if (device_bytes > with->device_bytes || with->input_host_bytes > with->host_bytes)
        return false;
    with->device_bytes -= device_bytes;
    with->host_bytes -= with->input_host_bytes;
    return true;
}

static AlisaStatus create_scratch(AlisaStage *stage, uint32_t rows, AlisaError *error) {
    AlisaRebuild *rebuild = &stage->rebuild;
    AlisaDevice *device = stage->setup.shard->device;
    uint64_t floats = (uint64_t)rows * stage->setup.engine->shape.rope.dim;
    const char *what = "recomputation";
    rebuild->max_rows = rows;
    rebuild->angles = alisa_allocate(floats, sizeof *rebuild->angles, what, error);
    if (!rebuild->angles) return ALISA_ERROR_MEMORY;
    stage->scratch_bytes += (floats + rows) * sizeof(float);
    AlisaStatus status = alisa_buffer_create(
        device, floats * sizeof(float), ALISA_BUFFER_READ_WRITE, what, &rebuild->rotations, error);
    if (status != ALISA_OK) return status;
    return alisa_buffer_create(device, rows * sizeof(int32_t), ALISA_BUFFER_READ_WRITE, what,
                               &rebuild->row_slots, error);
}

AlisaStatus alisa_rebuild_keep_inputs(AlisaStage *stage, const AlisaKvMemory *memory,
                                      const AlisaSchedPlan *plan, AlisaSchedProblem *problem,
                                      AlisaError *error) {
    AlisaKvShape shape = alisa_setup_kv_shape(&stage->setup);
    AlisaDevice *device = stage->setup.shard->device;
    AlisaKvMemory with;
    problem->run.recompute = false;
    if (!share_memory(stage, plan, memory, &with)) return ALISA_OK;
    alisa_kv_destroy(stage->kv);
    stage->kv = NULL;
    AlisaStatus status = alisa_kv_create_tiered(device, &shape, &with, &stage->kv, error);
    if (status == ALISA_ERROR_MEMORY) /* what is left for K and V is too little for a step */
        return alisa_kv_create_tiered(device, &shape, memory, &stage->kv, error);
    if (status == ALISA_OK) status = create_scratch(stage, memory->max_rows, error);
    if (status != ALISA_OK) return status;
    const AlisaTiers *tiers = alisa_inputs_tiers(alisa_kv_inputs(stage->kv));
    uint64_t slots = (uint64_t)alisa_tiers_store(tiers)->arena_count *
                     alisa_residency_free_device_slots(alisa_tiers_residency(tiers), 0);
    problem->run.recompute = true;
    problem->inputs_limit = plan->inputs_saved;
    problem->inputs_room = (uint32_t)(slots / ((uint64_t)shape.layer_count * shape.sequence_count));
    return ALISA_OK;
}

void alisa_rebuild_finish(AlisaRebuild *rebuild) {
    alisa_buffer_destroy(&rebuild->rotations);
    alisa_buffer_destroy(&rebuild->row_slots);
    free(rebuild->angles);
}

/* ---- A layer ------------------------------------------------------------------------------ */

static AlisaStatus upload_rotations(AlisaStage *stage, const AlisaMove *moves, uint32_t count,
                                    AlisaError *error) {
    const AlisaRopeTable *rope = &stage->setup.engine->rope;
    AlisaRebuild *rebuild = &stage->rebuild;
    for (uint32_t i = 0; i < count; i++)
        alisa_rope_rotations(rope->frequencies, rope->pairs, rope->factor, moves[i].position,
                             rebuild->angles + (size_t)i * 2 * rope->pairs);
    uint64_t bytes = (uint64_t)count * 2 * rope->pairs * sizeof(float);
    if (bytes == 0) return ALISA_OK;
    stage->host_to_device_bytes += bytes;
    return alisa_buffer_write(stage->setup.shard->device, &rebuild->rotations, 0, rebuild->angles,
                              bytes, error);
}

/* K and V of tokens whose inputs are in `normed`. */
static AlisaStatus compute(AlisaStage *stage, uint32_t layer, uint32_t count, AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    AlisaStatus status = alisa_layer_project(stage, layer, ALISA_LAYER_KEY_VALUE, count, error);
    if (status != ALISA_OK) return status;
    /* The rows have no queries: what is turned in their place is overwritten by attention. */
    return alisa_attention_store(
        stage->attention, alisa_scratch_all(&scratch->attended), alisa_scratch_all(&scratch->key),
        alisa_scratch_all(&scratch->value), &stage->rebuild.rotations, &stage->rebuild.row_slots,
        count, alisa_kv_keys(stage->kv, layer), alisa_kv_values(stage->kv, layer), NULL, error);
}

AlisaStatus alisa_rebuild_layer(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    AlisaRebuild *rebuild = &stage->rebuild;
    if (rebuild->max_rows == 0) return ALISA_OK;
    AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    AlisaInputs *inputs = alisa_kv_inputs(stage->kv);
    const AlisaMoves *all = alisa_tiers_rebuilds(tiers);
    AlisaStatus status = ALISA_OK;
    if (all->count == 0 || all->items[0].layer != layer) return ALISA_OK; /* the next layer's */
    for (size_t done = 0; done < all->count && status == ALISA_OK; done += rebuild->max_rows) {
        size_t left = all->count - done;
        uint32_t count = left < rebuild->max_rows ? (uint32_t)left : rebuild->max_rows;
        const AlisaMoves piece = {.items = all->items + done, .count = count};
        status = alisa_inputs_need(inputs, &piece, error);
        if (status == ALISA_OK)
            status = alisa_tiers_publish(tiers, piece.items, count, &rebuild->row_slots, error);
        if (status == ALISA_OK)
            status =
                alisa_inputs_recall(inputs, piece.items, count, &stage->scratch.normed, 0, error);
        if (status == ALISA_OK) status = upload_rotations(stage, piece.items, count, error);
        if (status == ALISA_OK) status = compute(stage, layer, count, error);
        alisa_inputs_end(inputs, layer);
        rebuild->tokens += count;
    }
    return status;
}
