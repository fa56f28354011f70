#include "engine/sparse.h"

#include <stdlib.h>

enum { SCORE_BYTES = 16 << 20 }; /* scratch for the scores of a prompt's last rows, at a time */

/* Rows that are one launch of attention, and the turns of selection that follow it. */
typedef struct Batch {
    AlisaBuffer tiles;
    bool all; /* against all tokens, for the scores alone; else against their lists */
    uint32_t first_tile;
    uint32_t tile_count;
    uint32_t longest;
    uint32_t first_turn;
    uint32_t turn_count;
} Batch;

/* A row that is scored against all tokens. */
typedef struct Scored {
    uint32_t row;
    const AlisaSparseRow *about;
} Scored;

struct AlisaSparse {
    AlisaSparseShape shape;
    AlisaDevice *device; /* not owned */
    AlisaSelection *selection;
    AlisaSelectSource source;
    uint32_t list_count;              /* of a layer and sequence */
    uint32_t all_rows, kept_rows;     /* most rows scored at a time, against all or kept tokens */
    uint32_t all_stride, kept_stride; /* entries of a row of scores */
    uint32_t shift;                   /* of the weights (attn/attention.h) */
    uint32_t *picked; /* [sequence_count] tokens of the step its lists are for; 0: none */
    Scored *scored;   /* [micro_batch] */
    Batch *batches;
    AlisaSelectionTurn *turns;
    AlisaSelectionAim *aims;
    AlisaAttentionTile *tiles;
    uint32_t batch_limit;
    uint32_t batch_count, turn_count, aim_count, tile_count; /* of the step */
    AlisaBuffer slots;   /* int32[sequence][list][kept_stride] */
    AlisaBuffer scores;  /* float[rows][head][stride] */
    AlisaBuffer stats;   /* float2[rows][head] */
    AlisaBuffer weights; /* uint32[rows][list][stride] */
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Rows of scores are whole blocks of 32 entries. */
static uint32_t padded(uint32_t count) {
    return (count + 31) / 32 * 32;
}

/* ---- Making ------------------------------------------------------------------------------- */

static AlisaSelectionShape selection_shape(const AlisaSparseShape *shape) {
    bool heads = shape->select.lists == ALISA_SELECT_LISTS_KV_HEAD;
    return (AlisaSelectionShape){
        .layer_count = shape->layer_count,
        .sequence_count = shape->sequence_count,
        .list_count = heads ? shape->attention.kv_head_count : 1,
        .context = shape->context_length,
        .seed_rows = shape->context_length,
        .max_turns = shape->micro_batch + shape->sequence_count,
        .max_rows = shape->micro_batch,
    };
}

typedef struct Sizes {
    uint64_t tiles, slots, scores, stats, weights; /* tiles: of one batch */
    uint32_t batches;
    uint32_t all_rows, kept_rows; /* scored at a time: with an entry for every token; kept ones */
    uint32_t all_stride, kept_stride;
} Sizes;

static Sizes find_sizes(const AlisaSparseShape *shape) {
    Sizes sizes = {0};
    uint64_t heads = shape->attention.head_count;
    uint64_t lists = selection_shape(shape).list_count;
    uint32_t kept = alisa_select_kept(alisa_select_budget(&shape->select, shape->context_length));
    uint32_t steps = smaller(shape->micro_batch, shape->sequence_count);
    sizes.all_stride = padded(shape->context_length);
    sizes.kept_stride = padded(kept);
    sizes.slots = shape->sequence_count * lists * sizes.kept_stride * sizeof(int32_t);
    sizes.tiles = shape->micro_batch * sizeof(AlisaAttentionTile);
    sizes.batches = 1;
    if (alisa_select_source(&shape->select) != ALISA_SELECT_BY_SUMS) return sizes;

    uint64_t floats = SCORE_BYTES / sizeof(float) / heads;
    sizes.all_rows = smaller((uint32_t)(floats / sizes.all_stride), shape->micro_batch);
    sizes.kept_rows = smaller((uint32_t)(floats / sizes.kept_stride), steps);
    if (sizes.all_rows == 0) sizes.all_rows = 1;
    if (sizes.kept_rows == 0) sizes.kept_rows = 1;
    uint32_t rows = sizes.all_rows > sizes.kept_rows ? sizes.all_rows : sizes.kept_rows;
    sizes.batches = 2 + shape->micro_batch / sizes.all_rows + steps / sizes.kept_rows;
    uint64_t entries = (uint64_t)sizes.all_rows * sizes.all_stride;
    uint64_t kept_entries = (uint64_t)sizes.kept_rows * sizes.kept_stride;
    if (entries < kept_entries) entries = kept_entries;
    sizes.scores = entries * heads * sizeof(float);
    sizes.weights = entries * lists * sizeof(uint32_t);
    sizes.stats = (uint64_t)rows * heads * 2 * sizeof(float);
    return sizes;
}

uint64_t alisa_sparse_bytes(const AlisaSparseShape *shape, AlisaError *error) {
    AlisaSelectionShape selection = selection_shape(shape);
    uint64_t bytes = alisa_selection_bytes(&shape->select, &selection, error);
    if (bytes == 0) return 0;
    Sizes sizes = find_sizes(shape);
    return bytes + sizes.batches * sizes.tiles + sizes.slots + sizes.scores + sizes.stats +
           sizes.weights;
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
        {&sparse->slots, sizes.slots, "lists of chosen tokens"},
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
    for (; sparse->batch_limit < sizes.batches && status == ALISA_OK; sparse->batch_limit++)
        status = alisa_buffer_create(device, sizes.tiles, ALISA_BUFFER_READ_WRITE,
                                     "tiles of sparse attention",
                                     &sparse->batches[sparse->batch_limit].tiles, error);
    return status;
}

AlisaStatus alisa_sparse_create(AlisaOps *ops, const AlisaSparseShape *shape, AlisaSparse **sparse,
                                AlisaError *error) {
    *sparse = NULL;
    AlisaSelectionShape selection = selection_shape(shape);
    AlisaSparse *made = alisa_allocate_zeroed(1, sizeof *made, "sparse attention", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->source = alisa_select_source(&shape->select);
    made->list_count = selection.list_count;
    made->shift = alisa_select_unit_shift(&shape->select, shape->context_length,
                                          shape->attention.head_count / selection.list_count);
    AlisaStatus status =
        alisa_selection_create(ops, &shape->select, &selection, &made->selection, error);
    if (status == ALISA_OK) status = create_buffers(made, alisa_ops_device(ops), error);
    if (status != ALISA_OK) goto fail;

    const char *what = "sparse attention";
    size_t rows = shape->micro_batch;
    made->device = alisa_ops_device(ops);
    made->picked = alisa_allocate_zeroed(shape->sequence_count, sizeof *made->picked, what, error);
    made->scored = alisa_allocate(rows, sizeof *made->scored, what, error);
    made->turns = alisa_allocate(selection.max_turns, sizeof *made->turns, what, error);
    made->aims = alisa_allocate(selection.max_turns, sizeof *made->aims, what, error);
    made->tiles = alisa_allocate(2 * rows, sizeof *made->tiles, what, error);
    status = ALISA_ERROR_MEMORY;
    if (!made->picked || !made->scored || !made->turns || !made->aims || !made->tiles) {
        goto fail;
    }
    *sparse = made;
    return ALISA_OK;
fail:
    alisa_sparse_destroy(made);
    return status;
}

void alisa_sparse_destroy(AlisaSparse *sparse) {
    if (!sparse) return;
    alisa_selection_destroy(sparse->selection);
    for (uint32_t i = 0; i < sparse->batch_limit; i++)
        alisa_buffer_destroy(&sparse->batches[i].tiles);
    alisa_buffer_destroy(&sparse->slots);
    alisa_buffer_destroy(&sparse->scores);
    alisa_buffer_destroy(&sparse->stats);
    alisa_buffer_destroy(&sparse->weights);
    free(sparse->picked);
    free(sparse->scored);
    free(sparse->batches);
    free(sparse->turns);
    free(sparse->aims);
    free(sparse->tiles);
    free(sparse);
}

/* ---- Describing a step -------------------------------------------------------------------- */

/* Rows of steps that are looked back on when a sequence has `count` tokens. */
static uint32_t window_rows(const AlisaSparse *sparse, uint32_t count) {
    const AlisaSelectOptions *select = &sparse->shape.select;
    return select->kind == ALISA_SELECT_H2O ? count : alisa_select_half_budget(select, count);
}

/* Whether the row is scored against all tokens. */
static bool scores_all(const AlisaSparse *sparse, const AlisaSparseRow *row) {
    if (sparse->source != ALISA_SELECT_BY_SUMS) return false;
    if (!row->prompt) return sparse->shape.select.scores == ALISA_SELECT_SCORES_DENSE;
    return row->call_end - row->count < window_rows(sparse, row->call_end);
}

/* By sequence, then in the order of their tokens. */
static int compare_scored(const void *left, const void *right) {
    const AlisaSparseRow *a = ((const Scored *)left)->about, *b = ((const Scored *)right)->about;
    if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
    return a->count < b->count ? -1 : a->count > b->count;
}

/* Tokens of the step that is picked for after this row; 0: none. */
static uint32_t next_pick(const AlisaSparse *sparse, const AlisaSparseRow *row) {
    return row->count == row->call_end && row->count < sparse->shape.context_length ? row->count + 1
                                                                                    : 0;
}

static Batch *begin_batch(AlisaSparse *sparse, bool all) {
    Batch *batch = &sparse->batches[sparse->batch_count++];
    *batch = (Batch){.tiles = batch->tiles,
                     .all = all,
                     .first_tile = sparse->tile_count,
                     .first_turn = sparse->turn_count};
    return batch;
}

static void add_tile(AlisaSparse *sparse, Batch *batch, uint32_t row, uint32_t list_offset,
                     uint32_t count) {
    sparse->tiles[sparse->tile_count++] = (AlisaAttentionTile){row, 1, list_offset, count};
    batch->tile_count++;
    if (batch->longest < count) batch->longest = count;
}

static AlisaSelectionTurn *add_turn(AlisaSparse *sparse, Batch *batch, const AlisaSparseRow *row) {
    AlisaSelectionTurn *turn = &sparse->turns[sparse->turn_count++];
    *turn = (AlisaSelectionTurn){.sequence = row->sequence};
    batch->turn_count++;
    return turn;
}

static void note_pick(AlisaSparse *sparse, AlisaSelectionTurn *turn, const AlisaSparseRow *row) {
    turn->pick_count = next_pick(sparse, row);
    sparse->picked[row->sequence] = turn->pick_count;
}

/* Rows that are scored against all tokens, `all_rows` at a time, a turn for each sequence in them.
 */
static void describe_scored(AlisaSparse *sparse, const AlisaSparseRow *rows, uint32_t row_count) {
    uint32_t scored = 0;
    for (uint32_t i = 0; i < row_count; i++)
        if (scores_all(sparse, &rows[i])) sparse->scored[scored++] = (Scored){i, &rows[i]};
    qsort(sparse->scored, scored, sizeof *sparse->scored, compare_scored);
    Batch *batch = NULL;
    AlisaSelectionTurn *turn = NULL;
    for (uint32_t i = 0; i < scored; i++) {
        const AlisaSparseRow *about = sparse->scored[i].about;
        if (!batch || batch->tile_count == sparse->all_rows) {
            batch = begin_batch(sparse, true);
            turn = NULL;
        }
        if (!turn || turn->sequence != about->sequence) {
            turn = add_turn(sparse, batch, about);
            turn->first_row = batch->tile_count;
            turn->first_count = about->count;
            turn->whole = true;
        }
        turn->row_count++;
        add_tile(sparse, batch, sparse->scored[i].row, about->all_offset, about->count);
        note_pick(sparse, turn, about);
    }
}

/* Rows that attend to their lists, and lists that are picked by rule alone. */
static void describe_steps(AlisaSparse *sparse, const AlisaSparseRow *rows, uint32_t row_count) {
    bool feeds = sparse->source == ALISA_SELECT_BY_SUMS;
    bool sparse_rows = feeds && sparse->shape.select.scores == ALISA_SELECT_SCORES_SPARSE;
    Batch *batch = begin_batch(sparse, false);
    sparse->aim_count = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        const AlisaSparseRow *row = &rows[i];
        if (!row->prompt) {
            if (sparse_rows && batch->tile_count == sparse->kept_rows)
                batch = begin_batch(sparse, false);
            uint32_t kept =
                alisa_select_kept(alisa_select_budget(&sparse->shape.select, row->count));
            uint32_t offset = row->sequence * sparse->list_count * sparse->kept_stride;
            sparse->aims[sparse->aim_count++] = (AlisaSelectionAim){row->sequence, kept, offset, 0};
            add_tile(sparse, batch, i, offset, kept);
        }
        if (sparse_rows && !row->prompt) {
            AlisaSelectionTurn *turn = add_turn(sparse, batch, row);
            turn->first_row = batch->tile_count - 1;
            turn->row_count = 1;
            turn->first_count = row->count;
            note_pick(sparse, turn, row);
        } else if (!feeds && next_pick(sparse, row) > 0) {
            note_pick(sparse, add_turn(sparse, batch, row), row);
        }
    }
}

/* Lists for rows that no step before has picked for: after a truncation, or a step that failed. */
static AlisaStatus pick_missing(AlisaSparse *sparse, const AlisaSparseRow *rows, uint32_t row_count,
                                AlisaError *error) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < row_count; i++) {
        if (rows[i].prompt || sparse->picked[rows[i].sequence] == rows[i].count) continue;
        sparse->turns[count++] =
            (AlisaSelectionTurn){.sequence = rows[i].sequence, .pick_count = rows[i].count};
    }
    if (count == 0) return ALISA_OK;
    AlisaStatus status = alisa_selection_plan(sparse->selection, sparse->turns, count, error);
    for (uint32_t layer = 0; layer < sparse->shape.layer_count && status == ALISA_OK; layer++)
        status =
            alisa_selection_run(sparse->selection, layer, 0, count, (AlisaSelectionRows){0}, error);
    return status;
}

