/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection (attn/select.clh) for devices where many work-items cooperate: a work-group of GROUP does a
 * list of a update. The globals are found by radix select, 8 bits at a time from the top: a histogram
 * of those candidates that agree with the threshold so far tells the threshold's next 8 bits. Then
 * each work-item writes those of its own stretch of candidates, at the place that a scan of their
 * numbers gives: ascending, and of equal values the first.
 *
 * Needs -DGROUP (a power of two from 16 on) -DSOURCE -DPLACE.
 */
#include "attn/select.clh"

#define BINS  256
#define BATCH 8 /* values under way at once */

typedef struct Shared {
    __local uint *histogram; /* [BINS] */
    __local uint *coarse;    /* [16]: sums of 16 bins */
    __local uint2 *before;   /* [GROUP] */
} Shared;

/* Candidates [begin, end) of a work-item. */
typedef struct Stretch {
    uint begin;
    uint end;
} Stretch;

static inline Stretch stretch_of(uint first, uint end)
{
    uint each = (end - first + GROUP - 1) / GROUP;
    Stretch stretch;
    stretch.begin = min(first + each * (uint)get_local_id(0), end);
    stretch.end = min(stretch.begin + each, end);
    return stretch;
}

/* Values of `begin` and every `step`-th position after it; past the end the last one again. */
static inline void load_batch(const List *list, __global const uint *values, uint begin, uint step,
                              uint end, uint *batch)
{
#pragma unroll
    for (uint i = 0; i < BATCH; i++)
        batch[i] = VALUE_AT(list, values, min(begin + i * step, end - 1));
}

/* Those of candidates [first, end) with the bits `prefix` above `shift` + 8, by the 8 bits from `shift`
 * on. Many in a row are often in the same bin (most sums are small): they are added at once. */
static void count_bins(const List *list, const Shared *shared, __global const uint *values,
                       uint first, uint end, uint prefix, uint shift)
{
    uint item = get_local_id(0);
    for (uint i = item; i < BINS; i += GROUP)
        shared->histogram[i] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    uint run_bin = 0, run = 0;
    for (uint begin = first + item; begin < end; begin += BATCH * GROUP) {
        uint value[BATCH];
        load_batch(list, values, begin, GROUP, end, value);
#pragma unroll
        for (uint i = 0; i < BATCH; i++) {
            if (begin + i * GROUP >= end || (shift < 24 && value[i] >> (shift + 8) != prefix))
                continue;
            uint bin = value[i] >> shift & (BINS - 1);
            if (bin != run_bin && run > 0) {
                atomic_add(shared->histogram + run_bin, run);
                run = 0;
            }
            run_bin = bin;
            run++;
        }
    }
    if (run > 0)
        atomic_add(shared->histogram + run_bin, run);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < 16) {
        uint sum = 0;
        for (uint i = 0; i < 16; i++)
            sum += shared->histogram[16 * item + i];
        shared->coarse[item] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

/* The `wanted`-th largest value; *equal becomes how many of that value are among the wanted. Every
 * work-item finds it for itself. */
static uint find_threshold(const List *list, const Shared *shared, __global const uint *values,
                           uint first, uint end, uint wanted, uint *equal)
{
    uint threshold = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        count_bins(list, shared, values, first, end, threshold, shift);
        uint bin = 15;
        for (; shared->coarse[bin] < wanted; bin--)
            wanted -= shared->coarse[bin];
        bin = 16 * bin + 15;
        for (; shared->histogram[bin] < wanted; bin--)
            wanted -= shared->histogram[bin];
        threshold = threshold << 8 | bin;
        barrier(CLK_LOCAL_MEM_FENCE); /* the histogram is free again */
    }
    *equal = wanted;
    return threshold;
}

/* Sums of the x and y of the work-items before this one. */
static uint2 sum_before(const Shared *shared, uint2 own)
{
    uint item = get_local_id(0);
    uint2 sum = own;
    for (uint distance = 1; distance < GROUP; distance *= 2) {
        shared->before[item] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item >= distance)
            sum += shared->before[item - distance];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return sum - own;
}

static void pick_largest(const List *list, const Shared *shared, const Update *update)
{
    __global const uint *values = values_of(list, update);
    uint first = update->sinks, end = update->count - update->locals, equal;
    uint threshold = find_threshold(list, shared, values, first, end, update->globals, &equal);
    Stretch stretch = stretch_of(first, end);
    uint2 own = 0;
    for (uint begin = stretch.begin; begin < stretch.end; begin += BATCH) {
        uint value[BATCH];
        load_batch(list, values, begin, 1, stretch.end, value);
#pragma unroll
        for (uint i = 0; i < BATCH; i++) {
            own.x += begin + i < stretch.end && value[i] > threshold;
            own.y += begin + i < stretch.end && value[i] == threshold;
        }
    }
    uint2 before = sum_before(shared, own);
    uint left = equal - min(equal, before.y); /* of the equal ones, for this work-item and later */
    __global uint *out = list->positions + update->sinks + before.x + min(equal, before.y);
    for (uint begin = stretch.begin; begin < stretch.end; begin += BATCH) {
        uint value[BATCH];
        load_batch(list, values, begin, 1, stretch.end, value);
#pragma unroll
        for (uint i = 0; i < BATCH; i++) {
            if (begin + i >= stretch.end || value[i] < threshold ||
                (value[i] == threshold && left == 0))
                continue;
            left -= value[i] == threshold;
            *out++ = begin + i;
        }
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
select_group(__global const Sizes *sizes, __global const Update *updates, __global const Move *moves,
             __global const uint *rows, uint row_stride, __global uint *sums,
             __global ushort *codes, __global PLACE *places, __global uint *lists, uint sequences,
             uint layer, uint first_update)
{
    __local uint histogram[BINS], coarse[16];
    __local uint2 before[GROUP];
    const Shared shared = {histogram, coarse, before};
    const Sizes own_sizes = *sizes;
    const Update update = updates[first_update + get_group_id(0)];
    const List list = list_of(&own_sizes, &update, layer, get_group_id(1), rows, row_stride, sums, codes,
                              places, lists, sequences);
    uint item = get_local_id(0);

    for (uint m = 0; m < update.moves; m++) {
        const Move move = moves[update.first_move + m];
        for (uint i = item; i < move.entries; i += GROUP)
            move_entry(&list, &own_sizes, &move, i);
        barrier(CLK_GLOBAL_MEM_FENCE); /* the next move may have the same positions */
    }
    if (update.count == 0)
        return;
    for (uint i = item; i < update.sinks; i += GROUP)
        list.positions[i] = i;
    for (uint i = item; i < update.locals; i += GROUP)
        list.positions[update.sinks + update.globals + i] = update.count - update.locals + i;
#if SOURCE == BY_RULE
    for (uint i = item; i < update.globals; i += GROUP)
        list.positions[update.sinks + i] = even_position(&update, i);
#else
    if (update.globals > 0)
        pick_largest(&list, &shared, &update);
#endif
}
