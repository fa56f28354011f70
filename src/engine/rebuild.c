/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "engine/rebuild.h"

#include "engine/layer.h"

/* ---- Making ------------------------------------------------------------------------------- */

AlisaStatus alisa_rebuild_init(AlisaRebuild *rebuild, const AlisaStageSetup *setup, uint32_t rows,
                               AlisaError *error) {
    AlisaDevice *device = setup->shard->device;
    uint64_t floats = (uint64_t)rows * setup->engine->shape.ropes[0].dim;
    const char *what = "recomputation";
    rebuild->max_rows = rows;
    rebuild->angles = alisa_allocate(floats, sizeof *rebuild->angles, what, error);
    if (!rebuild->angles) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_buffer_create(
        device, floats * sizeof(float), ALISA_BUFFER_READ_WRITE, what, &rebuild->rotations, error);
    if (status != ALISA_OK) return status;
    return alisa_buffer_create(device, rows * sizeof(int32_t), ALISA_BUFFER_READ_WRITE, what,
                               &rebuild->row_slots, error);
}

void alisa_rebuild_finish(AlisaRebuild *rebuild) {
    alisa_buffer_destroy(&rebuild->rotations);
    alisa_buffer_destroy(&rebuild->row_slots);
    free(rebuild->angles);
}

/* ---- A layer ------------------------------------------------------------------------------ */

static AlisaStatus upload_rotations(AlisaStage *stage, uint32_t layer, const AlisaMove *moves,
                                    uint32_t count, AlisaError *error) {
    const AlisaRopeTable *rope =
        alisa_setup_rope(&stage->setup, alisa_layer_shape(stage, layer)->rope);
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
    uint32_t index = stage->places[layer].index;
    AlisaStatus status =
        alisa_layer_project(stage, layer, ALISA_LAYER_KEY_VALUE, &scratch->normed, count, error);
    if (status != ALISA_OK) return status;
    /* The rows have no queries: what is turned in their place is overwritten by attention. */
    return alisa_attention_store(
        stage->attention, alisa_scratch_all(&scratch->attended), alisa_scratch_all(&scratch->key),
        alisa_scratch_all(&scratch->value), &stage->rebuild.rotations, &stage->rebuild.row_slots,
        count, alisa_kv_keys(stage->kv, index), alisa_kv_values(stage->kv, index), NULL, error);
}

AlisaStatus alisa_rebuild_layer(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    AlisaRebuild *rebuild = &stage->rebuild;
    if (rebuild->max_rows == 0) return ALISA_OK;
    AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    AlisaInputs *inputs = alisa_kv_inputs(stage->kv);
    const AlisaMoves *all = alisa_tiers_rebuilds(tiers);
    AlisaStatus status = ALISA_OK;
    uint32_t index = stage->places[layer].index;
    if (all->count == 0 || all->items[0].layer != index) return ALISA_OK; /* the next layer's */
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
        if (status == ALISA_OK) status = upload_rotations(stage, layer, piece.items, count, error);
        if (status == ALISA_OK) status = compute(stage, layer, count, error);
        alisa_inputs_end(inputs, index);
        rebuild->tokens += count;
    }
    return status;
}
