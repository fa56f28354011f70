/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages[tokens[i]] = row_slots[i] = slots[i]: new tokens get their slots.
 *
 *   lists  int[rows] slots, then int[rows] tokens, from lists_offset on
 *   pages  int[sequences][context], as in scatter.cl
 *   row_slots int[rows]
 *
 * Global size: rows.
 */
#include "prelude.clh"

__kernel void kv_place(__global const int *lists, ulong lists_offset, __global int *pages,
                       __global int *row_slots)
{
    size_t row = get_global_id(0);
    lists += lists_offset;
    int slot = lists[row];
    pages[lists[get_global_size(0) + row]] = slot;
    row_slots[row] = slot;
}
