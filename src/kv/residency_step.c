/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step, layer by layer: tokens are placed, needed, held, and let go at the layer's end.
 */
#include "kv/residency_internal.h"

static void hold(AlisaResidency *residency, uint32_t layer, uint64_t index, uint32_t list) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    const Place *place = &residency->places[index];
    arena->stamps[place->device_slot] = residency->generations[layer];
    if (!(place->flags & PLACE_STREAMED)) alisa_pool_move(&arena->pool, place->device_slot, list);
}

static AlisaStatus fail_device_full(const AlisaResidency *residency, uint32_t layer,
                                    uint64_t wanted, const char *what, AlisaError *error) {
    const AlisaPool *pool = &residency->arenas[residency_arena(residency, layer)].pool;
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "layer %u needs %llu more rows on the device for %s, and of the %u "
                           "there only %u are free or may be evicted: raise --device-mem or "
                           "--kv-sparsity, or lower --batch, -ub or -c",
                           layer, (unsigned long long)wanted, what, pool->slot_count,
                           pool->free_count);
}

AlisaStatus alisa_residency_place(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                  uint32_t first, uint32_t count, AlisaMovePlan *plan,
                                  AlisaError *error) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    AlisaStatus status = alisa_move_plan_reserve(plan, count, error);
    size_t first_offload = plan->offloads.count;
    if (status == ALISA_OK)
        status = alisa_residency_make_room(residency, arena, count, false, plan, error);
    alisa_moves_sort(&plan->offloads, first_offload);
    if (status == ALISA_OK && arena->pool.free_count < count)
        status = fail_device_full(residency, layer, count, "new tokens", error);
    if (status != ALISA_OK) return status;

    uint32_t *extent = &residency->extents[residency_row(residency, layer, sequence)];
    uint64_t start = residency_index(residency, layer, sequence, 0);
    for (; *extent < first + count; (*extent)++)
        residency->places[start + *extent] = (Place){-1, -1, 0};
    for (uint64_t index = start + first; index < start + first + count; index++) {
        int32_t slot = alisa_pool_take(&arena->pool, index, residency_held_list(residency, layer));
        arena->stamps[slot] = residency->generations[layer];
        alisa_residency_set_place(residency, index, (Place){slot, -1, 0});
    }
    return ALISA_OK;
}

/* Takes the mark off the first `list_count` lists. */
static void unmark(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *lists,
                   size_t list_count) {
    for (size_t l = 0; l < list_count; l++) {
        for (uint32_t i = 0; i < lists[l].count; i++) {
            uint64_t index;
            if (alisa_residency_list_index(residency, layer, &lists[l], i, &index))
                residency->places[index].flags &= ~(uint32_t)PLACE_WANTED;
        }
    }
}

/* Moves the resident tokens of the lists to the end of `used_list` and marks the others, each
 * counted once in *misses. */
static AlisaStatus use_lists(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *lists,
                             size_t list_count, uint32_t used_list, uint32_t *misses,
                             AlisaError *error) {
    *misses = 0;
    residency->generations[layer]++;
    for (size_t l = 0; l < list_count; l++) {
        for (uint32_t i = 0; i < lists[l].count; i++) {
            uint64_t index;
            if (!alisa_residency_list_index(residency, layer, &lists[l], i, &index)) {
                unmark(residency, layer, lists, l + 1);
                return alisa_error_set(
                    error, ALISA_ERROR_ARGUMENT,
                    "layer %u needs token %u of sequence %u, which was never stored or was "
                    "forgotten: where tokens are forgotten (policy h2o), truncate the sequence to "
                    "0 and append its text again",
                    layer, lists[l].positions ? lists[l].positions[i] : i, lists[l].sequence);
            }
            Place *place = &residency->places[index];
            if (place->device_slot >= 0) {
                hold(residency, layer, index, used_list);
            } else if (!(place->flags & PLACE_WANTED)) {
                place->flags |= PLACE_WANTED;
                ++*misses;
            }
        }
    }
    return ALISA_OK;
}

/* Gives a device slot to a marked token; its row is to be loaded or, without a host slot, rebuilt.
 */
static void load(AlisaResidency *residency, uint32_t layer, uint64_t index, uint32_t list,
                 bool stream, AlisaMovePlan *plan) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    Place place = residency->places[index];
    place.flags &= ~(uint32_t)PLACE_WANTED;
    if (stream) place.flags |= PLACE_STREAMED;
    place.device_slot = alisa_pool_take(&arena->pool, index, list);
    arena->stamps[place.device_slot] = residency->generations[layer];
    alisa_residency_set_place(residency, index, place);
    AlisaMoves *moves = place.host_slot >= 0 ? &plan->loads : &plan->rebuilds;
    moves->items[moves->count++] = alisa_residency_move(residency, index);
    if (place.host_slot >= 0 && !stream)
        alisa_pool_move(&residency->host, place.host_slot, HOST_SPARE);
}

