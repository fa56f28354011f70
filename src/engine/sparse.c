/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparse_internal.h"

#include <stdlib.h>

#include "base/round.h"

enum {
    SCORE_BYTES = 16 << 20, /* scratch for the scores of a prompt's last rows, at a time */
    /* A query chooses tokens that weigh this many times the mean. Others are worth no load:
     * measured on the default model at 80 %, new picks fall from 59 to 6 % of the choices, at a
     * cost of 0.3 % in perplexity and no recall (bench/results). */
    WORTH = 4
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Rows of scores are whole blocks of 32 entries. */
static uint32_t padded(uint32_t count) {
    return alisa_round_up(count, 32);
}

/* ---- Making ------------------------------------------------------------------------------- */

static AlisaSelectionShape selection_shape(const AlisaSparseShape *shape) {
    bool heads = shape->select.lists == ALISA_SELECT_LISTS_KV_HEAD;
    return (AlisaSelectionShape){
        .layer_count = shape->layer_count,
        .first_layer = shape->first_layer,
        .sequence_count = shape->sequence_count,
        .list_count = heads ? shape->attention.kv_head_count : 1,
        .context = shape->context_length,
        .seed_rows = shape->context_length,
        .max_updates = shape->micro_batch + shape->sequence_count,
        .max_rows = shape->micro_batch,
    };
}

typedef struct Sizes {
    uint64_t tiles, index_rows; /* of one batch */
    uint64_t stored, slots, blocks, scores, stats, weights;
    uint32_t batches;
    uint32_t all_rows, kept_rows; /* scored at a time: with an entry for every token; kept ones */
    uint32_t all_stride, kept_stride;
} Sizes;

static bool has_blocks(const AlisaSparseShape *shape) {
    return alisa_kv_type_info(shape->attention.key_type)->blocks ||
           alisa_kv_type_info(shape->attention.value_type)->blocks;
}

static Sizes find_sizes(const AlisaSparseShape *shape) {
    Sizes sizes = {0};
    uint64_t heads = shape->attention.head_count;
    uint64_t lists = selection_shape(shape).list_count;
    uint32_t kept =
        alisa_selector_kept(alisa_selector_budget(&shape->select, shape->context_length));
    uint32_t steps = smaller(shape->micro_batch, shape->sequence_count);
    sizes.all_stride = padded(shape->context_length);
    sizes.kept_stride = padded(kept);
    sizes.slots = shape->sequence_count * lists * sizes.kept_stride * sizeof(int32_t);
    if (has_blocks(shape)) sizes.blocks = sizes.slots;
    sizes.tiles = shape->micro_batch * sizeof(AlisaAttentionTile);
    sizes.batches = 1;
    AlisaSelectSource source = alisa_selector_source(&shape->select);
    bool by_weights = source == ALISA_SELECT_BY_SUMS || source == ALISA_SELECT_BY_ROW;
    if (!by_weights && !shape->count_lists) return sizes;

    bool index = source == ALISA_SELECT_BY_ROW;
    uint32_t scored = index ? steps : shape->micro_batch;
    uint64_t floats = SCORE_BYTES / sizeof(float) / heads;
    sizes.all_rows = smaller((uint32_t)(floats / sizes.all_stride), scored);
    sizes.kept_rows = smaller((uint32_t)(floats / sizes.kept_stride), steps);
    if (sizes.all_rows == 0) sizes.all_rows = 1;
    if (sizes.kept_rows == 0) sizes.kept_rows = 1;
    if (index) {
        sizes.index_rows = steps * sizeof(AlisaIndexRow);
        sizes.stored = shape->micro_batch * sizeof(AlisaIndexToken);
    }
    uint32_t rows = sizes.all_rows > sizes.kept_rows ? sizes.all_rows : sizes.kept_rows;
    sizes.batches = 2 + scored / sizes.all_rows + steps / sizes.kept_rows;
    uint64_t entries = (uint64_t)sizes.all_rows * sizes.all_stride;
    uint64_t kept_entries = (uint64_t)sizes.kept_rows * sizes.kept_stride;
    if (entries < kept_entries) entries = kept_entries;
    sizes.scores = entries * heads * sizeof(float);
    sizes.weights = entries * lists * sizeof(uint32_t);
    sizes.stats = (uint64_t)rows * heads * 2 * sizeof(float);
    return sizes;
}

uint64_t alisa_sparse_state_bytes(const AlisaSparseShape *shape, AlisaError *error) {
    AlisaSelectionShape selection = selection_shape(shape);
    uint64_t bytes = alisa_selection_bytes(&shape->select, &selection, error);
    if (bytes == 0 || alisa_selector_source(&shape->select) != ALISA_SELECT_BY_ROW) return bytes;
    return bytes + alisa_index_bytes(&shape->attention, shape->layer_count, shape->sequence_count,
                                     shape->context_length);
}

uint64_t alisa_sparse_bytes(const AlisaSparseShape *shape, AlisaError *error) {
    uint64_t bytes = alisa_sparse_state_bytes(shape, error);
    if (bytes == 0) return 0;
    Sizes sizes = find_sizes(shape);
    return bytes + sizes.batches * (sizes.tiles + sizes.index_rows) + sizes.stored + sizes.slots +
           sizes.blocks + sizes.scores + sizes.stats + sizes.weights +
           alisa_sparse_counting_bytes(shape);
}

static AlisaStatus create_buffers(AlisaSparse *sparse, AlisaDevice *device, AlisaError *error) {
    Sizes sizes = find_sizes(&sparse->shape);
    sparse->all_rows = sizes.all_rows;
    sparse->kept_rows = sizes.kept_rows;
    sparse->all_stride = sizes.all_stride;
    sparse->kept_stride = sizes.kept_stride;
    const struct {
        AlisaBuffer *buffer;
        uint64_t bytes;
        const char *what;
    } buffers[] = {
        {&sparse->stored, sizes.stored, "tokens of the index of keys"},
        {&sparse->slots, sizes.slots, "lists of chosen tokens"},
        {&sparse->blocks, sizes.blocks, "lists of chosen tokens"},
        {&sparse->scores, sizes.scores, "attention scores"},
        {&sparse->stats, sizes.stats, "attention scores"},
        {&sparse->weights, sizes.weights, "attention weights"},
    };
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers && status == ALISA_OK; i++)
        if (buffers[i].bytes > 0)
            status = alisa_buffer_create(device, buffers[i].bytes, ALISA_BUFFER_READ_WRITE,
                                         buffers[i].what, buffers[i].buffer, error);
    sparse->batches =
        alisa_allocate_zeroed(sizes.batches, sizeof *sparse->batches, "sparse attention", error);
    if (!sparse->batches) return ALISA_ERROR_MEMORY;
    for (; sparse->batch_limit < sizes.batches && status == ALISA_OK; sparse->batch_limit++) {
        AlisaSparseBatch *batch = &sparse->batches[sparse->batch_limit];
        const char *what = "tiles of sparse attention";
        status = alisa_buffer_create(device, sizes.tiles, ALISA_BUFFER_READ_WRITE, what,
                                     &batch->tiles, error);
        if (status == ALISA_OK && sizes.index_rows > 0)
            status = alisa_buffer_create(device, sizes.index_rows, ALISA_BUFFER_READ_WRITE, what,
                                         &batch->index_rows, error);
    }
    return status;
}

