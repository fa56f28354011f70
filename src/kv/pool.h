/*
 * A pool of numbered slots, each in exactly one list of its pool. Lists are doubly linked through
 * arrays, so taking, giving back and moving a slot cost the same however large the pool is.
 */
#ifndef ALISA_KV_POOL_H
#define ALISA_KV_POOL_H

#include "base/status.h"

#define ALISA_POOL_NOBODY UINT64_MAX

/* List 0 holds the free slots. */
enum { ALISA_POOL_FREE = 0 };

typedef struct AlisaPoolLink {
    int32_t previous;
    int32_t next;
} AlisaPoolLink;

typedef struct AlisaPool {
    AlisaPoolLink *links; /* [slot_count + list_count]: heads of the lists lie behind the slots */
    uint64_t *owners;     /* [slot_count] ALISA_POOL_NOBODY for free slots */
    uint32_t slot_count;
    uint32_t list_count;
    uint32_t free_count;
} AlisaPool;

/* All slots free, taken in ascending order at first. slot_count + list_count <= INT32_MAX. */
AlisaStatus alisa_pool_init(AlisaPool *pool, uint32_t slot_count, uint32_t list_count,
                            const char *what, AlisaError *error);
/* Takes a zeroed pool. */
void alisa_pool_finish(AlisaPool *pool);

/* A free slot, given to `owner` and put at the end of `list`; -1 where none is free. */
int32_t alisa_pool_take(AlisaPool *pool, uint64_t owner, uint32_t list);
void alisa_pool_give(AlisaPool *pool, int32_t slot);
/* Moves a taken slot to the end of `list`. */
void alisa_pool_move(AlisaPool *pool, int32_t slot, uint32_t list);
/* Moves every slot of `from` to the end of `to`, in their order; both hold taken slots. */
void alisa_pool_splice(AlisaPool *pool, uint32_t from, uint32_t to);
/* Ends of a list, -1 where it is empty. */
int32_t alisa_pool_first(const AlisaPool *pool, uint32_t list);
int32_t alisa_pool_last(const AlisaPool *pool, uint32_t list);
/* The slot after or before `slot` in its list, -1 past its end. */
int32_t alisa_pool_next(const AlisaPool *pool, int32_t slot);
int32_t alisa_pool_previous(const AlisaPool *pool, int32_t slot);

/* Calls `visit` for the slots of all lists; false as soon as `visit` says so, or where links
 * disagree, a slot is in no list or in two, or a free slot has an owner or another none. */
bool alisa_pool_check(const AlisaPool *pool,
                      bool (*visit)(void *user, uint32_t list, int32_t slot, uint64_t owner),
                      void *user);

#endif
