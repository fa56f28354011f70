/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/attend.h"

#include "engine/layer.h"
#include "engine/rebuild.h"

/* The tails of a layer as attention takes them. */
static AlisaAttentionTails tails_of(const AlisaKvTails *tails, uint32_t layer) {
    const AlisaKvTailLayer *of = &tails->layers[layer];
    return (AlisaAttentionTails){.key_params = &of->key_params,
                                 .key_fresh = &tails->key_fresh,
                                 .key_tail = &of->key_tail,
                                 .value_params = &of->value_params,
                                 .value_fresh = &tails->value_fresh,
                                 .value_tail = &of->value_tail,
                                 .fresh_rows = tails->blocks.row_capacity};
}

static AlisaAttentionBlocks blocks_of(const AlisaKvMoveBuffers *buffers, uint32_t count) {
    return (AlisaAttentionBlocks){&buffers->tokens, &buffers->slots, &buffers->param_rows, count};
}

/* ---- Blocks that were cut back into --------------------------------------------------------- */

/* The blocks of a layer whose slots may be on the host: brings them, and takes their halves back.
 */
static AlisaStatus unseal_layer(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    AlisaKvTails *tails = stage->tails;
    uint32_t count = tails->blocks.unseal.count;
    AlisaAttentionTails halves = tails_of(tails, layer);
    AlisaAttentionBlocks moves = blocks_of(&tails->unseal, count);
    moves.slots = &stage->layer_lists;
    AlisaStatus status = alisa_placement_need(stage->placement, layer, error);
    if (status == ALISA_OK) status = alisa_placement_arrive(stage->placement, layer, error);
    if (status == ALISA_OK)
        status =
            alisa_kv_tails_resolve(tails, &tails->unseal.slots, alisa_kv_pages(stage->kv, layer),
                                   (uint64_t)count * ALISA_KV_BLOCK, &stage->layer_lists, error);
    if (status == ALISA_OK)
        status = alisa_attention_unseal(stage->attention, &moves, alisa_kv_keys(stage->kv, layer),
                                        alisa_kv_values(stage->kv, layer), &halves, error);
    alisa_tiers_end(alisa_kv_tiers(stage->kv), layer);
    return status;
}

AlisaStatus alisa_attend_unseal_from_tiers(AlisaStage *stage, AlisaError *error) {
    const AlisaKvBlocks *blocks = &stage->tails->blocks;
    uint32_t context = stage->setup.options->context_length, count = blocks->unseal.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = (uint32_t)blocks->unseal.slots[(size_t)i * ALISA_KV_BLOCK];
        stage->turns[i] = (AlisaPlacementTurn){.sequence = first / context,
                                               .placed = first % context + ALISA_KV_BLOCK};
    }
    stage->turn_count = count;
    AlisaStatus status =
        alisa_placement_begin(stage->placement, NULL, 0, stage->turns, stage->turn_count, error);
    for (uint32_t layer = 0; layer < stage->setup.shard->layer_count && status == ALISA_OK; layer++)
        status = unseal_layer(stage, layer, error);
    /* The codes' places are given up: the blocks will be sealed anew. */
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &stage->turns[i];
        status = alisa_placement_truncate(stage->placement, turn->sequence,
                                          turn->placed - ALISA_KV_BLOCK, error);
    }
    if (status == ALISA_OK) alisa_kv_blocks_unsealed(&stage->tails->blocks);
    return status;
}

/* ---- A layer ------------------------------------------------------------------------------- */

static AlisaStatus unseal(AlisaStage *stage, uint32_t layer, const AlisaAttentionTails *tails,
                          AlisaError *error) {
    uint32_t count = tails ? stage->tails->blocks.unseal.count : 0;
    if (count == 0 || stage->placement) return ALISA_OK; /* done, where there is placement */
    AlisaAttentionBlocks blocks = blocks_of(&stage->tails->unseal, count);
    return alisa_attention_unseal(stage->attention, &blocks, alisa_kv_keys(stage->kv, layer),
                                  alisa_kv_values(stage->kv, layer), tails, error);
}

static AlisaStatus seal(AlisaStage *stage, uint32_t layer, const AlisaAttentionTails *tails,
                        AlisaError *error) {
    uint32_t count = tails ? stage->tails->blocks.seal.count : 0;
    if (count == 0) return ALISA_OK;
    AlisaAttentionBlocks blocks = blocks_of(&stage->tails->seal, count);
    if (stage->placement) blocks.slots = alisa_tiers_row_slots(alisa_kv_tiers(stage->kv), layer);
    return alisa_attention_seal(stage->attention, &blocks, alisa_kv_keys(stage->kv, layer),
                                alisa_kv_values(stage->kv, layer), tails, error);
}

