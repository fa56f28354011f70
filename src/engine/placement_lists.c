/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/placement_internal.h"

static uint64_t layer_entries(const AlisaPlacement *placement) {
    return (uint64_t)placement->shape.sequence_count * placement->list_count * placement->capacity;
}

/* Whether a token of some layer may be elsewhere than on the device when the next step comes. */
static bool lists_matter(const AlisaPlacement *placement) {
    if (placement->problem.policy->attention == ALISA_SCHED_ATTEND_KEPT) return true;
    const AlisaResidency *residency = alisa_tiers_residency(placement->tiers);
    uint32_t arenas = alisa_tiers_store(placement->tiers)->arena_count;
    uint32_t rows = placement->shape.sequence_count * placement->shape.row_tokens;
    uint32_t layers = (placement->shape.layer_count + arenas - 1) / arenas;
    for (uint32_t arena = 0; arena < arenas; arena++)
        if (alisa_residency_free_device_slots(residency, arena) < 2 * rows * layers) return true;
    return !alisa_residency_all_on_device(residency);
}

AlisaStatus alisa_placement_read_lists(AlisaPlacement *placement, uint32_t layer,
                                       AlisaError *error) {
    AlisaReadLists *read = &placement->read[layer];
    /* The lists of sequences that have no row in this step stay as they are. */
    for (uint32_t i = 0; i < placement->turn_count; i++)
        read->counts[placement->turns[i].sequence] = 0;
    if (!placement->sparse || !lists_matter(placement)) return ALISA_OK;
    AlisaEvent marked = {0};
    AlisaStatus status = alisa_opencl_mark(placement->device, &marked, error);
    if (status != ALISA_OK) return status;
    const AlisaSelection *selection = alisa_sparse_selection(placement->sparse);
    uint64_t bytes = layer_entries(placement) * sizeof(uint32_t);
    char *to = (char *)placement->pinned.data + layer * bytes;
    alisa_event_release(&read->event);
    status = alisa_transfer_read(placement->device, alisa_selection_lists(selection), layer * bytes,
                                 to, bytes, &marked, &read->event, error);
    alisa_event_release(&marked);
    for (uint32_t i = 0; i < placement->turn_count && status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &placement->turns[i];
        read->counts[turn->sequence] =
            placement->late ? turn->count : alisa_sparse_picked(placement->sparse, turn->sequence);
    }
    return status;
}

AlisaStatus alisa_placement_await_lists(AlisaPlacement *placement, uint32_t layer,
                                        AlisaError *error) {
    AlisaEvent *event = &placement->read[layer].event;
    AlisaStatus status =
        alisa_event_wait(placement->device, event, "reading lists of chosen tokens back", error);
    alisa_event_release(event);
    return status;
}

/* Tokens of a list of `count` tokens' step that have slots; the others are in the newest block. */
static uint32_t placed_entries(const uint32_t *positions, uint32_t kept, uint32_t placed) {
    while (kept > 0 && positions[kept - 1] >= placed)
        kept--;
    return kept;
}

uint32_t alisa_placement_add_lists(const AlisaPlacement *placement, uint32_t layer,
                                   uint32_t sequence, uint32_t count, uint32_t placed, bool chosen,
                                   AlisaTokenList *lists) {
    const AlisaReadLists *read = &placement->read[layer];
    if (placed == 0) return 0;
    if (!chosen || read->counts[sequence] != count) {
        lists[0] = (AlisaTokenList){.sequence = sequence, .count = placed};
        return 1;
    }
    const uint32_t *positions = (const uint32_t *)placement->pinned.data +
                                layer * layer_entries(placement) +
                                (uint64_t)sequence * placement->list_count * placement->capacity;
    uint32_t kept = alisa_sparse_kept(placement->sparse, count);
    for (uint32_t i = 0; i < placement->list_count; i++, positions += placement->capacity)
        lists[i] = (AlisaTokenList){.sequence = sequence,
                                    .count = placed_entries(positions, kept, placed),
                                    .positions = positions};
    return placement->list_count;
}

uint32_t alisa_placement_reads(const AlisaPlacement *placement, uint32_t sequence, uint32_t count,
                               uint32_t placed, bool chosen) {
    if (!chosen) return placed;
    bool late = alisa_sparse_chooses_late(placement->sparse);
    for (uint32_t layer = 0; layer < placement->shape.layer_count && !late; layer++)
        if (placement->read[layer].counts[sequence] != count) return placed;
    return alisa_sparse_reads(placement->sparse, count, placed);
}
