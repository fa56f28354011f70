/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/step.h"

#include "engine/attend.h"
#include "engine/layer.h"

/* ---- The rows of a step -------------------------------------------------------------------- */

/* Tiles of the rows that attend to everything, run by run. */
static void cut_tiles(AlisaStage *stage) {
    AlisaRows *rows = &stage->rows;
    AlisaAttentionTile *all = alisa_rows_part(rows, ALISA_ROWS_TILES);
    uint32_t tile_rows = alisa_attention_tile_rows(stage->attention);
    for (uint32_t first = 0, end; first < rows->row_count; first = end) {
        bool prompt = rows->step[first].prompt;
        for (end = first; end < rows->row_count && rows->step[end].prompt == prompt; end++)
            if (prompt && rows->longest < rows->counts[end]) rows->longest = rows->counts[end];
        if (!prompt) continue;
        AlisaAttentionTile *tiles = all + rows->tile_count;
        size_t made = alisa_attention_cut(rows->list_offsets + first, rows->counts + first,
                                          end - first, tile_rows, 0, tiles);
        for (size_t i = 0; i < made; i++)
            tiles[i].first_row += first;
        rows->tile_count += (uint32_t)made;
    }
}

/* Tiles of all rows, in layers with a window. */
static void cut_window_tiles(AlisaStage *stage) {
    AlisaRows *rows = &stage->rows;
    AlisaAttentionTile *tiles = alisa_rows_part(rows, ALISA_ROWS_WINDOW_TILES);
    rows->window_tile_count = (uint32_t)alisa_attention_cut(
        rows->list_offsets, rows->counts, rows->row_count,
        alisa_attention_tile_rows(stage->attention), stage->window, tiles);
    for (uint32_t i = 0; i < rows->window_tile_count; i++) {
        uint32_t tokens = tiles[i].first_count + tiles[i].row_count - 1;
        if (rows->window_longest < tokens) rows->window_longest = tokens;
    }
}

/* Where the rows are stored in layers with a window. */
static void find_window_slots(AlisaStage *stage, const AlisaStep *step) {
    int32_t *slots = alisa_rows_part(&stage->rows, ALISA_ROWS_WINDOW_SLOTS);
    for (uint32_t i = 0; i < step->row_count; i++) {
        const AlisaStepRow *row = &step->rows[i];
        uint32_t *reached = &stage->reached[row->sequence];
        slots[i] = stage->tails ? stage->tails->blocks.row_slots[i]
                                : alisa_kv_window_slot(stage->kv, row->sequence, row->position);
        if (row->position == 0 || *reached <= row->position) *reached = row->position + 1;
    }
}

/* Where the row is stored, and where the list of its sequence is. */
static void find_slot(AlisaStage *stage, uint32_t i, const AlisaStepRow *row) {
    AlisaRows *rows = &stage->rows;
    int32_t *slots = alisa_rows_part(rows, ALISA_ROWS_SLOTS);
    if (stage->tails) {
        slots[i] = stage->tails->blocks.row_slots[i];
        rows->list_offsets[i] = stage->tails->blocks.list_offsets[i];
    } else {
        slots[i] = alisa_kv_slot(stage->kv, row->sequence, row->position);
        rows->list_offsets[i] = alisa_kv_list_offset(stage->kv, row->sequence);
    }
}

static void describe_rows(AlisaStage *stage, const AlisaStep *step) {
    AlisaRows *rows = &stage->rows;
    rows->step = step->rows;
    int32_t *tokens = alisa_rows_part(rows, ALISA_ROWS_TOKENS);
    int32_t *logit_rows = alisa_rows_part(rows, ALISA_ROWS_LOGITS);
    for (uint32_t i = 0; i < step->row_count; i++) {
        const AlisaStepRow *row = &step->rows[i];
        tokens[i] = row->token;
        find_slot(stage, i, row);
        rows->counts[i] = alisa_step_row_count(row);
        if (stage->tails)
            rows->tails[i] =
                alisa_kv_blocks_tail(&stage->tails->blocks, row->sequence, rows->counts[i]);
        if (row->logits) logit_rows[rows->logit_count++] = (int32_t)i;
    }
    cut_tiles(stage);
    if (stage->window == 0) return;
    find_window_slots(stage, step);
    cut_window_tiles(stage);
}

/* What positions make of the rows. */
static void describe_positions(AlisaStage *stage, const AlisaStep *step) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaRows *rows = &stage->rows;
    for (uint32_t r = 0; r < shape->rope_count; r++) {
        const AlisaRopeTable *rope = alisa_setup_rope(&stage->setup, r);
        float *rotations = alisa_rows_part(rows, ALISA_ROWS_ROTATIONS + r);
        for (uint32_t i = 0; i < step->row_count; i++)
            alisa_rope_rotations(rope->frequencies, rope->pairs, rope->factor,
                                 step->rows[i].position, rotations + (size_t)i * 2 * rope->pairs);
    }
    if (shape->architecture->position != ALISA_POSITION_LEARNED) return;
    int32_t *positions = alisa_rows_part(rows, ALISA_ROWS_POSITIONS);
    for (uint32_t i = 0; i < step->row_count; i++)
        positions[i] = (int32_t)(step->rows[i].position + shape->architecture->position_offset);
}

