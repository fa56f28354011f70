/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r][i] *= 1 / (1 + exp(-logits[r])): how much of the shared expert a row takes.
 *
 * Global size: (columns / 4, rounded up) x rows: a work-item does four elements of a row, the last
 * one of a row what is left.
 */
#include "prelude.clh"

__kernel void ewise_weigh(__global const float *logits, ulong logits_offset, uint columns,
                          __global float *y, ulong y_offset)
{
    const uint first = 4 * get_global_id(0);
    const size_t row = get_global_id(1);
    const float share = 1.0f / (1.0f + exp(-logits[logits_offset + row]));
    y += y_offset + row * columns;
    if (first + 4 <= columns) {
        vstore4(vload4(0, y + first) * share, 0, y + first);
        return;
    }
    for (uint i = first; i < columns; i++)
        y[i] *= share;
}
