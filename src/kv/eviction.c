/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to leave: slots of the device and of the host for tokens that have none.
 */
#include "kv/residency_internal.h"

AlisaMove alisa_residency_move(const AlisaResidency *residency, uint64_t index) {
    const AlisaResidencyShape *shape = &residency->shape;
    uint64_t row = index / shape->context_length;
    const Place *place = &residency->places[index];
    return (AlisaMove){.layer = (uint32_t)(row / shape->sequence_count),
                       .sequence = (uint32_t)(row % shape->sequence_count),
                       .position = (uint32_t)(index % shape->context_length),
                       .device_slot = place->device_slot,
                       .host_slot = place->host_slot};
}

int32_t alisa_residency_take_host_slot(AlisaResidency *residency, uint64_t index, uint32_t list,
                                       bool reclaim) {
    AlisaPool *host = &residency->host;
    int32_t slot = alisa_pool_take(host, index, list);
    if (slot >= 0 || !reclaim) return slot;
    int32_t spare = alisa_pool_last(host, HOST_SPARE);
    if (spare < 0) return -1;
    uint64_t owner = host->owners[spare];
    Place place = residency->places[owner];
    place.host_slot = -1;
    alisa_residency_set_place(residency, owner, place);
    alisa_pool_give(host, spare);
    return alisa_pool_take(host, index, list);
}

static AlisaStatus fail_host_full(const AlisaResidency *residency, AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "all %u rows of the host's KV memory hold their token's only copy: "
                           "raise --host-mem, or lower -c or --batch",
                           residency->shape.host_slots);
}

static uint32_t layer_of_slot(const AlisaResidency *residency, const Arena *arena, int32_t slot) {
    const AlisaResidencyShape *shape = &residency->shape;
    return (uint32_t)(arena->pool.owners[slot] /
                      ((uint64_t)shape->sequence_count * shape->context_length));
}

/* The token to evict: the longest unused of those that were missing from the list their layer was
 * given last, else, unless `stale_only`, the one used last. -1: none may be. Slots of layers that
 * passed are gone over; there are none once a token has left the device and the step has ended. */
static int32_t find_victim(const AlisaResidency *residency, const Arena *arena, bool stale_only) {
    const AlisaPool *pool = &arena->pool;
    int32_t slot = alisa_pool_first(pool, ARENA_IDLE);
    for (; slot >= 0; slot = alisa_pool_next(pool, slot)) {
        uint32_t layer = layer_of_slot(residency, arena, slot);
        if (arena->stamps[slot] == residency->generations[layer]) break;
        if (!residency->passed[layer]) return slot;
    }
    if (stale_only) return -1;
    slot = alisa_pool_last(pool, ARENA_IDLE);
    while (slot >= 0 && residency->passed[layer_of_slot(residency, arena, slot)])
        slot = alisa_pool_previous(pool, slot);
    return slot;
}

AlisaStatus alisa_residency_evict(AlisaResidency *residency, Arena *arena, int32_t slot,
                                  AlisaMovePlan *plan, AlisaError *error) {
    uint64_t index = arena->pool.owners[slot];
    Place place = residency->places[index];
    if (place.host_slot >= 0) {
        alisa_pool_move(&residency->host, place.host_slot, HOST_ONLY);
    } else if (!(place.flags & PLACE_REBUILDABLE)) {
        place.host_slot = alisa_residency_take_host_slot(residency, index, HOST_ONLY, true);
        if (place.host_slot < 0) return fail_host_full(residency, error);
        alisa_residency_set_place(residency, index, place);
        plan->offloads.items[plan->offloads.count++] = alisa_residency_move(residency, index);
    }
    place.device_slot = -1;
    alisa_residency_set_place(residency, index, place);
    alisa_pool_give(&arena->pool, slot);
    return ALISA_OK;
}

AlisaStatus alisa_residency_make_room(AlisaResidency *residency, Arena *arena, uint32_t wanted,
                                      bool stale_only, AlisaMovePlan *plan, AlisaError *error) {
    while (arena->pool.free_count < wanted) {
        int32_t victim = find_victim(residency, arena, stale_only);
        if (victim < 0) break;
        AlisaStatus status = alisa_residency_evict(residency, arena, victim, plan, error);
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
}

void alisa_residency_clear_place(AlisaResidency *residency, uint32_t layer, uint64_t index,
                                 uint32_t flags) {
    const Place *place = &residency->places[index];
    if (place->device_slot >= 0) {
        alisa_pool_give(&residency->arenas[residency_arena(residency, layer)].pool,
                        place->device_slot);
    }
    if (place->host_slot >= 0) alisa_pool_give(&residency->host, place->host_slot);
    alisa_residency_set_place(residency, index, (Place){-1, -1, flags});
}
