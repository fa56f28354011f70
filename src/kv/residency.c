#include "kv/residency.h"

#include <stdlib.h>
#include <string.h>

#include "base/round.h"
#include "kv/residency_internal.h"

/* ---- Tables ------------------------------------------------------------------------------- */

static AlisaMove move_of(const AlisaResidency *residency, uint64_t index) {
    const AlisaResidencyShape *shape = &residency->shape;
    uint64_t row = index / shape->context_length;
    const Place *place = &residency->places[index];
    return (AlisaMove){.layer = (uint32_t)(row / shape->sequence_count),
                       .sequence = (uint32_t)(row % shape->sequence_count),
                       .position = (uint32_t)(index % shape->context_length),
                       .device_slot = place->device_slot,
                       .host_slot = place->host_slot};
}

static bool is_away(AlisaTier tier) {
    return tier == ALISA_TIER_HOST || tier == ALISA_TIER_DROPPED || tier == ALISA_TIER_FORGOTTEN;
}

/* Every change of a place goes through here: it keeps the counts. */
static void set_place(AlisaResidency *residency, uint64_t index, Place now) {
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
    bool whole = made->places && made->extents && made->generations && made->counts &&
                 made->arenas && made->passed;
    AlisaStatus status = whole ? ALISA_OK : ALISA_ERROR_MEMORY;
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

/* ---- Slots of the host -------------------------------------------------------------------- */

/* A host slot for a token that has none: a free one, or, where `reclaim`, the spare copy made last,
 * whose token is the least likely to be evicted soon. -1: every slot holds an only copy. */
static int32_t take_host_slot(AlisaResidency *residency, uint64_t index, uint32_t list,
                              bool reclaim) {
    AlisaPool *host = &residency->host;
    int32_t slot = alisa_pool_take(host, index, list);
    if (slot >= 0 || !reclaim) return slot;
    int32_t spare = alisa_pool_last(host, HOST_SPARE);
    if (spare < 0) return -1;
    uint64_t owner = host->owners[spare];
    Place place = residency->places[owner];
    place.host_slot = -1;
    set_place(residency, owner, place);
    alisa_pool_give(host, spare);
    return alisa_pool_take(host, index, list);
}

static AlisaStatus fail_host_full(const AlisaResidency *residency, AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "all %u rows of the host's KV memory hold their token's only copy: "
                           "raise --host-mem, or lower -c or --batch",
                           residency->shape.host_slots);
}

/* ---- Slots of the device ------------------------------------------------------------------ */

static void hold(AlisaResidency *residency, uint32_t layer, uint64_t index, uint32_t list) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    const Place *place = &residency->places[index];
    arena->stamps[place->device_slot] = residency->generations[layer];
    if (!(place->flags & PLACE_STREAMED)) alisa_pool_move(&arena->pool, place->device_slot, list);
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

/* Takes the device slot of an idle token. */
static AlisaStatus evict(AlisaResidency *residency, Arena *arena, int32_t slot, AlisaMovePlan *plan,
                         AlisaError *error) {
    uint64_t index = arena->pool.owners[slot];
    Place place = residency->places[index];
    if (place.host_slot >= 0) {
        alisa_pool_move(&residency->host, place.host_slot, HOST_ONLY);
    } else if (!(place.flags & PLACE_REBUILDABLE)) {
        place.host_slot = take_host_slot(residency, index, HOST_ONLY, true);
        if (place.host_slot < 0) return fail_host_full(residency, error);
        set_place(residency, index, place);
        plan->offloads.items[plan->offloads.count++] = move_of(residency, index);
    }
    place.device_slot = -1;
    set_place(residency, index, place);
    alisa_pool_give(&arena->pool, slot);
    return ALISA_OK;
}

/* Evicts until `wanted` slots are free or nothing may be evicted. `stale_only`: spares the tokens
 * of the layers' last lists. The plan has room for `wanted` offloads. */
