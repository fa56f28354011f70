/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer inputs kept as halves in slots, from and to rows of floats.
 *
 *   kv_keep_inputs    inputs[slots[i]] = x[sources[i]], rounded to nearest even
 *   kv_recall_inputs  x[i] = inputs[slots[i]]
 *
 *   x       float[rows][COLUMNS] from x_offset on
 *   inputs  half[slot][COLUMNS]
 *   slots, sources  int[rows], from their offsets on
 *
 * Global size: ceil(COLUMNS / 8) x rows; a work-item does 8 elements, the last of a row what is left.
 * Needs -DCOLUMNS.
 */
#include "prelude.clh"

__kernel void kv_keep_inputs(__global const float *x, ulong x_offset, __global const int *sources,
                             ulong sources_offset, __global const int *slots, __global half *inputs)
{
    uint first = 8 * get_global_id(0);
    size_t row = get_global_id(1);
    x += x_offset + (size_t)sources[sources_offset + row] * COLUMNS;
    inputs += (size_t)slots[row] * COLUMNS;
    if (first + 8 <= COLUMNS) {
        vstore_half8_rte(vload8(0, x + first), 0, inputs + first);
        return;
    }
    for (uint i = first; i < COLUMNS; i++)
        vstore_half_rte(x[i], i, inputs);
}

__kernel void kv_recall_inputs(__global const half *inputs, __global const int *slots,
                               ulong slots_offset, __global float *x, ulong x_offset)
{
    uint first = 8 * get_global_id(0);
    size_t row = get_global_id(1);
    inputs += (size_t)slots[slots_offset + row] * COLUMNS;
    x += x_offset + row * COLUMNS;
    if (first + 8 <= COLUMNS) {
        vstore8(vload_half8(0, inputs + first), 0, x + first);
        return;
    }
    for (uint i = first; i < COLUMNS; i++)
        x[i] = vload_half(i, inputs);
}