static AlisaStatus upload_rows(AlisaStage *stage, AlisaError *error) {
    AlisaDevice *device = stage->setup.shard->device;
    const AlisaRows *rows = &stage->rows;
    uint64_t bytes = alisa_rows_used(rows);
    AlisaStatus status =
        alisa_buffer_write(device, &stage->scratch.rows, 0, rows->packed, bytes, error);
    stage->host_to_device_bytes += bytes;
    const AlisaSparseRows sparse = {rows->step, rows->list_offsets,
                                    stage->tails ? rows->tails : NULL, rows->row_count};
    if (status == ALISA_OK && stage->sparse)
        status = alisa_sparse_begin(stage->sparse, &sparse, error);
    if (status != ALISA_OK || !stage->tails) return status;
    status = alisa_kv_tails_upload(device, stage->tails, &bytes, error);
    stage->host_to_device_bytes += bytes;
    if (status != ALISA_OK || stage->window == 0) return status;
    return alisa_kv_tails_resolve_window(stage->tails, alisa_kv_window_pages(stage->kv), error);
}

/* ---- Where tokens are ---------------------------------------------------------------------- */

/* Which tokens get slots in the step, and what each sequence will have. */
static void describe_placement(AlisaStage *stage) {
    uint32_t context = stage->setup.options->context_length;
    bool by_lists = stage->sparse && !alisa_sparse_reads_all(stage->sparse);
    stage->placed_count = stage->turn_count = 0;
    for (uint32_t i = 0; i < stage->rows.row_count; i++) {
        const AlisaStepRow *row = &stage->rows.step[i];
        uint32_t count = alisa_step_row_count(row);
        uint32_t placed = stage->tails ? count / ALISA_KV_BLOCK * ALISA_KV_BLOCK : count;
        uint32_t t = 0;
        while (t < stage->turn_count && stage->turns[t].sequence != row->sequence)
            t++;
        if (t == stage->turn_count) stage->turn_count++;
        stage->turns[t] =
            (AlisaPlacementTurn){row->sequence, count, placed, by_lists && !row->prompt};
        if (!stage->tails)
            stage->placed[stage->placed_count++] = (AlisaTokenRow){row->sequence, row->position};
    }
    if (!stage->tails) return;
    const AlisaKvMoves *seal = &stage->tails->blocks.seal;
    stage->placed_count = seal->count * ALISA_KV_BLOCK;
    for (uint32_t i = 0; i < stage->placed_count; i++) {
        uint32_t slot = (uint32_t)seal->slots[i];
        stage->placed[i] = (AlisaTokenRow){slot / context, slot % context};
    }
}

static AlisaStatus begin_placement(AlisaStage *stage, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    if (!stage->placement) return ALISA_OK;
    if (stage->tails && stage->tails->blocks.unseal.count > 0)
        status = alisa_attend_unseal_from_tiers(stage, error);
    if (status != ALISA_OK) return status;
    describe_placement(stage);
    return alisa_placement_begin(stage->placement, stage->placed, stage->placed_count, stage->turns,
                                 stage->turn_count, error);
}

AlisaStatus alisa_step_begin(AlisaStage *stage, const AlisaStep *step, AlisaError *error) {
    AlisaStatus status = alisa_rows_lay_out(&stage->rows, &stage->setup, step->row_count,
                                            &stage->scratch.rows, error);
    if (status != ALISA_OK) return status;
    describe_rows(stage, step);
    describe_positions(stage, step);
    status = upload_rows(stage, error);
    return status == ALISA_OK ? begin_placement(stage, error) : status;
}

/* ---- Layers -------------------------------------------------------------------------------- */

static AlisaStatus embed(AlisaStage *stage, AlisaError *error) {
    const AlisaShard *shard = stage->setup.shard;
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaOuterWeights *weights = alisa_weights_outer(shard->weights);
    uint32_t rows = stage->rows.row_count;
    AlisaVector residual = alisa_scratch_all(&stage->scratch.residual);
    AlisaVector positions = alisa_scratch_all(&stage->scratch.normed);
    AlisaStatus status =
        alisa_ops_embed(shard->ops, &weights->embedding, &stage->rows.parts[ALISA_ROWS_TOKENS],
                        rows, residual, error);
    if (status == ALISA_OK && shape->embedding_scale != 1.0f)
        status = alisa_ops_scale(shard->ops, residual, shape->embedding_scale, 0.0f, rows,
                                 shape->embedding_length, error);
    if (status != ALISA_OK || !weights->positions.buffer) return status;
    status = alisa_ops_embed(shard->ops, &weights->positions,
                             &stage->rows.parts[ALISA_ROWS_POSITIONS], rows, positions, error);
    if (status != ALISA_OK) return status;
    return alisa_ops_add(shard->ops, positions, 1.0f, rows, shape->embedding_length, residual,
                         error);
}

