/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of positions into lists of slots, as attention reads them.
 *
 *   targets   one for each row that attends
 *   lists  [sequence][list][capacity]  positions, of one layer from lists_offset on
 *   pages  slot of position p of sequence s at page_offset + s page_stride + p
 *   slots  list g of a target at list_offset + g list_stride. With -DBLOCKS=1, for KV_I8 (attn/kv.clh), a
 *          token of the block that is not sealed yet has ~t there, t being its row of the tails
 *   blocks alike: the row of params of the position's block of 64 tokens
 *
 * Global size: ceil(longest / ITEM) x lists x targets; a work-item does ITEM entries.
 * Needs -DITEM -DBLOCKS.
 */
#include "prelude.clh"

typedef struct Target {
    uint sequence;
    uint count;
    uint list_offset;
    uint first_block; /* of the sequence */
    uint sealed;      /* tokens in sealed blocks */
    uint first_half;  /* row of the tails of token `sealed` */
} Target;

__kernel void select_slots(__global const Target *targets, __global const uint *lists,
                           ulong lists_offset, uint capacity, __global const int *pages,
                           ulong page_offset, uint page_stride, __global int *slots,
                           uint list_stride
#if BLOCKS
                           , __global int *blocks
#endif
)
{
    const Target target = targets[get_global_id(2)];
    uint list = get_global_id(1);
    uint begin = ITEM * get_global_id(0);
    uint end = min(begin + ITEM, target.count);
    lists += lists_offset + ((size_t)target.sequence * get_global_size(1) + list) * capacity;
    pages += page_offset + (size_t)target.sequence * page_stride;
    size_t out = target.list_offset + (size_t)list * list_stride;
    for (uint i = begin; i < end; i++) {
        uint position = lists[i];
#if BLOCKS
        uint tail_row = target.first_half + position - target.sealed;
        slots[out + i] = position < target.sealed ? pages[position] : (int)~tail_row;
        blocks[out + i] = (int)(target.first_block + position / 64);
#else
        slots[out + i] = pages[position];
#endif
    }
}
