/*
 * Where the row of each token is, token by token and layer by layer: in a slot of the device, in a
 * slot of the host, in both, nowhere but computable again, or nowhere for good. Pure: numbers in,
 * numbers out; what has to be copied comes back as arrays of moves.
 *
 * A row is whatever is kept of one token of one layer (its K and V, or the layer's input). Layers
 * share arenas of device slots: layer L uses arena L % arena_count. Host slots are shared by all.
 *
 * One step, layer by layer:
 *   place     new tokens get device slots
 *   need      the tokens the layer attends to get device slots if they have none
 *   end       the layer has read them
 * Between `place` or `need` and `end` the layer's tokens keep their slots. All others may be
 * evicted, in an order that suits a loop over layers: first those that were not in the last list of
 * their layer, the longest unused first; then those used last, whose turn comes last.
 *
 * Every operation costs the tokens it touches, whatever the context. Its moves are to be carried
 * out before those of the next operation are, in this order: offloads, then loads, then rebuilds
 * (an offload reads a slot that a load may overwrite). If an operation fails, the moves it had
 * already made stand, and are to be carried out too.
 */
#ifndef ALISA_KV_RESIDENCY_H
#define ALISA_KV_RESIDENCY_H

#include "base/status.h"

typedef struct AlisaMove {
    uint32_t layer;
    uint32_t sequence;
    uint32_t position;
    int32_t device_slot; /* in the layer's arena; for offloads of evicted tokens, of old */
    int32_t host_slot;   /* -1 in rebuilds */
} AlisaMove;

typedef struct AlisaMoves {
    AlisaMove *items;
    size_t count;
    size_t capacity;
} AlisaMoves;

/* What operations add to; the moves of one operation ascend by host slot, so that slots which
 * follow each other can be copied as one. */
typedef struct AlisaMovePlan {
    AlisaMoves offloads; /* device -> host; all of one arena */
    AlisaMoves loads;    /* host -> device */
    AlisaMoves rebuilds; /* nothing to copy from: the device slot's row is to be computed */
} AlisaMovePlan;

void alisa_move_plan_clear(AlisaMovePlan *plan);
/* Takes a zeroed plan. */
void alisa_move_plan_finish(AlisaMovePlan *plan);

typedef struct AlisaResidencyShape {
    uint32_t layer_count;
    uint32_t sequence_count;
    uint32_t context_length; /* tokens a sequence can hold */
    uint32_t arena_count;    /* <= layer_count */
    uint32_t device_slots;   /* of each arena */
    uint32_t host_slots;
    uint32_t reserve; /* device slots of each arena that prefetch leaves and refill makes free */
} AlisaResidencyShape;

/* Where a token is. */
typedef enum AlisaTier {
    ALISA_TIER_ABSENT,    /* was never placed */
    ALISA_TIER_DEVICE,    /* on the device only */
    ALISA_TIER_BOTH,      /* in both */
    ALISA_TIER_HOST,      /* on the host only */
    ALISA_TIER_DROPPED,   /* nowhere, but it can be computed again */
    ALISA_TIER_FORGOTTEN, /* nowhere: it must not be needed again */
    ALISA_TIER_COUNT
} AlisaTier;

/* Tokens of one sequence; positions NULL means 0 .. count - 1. Repeated positions do no harm. */
typedef struct AlisaTokenList {
    uint32_t sequence;
    uint32_t count;
    const uint32_t *positions;
} AlisaTokenList;

typedef enum AlisaResidencyUse {
    ALISA_USE_KEEP,  /* loaded tokens stay until they are evicted */
    ALISA_USE_STREAM /* loaded tokens give their device slots back at the layer's end */
} AlisaResidencyUse;

typedef struct AlisaResidency AlisaResidency;

AlisaStatus alisa_residency_create(const AlisaResidencyShape *shape, AlisaResidency **residency,
                                   AlisaError *error);
void alisa_residency_destroy(AlisaResidency *residency);