AlisaStatus alisa_sparse_create(AlisaOps *ops, const AlisaSparseShape *shape, AlisaSparse **sparse,
                                AlisaError *error) {
    *sparse = NULL;
    AlisaSelectionShape selection = selection_shape(shape);
    AlisaSparse *made = alisa_allocate_zeroed(1, sizeof *made, "sparse attention", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->source = alisa_selector_source(&shape->select);
    made->list_count = selection.list_count;
    made->shift = alisa_selector_unit_shift(&shape->select, shape->context_length,
                                            shape->attention.head_count / selection.list_count);
    AlisaStatus status =
        alisa_selection_create(ops, &shape->select, &selection, &made->selection, error);
    if (status == ALISA_OK && made->source == ALISA_SELECT_BY_ROW) {
        status =
            alisa_index_create(ops, &shape->attention, shape->layer_count, shape->sequence_count,
                               shape->context_length, &made->index, error);
    }
    if (status == ALISA_OK) status = create_buffers(made, alisa_ops_device(ops), error);
    if (status != ALISA_OK) goto fail;

    const char *what = "sparse attention";
    size_t rows = shape->micro_batch;
    made->device = alisa_ops_device(ops);
    made->picked = alisa_allocate_zeroed(shape->sequence_count, sizeof *made->picked, what, error);
    made->scored = alisa_allocate(rows, sizeof *made->scored, what, error);
    made->updates = alisa_allocate(selection.max_updates, sizeof *made->updates, what, error);
    made->targets = alisa_allocate(selection.max_updates, sizeof *made->targets, what, error);
    made->tiles = alisa_allocate(2 * rows, sizeof *made->tiles, what, error);
    status = ALISA_ERROR_MEMORY;
    if (!made->picked || !made->scored || !made->updates || !made->targets || !made->tiles)
        goto fail;
    if (made->index) {
        made->index_rows = alisa_allocate(2 * rows, sizeof *made->index_rows, what, error);
        made->tokens = alisa_allocate(rows, sizeof *made->tokens, what, error);
        if (!made->index_rows || !made->tokens) goto fail;
    }
    if (shape->count_lists) {
        status = alisa_sparse_counting_create(made, error);
        if (status != ALISA_OK) goto fail;
    }
    *sparse = made;
    return ALISA_OK;
fail:
    alisa_sparse_destroy(made);
    return status;
}

void alisa_sparse_destroy(AlisaSparse *sparse) {
    if (!sparse) return;
    alisa_sparse_counting_destroy(sparse->counting);
    alisa_selection_destroy(sparse->selection);
    alisa_index_destroy(sparse->index);
    for (uint32_t i = 0; i < sparse->batch_limit; i++) {
        alisa_buffer_destroy(&sparse->batches[i].tiles);
        alisa_buffer_destroy(&sparse->batches[i].index_rows);
    }
    alisa_buffer_destroy(&sparse->stored);
    alisa_buffer_destroy(&sparse->slots);
    alisa_buffer_destroy(&sparse->blocks);
    alisa_buffer_destroy(&sparse->scores);
    alisa_buffer_destroy(&sparse->stats);
    alisa_buffer_destroy(&sparse->weights);
    free(sparse->picked);
    free(sparse->scored);
    free(sparse->batches);
    free(sparse->updates);
    free(sparse->targets);
    free(sparse->tiles);
    free(sparse->index_rows);
    free(sparse->tokens);
    free(sparse);
}

/* ---- A layer ------------------------------------------------------------------------------ */

AlisaStatus alisa_sparse_store(AlisaSparse *sparse, uint32_t layer, AlisaVector k,
                               const AlisaBuffer *rotations, uint32_t rows, AlisaError *error) {
    if (!sparse->index) return ALISA_OK;
    return alisa_index_store(sparse->index, layer, k, rotations, &sparse->stored, rows, error);
}

/* Weights from the scores of a batch, and its updates of selection. */
static AlisaStatus select_tokens(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                 const AlisaSparseBatch *batch, const AlisaAttentionLists *lists,
                                 const AlisaAttentionScores *scores, AlisaError *error) {
    AlisaAttentionRows weights = {
        .weights = &sparse->weights, .list_count = sparse->list_count, .shift = sparse->shift};
    if (batch->kind == ALISA_SPARSE_BATCH_INDEX) weights.worth = WORTH;
    bool counted = sparse->counting && scores->rows > 0 && batch->kind == ALISA_SPARSE_BATCH_LISTS;
    AlisaStatus status = ALISA_OK;
    if (counted) status = alisa_sparse_count_clear(sparse, &weights.below, error);
    if (status == ALISA_OK && scores->rows > 0)
        status = alisa_attention_row(layer->attention, lists, scores, &weights, error);
    if (status == ALISA_OK && counted)
        status = alisa_sparse_count_weights(sparse, layer->index, batch, error);
    if (status != ALISA_OK || batch->update_count == 0) return status;
    const AlisaSelectionRows rows = {&sparse->weights, scores->stride};
    return alisa_selection_run(sparse->selection, layer->index, batch->first_update,
                               batch->update_count, rows, error);
}

AlisaStatus alisa_sparse_choose(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < sparse->batch_count && status == ALISA_OK; i++) {
        const AlisaSparseBatch *batch = &sparse->batches[i];
        if (batch->kind != ALISA_SPARSE_BATCH_INDEX) continue;
        const AlisaAttentionLists lists = {
            .tiles = &batch->tiles, .tile_count = batch->tile_count, .longest = batch->longest};
        const AlisaAttentionScores scores = {.scores = &sparse->scores,
                                             .stats = &sparse->stats,
                                             .rows = batch->tile_count,
                                             .stride = sparse->all_stride};
        status = alisa_index_score(sparse->index, layer->index, layer->q, layer->all_tokens->sinks,
                                   &batch->index_rows, batch->longest, &scores, error);
        if (status == ALISA_OK)
            status = select_tokens(sparse, layer, batch, &lists, &scores, error);
    }
    return status;
}