AlisaStatus alisa_residency_need(AlisaResidency *residency, uint32_t layer,
                                 const AlisaTokenList *lists, size_t list_count,
                                 AlisaResidencyUse use, AlisaMovePlan *plan, AlisaError *error) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    uint32_t misses, held = residency_held_list(residency, layer);
    AlisaStatus status = use_lists(residency, layer, lists, list_count, held, &misses, error);
    if (status != ALISA_OK || misses == 0) return status;
    size_t first_offload = plan->offloads.count, first_load = plan->loads.count;
    status = alisa_move_plan_reserve(plan, misses, error);
    if (status == ALISA_OK)
        status = alisa_residency_make_room(residency, arena, misses, false, plan, error);
    alisa_moves_sort(&plan->offloads, first_offload);
    if (status == ALISA_OK && arena->pool.free_count < misses)
        status = fail_device_full(residency, layer, misses, "the tokens it attends to", error);
    if (status != ALISA_OK) {
        unmark(residency, layer, lists, list_count);
        return status;
    }
    bool stream = use == ALISA_USE_STREAM;
    uint32_t list = stream ? residency_streamed_list(residency, layer) : held;
    for (size_t l = 0; l < list_count; l++) {
        for (uint32_t i = 0; i < lists[l].count; i++) {
            uint64_t index;
            alisa_residency_list_index(residency, layer, &lists[l], i, &index);
            if (residency->places[index].flags & PLACE_WANTED)
                load(residency, layer, index, list, stream, plan);
        }
    }
    alisa_moves_sort(&plan->loads, first_load);
    return ALISA_OK;
}

AlisaStatus alisa_residency_prefetch(AlisaResidency *residency, uint32_t layer,
                                     const AlisaTokenList *lists, size_t list_count,
                                     AlisaMovePlan *plan, AlisaError *error) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    uint32_t reserve = residency->shape.reserve, misses;
    if (residency->away == 0) return ALISA_OK;
    AlisaStatus status = use_lists(residency, layer, lists, list_count, ARENA_IDLE, &misses, error);
    if (status != ALISA_OK || misses == 0) return status;
    size_t first_offload = plan->offloads.count, first_load = plan->loads.count;
    status = alisa_move_plan_reserve(plan, (size_t)misses + reserve, error);
    if (status == ALISA_OK) {
        /* A full host only means that less can be had ahead: `need` will say so if it matters. */
        alisa_residency_make_room(residency, arena, misses + reserve, true, plan, NULL);
        alisa_moves_sort(&plan->offloads, first_offload);
        for (size_t l = 0; l < list_count; l++) {
            for (uint32_t i = 0; i < lists[l].count; i++) {
                uint64_t index;
                alisa_residency_list_index(residency, layer, &lists[l], i, &index);
                const Place *place = &residency->places[index];
                bool loads = place->flags & PLACE_WANTED && place->host_slot >= 0;
                if (loads && arena->pool.free_count > reserve)
                    load(residency, layer, index, ARENA_IDLE, false, plan);
            }
        }
        alisa_moves_sort(&plan->loads, first_load);
    }
    unmark(residency, layer, lists, list_count);
    return status;
}

bool alisa_residency_pass(AlisaResidency *residency, uint32_t layer) {
    if (residency->away > 0) return false;
    residency->generations[layer]++;
    residency->passed[layer] = true;
    return true;
}

void alisa_residency_end(AlisaResidency *residency, uint32_t layer) {
    AlisaPool *pool = &residency->arenas[residency_arena(residency, layer)].pool;
    uint32_t streamed = residency_streamed_list(residency, layer);
    for (int32_t slot; (slot = alisa_pool_first(pool, streamed)) >= 0;) {
        uint64_t index = pool->owners[slot];
        Place place = residency->places[index];
        place.device_slot = -1;
        place.flags &= ~(uint32_t)PLACE_STREAMED;
        alisa_residency_set_place(residency, index, place);
        alisa_pool_give(pool, slot);
    }
    alisa_pool_splice(pool, residency_held_list(residency, layer), ARENA_IDLE);
    residency->passed[layer] = false;
}

void alisa_residency_abandon(AlisaResidency *residency, const AlisaMoves *rebuilds) {
    if (rebuilds->count == 0) return;
    uint32_t layer = rebuilds->items[0].layer;
    alisa_residency_end(residency, layer);
    for (size_t i = 0; i < rebuilds->count; i++) {
        const AlisaMove *move = &rebuilds->items[i];
        uint64_t index = residency_index(residency, layer, move->sequence, move->position);
        Place place = residency->places[index];
        if (place.device_slot < 0 || !(place.flags & PLACE_REBUILDABLE)) continue;
        alisa_pool_give(&residency->arenas[residency_arena(residency, layer)].pool,
                        place.device_slot);
        place.device_slot = -1;
        alisa_residency_set_place(residency, index, place);
    }
}
