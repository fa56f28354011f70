/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy orders beside the steps: tokens offloaded, dropped, forgotten, cut back.
 */
#include "kv/residency_internal.h"

/* The part of first .. first + count - 1 that was placed, as indices. */
static uint32_t clip(const AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                     uint32_t first, uint32_t count, uint64_t *start) {
    uint32_t extent = residency->extents[residency_row(residency, layer, sequence)];
    *start = residency_index(residency, layer, sequence, first);
    if (first >= extent) return 0;
    return count < extent - first ? count : extent - first;
}

AlisaStatus alisa_residency_offload(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                    uint32_t first, uint32_t count, bool release,
                                    AlisaMovePlan *plan, AlisaError *error) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    uint64_t start;
    count = clip(residency, layer, sequence, first, count, &start);
    AlisaStatus status = alisa_move_plan_reserve(plan, count, error);
    if (status != ALISA_OK) return status;
    size_t first_offload = plan->offloads.count;
    for (uint64_t index = start; index < start + count && status == ALISA_OK; index++) {
        Place place = residency->places[index];
        if (place.device_slot < 0 || place.flags & PLACE_STREAMED) continue;
        if (release) {
            status = alisa_residency_evict(residency, arena, place.device_slot, plan, error);
            continue;
        }
        if (place.host_slot >= 0 || place.flags & PLACE_REBUILDABLE) continue;
        place.host_slot = alisa_residency_take_host_slot(residency, index, HOST_SPARE, false);
        if (place.host_slot < 0) break;
        alisa_residency_set_place(residency, index, place);
        plan->offloads.items[plan->offloads.count++] = alisa_residency_move(residency, index);
    }
    alisa_moves_sort(&plan->offloads, first_offload);
    return status;
}

void alisa_residency_drop(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                          uint32_t first, uint32_t count) {
    uint64_t start;
    count = clip(residency, layer, sequence, first, count, &start);
    for (uint64_t index = start; index < start + count; index++) {
        Place place = residency->places[index];
        if (place.device_slot < 0 && place.host_slot < 0) continue;
        if (place.host_slot >= 0) alisa_pool_give(&residency->host, place.host_slot);
        place.host_slot = -1;
        place.flags |= PLACE_REBUILDABLE;
        alisa_residency_set_place(residency, index, place);
    }
}

void alisa_residency_forget(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t index;
        if (alisa_residency_list_index(residency, layer, list, i, &index))
            alisa_residency_clear_place(residency, layer, index, PLACE_FORGOTTEN);
    }
}

AlisaStatus alisa_residency_refill(AlisaResidency *residency, uint32_t arena, AlisaMovePlan *plan,
                                   AlisaError *error) {
    size_t first_offload = plan->offloads.count;
    AlisaStatus status = alisa_move_plan_reserve(plan, residency->shape.reserve, error);
    if (status == ALISA_OK) {
        status = alisa_residency_make_room(residency, &residency->arenas[arena],
                                           residency->shape.reserve, false, plan, error);
    }
    alisa_moves_sort(&plan->offloads, first_offload);
    return status;
}

void alisa_residency_truncate(AlisaResidency *residency, uint32_t sequence, uint32_t length) {
    for (uint32_t layer = 0; layer < residency->shape.layer_count; layer++) {
        uint32_t *extent = &residency->extents[residency_row(residency, layer, sequence)];
        for (; *extent > length; (*extent)--)
            alisa_residency_clear_place(
                residency, layer, residency_index(residency, layer, sequence, *extent - 1), 0);
    }
}
