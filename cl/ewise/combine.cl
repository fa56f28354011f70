/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[r] = sum_j shares[r][j] x[places[r][j]], rows of `columns` floats, in the order of j; with -DADD=1
 * y[r] += it.
 *
 *   shares, places [rows][used], y [rows][columns]
 *
 * Global size: (columns / 4, rounded up) x rows: a work-item adds up four elements of a row, the
 * last one of a row what is left.
 */
#include "prelude.clh"

#ifndef ADD
#define ADD 0
#endif

__kernel void ewise_combine(__global const float *x, ulong x_offset, __global const int *places,
                            ulong places_offset, __global const float *shares, uint used,
                            uint columns, __global float *y, ulong y_offset)
{
    const uint first = 4 * get_global_id(0);
    const size_t row = get_global_id(1);
    places += places_offset + row * used;
    shares += row * used;
    x += x_offset;
    y += y_offset + row * columns;
    if (first + 4 <= columns) {
        float4 sum = 0.0f;
        for (uint j = 0; j < used; j++)
            sum = fma(shares[j], vload4(0, x + (size_t)places[j] * columns + first), sum);
        vstore4(ADD ? vload4(0, y + first) + sum : sum, 0, y + first);
        return;
    }
    for (uint i = first; i < columns; i++) {
        float sum = 0.0f;
        for (uint j = 0; j < used; j++)
            sum = fma(shares[j], x[(size_t)places[j] * columns + i], sum);
        y[i] = ADD ? y[i] + sum : sum;
    }
}
