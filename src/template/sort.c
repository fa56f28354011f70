/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"

#include <string.h>

typedef struct Sorted {
    AlisaValue item, key;
} Sorted;

static int order_of(AlisaArena *arena, AlisaValue left, AlisaValue right) {
    int order;
    if (!alisa_value_compare(arena, left, right, &order)) {
        alisa_value_require(arena, left);
        alisa_value_require(arena, right);
        alisa_arena_fail(arena, "sort: a %s and a %s have no order", alisa_value_type(left),
                         alisa_value_type(right));
    }
    return order;
}

/* Merges the sorted runs first..middle and middle..end of `from` into `to`. */
static void merge(AlisaArena *arena, const Sorted *from, Sorted *to, size_t first, size_t middle,
                  size_t end, int direction) {
    size_t left = first, right = middle;
    for (size_t i = first; i < end; i++) {
        bool take_left =
            right >= end ||
            (left < middle && direction * order_of(arena, from[left].key, from[right].key) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

void alisa_sort_by_keys(AlisaArena *arena, AlisaValue *items, AlisaValue *keys, size_t count,
                        bool descending) {
    Sorted *from = alisa_arena_take(arena, count, sizeof *from);
    Sorted *to = alisa_arena_take(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++)
        from[i] = (Sorted){items[i], keys[i]};
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t first = 0; first < count; first += 2 * width) {
            size_t middle = first + width < count ? first + width : count;
            size_t end = middle + width < count ? middle + width : count;
            merge(arena, from, to, first, middle, end, descending ? -1 : 1);
        }
        Sorted *other = from;
        from = to;
        to = other;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = from[i].item;
}

const AlisaPair *alisa_sort_pairs(AlisaArena *arena, const AlisaDict *dict) {
    AlisaPair *pairs = alisa_arena_take(arena, dict->count, sizeof *pairs);
    AlisaValue *keys = alisa_arena_take(arena, dict->count, sizeof *keys);
    AlisaValue *places = alisa_arena_take(arena, dict->count, sizeof *places);
    for (size_t i = 0; i < dict->count; i++) {
        keys[i] = dict->pairs[i].key;
        places[i] = alisa_value_integer((int64_t)i);
    }
    alisa_sort_by_keys(arena, places, keys, dict->count, false);
    for (size_t i = 0; i < dict->count; i++)
        pairs[i] = dict->pairs[places[i].integer];
    return pairs;
}