static uint64_t residual_bytes(const AlisaStage *stage) {
    return sizeof(float) * stage->rows.row_count * stage->setup.engine->shape.embedding_length;
}

/* The residual stream of the rows: from their tokens, or from the stage before. */
static AlisaStatus begin_residual(AlisaStage *stage, const float *residual, AlisaError *error) {
    const AlisaShard *shard = stage->setup.shard;
    const AlisaScratch *scratch = &stage->scratch;
    uint64_t bytes = residual_bytes(stage);
    if (shard->first_layer == 0) return embed(stage, error);
    stage->host_to_device_bytes += bytes;
    return alisa_buffer_write(shard->device, &scratch->residual, 0, residual, bytes, error);
}

static AlisaStatus run_layer(AlisaStage *stage, uint32_t layer, AlisaError *error) {
    const AlisaLayerPlace *place = &stage->places[layer];
    AlisaPlacement *placement = place->window > 0 ? NULL : stage->placement;
    const AlisaBuffer *input = alisa_layer_input(stage, layer);
    bool is_parallel = alisa_layer_is_parallel(stage, layer);
    uint32_t rows = stage->rows.row_count;
    AlisaStatus status = ALISA_OK;
    if (placement) status = alisa_placement_need(placement, place->index, error);
    if (status == ALISA_OK) status = alisa_layer_norm(stage, layer, rows, error);
    if (status == ALISA_OK && placement)
        status = alisa_placement_keep_inputs(placement, place->index, input, error);
    if (status == ALISA_OK)
        status = alisa_layer_project(stage, layer, ALISA_LAYER_QUERY_KEY_VALUE, input, rows, error);
    if (status == ALISA_OK && is_parallel)
        status = alisa_layer_feed_forward(stage, layer, rows, error);
    if (status == ALISA_OK) status = alisa_attend(stage, layer, error);
    if (status == ALISA_OK && placement)
        status = alisa_placement_leave(placement, place->index, error);
    if (status == ALISA_OK) status = alisa_layer_output(stage, layer, rows, error);
    if (status == ALISA_OK && !is_parallel)
        status = alisa_layer_feed_forward(stage, layer, rows, error);
    return status == ALISA_OK ? alisa_layer_contract(stage, layer, rows, error) : status;
}

static bool has_head(const AlisaStage *stage) {
    return alisa_engine_has_head(stage->setup.engine, stage->setup.shard);
}

AlisaStatus alisa_step_run(AlisaStage *stage, const float *residual, AlisaError *error) {
    const AlisaOps *ops = stage->setup.shard->ops;
    uint64_t streamed = alisa_ops_streamed_bytes(ops);
    AlisaStatus status = begin_residual(stage, residual, error);
    for (uint32_t layer = 0; layer < stage->setup.shard->layer_count && status == ALISA_OK; layer++)
        status = run_layer(stage, layer, error);
    bool logits = stage->rows.logit_count > 0 && has_head(stage);
    if (status == ALISA_OK && logits) status = alisa_layer_head(stage, error);
    stage->host_to_device_bytes += alisa_ops_streamed_bytes(ops) - streamed;
    return status;
}

AlisaStatus alisa_step_end(AlisaStage *stage, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    if (stage->placement) status = alisa_placement_end(stage->placement, error);
    /* Without logits nothing waits for the device: it computes while the host prepares the next
     * step. */
    if (status != ALISA_OK || stage->rows.logit_count > 0) return status;
    return alisa_opencl_flush(stage->setup.shard->device, error);
}

static AlisaStatus read_results(AlisaStage *stage, void *results, AlisaError *error) {
    uint64_t wanted = stage->rows.logit_count, bytes = wanted * sizeof(int32_t);
    const AlisaBuffer *from = &stage->scratch.choices;
    if (wanted == 0) return ALISA_OK;
    if (!stage->setup.options->likeliest_only) {
        bytes = wanted * stage->setup.engine->shape.vocabulary_size * sizeof(float);
        from = &stage->scratch.logits;
    }
    stage->device_to_host_bytes += bytes;
    return alisa_buffer_read(stage->setup.shard->device, from, 0, results, bytes, error);
}

AlisaStatus alisa_step_read(AlisaStage *stage, float *residual, void *results, AlisaError *error) {
    if (has_head(stage)) return read_results(stage, results, error);
    uint64_t bytes = residual_bytes(stage);
    stage->device_to_host_bytes += bytes;
    return alisa_buffer_read(stage->setup.shard->device, &stage->scratch.residual, 0, residual,
                             bytes, error);
}
