/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the residency share: the tables behind AlisaResidency (residency.c) and who has
 * to leave (eviction.c).
 */
#ifndef ALISA_KV_RESIDENCY_INTERNAL_H
#define ALISA_KV_RESIDENCY_INTERNAL_H

#include "kv/pool.h"
#include "kv/residency.h"

enum {
    PLACE_REBUILDABLE = 1u << 0, /* dropped: the token can be rebuilt, and eviction needs no copy */
    PLACE_FORGOTTEN = 1u << 1,   /* the token is gone for good */
    PLACE_STREAMED = 1u << 2,    /* the token gives up its device slot at the layer's end */
    PLACE_WANTED = 1u << 3       /* the operation under way has counted the token as a miss */
};

/* Where the row of a token is; a slot is -1 if it has none. */
typedef struct Place {
    int32_t device_slot;
    int32_t host_slot;
    uint32_t flags;
} Place;

/* Lists of an arena's pool beside that of free slots. From ARENA_LISTS on there are two for each
 * layer of the arena: residency_held_list and residency_streamed_list. */
enum {
    ARENA_IDLE = 1, /* slots of tokens that may be evicted, the longest unused first */
    ARENA_LISTS = 2
};

/* Lists of the host's pool beside that of free slots. */
enum {
    HOST_ONLY = 1,  /* slots that may hold the only copy of a row */
    HOST_SPARE = 2, /* slots whose row is on the device too, until it is evicted there */
    HOST_LISTS = 3
};

typedef struct Arena {
    AlisaPool pool;
    uint32_t *stamps; /* [device_slots] the generation of its layer in which a slot was last used */
} Arena;

/* The index of a token in a layer is (layer * sequence_count + sequence) * context_length +
 * position; pools know it as the owner of a slot. */
struct AlisaResidency {
    AlisaResidencyShape shape;
    Place *places;         /* [index]; valid up to the extent of its sequence */
    uint32_t *extents;     /* [layer][sequence] one past the last position that was placed */
    uint32_t *generations; /* [layer] how many times the layer was given lists */
    uint64_t (*counts)[ALISA_TIER_COUNT]; /* [layer][tier] tokens */
    Arena *arenas;                        /* [arena_count] */
    bool *passed;  /* [layer] all tokens of the layer are held, whatever list they are in */
    uint64_t away; /* tokens of all layers that are not on the device */
    AlisaPool host;
};

/* Makes room for `more` moves in each array of the plan, so that an operation cannot fail half-way.
 */
AlisaStatus alisa_move_plan_reserve(AlisaMovePlan *plan, size_t more, AlisaError *error);
/* Sorts the moves from `first` on by host slot. */
void alisa_moves_sort(AlisaMoves *moves, size_t first);

/* Every change of a place goes through here: it keeps the counts. */
void alisa_residency_set_place(AlisaResidency *residency, uint64_t index, Place now);
/* Whether entry `i` of a list is a token that can be had: it lies within the sequence, was placed
 * and is not forgotten. *index is its index, or the one it would have. */
bool alisa_residency_list_index(const AlisaResidency *residency, uint32_t layer,
                                const AlisaTokenList *list, uint32_t i, uint64_t *index);

/* The move of a token between the slots it has. */
AlisaMove alisa_residency_move(const AlisaResidency *residency, uint64_t index);
/* A host slot for a token that has none: a free one, or, where `reclaim`, the spare copy made last,
 * whose token is the least likely to be evicted soon. -1: every slot holds an only copy. */
int32_t alisa_residency_take_host_slot(AlisaResidency *residency, uint64_t index, uint32_t list,
                                       bool reclaim);
/* Takes the device slot of an idle token. */
AlisaStatus alisa_residency_evict(AlisaResidency *residency, Arena *arena, int32_t slot,
                                  AlisaMovePlan *plan, AlisaError *error);
/* Evicts until `wanted` slots are free or nothing may be evicted. `stale_only`: spares the tokens
 * of the layers' last lists. The plan has room for `wanted` offloads. */
AlisaStatus alisa_residency_make_room(AlisaResidency *residency, Arena *arena, uint32_t wanted,
                                      bool stale_only, AlisaMovePlan *plan, AlisaError *error);
/* Takes back all that a token has. */
void alisa_residency_clear_place(AlisaResidency *residency, uint32_t layer, uint64_t index,
                                 uint32_t flags);

static inline uint64_t residency_row(const AlisaResidency *residency, uint32_t layer,
                                     uint32_t sequence) {
    return (uint64_t)layer * residency->shape.sequence_count + sequence;
}

static inline uint64_t residency_index(const AlisaResidency *residency, uint32_t layer,
                                       uint32_t sequence, uint32_t position) {
    return residency_row(residency, layer, sequence) * residency->shape.context_length + position;
}

static inline uint32_t residency_arena(const AlisaResidency *residency, uint32_t layer) {
    return layer % residency->shape.arena_count;
}

/* The list of slots of tokens that a layer holds. */
static inline uint32_t residency_held_list(const AlisaResidency *residency, uint32_t layer) {
    return ARENA_LISTS + 2 * (layer / residency->shape.arena_count);
}

/* The list of slots of tokens that a layer streams. */
static inline uint32_t residency_streamed_list(const AlisaResidency *residency, uint32_t layer) {
    return residency_held_list(residency, layer) + 1;
}

static inline AlisaTier residency_tier_of(const Place *place) {
    if (place->device_slot >= 0) return place->host_slot >= 0 ? ALISA_TIER_BOTH : ALISA_TIER_DEVICE;
    if (place->host_slot >= 0) return ALISA_TIER_HOST;
    if (place->flags & PLACE_FORGOTTEN) return ALISA_TIER_FORGOTTEN;
    return place->flags & PLACE_REBUILDABLE ? ALISA_TIER_DROPPED : ALISA_TIER_ABSENT;
}

#endif
