/*
 * packed[i] = row in slots[i]: what leaves the device is made one contiguous run.
 *
 *   slots  int[rows] from slots_offset on
 *   packed [rows][ROW_UNITS] from packed_offset on (in units)
 *
 * Global size: ROW_UNITS x rows, a work-item a unit. Needs -DUNIT -DKEY_UNITS -DVALUE_UNITS.
 */
#include "kv/rows.clh"

__kernel void kv_gather(__global unit *keys, __global unit *values, __global const int *slots,
                        ulong slots_offset, __global unit *packed, ulong packed_offset)
{
    uint i = get_global_id(0);
    size_t row = get_global_id(1);
    size_t slot = slots[slots_offset + row];
    packed[packed_offset + row * ROW_UNITS + i] = *row_unit(keys, values, slot, i);
}
