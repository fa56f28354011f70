/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparse_internal.h"

#include <stdlib.h>

/* Whose lists a step reads. */
typedef struct CountedRow {
    uint32_t sequence;
    uint32_t count;
} CountedRow;

struct AlisaSparseCounting {
    uint32_t layer_count, sequence_count;
    AlisaSelectHistory **histories; /* [layer][sequence] */
    AlisaSelectCounts *counts;      /* [layer] */
    CountedRow *rows;               /* [sequence_count] of the step */
    uint32_t row_count;
    uint32_t *lists;   /* [sequence][list][capacity] of a layer */
    uint32_t *numbers; /* [sequence_count] of small weights */
    AlisaBuffer below; /* uint32[sequence_count] */
};

uint64_t alisa_sparse_counting_bytes(const AlisaSparseShape *shape) {
    return shape->count_lists ? shape->sequence_count * sizeof(uint32_t) : 0;
}

AlisaStatus alisa_sparse_counting_create(AlisaSparse *sparse, AlisaError *error) {
    const char *what = "counts of token lists";
    const AlisaSparseShape *shape = &sparse->shape;
    AlisaSparseCounting *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    sparse->counting = made; /* destroyed with it */
    made->layer_count = shape->layer_count;
    made->sequence_count = shape->sequence_count;
    size_t sequences = shape->sequence_count, caches = sequences * shape->layer_count;
    size_t entries = sequences * sparse->list_count * alisa_selection_capacity(sparse->selection);
    made->counts = alisa_allocate_zeroed(shape->layer_count, sizeof *made->counts, what, error);
    made->rows = alisa_allocate(sequences, sizeof *made->rows, what, error);
    made->lists = alisa_allocate(entries, sizeof *made->lists, what, error);
    made->numbers = alisa_allocate(sequences, sizeof *made->numbers, what, error);
    made->histories = alisa_allocate_zeroed(caches, sizeof(void *), what, error);
    if (!made->counts || !made->rows || !made->lists || !made->numbers || !made->histories)
        return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < caches && status == ALISA_OK; i++)
        status = alisa_selector_history_create(&shape->select, shape->context_length,
                                               sparse->list_count, &made->histories[i], error);
    if (status != ALISA_OK) return status;
    return alisa_buffer_create(sparse->device, alisa_sparse_counting_bytes(shape),
                               ALISA_BUFFER_READ_WRITE, what, &made->below, error);
}

void alisa_sparse_counting_destroy(AlisaSparseCounting *counting) {
    if (!counting) return;
    size_t caches = (size_t)counting->layer_count * counting->sequence_count;
    for (size_t i = 0; counting->histories && i < caches; i++)
        alisa_selector_history_destroy(counting->histories[i]);
    alisa_buffer_destroy(&counting->below);
    free(counting->histories);
    free(counting->counts);
    free(counting->rows);
    free(counting->lists);
    free(counting->numbers);
    free(counting);
}

void alisa_sparse_count_begin(AlisaSparseCounting *counting) {
    counting->row_count = 0;
}

void alisa_sparse_count_row(AlisaSparseCounting *counting, const AlisaStepRow *row) {
    counting->rows[counting->row_count++] = (CountedRow){row->sequence, alisa_step_row_count(row)};
}

AlisaStatus alisa_sparse_count_lists(AlisaSparse *sparse, uint32_t layer, AlisaError *error) {
    AlisaSparseCounting *counting = sparse->counting;
    if (counting->row_count == 0) return ALISA_OK;
    size_t capacity = alisa_selection_capacity(sparse->selection);
    size_t entries = capacity * sparse->list_count; /* of a sequence */
    AlisaStatus status = alisa_buffer_read(
        sparse->device, alisa_selection_lists(sparse->selection),
        alisa_selection_list_offset(sparse->selection, layer, 0) * sizeof(uint32_t),
        counting->lists, counting->sequence_count * entries * sizeof(uint32_t), error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < counting->row_count; i++) {
        const CountedRow *row = &counting->rows[i];
        AlisaSelectHistory *history =
            counting->histories[(size_t)layer * counting->sequence_count + row->sequence];
        for (uint32_t list = 0; list < sparse->list_count; list++)
            alisa_selector_history_observe(history, list, row->count,
                                           counting->lists + row->sequence * entries +
                                               list * capacity,
                                           &counting->counts[layer]);
    }
    return ALISA_OK;
}

AlisaStatus alisa_sparse_count_clear(AlisaSparse *sparse, const AlisaBuffer **below,
                                     AlisaError *error) {
    AlisaSparseCounting *counting = sparse->counting;
    for (uint32_t i = 0; i < counting->sequence_count; i++)
        counting->numbers[i] = 0;
    *below = &counting->below;
    return alisa_buffer_write(sparse->device, &counting->below, 0, counting->numbers,
                              counting->sequence_count * sizeof(uint32_t), error);
}

AlisaStatus alisa_sparse_count_weights(AlisaSparse *sparse, uint32_t layer,
                                       const AlisaSparseBatch *batch, AlisaError *error) {
    AlisaSparseCounting *counting = sparse->counting;
    AlisaSelectCounts *counts = &counting->counts[layer];
    AlisaStatus status = alisa_buffer_read(sparse->device, &counting->below, 0, counting->numbers,
                                           batch->tile_count * sizeof(uint32_t), error);
    for (uint32_t i = 0; i < batch->tile_count && status == ALISA_OK; i++) {
        counts->small_weights += counting->numbers[i];
        counts->weights += (uint64_t)sparse->shape.attention.head_count *
                           sparse->tiles[batch->first_tile + i].first_count;
    }
    return status;
}

const AlisaSelectCounts *alisa_sparse_counts(const AlisaSparse *sparse, uint32_t layer) {
    return sparse->counting ? &sparse->counting->counts[layer] : NULL;
}
