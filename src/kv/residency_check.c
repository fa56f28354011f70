/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is true of a residency after every operation.
 */
#include <string.h>

#include "kv/residency_internal.h"

typedef struct Check {
    const AlisaResidency *residency;
    uint32_t arena;
} Check;

static uint32_t layer_of(const AlisaResidency *residency, uint64_t index) {
    const AlisaResidencyShape *shape = &residency->shape;
    return (uint32_t)(index / ((uint64_t)shape->sequence_count * shape->context_length));
}

/* The token that a slot's owner names, NULL where there is no such token. */
static const Place *owner_place(const AlisaResidency *residency, uint64_t owner) {
    const AlisaResidencyShape *shape = &residency->shape;
    uint64_t row = owner / shape->context_length;
    if (row >= (uint64_t)shape->layer_count * shape->sequence_count) return NULL;
    if (owner % shape->context_length >= residency->extents[row]) return NULL;
    return &residency->places[owner];
}

static bool check_device_slot(void *user, uint32_t list, int32_t slot, uint64_t owner) {
    const Check *check = user;
    const AlisaResidency *residency = check->residency;
    if (list == ALISA_POOL_FREE) return true;
    const Place *place = owner_place(residency, owner);
    if (!place || place->device_slot != slot) return false;
    uint32_t layer = layer_of(residency, owner);
    if (residency_arena(residency, layer) != check->arena) return false;
    uint32_t streamed = residency_streamed_list(residency, layer);
    if ((list == streamed) != !!(place->flags & PLACE_STREAMED)) return false;
    return list == ARENA_IDLE || list == streamed || list == residency_held_list(residency, layer);
}

static bool check_host_slot(void *user, uint32_t list, int32_t slot, uint64_t owner) {
    const Check *check = user;
    if (list == ALISA_POOL_FREE) return true;
    const Place *place = owner_place(check->residency, owner);
    if (!place || place->host_slot != slot) return false;
    bool spare = place->device_slot >= 0 && !(place->flags & PLACE_STREAMED);
    return (list == HOST_SPARE) == spare;
}

/* Checks one token and counts it. */
static const char *check_place(const AlisaResidency *residency, uint64_t index, uint32_t layer,
                               uint64_t counts[ALISA_TIER_COUNT]) {
    const Place *place = &residency->places[index];
    const AlisaPool *arena = &residency->arenas[residency_arena(residency, layer)].pool;
    if (place->flags & PLACE_WANTED) return "a token is still marked as a miss";
    if (place->device_slot >= 0 && (place->device_slot >= (int32_t)arena->slot_count ||
                                    arena->owners[place->device_slot] != index))
        return "a token names a device slot that is not its own";
    if (place->host_slot >= 0 && (place->host_slot >= (int32_t)residency->host.slot_count ||
                                  residency->host.owners[place->host_slot] != index))
        return "a token names a host slot that is not its own";
    AlisaTier tier = residency_tier_of(place);
    if (place->flags & PLACE_FORGOTTEN && tier != ALISA_TIER_FORGOTTEN)
        return "a forgotten token has a slot";
    if (place->flags & PLACE_STREAMED && place->device_slot < 0)
        return "a streamed token has no device slot";
    if (tier != ALISA_TIER_ABSENT) counts[tier]++;
    return NULL;
}

const char *alisa_residency_check(const AlisaResidency *residency) {
    const AlisaResidencyShape *shape = &residency->shape;
    Check check = {residency, 0};
    for (; check.arena < shape->arena_count; check.arena++) {
        if (!alisa_pool_check(&residency->arenas[check.arena].pool, check_device_slot, &check))
            return "the slots of an arena and their tokens disagree";
    }
    if (!alisa_pool_check(&residency->host, check_host_slot, &check))
        return "the slots of the host and their tokens disagree";
    uint64_t away = 0;
    for (uint32_t layer = 0; layer < shape->layer_count; layer++) {
        uint64_t counts[ALISA_TIER_COUNT] = {0};
        for (uint32_t sequence = 0; sequence < shape->sequence_count; sequence++) {
            uint64_t row = (uint64_t)layer * shape->sequence_count + sequence;
            if (residency->extents[row] > shape->context_length)
                return "a sequence is longer than its context";
            for (uint32_t position = 0; position < residency->extents[row]; position++) {
                const char *wrong =
                    check_place(residency, row * shape->context_length + position, layer, counts);
                if (wrong) return wrong;
            }
        }
        if (memcmp(counts, residency->counts[layer], sizeof counts) != 0)
            return "the counts of a layer disagree with its tokens";
        away += counts[ALISA_TIER_HOST] + counts[ALISA_TIER_DROPPED] + counts[ALISA_TIER_FORGOTTEN];
    }
    if (away != residency->away) return "the count of tokens that are not on the device is wrong";
    return NULL;
}
