/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row in slots[i] = packed[i], and pages[tokens[i]] = slots[i]: what came to the device takes its
 * place, and the layer's page table says where.
 *
 *   lists  int[rows] slots, then int[rows] tokens, from lists_offset on
 *   packed [rows][ROW_UNITS] from packed_offset on (in units)
 *   pages  int[sequences][context]: slot of each token of the layer; a token is an index into it
 *
 * Global size: LANES x rows, a group a row. Needs -DUNIT -DKEY_UNITS -DVALUE_UNITS -DLANES.
 */
#include "kv/rows.clh"

__kernel void kv_scatter(__global const int *lists, ulong lists_offset,
                         __global const unit *packed, ulong packed_offset, __global unit *keys,
                         __global unit *values, __global int *pages)
{
    size_t row = get_global_id(1);
    lists += lists_offset;
    int slot = lists[row];
    packed += packed_offset + row * ROW_UNITS;
    keys += (size_t)slot * KEY_UNITS;
    FOR_LANES(i, KEY_UNITS) keys[i] = packed[i];
    packed += KEY_UNITS;
    values += (size_t)slot * VALUE_UNITS;
    FOR_LANES(i, VALUE_UNITS) values[i] = packed[i];
    if (get_local_id(0) == 0) pages[lists[get_global_size(1) + row]] = slot;
}
