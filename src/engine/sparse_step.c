/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sparse_internal.h"

#include <stdlib.h>

/* Rows of steps that are looked back on when a sequence has `count` tokens. */
static uint32_t window_rows(const AlisaSparse *sparse, uint32_t count) {
    const AlisaSelectOptions *select = &sparse->shape.select;
    return select->kind == ALISA_SELECT_H2O ? count : alisa_selector_window_rows(select, count);
}

/* Whether the row is scored against all tokens. */
static bool scores_all(const AlisaSparse *sparse, const AlisaStepRow *row) {
    if (sparse->source != ALISA_SELECT_BY_SUMS) return false;
    if (!row->prompt) return sparse->shape.select.scores == ALISA_SELECT_SCORES_DENSE;
    return row->call_end - alisa_step_row_count(row) < window_rows(sparse, row->call_end);
}

bool alisa_sparse_scores_lists(const AlisaSparse *sparse) {
    return sparse->counting || (sparse->source == ALISA_SELECT_BY_SUMS &&
                                sparse->shape.select.scores == ALISA_SELECT_SCORES_SPARSE);
}

/* By sequence, then in the order of their tokens. */
static int compare_scored(const void *left, const void *right) {
    const AlisaStepRow *a = ((const AlisaSparseScored *)left)->about,
                       *b = ((const AlisaSparseScored *)right)->about;
    if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
    return alisa_step_row_count(a) < alisa_step_row_count(b)
               ? -1
               : alisa_step_row_count(a) > alisa_step_row_count(b);
}

/* Tokens of the step that is picked for after this row; 0: none. */
static uint32_t next_pick(const AlisaSparse *sparse, const AlisaStepRow *row) {
    return alisa_step_row_count(row) == row->call_end &&
                   alisa_step_row_count(row) < sparse->shape.context_length
               ? alisa_step_row_count(row) + 1
               : 0;
}

static AlisaSparseBatch *begin_batch(AlisaSparse *sparse, AlisaSparseBatchKind kind) {
    AlisaSparseBatch *batch = &sparse->batches[sparse->batch_count++];
    *batch = (AlisaSparseBatch){.tiles = batch->tiles,
                                .index_rows = batch->index_rows,
                                .kind = kind,
                                .first_tile = sparse->tile_count,
                                .first_update = sparse->update_count};
    return batch;
}

static void add_tile(AlisaSparse *sparse, AlisaSparseBatch *batch, uint32_t row,
                     uint32_t list_offset, uint32_t count) {
    sparse->tiles[sparse->tile_count++] = (AlisaAttentionTile){row, 1, list_offset, count};
    batch->tile_count++;
    if (batch->longest < count) batch->longest = count;
}

static AlisaSelectionUpdate *add_update(AlisaSparse *sparse, AlisaSparseBatch *batch,
                                        const AlisaStepRow *row) {
    AlisaSelectionUpdate *update = &sparse->updates[sparse->update_count++];
    *update = (AlisaSelectionUpdate){.sequence = row->sequence};
    batch->update_count++;
    return update;
}

static void note_pick(AlisaSparse *sparse, AlisaSelectionUpdate *update, const AlisaStepRow *row) {
    update->pick_count = next_pick(sparse, row);
    sparse->picked[row->sequence] = update->pick_count;
}

/* Rows that are scored against all tokens, `all_rows` at a time, a update for each sequence in
 * them.
 */
static void describe_scored(AlisaSparse *sparse, const AlisaSparseRows *rows) {
    uint32_t scored = 0;
    for (uint32_t i = 0; i < rows->count; i++)
        if (scores_all(sparse, &rows->rows[i]))
            sparse->scored[scored++] = (AlisaSparseScored){i, &rows->rows[i]};
    qsort(sparse->scored, scored, sizeof *sparse->scored, compare_scored);
    AlisaSparseBatch *batch = NULL;
    AlisaSelectionUpdate *update = NULL;
    for (uint32_t i = 0; i < scored; i++) {
        const AlisaStepRow *about = sparse->scored[i].about;
        uint32_t row = sparse->scored[i].row;
        if (!batch || batch->tile_count == sparse->all_rows) {
            batch = begin_batch(sparse, ALISA_SPARSE_BATCH_ALL);
            update = NULL;
        }
        if (!update || update->sequence != about->sequence) {
            update = add_update(sparse, batch, about);
            update->first_row = batch->tile_count;
            update->first_count = alisa_step_row_count(about);
            update->dense = true;
        }
        update->row_count++;
        add_tile(sparse, batch, row, rows->list_offsets[row], alisa_step_row_count(about));
        note_pick(sparse, update, about);
    }
}

/* Rows of steps whose lists their own queries choose, `all_rows` at a time. */
static void describe_choices(AlisaSparse *sparse, const AlisaSparseRows *rows) {
    AlisaSparseBatch *batch = NULL;
    for (uint32_t i = 0; i < rows->count; i++) {
        const AlisaStepRow *row = &rows->rows[i];
        if (row->prompt) continue;
        if (!batch || batch->tile_count == sparse->all_rows)
            batch = begin_batch(sparse, ALISA_SPARSE_BATCH_INDEX);
        AlisaSelectionUpdate *update = add_update(sparse, batch, row);
        update->pick_count = alisa_step_row_count(row);
        update->pick_row = batch->tile_count;
        sparse->index_rows[sparse->tile_count] = (AlisaIndexRow){
            .query = i, .sequence = row->sequence, .count = alisa_step_row_count(row)};
        add_tile(sparse, batch, i, rows->list_offsets[i], alisa_step_row_count(row));
    }
}

