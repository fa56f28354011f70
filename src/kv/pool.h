/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of numbered slots, each in exactly one list of its pool. Lists are doubly linked through
 * arrays, so taking, giving back and moving a slot cost the same however large the pool is.
 */
#ifndef ALISA_KV_POOL_H
#define ALISA_KV_POOL_H

#include "base/status.h"

/* The owner of a free slot. */
#define ALISA_POOL_NOBODY UINT64_MAX

/* List 0 holds the free slots. */
enum { ALISA_POOL_FREE = 0 };

typedef struct AlisaPoolLink {
    int32_t previous;
    int32_t next;
} AlisaPoolLink;

typedef struct AlisaPool {
    AlisaPoolLink *links; /* [slot_count + list_count]: heads of the lists lie behind the slots */
    uint64_t *owners;     /* [slot_count] */
    uint32_t slot_count;
    uint32_t list_count;
    uint32_t free_count;
} AlisaPool;

/* Makes a pool of free slots, which are taken in ascending order at first. list_count counts the
 * list of free slots too; slot_count + list_count is at most INT32_MAX. `what` names the pool in
 * errors.
 */
AlisaStatus alisa_pool_init(AlisaPool *pool, uint32_t slot_count, uint32_t list_count,
                            const char *what, AlisaError *error);
/* Frees the pool; a zeroed pool is allowed. */
void alisa_pool_finish(AlisaPool *pool);

/* Gives a free slot to `owner` and puts it at the end of `list`; -1 if none is free. */
int32_t alisa_pool_take(AlisaPool *pool, uint64_t owner, uint32_t list);
/* Makes a taken slot free. */
void alisa_pool_give(AlisaPool *pool, int32_t slot);
/* Moves a taken slot to the end of `list`. */
void alisa_pool_move(AlisaPool *pool, int32_t slot, uint32_t list);
/* Moves every slot of `from` to the end of `to`, in their order; neither is the list of free slots.
 */
void alisa_pool_splice(AlisaPool *pool, uint32_t from, uint32_t to);
/* The slots at the ends of a list; -1 if it is empty. */
int32_t alisa_pool_first(const AlisaPool *pool, uint32_t list);
int32_t alisa_pool_last(const AlisaPool *pool, uint32_t list);
/* The slot after or before `slot` in its list, -1 past its end. */
int32_t alisa_pool_next(const AlisaPool *pool, int32_t slot);
int32_t alisa_pool_previous(const AlisaPool *pool, int32_t slot);

/* Calls `visit` for the slots of all lists. False as soon as `visit` returns false, or if links
 * disagree, a slot is in no list or in two, a free slot has an owner or a taken one has none. */
bool alisa_pool_check(const AlisaPool *pool,
                      bool (*visit)(void *user, uint32_t list, int32_t slot, uint64_t owner),
                      void *user);

#endif
