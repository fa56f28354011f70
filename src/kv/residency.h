/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of where each row is: in a slot of the device, in a slot of the host, in both, or in
 * none. Pure: numbers in, numbers out; rows that have to be copied come back as arrays of moves.
 *
 * A row is what is kept of one token in one layer: its K and V, or its layer input. Layers share
 * arenas of device slots: layer L uses arena L % arena_count. All layers share the host's slots.
 *
 * One step, layer by layer:
 *   place     new tokens get device slots
 *   need      the tokens the layer attends to get device slots if they have none
 *   end       the layer has read them
 * Tokens that were placed or needed are held: they keep their slots until the layer's end. All
 * others may be evicted, in an order that suits a loop over layers: first tokens that were not in
 * the last list of their layer, the longest unused first; then the most recently used ones, which
 * the loop comes back to last.
 *
 * The time of an operation grows with the tokens it touches, not with the context. The caller
 * carries out its moves before those of the next operation, in the order offloads, loads, rebuilds,
 * because an offload may read a slot that a load overwrites. If an operation fails, the moves that
 * it had already made stand and are carried out too.
 */
#ifndef ALISA_KV_RESIDENCY_H
#define ALISA_KV_RESIDENCY_H

#include "base/status.h"

/* A row that is to be copied between its slots, or to be computed. */
typedef struct AlisaMove {
    uint32_t layer;
    uint32_t sequence;
    uint32_t position;
    int32_t device_slot; /* slot in the layer's arena; in an offload of an evicted token, the slot
                            it had */
    int32_t host_slot;   /* -1 in a rebuild */
} AlisaMove;

typedef struct AlisaMoves {
    AlisaMove *items;
    size_t count;
    size_t capacity;
} AlisaMoves;

/* Moves that operations add to. The moves of one operation ascend by host slot, so that rows whose
 * slots follow each other can be copied as one run. */
typedef struct AlisaMovePlan {
    AlisaMoves offloads; /* rows to copy to the host; those of one operation are of one arena */
    AlisaMoves loads;    /* rows to copy to the device */
    AlisaMoves rebuilds; /* rows to compute: they have a device slot, and nothing to copy from */
} AlisaMovePlan;

/* Empties the arrays, and keeps their memory. */
void alisa_move_plan_clear(AlisaMovePlan *plan);
/* Frees the arrays; a zeroed plan is allowed. */
void alisa_move_plan_finish(AlisaMovePlan *plan);

typedef struct AlisaResidencyShape {
    uint32_t layer_count;
    uint32_t sequence_count;
    uint32_t context_length; /* most tokens of a sequence */
    uint32_t arena_count;    /* <= layer_count */
    uint32_t device_slots;   /* slots of each arena */
    uint32_t host_slots;
    uint32_t reserve; /* slots of each arena that prefetch leaves free and refill frees */
} AlisaResidencyShape;

/* Where the row of a token is. */
typedef enum AlisaTier {
    ALISA_TIER_ABSENT,    /* nowhere: the token was never placed, or was cut off */
    ALISA_TIER_DEVICE,    /* on the device only */
    ALISA_TIER_BOTH,      /* on the device, with a copy on the host */
    ALISA_TIER_HOST,      /* on the host only */
    ALISA_TIER_DROPPED,   /* nowhere: the token was dropped, and can be rebuilt */
    ALISA_TIER_FORGOTTEN, /* nowhere: the token was forgotten, and must not be needed again */
    ALISA_TIER_COUNT
} AlisaTier;

/* Tokens of one sequence. `positions` NULL stands for 0 .. count - 1; a position may be repeated.
 */
typedef struct AlisaTokenList {
    uint32_t sequence;
    uint32_t count;
    const uint32_t *positions;
} AlisaTokenList;

/* What becomes of tokens that a step loads. */
typedef enum AlisaResidencyUse {
    ALISA_USE_KEEP,  /* they stay on the device until they are evicted */
    ALISA_USE_STREAM /* they give up their device slots at the layer's end */
} AlisaResidencyUse;

typedef struct AlisaResidency AlisaResidency;

AlisaStatus alisa_residency_create(const AlisaResidencyShape *shape, AlisaResidency **residency,
                                   AlisaError *error);
void alisa_residency_destroy(AlisaResidency *residency);
const AlisaResidencyShape *alisa_residency_shape(const AlisaResidency *residency);

