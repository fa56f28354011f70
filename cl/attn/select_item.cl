/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection (attn/select.clh) for devices where one work-item does a long vector job (CPUs): a work-item
 * does a list of a update. The globals are found by radix select, one bit at a time from the top: a
 * threshold gets the bit if enough candidates reach it. Counting those is the fastest thing a
 * processor with vectors can do, and candidates of one list fit its nearest cache.
 *
 * Needs -DSOURCE -DPLACE.
 */
#include "attn/select.clh"

/* 16 candidates from `position` on. */
static inline uint16 load_values(const List *list, __global const uint *values, uint position)
{
#if SOURCE == BY_CHANCE
    uint16 x = list->stream + position + (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    return x ^ (x >> 16);
#else
    return vload16(0, values + position);
#endif
}

/* Halves to halves, by elements: see sum16 of prelude.clh. A comparison of vectors is -1 where it
 * holds. */
static inline uint count_true(int16 v)
{
    return -((((v.s0 + v.s8) + (v.s4 + v.sc)) + ((v.s1 + v.s9) + (v.s5 + v.sd))) +
             (((v.s2 + v.sa) + (v.s6 + v.se)) + ((v.s3 + v.sb) + (v.s7 + v.sf))));
}

static inline uint max16(uint16 v)
{
    return max(max(max(max(v.s0, v.s8), max(v.s4, v.sc)), max(max(v.s1, v.s9), max(v.s5, v.sd))),
               max(max(max(v.s2, v.sa), max(v.s6, v.se)), max(max(v.s3, v.sb), max(v.s7, v.sf))));
}

/* Candidates in [first, end) that are at least `threshold`. */
static uint count_reaching(const List *list, __global const uint *values, uint first, uint end,
                           uint threshold)
{
    int16 sum = 0, more = 0;
    uint position = first;
    for (; position + 32 <= end; position += 32) {
        sum += load_values(list, values, position) >= (uint16)(threshold);
        more += load_values(list, values, position + 16) >= (uint16)(threshold);
    }
    uint count = count_true(sum + more);
    for (; position < end; position++)
        count += VALUE_AT(list, values, position) >= threshold;
    return count;
}

static uint largest_of(const List *list, __global const uint *values, uint first, uint end)
{
    uint16 largest = 0;
    uint position = first, result = 0;
    for (; position + 16 <= end; position += 16)
        largest = max(largest, load_values(list, values, position));
    for (; position < end; position++)
        result = max(result, VALUE_AT(list, values, position));
    return max(result, max16(largest));
}

static void pick_largest(const List *list, const Update *update)
{
    __global const uint *values = values_of(list, update);
    uint first = update->sinks, end = update->count - update->locals, wanted = update->globals;
    uint threshold = 0, reaching = end - first;
    uint largest = largest_of(list, values, first, end);
    for (uint bit = 1u << (31 - min(clz(largest), 31u)); bit > 0 && reaching > wanted; bit >>= 1) {
        uint count = count_reaching(list, values, first, end, threshold | bit);
        if (count >= wanted) {
            threshold |= bit;
            reaching = count;
        }
    }
    /* Those above the threshold are all wanted; of those that equal it, the first `equal`. */
    uint equal = wanted;
    if (threshold < 0xffffffffu)
        equal -= count_reaching(list, values, first, end, threshold + 1);
    __global uint *out = list->positions + update->sinks;
    for (uint position = first; position < end; position++) {
        uint value = VALUE_AT(list, values, position);
        uint same = value == threshold && equal > 0;
        *out = position; /* to be overwritten, at last by the first local, unless it is taken */
        out += (value > threshold) + same;
        equal -= same;
    }
}

__kernel void select_item(__global const Sizes *sizes, __global const Update *updates,
                          __global const Move *moves, __global const uint *rows, uint row_stride,
                          __global uint *sums, __global ushort *codes, __global PLACE *places,
                          __global uint *lists, uint sequences, uint layer, uint first_update)
{
    const Sizes own_sizes = *sizes;
    const Update update = updates[first_update + get_global_id(0)];
    const List list = list_of(&own_sizes, &update, layer, get_global_id(1), rows, row_stride, sums, codes,
                              places, lists, sequences);

    for (uint m = 0; m < update.moves; m++) {
        const Move move = moves[update.first_move + m];
        for (uint i = 0; i < move.entries; i++)
            move_entry(&list, &own_sizes, &move, i);
    }
    if (update.count == 0)
        return;
    for (uint i = 0; i < update.sinks; i++)
        list.positions[i] = i;
#if SOURCE == BY_RULE
    for (uint i = 0; i < update.globals; i++)
        list.positions[update.sinks + i] = even_position(&update, i);
#else
    if (update.globals > 0)
        pick_largest(&list, &update);
#endif
    for (uint i = 0; i < update.locals; i++)
        list.positions[update.sinks + update.globals + i] = update.count - update.locals + i;
}
