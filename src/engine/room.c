/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/room.h"

#include <string.h>

#include "base/round.h"

/* What the rows so far of a step take. */
typedef struct Room {
    uint64_t held;    /* new tokens, in all layers that share slots */
    uint64_t read;    /* older tokens, in one layer */
    uint64_t to_undo; /* tokens that have slots while blocks are taken back from their codes */
} Room;

/* Adds the next row of a sequence. */
static void add_row(AlisaStage *stage, const AlisaTimeline *timeline, uint32_t sequence,
                    uint32_t layers, Room *room) {
    uint32_t unit = alisa_setup_row_tokens(&stage->setup), rows = ++stage->taken[sequence];
    uint32_t length = timeline->lengths[sequence], placed = length / unit * unit;
    if ((length + rows) % unit == 0) room->held += (uint64_t)unit * layers;
    if (rows > 1) return;
    bool chosen = stage->sparse && !alisa_sparse_reads_all(stage->sparse) &&
                  alisa_timeline_is_alone(timeline, sequence);
    room->read += alisa_placement_reads(stage->placement, sequence, length + 1, placed, chosen);
    uint32_t occupied = alisa_stage_occupied(stage, sequence, length);
    if (occupied > length) room->to_undo += occupied;
}

size_t alisa_room_rows(AlisaStage *stage, const AlisaTimeline *timeline, const AlisaRow *rows,
                       size_t count) {
    if (!stage->placement || alisa_placement_problem(stage->placement)->policy->by_blocks)
        return count;
    const AlisaTiers *tiers = alisa_kv_tiers(stage->kv);
    const AlisaResidencyShape *shape = alisa_residency_shape(alisa_tiers_residency(tiers));
    uint32_t layers = alisa_divide_up(shape->layer_count, shape->arena_count);
    uint32_t most = stage->setup.options->micro_batch;
    Room room = {0};
    size_t taken = 0;
    if (count > most) count = most;
    memset(stage->taken, 0, timeline->sequence_count * sizeof *stage->taken);
    for (; taken < count; taken++) {
        add_row(stage, timeline, rows[taken].sequence, layers, &room);
        if (room.held + room.read > shape->device_slots || room.to_undo > shape->device_slots)
            break;
    }
    return taken > 0 ? taken : 1;
}
