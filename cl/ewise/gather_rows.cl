/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r] = x[indices[r]], rows of `columns` floats.
 *
 * Global size: (columns / 4, rounded up) x rows: a work-item copies four elements of a row, the last
 * one of a row what is left.
 */
#include "prelude.clh"

__kernel void ewise_gather_rows(__global const float *x, ulong x_offset,
                                __global const int *indices, uint columns, __global float *y,
                                ulong y_offset)
{
    uint first = 4 * get_global_id(0);
    size_t row = get_global_id(1);
    x += x_offset + (size_t)indices[row] * columns;
    y += y_offset + row * columns;
    if (first + 4 <= columns) {
        vstore4(vload4(0, x + first), 0, y + first);
        return;
    }
    for (uint i = first; i < columns; i++)
        y[i] = x[i];
}
