/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/attend.h"

#include "engine/layer.h"
#include "engine/rebuild.h"

static bool has_window(const AlisaStage *stage, uint32_t layer) {
    return stage->places[layer].window > 0;
}

static const AlisaBuffer *keys_of(const AlisaStage *stage, uint32_t layer) {
    uint32_t index = stage->places[layer].index;
    return has_window(stage, layer) ? alisa_kv_window_keys(stage->kv, index)
                                    : alisa_kv_keys(stage->kv, index);
}

static const AlisaBuffer *values_of(const AlisaStage *stage, uint32_t layer) {
    uint32_t index = stage->places[layer].index;
    return has_window(stage, layer) ? alisa_kv_window_values(stage->kv, index)
                                    : alisa_kv_values(stage->kv, index);
}

/* The tails of a layer as attention takes them. */
static AlisaAttentionTails tails_of(const AlisaStage *stage, uint32_t layer) {
    const AlisaKvTails *tails = stage->tails;
    uint32_t index = stage->places[layer].index;
    const AlisaKvTailLayer *of =
        &tails->layers[has_window(stage, layer) ? stage->global_layers + index : index];
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

/* Takes the halves of blocks back from their codes in `slots`. */
static AlisaStatus unseal_blocks(AlisaStage *stage, uint32_t layer, const AlisaBuffer *slots,
                                 AlisaError *error) {
    AlisaAttentionTails tails = tails_of(stage, layer);
    AlisaAttentionBlocks blocks =
        blocks_of(&stage->tails->unseal, stage->tails->blocks.unseal.count);
    blocks.slots = slots;
    return alisa_attention_unseal(stage->attention, &blocks, keys_of(stage, layer),
                                  values_of(stage, layer), &tails, error);
}

/* The blocks of a layer whose slots may be on the host: brings them, and takes their halves back.
 */
static AlisaStatus unseal_layer(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    AlisaKvTails *tails = stage->tails;
    uint32_t index = stage->places[layer].index;
    if (has_window(stage, layer)) return unseal_blocks(stage, layer, &tails->window_unseals, error);
    AlisaStatus status = alisa_placement_need(stage->placement, index, error);
    if (status == ALISA_OK) status = alisa_placement_arrive(stage->placement, index, error);
    if (status == ALISA_OK)
        status = alisa_kv_tails_resolve(
            tails, &tails->unseal.slots, alisa_kv_pages(stage->kv, index),
            (uint64_t)tails->blocks.unseal.count * ALISA_KV_BLOCK, &stage->layer_lists, error);
    if (status == ALISA_OK) status = unseal_blocks(stage, layer, &stage->layer_lists, error);
    alisa_tiers_end(alisa_kv_tiers(stage->kv), index);
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

static AlisaStatus unseal(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    AlisaKvTails *tails = stage->tails;
    /* Where there is placement, it is done. */
    if (!tails || tails->blocks.unseal.count == 0 || stage->placement) return ALISA_OK;
    return unseal_blocks(stage, layer,
                         has_window(stage, layer) ? &tails->window_unseals : &tails->unseal.slots,
                         error);
}

static AlisaStatus seal(AlisaStage *stage, uint32_t layer, const AlisaAttentionTails *tails,
                        AlisaError *error) {
    uint32_t count = tails ? stage->tails->blocks.seal.count : 0;
    if (count == 0) return ALISA_OK;
    AlisaAttentionBlocks blocks = blocks_of(&stage->tails->seal, count);
    if (has_window(stage, layer)) {
        blocks.slots = &stage->tails->window_seals;
    } else if (stage->placement) {
        blocks.slots = alisa_tiers_row_slots(alisa_kv_tiers(stage->kv), stage->places[layer].index);
    }
    return alisa_attention_seal(stage->attention, &blocks, keys_of(stage, layer),
                                values_of(stage, layer), tails, error);
}

/* The slots that the step's rows are stored to. */
static const AlisaBuffer *row_slots(const AlisaStage *stage, uint32_t layer) {
    if (has_window(stage, layer)) return &stage->rows.parts[ALISA_ROWS_WINDOW_SLOTS];
    if (!stage->placement || stage->tails) return &stage->rows.parts[ALISA_ROWS_SLOTS];
    return alisa_tiers_row_slots(alisa_kv_tiers(stage->kv), stage->places[layer].index);
}

/* Stores key and value of the step's rows: blocks that a sequence was cut back into get their
 * halves again first, and blocks that are full now are sealed, since later rows of this step see
 * their codes. */
static AlisaStatus store(AlisaStage *stage, uint32_t layer, const AlisaAttentionTails *tails,
                         AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    uint32_t rope = alisa_layer_shape(stage, layer)->rope;
    const AlisaBuffer *rotations = &stage->rows.parts[ALISA_ROWS_ROTATIONS + rope];
    uint32_t rows = stage->rows.row_count;
    AlisaStatus status = ALISA_OK;
    if (stage->sparse && !has_window(stage, layer))
        status = alisa_sparse_store(stage->sparse, stage->places[layer].index,
                                    alisa_scratch_all(&scratch->key), rotations, rows, error);
    if (status == ALISA_OK) status = unseal(stage, layer, error);
    if (status == ALISA_OK)
        status = alisa_attention_store(
            stage->attention, alisa_scratch_all(&scratch->query), alisa_scratch_all(&scratch->key),
            alisa_scratch_all(&scratch->value), rotations, row_slots(stage, layer), rows,
            keys_of(stage, layer), values_of(stage, layer), tails, error);
    return status == ALISA_OK ? seal(stage, layer, tails, error) : status;
}

/* The step's tokens of the layer that are elsewhere come to the device. */
static AlisaStatus bring_tokens(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    uint32_t index = stage->places[layer].index;
    if (!stage->placement) return ALISA_OK;
    AlisaStatus status = alisa_placement_chosen(stage->placement, index, error);
    if (status == ALISA_OK) status = alisa_rebuild_layer(stage, layer, error);
    return status == ALISA_OK ? alisa_placement_arrive(stage->placement, index, error) : status;
}

/* The lists of the step as slots of the layer. With tails they name tokens of a tiered cache by
 * their place in the context, which is translated for each layer. */
static AlisaStatus find_lists(AlisaStage *stage, uint32_t layer, const AlisaBuffer **slots,
                              AlisaError *error) {
    const AlisaKvTails *tails = stage->tails;
    const AlisaBuffer *pages = alisa_kv_pages(stage->kv, stage->places[layer].index);
    *slots = !tails ? pages : !stage->placement ? &tails->slots : &stage->layer_lists;
    if (!tails || !stage->placement) return ALISA_OK;
    return alisa_kv_tails_resolve(tails, &tails->slots, pages, tails->blocks.list_used,
                                  &stage->layer_lists, error);
}

/* What the rows attend to that attend to everything: in layers with a window all of them do, within
 * it. */
static AlisaAttentionLists lists_of(const AlisaStage *stage, uint32_t layer,
                                    const AlisaAttentionTails *tails) {
    const AlisaRows *rows = &stage->rows;
    const AlisaShard *shard = stage->setup.shard;
    const AlisaLayerWeights *weights =
        alisa_weights_layer(shard->weights, shard->first_layer + layer);
    AlisaAttentionLists lists = {.tiles = &rows->parts[ALISA_ROWS_TILES],
                                 .tile_count = rows->tile_count,
                                 .longest = rows->longest,
                                 .sinks = weights->sinks};
    if (stage->tails) {
        lists.blocks = &stage->tails->param_rows;
        lists.tails = tails;
    }
    if (!has_window(stage, layer)) return lists;
    lists.slots = stage->tails ? &stage->tails->window_lists : alisa_kv_window_pages(stage->kv);
    lists.tiles = &rows->parts[ALISA_ROWS_WINDOW_TILES];
    lists.tile_count = rows->window_tile_count;
    lists.longest = rows->window_longest;
    /* The list of a row that is a tile of its own begins where its window does. */
    if (rows->window_tile_count < rows->row_count) lists.window = stage->window;
    return lists;
}

/* Chooses tokens and brings them, and attends to those that were chosen. */
static AlisaStatus attend_to_chosen(AlisaStage *stage, uint32_t layer, AlisaAttentionLists *lists,
                                    AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    uint32_t index = stage->places[layer].index;
    const AlisaSparseLayer sparse = {.index = index,
                                     .attention = stage->attention,
                                     .q = alisa_scratch_all(&scratch->query),
                                     .keys = keys_of(stage, layer),
                                     .values = values_of(stage, layer),
                                     .pages = alisa_kv_pages(stage->kv, index),
                                     .all_tokens = lists,
                                     .y = alisa_scratch_all(&scratch->attended)};
    AlisaStatus status = ALISA_OK;
    if (stage->sparse) status = alisa_sparse_choose(stage->sparse, &sparse, error);
    if (status == ALISA_OK) status = bring_tokens(stage, layer, error);
    if (status == ALISA_OK) status = find_lists(stage, layer, &lists->slots, error);
    if (status != ALISA_OK || !stage->sparse) return status;
    return alisa_sparse_attend(stage->sparse, &sparse, error);
}

AlisaStatus alisa_attend(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    AlisaAttentionTails tails;
    if (stage->tails) tails = tails_of(stage, layer);
    AlisaAttentionLists lists = lists_of(stage, layer, &tails);
    AlisaStatus status = store(stage, layer, lists.tails, error);
    if (status == ALISA_OK && !has_window(stage, layer))
        status = attend_to_chosen(stage, layer, &lists, error);
    if (status != ALISA_OK) return status;
    return alisa_attention_run(stage->attention, alisa_scratch_all(&scratch->query),
                               keys_of(stage, layer), values_of(stage, layer), &lists,
                               alisa_scratch_all(&scratch->attended), NULL, error);
}
