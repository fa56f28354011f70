/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rows.h"

#include <stdlib.h>

#include "base/round.h"

/* Bytes of a part for so many rows. */
static uint64_t part_bytes(const AlisaStageSetup *setup, AlisaRowsPart part, uint64_t rows) {
    const AlisaShape *shape = &setup->engine->shape;
    switch (part) {
    case ALISA_ROWS_POSITIONS:
        return shape->architecture->position == ALISA_POSITION_LEARNED ? rows * sizeof(int32_t) : 0;
    case ALISA_ROWS_ROTATIONS:
        return rows * shape->ropes[0].dim * sizeof(float);
    case ALISA_ROWS_OTHER_ROTATIONS:
        return shape->rope_count > 1 ? rows * shape->ropes[1].dim * sizeof(float) : 0;
    case ALISA_ROWS_WINDOW_SLOTS:
        return alisa_setup_kv_shape(setup).window_layer_count > 0 ? rows * sizeof(int32_t) : 0;
    case ALISA_ROWS_WINDOW_TILES:
        return alisa_setup_kv_shape(setup).window_layer_count > 0
                   ? rows * sizeof(AlisaAttentionTile)
                   : 0;
    case ALISA_ROWS_TILES:
        return rows * sizeof(AlisaAttentionTile);
    default:
        return rows * sizeof(int32_t);
    }
}

/* Where the parts of so many rows begin; returns where the last one ends. */
static uint64_t find_offsets(const AlisaStageSetup *setup, uint64_t rows,
                             uint64_t offsets[ALISA_ROWS_PARTS]) {
    uint64_t alignment = alisa_buffer_slice_alignment(setup->shard->device), end = 0;
    for (int part = 0; part < ALISA_ROWS_PARTS; part++) {
        offsets[part] = alisa_round_up_64(end, alignment);
        end = offsets[part] + part_bytes(setup, (AlisaRowsPart)part, rows);
    }
    return end;
}

uint64_t alisa_rows_bytes(const AlisaStageSetup *setup) {
    uint64_t offsets[ALISA_ROWS_PARTS];
    return find_offsets(setup, setup->options->micro_batch, offsets);
}

AlisaStatus alisa_rows_init(AlisaRows *rows, const AlisaStageSetup *setup, AlisaError *error) {
    size_t most = setup->options->micro_batch;
    rows->packed = alisa_allocate_zeroed(alisa_rows_bytes(setup), 1, "step", error);
    rows->list_offsets = alisa_allocate(most, sizeof *rows->list_offsets, "step", error);
    rows->counts = alisa_allocate(most, sizeof *rows->counts, "step", error);
    rows->tails = alisa_allocate(most, sizeof *rows->tails, "step", error);
    bool complete = rows->packed && rows->list_offsets && rows->counts && rows->tails;
    return complete ? ALISA_OK : ALISA_ERROR_MEMORY;
}

static void drop_slices(AlisaRows *rows) {
    for (int part = 0; part < ALISA_ROWS_PARTS; part++)
        alisa_buffer_destroy(&rows->parts[part]);
    rows->laid_out = 0;
}

void alisa_rows_finish(AlisaRows *rows) {
    drop_slices(rows);
    free(rows->packed);
    free(rows->list_offsets);
    free(rows->counts);
    free(rows->tails);
}

AlisaStatus alisa_rows_lay_out(AlisaRows *rows, const AlisaStageSetup *setup, uint32_t row_count,
                               const AlisaBuffer *device_copy, AlisaError *error) {
    rows->row_count = row_count;
    rows->logit_count = rows->tile_count = rows->longest = 0;
    rows->window_tile_count = rows->window_longest = 0;
    if (rows->laid_out == row_count) return ALISA_OK; /* as in step after step of a text */
    drop_slices(rows);
    find_offsets(setup, row_count, rows->offsets);
    AlisaStatus status = ALISA_OK;
    for (int part = 0; part < ALISA_ROWS_PARTS && status == ALISA_OK; part++) {
        uint64_t bytes = part_bytes(setup, (AlisaRowsPart)part, row_count);
        if (bytes > 0)
            status = alisa_buffer_slice(setup->shard->device, device_copy, rows->offsets[part],
                                        bytes, &rows->parts[part], error);
    }
    if (status == ALISA_OK) rows->laid_out = row_count;
    return status;
}

void *alisa_rows_part(const AlisaRows *rows, AlisaRowsPart part) {
    return rows->packed + rows->offsets[part];
}

uint64_t alisa_rows_used(const AlisaRows *rows) {
    return rows->offsets[ALISA_ROWS_TILES] + rows->tile_count * sizeof(AlisaAttentionTile);
}