AlisaStatus alisa_sparse_begin(AlisaSparse *sparse, const AlisaSparseRow *rows, uint32_t row_count,
                               AlisaError *error) {
    AlisaStatus status = pick_missing(sparse, rows, row_count, error);
    if (status != ALISA_OK) return status;
    sparse->batch_count = sparse->tile_count = sparse->turn_count = 0;
    describe_scored(sparse, rows, row_count);
    describe_steps(sparse, rows, row_count);
    for (uint32_t i = 0; i < sparse->batch_count && status == ALISA_OK; i++) {
        const Batch *batch = &sparse->batches[i];
        status =
            alisa_buffer_write(sparse->device, &batch->tiles, 0, sparse->tiles + batch->first_tile,
                               batch->tile_count * sizeof *sparse->tiles, error);
    }
    if (status == ALISA_OK && sparse->turn_count > 0)
        status = alisa_selection_plan(sparse->selection, sparse->turns, sparse->turn_count, error);
    if (status == ALISA_OK && sparse->aim_count > 0)
        status = alisa_selection_aim(sparse->selection, sparse->aims, sparse->aim_count, error);
    return status;
}

/* ---- A layer ------------------------------------------------------------------------------ */

static AlisaStatus run_batch(AlisaSparse *sparse, const AlisaSparseLayer *layer, const Batch *batch,
                             AlisaError *error) {
    bool scored = batch->all || (sparse->source == ALISA_SELECT_BY_SUMS &&
                                 sparse->shape.select.scores == ALISA_SELECT_SCORES_SPARSE);
    const AlisaAttentionLists lists = {
        .slots = batch->all ? layer->all_slots : &sparse->slots,
        .tiles = &batch->tiles,
        .tile_count = batch->tile_count,
        .longest = batch->longest,
        .list_stride = batch->all || sparse->list_count == 1 ? 0 : sparse->kept_stride,
    };
    const AlisaAttentionScores scores = {
        .scores = &sparse->scores,
        .stats = &sparse->stats,
        .rows = batch->tile_count,
        .stride = batch->all ? sparse->all_stride : sparse->kept_stride,
    };
    const AlisaAttentionRows weights = {
        .weights = &sparse->weights, .list_count = sparse->list_count, .shift = sparse->shift};
    AlisaStatus status = ALISA_OK;
    if (batch->tile_count > 0) {
        status = alisa_attention_run(layer->attention, layer->q, layer->keys, layer->values, &lists,
                                     layer->y, scored ? &scores : NULL, error);
        if (status == ALISA_OK && scored)
            status = alisa_attention_row(layer->attention, &lists, &scores, &weights, error);
    }
    if (status != ALISA_OK || batch->turn_count == 0) return status;
    const AlisaSelectionRows rows = {&sparse->weights, scores.stride};
    return alisa_selection_run(sparse->selection, layer->index, batch->first_turn,
                               batch->turn_count, rows, error);
}

AlisaStatus alisa_sparse_attend(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    /* First, because the batches pick the lists of the next step. */
    if (sparse->aim_count > 0) {
        const AlisaSelectionSlots slots = {.pages = layer->all_slots,
                                           .page_stride = sparse->shape.context_length,
                                           .slots = &sparse->slots,
                                           .list_stride = sparse->kept_stride};
        status = alisa_selection_translate(sparse->selection, layer->index, &slots, error);
    }
    for (uint32_t i = 0; i < sparse->batch_count && status == ALISA_OK; i++)
        status = run_batch(sparse, layer, &sparse->batches[i], error);
    return status;
}

AlisaStatus alisa_sparse_truncate(AlisaSparse *sparse, uint32_t sequence, uint32_t length,
                                  AlisaError *error) {
    sparse->picked[sequence] = 0;
    return alisa_selection_truncate(sparse->selection, sequence, length, error);
}
