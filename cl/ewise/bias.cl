/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r][i] += bias[i] of up to three matrices of as many rows, whose columns lie side by side in the
 * launch.
 *
 * Global size: (the sum of columns / 4, each rounded up) x rows: a work-item does four elements of a row
 * of one of them, the last one of a row what is left. A matrix of 0 columns is not there.
 */
#include "prelude.clh"

__kernel void ewise_bias(__global float *y0, ulong offset0, __global const float *b0,
                         ulong b_offset0, uint columns0, __global float *y1, ulong offset1,
                         __global const float *b1, ulong b_offset1, uint columns1,
                         __global float *y2, ulong offset2, __global const float *b2,
                         ulong b_offset2, uint columns2)
{
    uint item = get_global_id(0), columns = columns0;
    __global float *y = y0 + offset0;
    __global const float *bias = b0 + b_offset0;
    uint quads0 = (columns0 + 3) / 4, quads1 = (columns1 + 3) / 4;
    if (item >= quads0 + quads1) {
        item -= quads0 + quads1;
        columns = columns2;
        y = y2 + offset2;
        bias = b2 + b_offset2;
    } else if (item >= quads0) {
        item -= quads0;
        columns = columns1;
        y = y1 + offset1;
        bias = b1 + b_offset1;
    }
    y += get_global_id(1) * columns;
    uint first = 4 * item;
    if (first + 4 <= columns) {
        vstore4(vload4(0, y + first) + vload4(0, bias + first), 0, y + first);
        return;
    }
    for (uint i = first; i < columns; i++)
        y[i] += bias[i];
}
