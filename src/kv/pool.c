/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/pool.h"

#include <stdlib.h>

static int32_t head_of(const AlisaPool *pool, uint32_t list) {
    return (int32_t)(pool->slot_count + list);
}

static void unlink_slot(AlisaPoolLink *links, int32_t slot) {
    AlisaPoolLink link = links[slot];
    links[link.previous].next = link.next;
    links[link.next].previous = link.previous;
}

static void link_before(AlisaPoolLink *links, int32_t slot, int32_t next) {
    int32_t previous = links[next].previous;
    links[slot] = (AlisaPoolLink){previous, next};
    links[previous].next = slot;
    links[next].previous = slot;
}

AlisaStatus alisa_pool_init(AlisaPool *pool, uint32_t slot_count, uint32_t list_count,
                            const char *what, AlisaError *error) {
    *pool = (AlisaPool){.slot_count = slot_count, .list_count = list_count};
    if ((uint64_t)slot_count + list_count > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s: %u slots are more than 2^31", what,
                               slot_count);
    }
    pool->links = alisa_allocate((size_t)slot_count + list_count, sizeof *pool->links, what, error);
    pool->owners = alisa_allocate(slot_count, sizeof *pool->owners, what, error);
    if (!pool->links || !pool->owners) {
        alisa_pool_finish(pool);
        return ALISA_ERROR_MEMORY;
    }
    for (uint32_t list = 0; list < list_count; list++) {
        int32_t head = head_of(pool, list);
        pool->links[head] = (AlisaPoolLink){head, head};
    }
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        pool->owners[slot] = ALISA_POOL_NOBODY;
        link_before(pool->links, (int32_t)slot, head_of(pool, ALISA_POOL_FREE));
    }
    pool->free_count = slot_count;
    return ALISA_OK;
}

void alisa_pool_finish(AlisaPool *pool) {
    free(pool->links);
    free(pool->owners);
    *pool = (AlisaPool){0};
}

int32_t alisa_pool_take(AlisaPool *pool, uint64_t owner, uint32_t list) {
    int32_t slot = alisa_pool_first(pool, ALISA_POOL_FREE);
    if (slot < 0) return -1;
    pool->free_count--;
    pool->owners[slot] = owner;
    alisa_pool_move(pool, slot, list);
    return slot;
}

void alisa_pool_give(AlisaPool *pool, int32_t slot) {
    pool->free_count++;
    pool->owners[slot] = ALISA_POOL_NOBODY;
    /* To the front: the memory used last is taken first. */
    unlink_slot(pool->links, slot);
    link_before(pool->links, slot, pool->links[head_of(pool, ALISA_POOL_FREE)].next);
}

void alisa_pool_move(AlisaPool *pool, int32_t slot, uint32_t list) {
    unlink_slot(pool->links, slot);
    link_before(pool->links, slot, head_of(pool, list));
}

void alisa_pool_splice(AlisaPool *pool, uint32_t from, uint32_t to) {
    AlisaPoolLink *links = pool->links;
    int32_t source = head_of(pool, from), target = head_of(pool, to);
    int32_t first = links[source].next, last = links[source].previous;
    if (first == source) return;
    int32_t before = links[target].previous;
    links[before].next = first;
    links[first].previous = before;
    links[last].next = target;
    links[target].previous = last;
    links[source] = (AlisaPoolLink){source, source};
}

int32_t alisa_pool_first(const AlisaPool *pool, uint32_t list) {
    return alisa_pool_next(pool, head_of(pool, list));
}

int32_t alisa_pool_last(const AlisaPool *pool, uint32_t list) {
    return alisa_pool_previous(pool, head_of(pool, list));
}

int32_t alisa_pool_next(const AlisaPool *pool, int32_t slot) {
    int32_t next = pool->links[slot].next;
    return next < (int32_t)pool->slot_count ? next : -1;
}

int32_t alisa_pool_previous(const AlisaPool *pool, int32_t slot) {
    int32_t previous = pool->links[slot].previous;
    return previous < (int32_t)pool->slot_count ? previous : -1;
}

/* Walks one list; *seen counts the slots of all lists, so that a list that loops ends. */
static bool check_list(const AlisaPool *pool, uint32_t list, uint64_t *seen,
                       bool (*visit)(void *user, uint32_t list, int32_t slot, uint64_t owner),
                       void *user) {
    int32_t head = head_of(pool, list);
    for (int32_t at = head, next; (next = pool->links[at].next) != head; at = next) {
        if (next < 0 || next >= (int32_t)pool->slot_count || pool->links[next].previous != at)
            return false;
        if (++*seen > pool->slot_count) return false;
        if ((pool->owners[next] == ALISA_POOL_NOBODY) != (list == ALISA_POOL_FREE)) return false;
        if (!visit(user, list, next, pool->owners[next])) return false;
    }
    return true;
}

bool alisa_pool_check(const AlisaPool *pool,
                      bool (*visit)(void *user, uint32_t list, int32_t slot, uint64_t owner),
                      void *user) {
    uint64_t seen = 0;
    for (uint32_t list = ALISA_POOL_FREE; list < pool->list_count; list++) {
        if (!check_list(pool, list, &seen, visit, user)) return false;
        if (list == ALISA_POOL_FREE && seen != pool->free_count) return false;
    }
    /* No slot was met twice: each has one `previous`, and it agreed. */
    return seen == pool->slot_count;
}