/* Gives device slots to `count` tokens from `first` on, none of which may have a place yet, and
 * holds them until the layer's end. No slot to be had: ALISA_ERROR_MEMORY, nothing placed. */
AlisaStatus alisa_residency_place(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                  uint32_t first, uint32_t count, AlisaMovePlan *plan,
                                  AlisaError *error);

/* Makes all tokens of the lists resident and holds them until the layer's end. To be called once a
 * step for a layer, with the lists of all sequences. A token that is nowhere:
 * ALISA_ERROR_ARGUMENT; more tokens than slots: ALISA_ERROR_MEMORY; then nothing is loaded. */
AlisaStatus alisa_residency_need(AlisaResidency *residency, uint32_t layer,
                                 const AlisaTokenList *lists, size_t list_count,
                                 AlisaResidencyUse use, AlisaMovePlan *plan, AlisaError *error);

/* After a failure, in place of computing the rows of these rebuilds of a layer's last `need`: the
 * tokens lose their slots, in which there is nothing. Ends the layer. */
void alisa_residency_abandon(AlisaResidency *residency, const AlisaMoves *rebuilds);

/* In place of `need`, at no cost: true where all tokens of all layers are on the device, so that no
 * list can miss one. Then all tokens of the layer are held until its end. */
bool alisa_residency_pass(AlisaResidency *residency, uint32_t layer);

/* Says what the layer's next list will be, after its end: loads as many of its tokens as there is
 * room for without the reserve and without evicting a token of any layer's last list. Holds none.
 * Tokens that would have to be rebuilt are left to `need`. */
AlisaStatus alisa_residency_prefetch(AlisaResidency *residency, uint32_t layer,
                                     const AlisaTokenList *lists, size_t list_count,
                                     AlisaMovePlan *plan, AlisaError *error);

void alisa_residency_end(AlisaResidency *residency, uint32_t layer);

/* Copies the tokens first .. first + count - 1 that have no host slot to the host. `release`: all
 * of them give up their device slots (a layer's tokens after its end only). Without it the copies
 * are made ahead, as far as there are free host slots; they make later evictions free. */
AlisaStatus alisa_residency_offload(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                                    uint32_t first, uint32_t count, bool release,
                                    AlisaMovePlan *plan, AlisaError *error);

/* The tokens can be computed again from now on: gives back their host slots; those on the device
 * only will be evicted without a copy. */
void alisa_residency_drop(AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                          uint32_t first, uint32_t count);

/* The tokens will not be needed again: gives back all they have. Not between need and end. */
void alisa_residency_forget(AlisaResidency *residency, uint32_t layer, const AlisaTokenList *list);

/* Evicts until each arena has its reserve of free slots, or all its tokens are held. */
AlisaStatus alisa_residency_refill(AlisaResidency *residency, uint32_t arena, AlisaMovePlan *plan,
                                   AlisaError *error);

/* Takes back what positions >= length of a sequence hold, in all layers. 0 releases it. */
void alisa_residency_truncate(AlisaResidency *residency, uint32_t sequence, uint32_t length);

/* Whether all tokens of all layers have device slots. */
bool alisa_residency_all_on_device(const AlisaResidency *residency);
AlisaTier alisa_residency_tier(const AlisaResidency *residency, uint32_t layer, uint32_t sequence,
                               uint32_t position);
/* -1 where the token has none. */
int32_t alisa_residency_device_slot(const AlisaResidency *residency, uint32_t layer,
                                    uint32_t sequence, uint32_t position);
/* Tokens of a layer in each tier (ALISA_TIER_ABSENT: 0). */
const uint64_t *alisa_residency_counts(const AlisaResidency *residency, uint32_t layer);
uint32_t alisa_residency_free_device_slots(const AlisaResidency *residency, uint32_t arena);
uint32_t alisa_residency_free_host_slots(const AlisaResidency *residency);

/* NULL, or what is wrong: every slot has one owner or none, tokens and slots name each other, lists
 * and counts agree, every token that was placed is somewhere. Walks everything. */
const char *alisa_residency_check(const AlisaResidency *residency);

#endif