/* Where the list of a row goes, and which tokens of its sequence are codes. */
static const AlisaSelectionTarget *add_target(AlisaSparse *sparse, const AlisaSparseRows *rows,
                                              uint32_t index) {
    const AlisaStepRow *row = &rows->rows[index];
    const AlisaKvTailPlace tail = rows->tails ? rows->tails[index] : (AlisaKvTailPlace){0};
    AlisaSelectionTarget *target = &sparse->targets[sparse->target_count++];
    *target = (AlisaSelectionTarget){.sequence = row->sequence,
                                     .count = alisa_sparse_kept(sparse, alisa_step_row_count(row)),
                                     .list_offset =
                                         row->sequence * sparse->list_count * sparse->kept_stride,
                                     .first_block = tail.first_block,
                                     .sealed = tail.sealed,
                                     .first_half = tail.first_half};
    return target;
}

/* Rows that attend to their lists, and lists that are picked by rule alone. */
static void describe_steps(AlisaSparse *sparse, const AlisaSparseRows *rows) {
    bool feeds = sparse->source == ALISA_SELECT_BY_SUMS;
    bool by_rule = !feeds && sparse->source != ALISA_SELECT_BY_ROW;
    bool sparse_rows = feeds && sparse->shape.select.scores == ALISA_SELECT_SCORES_SPARSE;
    AlisaSparseBatch *batch = begin_batch(sparse, ALISA_SPARSE_BATCH_LISTS);
    sparse->target_count = 0;
    if (sparse->counting) alisa_sparse_count_begin(sparse->counting);
    for (uint32_t i = 0; i < rows->count; i++) {
        const AlisaStepRow *row = &rows->rows[i];
        if (!row->prompt) {
            if (alisa_sparse_scores_lists(sparse) && batch->tile_count == sparse->kept_rows)
                batch = begin_batch(sparse, ALISA_SPARSE_BATCH_LISTS);
            const AlisaSelectionTarget *target = add_target(sparse, rows, i);
            add_tile(sparse, batch, i, target->list_offset, target->count);
            if (sparse->counting) alisa_sparse_count_row(sparse->counting, row);
        }
        if (sparse_rows && !row->prompt) {
            AlisaSelectionUpdate *update = add_update(sparse, batch, row);
            update->first_row = batch->tile_count - 1;
            update->row_count = 1;
            update->first_count = alisa_step_row_count(row);
            note_pick(sparse, update, row);
        } else if (by_rule && next_pick(sparse, row) > 0) {
            note_pick(sparse, add_update(sparse, batch, row), row);
        }
    }
}

/* Lists for rows that no step before has picked for: after a truncation, or a step that failed. */
static AlisaStatus pick_missing(AlisaSparse *sparse, const AlisaSparseRows *rows,
                                AlisaError *error) {
    uint32_t count = 0;
    if (sparse->source == ALISA_SELECT_BY_ROW) return ALISA_OK;
    for (uint32_t i = 0; i < rows->count; i++) {
        const AlisaStepRow *row = &rows->rows[i];
        uint32_t tokens = alisa_step_row_count(row);
        if (row->prompt || sparse->picked[row->sequence] == tokens) continue;
        sparse->updates[count++] =
            (AlisaSelectionUpdate){.sequence = row->sequence, .pick_count = tokens};
    }
    if (count == 0) return ALISA_OK;
    AlisaStatus status = alisa_selection_plan(sparse->selection, sparse->updates, count, error);
    for (uint32_t layer = 0; layer < sparse->shape.layer_count && status == ALISA_OK; layer++)
        status =
            alisa_selection_run(sparse->selection, layer, 0, count, (AlisaSelectionRows){0}, error);
    return status;
}

static AlisaStatus upload_batch(const AlisaSparse *sparse, const AlisaSparseBatch *batch,
                                AlisaError *error) {
    AlisaStatus status =
        alisa_buffer_write(sparse->device, &batch->tiles, 0, sparse->tiles + batch->first_tile,
                           batch->tile_count * sizeof *sparse->tiles, error);
    if (status != ALISA_OK || batch->kind != ALISA_SPARSE_BATCH_INDEX) return status;
    return alisa_buffer_write(sparse->device, &batch->index_rows, 0,
                              sparse->index_rows + batch->first_tile,
                              batch->tile_count * sizeof *sparse->index_rows, error);
}

/* Which tokens the step's keys are, for the index. */
static AlisaStatus upload_tokens(const AlisaSparse *sparse, const AlisaSparseRows *rows,
                                 AlisaError *error) {
    for (uint32_t i = 0; i < rows->count; i++)
        sparse->tokens[i] = (AlisaIndexToken){rows->rows[i].sequence, rows->rows[i].position};
    return alisa_buffer_write(sparse->device, &sparse->stored, 0, sparse->tokens,
                              rows->count * sizeof *sparse->tokens, error);
}

AlisaStatus alisa_sparse_begin(AlisaSparse *sparse, const AlisaSparseRows *rows,
                               AlisaError *error) {
    AlisaStatus status = pick_missing(sparse, rows, error);
    if (status == ALISA_OK && sparse->index) status = upload_tokens(sparse, rows, error);
    if (status != ALISA_OK) return status;
    sparse->batch_count = sparse->tile_count = sparse->update_count = 0;
    if (sparse->index) describe_choices(sparse, rows);
    describe_scored(sparse, rows);
    describe_steps(sparse, rows);
    for (uint32_t i = 0; i < sparse->batch_count && status == ALISA_OK; i++)
        status = upload_batch(sparse, &sparse->batches[i], error);
    if (status == ALISA_OK && sparse->update_count > 0)
        status =
            alisa_selection_plan(sparse->selection, sparse->updates, sparse->update_count, error);
    if (status == ALISA_OK && sparse->target_count > 0)
        status = alisa_selection_set_targets(sparse->selection, sparse->targets,
                                             sparse->target_count, error);
    return status;
}