static AlisaStatus run_batch(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                             const AlisaSparseBatch *batch, AlisaError *error) {
    bool all = batch->kind == ALISA_SPARSE_BATCH_ALL;
    bool scored = all || alisa_sparse_scores_lists(sparse);
    const AlisaAttentionLists lists = {
        .slots = all ? layer->all_tokens->slots : &sparse->slots,
        .tiles = &batch->tiles,
        .tile_count = batch->tile_count,
        .longest = batch->longest,
        .list_stride = all || sparse->list_count == 1 ? 0 : sparse->kept_stride,
        .blocks = all ? layer->all_tokens->blocks : &sparse->blocks,
        .tails = layer->all_tokens->tails,
        .sinks = layer->all_tokens->sinks,
    };
    const AlisaAttentionScores scores = {
        .scores = &sparse->scores,
        .stats = &sparse->stats,
        .rows = scored ? batch->tile_count : 0,
        .stride = all ? sparse->all_stride : sparse->kept_stride,
    };
    AlisaStatus status = ALISA_OK;
    if (batch->tile_count > 0)
        status = alisa_attention_run(layer->attention, layer->q, layer->keys, layer->values, &lists,
                                     layer->y, scored ? &scores : NULL, error);
    if (status != ALISA_OK) return status;
    return select_tokens(sparse, layer, batch, &lists, &scores, error);
}

