/*
 * Lists of positions into lists of slots, as attention reads them.
 *
 *   aims   (sequence, count, list_offset, first_block)
 *   lists  [sequence][list][capacity]  positions, of one layer from lists_offset on
 *   pages  slot of position p of sequence s at page_offset + s page_stride + p
 *   slots  list g of an aim at list_offset + g list_stride
 *   blocks alike: where the parameters of the position's block of 64 tokens are   (with -DBLOCKS=1)
 *
 * Global size: ceil(longest / ITEM) x lists x aims; a work-item does ITEM entries.
 * Needs -DITEM -DBLOCKS.
 */
#include "prelude.clh"

__kernel void select_slots(__global const uint4 *aims, __global const uint *lists,
                           ulong lists_offset, uint capacity, __global const int *pages,
                           ulong page_offset, uint page_stride, __global int *slots,
                           uint list_stride
#if BLOCKS
                           , __global int *blocks, uint block_offset
#endif
)
{
    uint4 aim = aims[get_global_id(2)];
    uint list = get_global_id(1);
    uint begin = ITEM * get_global_id(0);
    uint end = min(begin + ITEM, aim.y);
    lists += lists_offset + ((size_t)aim.x * get_global_size(1) + list) * capacity;
    pages += page_offset + (size_t)aim.x * page_stride;
    size_t out = aim.z + (size_t)list * list_stride;
    for (uint i = begin; i < end; i++) {
        uint position = lists[i];
        slots[out + i] = pages[position];
#if BLOCKS
        blocks[out + i] = (int)(aim.w + block_offset + position / 64);
#endif
    }
}