static AlisaStatus make_room(AlisaResidency *residency, Arena *arena, uint32_t wanted,
                             bool stale_only, AlisaMovePlan *plan, AlisaError *error) {
    while (arena->pool.free_count < wanted) {
        int32_t victim = find_victim(residency, arena, stale_only);
        if (victim < 0) break;
        AlisaStatus status = evict(residency, arena, victim, plan, error);
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
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

/* Takes back all that a token has. */
static void clear_place(AlisaResidency *residency, uint32_t layer, uint64_t index, uint32_t flags) {
    const Place *place = &residency->places[index];
    if (place->device_slot >= 0) {
        alisa_pool_give(&residency->arenas[residency_arena(residency, layer)].pool,
                        place->device_slot);
    }
    if (place->host_slot >= 0) alisa_pool_give(&residency->host, place->host_slot);
    set_place(residency, index, (Place){-1, -1, flags});
}

/* ---- A step ------------------------------------------------------------------------------- */

AlisaStatus alisa_residency_place(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                  uint32_t first, uint32_t count, AlisaMovePlan *plan,
                                  AlisaError *error) {
    Arena *arena = &residency->arenas[residency_arena(residency, layer)];
    AlisaStatus status = alisa_move_plan_reserve(plan, count, error);
    size_t first_offload = plan->offloads.count;
    if (status == ALISA_OK) status = make_room(residency, arena, count, false, plan, error);
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
        set_place(residency, index, (Place){slot, -1, 0});
    }
    return ALISA_OK;
}

/* The entries of a list that have to be there: true for entry `i` that lies within the sequence. */
static bool list_index(const AlisaResidency *residency, uint32_t layer, const AlisaTokenList *list,
                       uint32_t i, uint64_t *index) {
    uint32_t position = list->positions ? list->positions[i] : i;
    *index = residency_index(residency, layer, list->sequence, position);
    if (position >= residency->extents[residency_row(residency, layer, list->sequence)])
        return false;
    AlisaTier tier = residency_tier_of(&residency->places[*index]);
    return tier != ALISA_TIER_ABSENT && tier != ALISA_TIER_FORGOTTEN;
}

/* Takes the mark off the first `list_count` lists. */
static void unmark(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *lists,
                   size_t list_count) {
    for (size_t l = 0; l < list_count; l++) {
        for (uint32_t i = 0; i < lists[l].count; i++) {
            uint64_t index;
            if (list_index(residency, layer, &lists[l], i, &index))
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
            if (!list_index(residency, layer, &lists[l], i, &index)) {
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
    set_place(residency, index, place);
    AlisaMoves *moves = place.host_slot >= 0 ? &plan->loads : &plan->rebuilds;
    moves->items[moves->count++] = move_of(residency, index);
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
    if (status == ALISA_OK) status = make_room(residency, arena, misses, false, plan, error);
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
            list_index(residency, layer, &lists[l], i, &index);
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
        make_room(residency, arena, misses + reserve, true, plan, NULL);
        alisa_moves_sort(&plan->offloads, first_offload);
        for (size_t l = 0; l < list_count; l++) {
            for (uint32_t i = 0; i < lists[l].count; i++) {
                uint64_t index;
                list_index(residency, layer, &lists[l], i, &index);
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

bool alisa_residency_all_on_device(const AlisaResidency *residency) {
    return residency->away == 0;
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
        set_place(residency, index, place);
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
        set_place(residency, index, place);
    }
}

/* ---- What a policy orders ----------------------------------------------------------------- */

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
            status = evict(residency, arena, place.device_slot, plan, error);
            continue;
        }
        if (place.host_slot >= 0 || place.flags & PLACE_REBUILDABLE) continue;
        place.host_slot = take_host_slot(residency, index, HOST_SPARE, false);
        if (place.host_slot < 0) break;
        set_place(residency, index, place);
        plan->offloads.items[plan->offloads.count++] = move_of(residency, index);
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
        set_place(residency, index, place);
    }
}

void alisa_residency_forget(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t index;
        if (list_index(residency, layer, list, i, &index))
            clear_place(residency, layer, index, PLACE_FORGOTTEN);
    }
}

AlisaStatus alisa_residency_refill(AlisaResidency *residency, uint32_t arena, AlisaMovePlan *plan,
                                   AlisaError *error) {
    size_t first_offload = plan->offloads.count;
    AlisaStatus status = alisa_move_plan_reserve(plan, residency->shape.reserve, error);
    if (status == ALISA_OK) {
        status = make_room(residency, &residency->arenas[arena], residency->shape.reserve, false,
                           plan, error);
    }
    alisa_moves_sort(&plan->offloads, first_offload);
    return status;
}

void alisa_residency_truncate(AlisaResidency *residency, uint32_t sequence, uint32_t length) {
    for (uint32_t layer = 0; layer < residency->shape.layer_count; layer++) {
        uint32_t *extent = &residency->extents[residency_row(residency, layer, sequence)];
        for (; *extent > length; (*extent)--)
            clear_place(residency, layer, residency_index(residency, layer, sequence, *extent - 1),
                        0);
    }
}