AlisaStatus alisa_sparse_attend(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    /* First, because the batches pick the lists of the next step. */
    if (sparse->counting) status = alisa_sparse_count_lists(sparse, layer->index, error);
    if (status == ALISA_OK && sparse->target_count > 0) {
        const AlisaSelectionSlots slots = {
            .pages = layer->pages,
            .page_stride = sparse->shape.context_length,
            .slots = &sparse->slots,
            .blocks = has_blocks(&sparse->shape) ? &sparse->blocks : NULL,
            .list_stride = sparse->kept_stride,
        };
        status = alisa_selection_translate(sparse->selection, layer->index, &slots, error);
    }
    for (uint32_t i = 0; i < sparse->batch_count && status == ALISA_OK; i++)
        if (sparse->batches[i].kind != ALISA_SPARSE_BATCH_INDEX)
            status = run_batch(sparse, layer, &sparse->batches[i], error);
    return status;
}

AlisaStatus alisa_sparse_truncate(AlisaSparse *sparse, uint32_t sequence, uint32_t length,
                                  AlisaError *error) {
    sparse->picked[sequence] = 0;
    return alisa_selection_truncate(sparse->selection, sequence, length, error);
}

const AlisaSelection *alisa_sparse_selection(const AlisaSparse *sparse) {
    return sparse->selection;
}

uint32_t alisa_sparse_list_count(const AlisaSparse *sparse) {
    return sparse->list_count;
}

uint32_t alisa_sparse_picked(const AlisaSparse *sparse, uint32_t sequence) {
    return sparse->picked[sequence];
}

uint32_t alisa_sparse_kept(const AlisaSparse *sparse, uint32_t count) {
    return alisa_selector_kept(alisa_selector_budget(&sparse->shape.select, count));
}

uint32_t alisa_sparse_reads(const AlisaSparse *sparse, uint32_t count, uint32_t placed) {
    return alisa_selector_reads(&sparse->shape.select, sparse->list_count, count, placed);
}

bool alisa_sparse_reads_all(const AlisaSparse *sparse) {
    return sparse->source == ALISA_SELECT_BY_SUMS &&
           sparse->shape.select.scores == ALISA_SELECT_SCORES_DENSE;
}

bool alisa_sparse_chooses_late(const AlisaSparse *sparse) {
    return sparse->index != NULL;
}
