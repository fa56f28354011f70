/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of where tokens are: its making, its changes, and questions to it.
 */
#include "kv/residency.h"

#include <stdlib.h>

#include "base/round.h"
#include "kv/residency_internal.h"

AlisaStatus alisa_residency_create(const AlisaResidencyShape *shape, AlisaResidency **residency,
                                   AlisaError *error) {
    static const char what[] = "token map";
    *residency = NULL;
    AlisaResidency *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    size_t rows = (size_t)shape->layer_count * shape->sequence_count;
    uint32_t layers_an_arena = alisa_divide_up(shape->layer_count, shape->arena_count);
    made->places = alisa_allocate(rows * shape->context_length, sizeof *made->places, what, error);
    made->extents = alisa_allocate_zeroed(rows, sizeof *made->extents, what, error);
    made->generations =
        alisa_allocate_zeroed(shape->layer_count, sizeof *made->generations, what, error);
    made->counts = alisa_allocate_zeroed(shape->layer_count, sizeof *made->counts, what, error);
    made->arenas = alisa_allocate_zeroed(shape->arena_count, sizeof *made->arenas, what, error);
    made->passed = alisa_allocate_zeroed(shape->layer_count, sizeof *made->passed, what, error);
    bool complete = made->places && made->extents && made->generations && made->counts &&
                    made->arenas && made->passed;
    AlisaStatus status = complete ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; status == ALISA_OK && i < shape->arena_count; i++) {
        Arena *arena = &made->arenas[i];
        status = alisa_pool_init(&arena->pool, shape->device_slots,
                                 ARENA_LISTS + 2 * layers_an_arena, "device slots", error);
        if (status != ALISA_OK) break;
        arena->stamps = alisa_allocate(shape->device_slots, sizeof *arena->stamps, what, error);
        if (!arena->stamps) status = ALISA_ERROR_MEMORY;
    }
    if (status == ALISA_OK)
        status = alisa_pool_init(&made->host, shape->host_slots, HOST_LISTS, "host slots", error);
    if (status != ALISA_OK) {
        alisa_residency_destroy(made);
        return status;
    }
    *residency = made;
    return ALISA_OK;
}

const AlisaResidencyShape *alisa_residency_shape(const AlisaResidency *residency) {
    return &residency->shape;
}

void alisa_residency_destroy(AlisaResidency *residency) {
    if (!residency) return;
    for (uint32_t i = 0; residency->arenas && i < residency->shape.arena_count; i++) {
        alisa_pool_finish(&residency->arenas[i].pool);
        free(residency->arenas[i].stamps);
    }
    alisa_pool_finish(&residency->host);
    free(residency->places);
    free(residency->extents);
    free(residency->generations);
    free(residency->counts);
    free(residency->passed);
    free(residency->arenas);
    free(residency);
}

static bool is_away(AlisaTier tier) {
    return tier == ALISA_TIER_HOST || tier == ALISA_TIER_DROPPED || tier == ALISA_TIER_FORGOTTEN;
}

void alisa_residency_set_place(AlisaResidency *residency, uint64_t index, Place now) {
    const AlisaResidencyShape *shape = &residency->shape;
    Place *place = &residency->places[index];
    AlisaTier before = residency_tier_of(place), after = residency_tier_of(&now);
    *place = now;
    if (before == after) return;
    uint64_t *counts =
        residency->counts[index / ((uint64_t)shape->sequence_count * shape->context_length)];
    if (before != ALISA_TIER_ABSENT) counts[before]--;
    if (after != ALISA_TIER_ABSENT) counts[after]++;
    residency->away -= is_away(before);
    residency->away += is_away(after);
}

static const Place *find(const AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                         uint32_t position) {
    static const Place nowhere = {-1, -1, 0};
    if (position >= residency->extents[residency_row(residency, layer, sequence)]) return &nowhere;
    return &residency->places[residency_index(residency, layer, sequence, position)];
}

AlisaTier alisa_residency_tier(const AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                               uint32_t position) {
    return residency_tier_of(find(residency, layer, sequence, position));
}

int32_t alisa_residency_device_slot(const AlisaResidency *residency, uint32_t layer,
                                    uint32_t sequence, uint32_t position) {
    return find(residency, layer, sequence, position)->device_slot;
}

const uint64_t *alisa_residency_counts(const AlisaResidency *residency, uint32_t layer) {
    return residency->counts[layer];
}

uint32_t alisa_residency_free_device_slots(const AlisaResidency *residency, uint32_t arena) {
    return residency->arenas[arena].pool.free_count;
}

uint32_t alisa_residency_free_host_slots(const AlisaResidency *residency) {
    return residency->host.free_count;
}

bool alisa_residency_all_on_device(const AlisaResidency *residency) {
    return residency->away == 0;
}

bool alisa_residency_list_index(const AlisaResidency *residency, uint32_t layer,
                                const AlisaTokenList *list, uint32_t i, uint64_t *index) {
    uint32_t position = list->positions ? list->positions[i] : i;
    *index = residency_index(residency, layer, list->sequence, position);
    if (position >= residency->extents[residency_row(residency, layer, list->sequence)])
        return false;
    AlisaTier tier = residency_tier_of(&residency->places[*index]);
    return tier != ALISA_TIER_ABSENT && tier != ALISA_TIER_FORGOTTEN;
}
