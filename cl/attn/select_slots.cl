/*
 * Lists of positions into lists of slots, as attention reads them.
 *
 *   aims   one for each row that attends
 *   lists  [sequence][list][capacity]  positions, of one layer from lists_offset on
 *   pages  slot of position p of sequence s at page_offset + s page_stride + p
 *   slots  list g of an aim at list_offset + g list_stride
 *   blocks alike, for KV_I8 (attn/kv.clh; with -DBLOCKS=1): the row of params of the position's block of
 *          64 tokens if that is sealed, else ~t of the row t of halves that has the token
 *
 * Global size: ceil(longest / ITEM) x lists x aims; a work-item does ITEM entries.
 * Needs -DITEM -DBLOCKS.
 */
#include "prelude.clh"

typedef struct Aim {
    uint sequence;
    uint count;
    uint list_offset;
    uint first_block; /* of the sequence, before block_offset */
    uint sealed;      /* tokens in sealed blocks */
    uint first_half;  /* row of halves of token `sealed`, before half_offset */
} Aim;

__kernel void select_slots(__global const Aim *aims, __global const uint *lists,
                           ulong lists_offset, uint capacity, __global const int *pages,
                           ulong page_offset, uint page_stride, __global int *slots,
                           uint list_stride
#if BLOCKS
                           , __global int *blocks, uint block_offset,
                           uint half_offset
#endif
)
{
    const Aim aim = aims[get_global_id(2)];
    uint list = get_global_id(1);
    uint begin = ITEM * get_global_id(0);
    uint end = min(begin + ITEM, aim.count);
    lists += lists_offset + ((size_t)aim.sequence * get_global_size(1) + list) * capacity;
    pages += page_offset + (size_t)aim.sequence * page_stride;
    size_t out = aim.list_offset + (size_t)list * list_stride;
    for (uint i = begin; i < end; i++) {
        uint position = lists[i];
        slots[out + i] = pages[position];
#if BLOCKS
        uint half_row = aim.first_half + half_offset + position - aim.sealed;
        uint block = aim.first_block + block_offset + position / 64;
        blocks[out + i] = (int)(position < aim.sealed ? block : ~half_row);
#endif
    }
}