/* Stores key and value of the step's rows: blocks that a sequence was cut back into get their
 * halves again first, and blocks that are full now are sealed, since later rows of this step see
 * their codes. */
static AlisaStatus store(AlisaStage *stage, uint32_t layer, const AlisaAttentionTails *tails,
                         AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    uint32_t rope = alisa_layer_shape(stage, layer)->rope;
    const AlisaBuffer *rotations = &stage->rows.parts[ALISA_ROWS_ROTATIONS + rope];
    const AlisaBuffer *slots = &stage->rows.parts[ALISA_ROWS_SLOTS];
    uint32_t rows = stage->rows.row_count;
    AlisaStatus status = ALISA_OK;
    if (stage->sparse)
        status = alisa_sparse_store(stage->sparse, layer, alisa_scratch_all(&scratch->key),
                                    rotations, rows, error);
    if (status == ALISA_OK) status = unseal(stage, layer, tails, error);
    if (stage->placement && !tails) slots = alisa_tiers_row_slots(alisa_kv_tiers(stage->kv), layer);
    if (status == ALISA_OK)
        status = alisa_attention_store(
            stage->attention, alisa_scratch_all(&scratch->query), alisa_scratch_all(&scratch->key),
            alisa_scratch_all(&scratch->value), rotations, slots, rows,
            alisa_kv_keys(stage->kv, layer), alisa_kv_values(stage->kv, layer), tails, error);
    return status == ALISA_OK ? seal(stage, layer, tails, error) : status;
}

/* The step's tokens of the layer that are elsewhere come to the device. */
static AlisaStatus bring_tokens(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    if (!stage->placement) return ALISA_OK;
    AlisaStatus status = alisa_placement_chosen(stage->placement, layer, error);
    if (status == ALISA_OK) status = alisa_rebuild_layer(stage, layer, error);
    return status == ALISA_OK ? alisa_placement_arrive(stage->placement, layer, error) : status;
}

/* The lists of the step as slots of the layer. With tails they name tokens of a tiered cache by
 * their place in the context, which is translated for each layer. */
static AlisaStatus find_lists(AlisaStage *stage, uint32_t layer, const AlisaBuffer **slots,
                              AlisaError *error) {
    const AlisaKvTails *tails = stage->tails;
    *slots = !tails              ? alisa_kv_pages(stage->kv, layer)
             : !stage->placement ? &tails->slots
                                 : &stage->layer_lists;
    if (!tails || !stage->placement) return ALISA_OK;
    return alisa_kv_tails_resolve(tails, &tails->slots, alisa_kv_pages(stage->kv, layer),
                                  tails->blocks.list_used, &stage->layer_lists, error);
}

AlisaStatus alisa_attend(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    AlisaAttentionTails tails;
    AlisaAttentionLists lists = {.tiles = &stage->rows.parts[ALISA_ROWS_TILES],
                                 .tile_count = stage->rows.tile_count,
                                 .longest = stage->rows.longest};
    if (stage->tails) {
        tails = tails_of(stage->tails, layer);
        lists.blocks = &stage->tails->param_rows;
        lists.tails = &tails;
    }
    const AlisaBuffer *keys = alisa_kv_keys(stage->kv, layer);
    const AlisaBuffer *values = alisa_kv_values(stage->kv, layer);
    const AlisaSparseLayer sparse = {.index = layer,
                                     .attention = stage->attention,
                                     .q = alisa_scratch_all(&scratch->query),
                                     .keys = keys,
                                     .values = values,
                                     .pages = alisa_kv_pages(stage->kv, layer),
                                     .all_tokens = &lists,
                                     .y = alisa_scratch_all(&scratch->attended)};
    AlisaStatus status = store(stage, layer, lists.tails, error);
    if (status == ALISA_OK && stage->sparse)
        status = alisa_sparse_choose(stage->sparse, &sparse, error);
    if (status == ALISA_OK) status = bring_tokens(stage, layer, error);
    if (status == ALISA_OK) status = find_lists(stage, layer, &lists.slots, error);
    if (status == ALISA_OK && stage->sparse)
        status = alisa_sparse_attend(stage->sparse, &sparse, error);
    if (status != ALISA_OK) return status;
    return alisa_attention_run(stage->attention, alisa_scratch_all(&scratch->query), keys, values,
                               &lists, alisa_scratch_all(&scratch->attended), NULL, error);
}
