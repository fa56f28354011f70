/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed[i] = row in slots[i]: what leaves the device is made one contiguous run.
 *
 *   slots  int[rows] from slots_offset on
 *   packed [rows][ROW_UNITS] from packed_offset on (in units)
 *
 * Global size: LANES x rows, a group a row. Needs -DUNIT -DKEY_UNITS -DVALUE_UNITS -DLANES.
 */
#include "kv/rows.clh"

__kernel void kv_gather(__global unit *keys, __global unit *values, __global const int *slots,
                        ulong slots_offset, __global unit *packed, ulong packed_offset)
{
    size_t row = get_global_id(1);
    size_t slot = slots[slots_offset + row];
    packed += packed_offset + row * ROW_UNITS;
    keys += slot * KEY_UNITS;
    FOR_LANES(i, KEY_UNITS) packed[i] = keys[i];
    packed += KEY_UNITS;
    values += slot * VALUE_UNITS;
    FOR_LANES(i, VALUE_UNITS) packed[i] = values[i];
}