/* Gives device slots to `count` tokens from `first` on, none of which was placed before, and holds
 * them until the layer's end. If there are too few slots that are free or may be freed, places none
 * and fails with ALISA_ERROR_MEMORY. */
AlisaStatus alisa_residency_place(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                  uint32_t first, uint32_t count, AlisaMovePlan *plan,
                                  AlisaError *error);

/* Gives device slots to all tokens of the lists and holds them until the layer's end. Called once a
 * step for a layer, with the lists of all sequences. A token that was never placed or was forgotten
 * is ALISA_ERROR_ARGUMENT, and more tokens than slots are ALISA_ERROR_MEMORY; both load nothing. */
AlisaStatus alisa_residency_need(AlisaResidency *residency, uint32_t layer,
                                 const AlisaTokenList *lists, size_t list_count,
                                 AlisaResidencyUse use, AlisaMovePlan *plan, AlisaError *error);

/* Called after a failure, if the rebuilds of a layer's last `need` were not computed: takes from
 * their tokens the device slots, which hold nothing, and ends the layer. */
void alisa_residency_abandon(AlisaResidency *residency, const AlisaMoves *rebuilds);

/* Takes the place of `need`, at no cost, if all tokens of all layers are on the device, so that no
 * list can miss one: then it returns true and holds all tokens of the layer until its end. */
bool alisa_residency_pass(AlisaResidency *residency, uint32_t layer);

/* Called after the layer's end with the lists that its next `need` will be given: loads as many of
 * their tokens as there is room for without touching the reserve and without evicting a token of
 * any layer's last list. Holds none of them. Tokens that have to be rebuilt are left to `need`. */
AlisaStatus alisa_residency_prefetch(AlisaResidency *residency, uint32_t layer,
                                     const AlisaTokenList *lists, size_t list_count,
                                     AlisaMovePlan *plan, AlisaError *error);

/* The layer has read its tokens, which are no longer held; those that were streamed give up their
 * device slots. */
void alisa_residency_end(AlisaResidency *residency, uint32_t layer);

/* Copies those of the tokens first .. first + count - 1 to the host that have no host slot. With
 * `release`, all of these tokens give up their device slots, for which the layer must have ended.
 * Without it they keep them, copies are made only as far as host slots are free, and evicting the
 * tokens later needs no copy. */
AlisaStatus alisa_residency_offload(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                    uint32_t first, uint32_t count, bool release,
                                    AlisaMovePlan *plan, AlisaError *error);

/* Drops tokens, which can be rebuilt from now on: they give up their host slots; those that are on
 * the device stay there until they are evicted, without a copy. */
void alisa_residency_drop(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                          uint32_t first, uint32_t count);

/* Forgets tokens: they give up all slots and must not be needed again. Not to be called between
 * need and end. */
void alisa_residency_forget(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *list);

/* Evicts until the arena has its reserve of free slots, or all its tokens are held. */
AlisaStatus alisa_residency_refill(AlisaResidency *residency, uint32_t arena, AlisaMovePlan *plan,
                                   AlisaError *error);

/* Cuts a sequence back to `length` tokens: the others give up all slots, in all layers. */
void alisa_residency_truncate(AlisaResidency *residency, uint32_t sequence, uint32_t length);

/* Whether all tokens of all layers are on the device. */
bool alisa_residency_all_on_device(const AlisaResidency *residency);
AlisaTier alisa_residency_tier(const AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                               uint32_t position);
/* The slot of a token in its layer's arena; -1 if it has none. */
int32_t alisa_residency_device_slot(const AlisaResidency *residency, uint32_t layer,
                                    uint32_t sequence, uint32_t position);
/* The number of a layer's tokens in each tier, of ALISA_TIER_COUNT; that of ALISA_TIER_ABSENT is 0.
 */
const uint64_t *alisa_residency_counts(const AlisaResidency *residency, uint32_t layer);
uint32_t alisa_residency_free_device_slots(const AlisaResidency *residency, uint32_t arena);
uint32_t alisa_residency_free_host_slots(const AlisaResidency *residency);

/* NULL, or a sentence about what is wrong. Every slot must have one owner or none, tokens and slots
 * must name each other, and lists and counts must agree. Walks through everything. */
const char *alisa_residency_check(const AlisaResidency *residency);

#endif
