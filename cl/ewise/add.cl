/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[i] += scale x[i].
 *
 * Global size: elements / 4, rounded up: a work-item does four, the last one what is left.
 */
#include "prelude.clh"

__kernel void ewise_add(__global const float *x, ulong x_offset, float scale, ulong elements,
                        __global float *y, ulong y_offset)
{
    ulong first = 4 * (ulong)get_global_id(0);
    x += x_offset;
    y += y_offset;
    if (first + 4 <= elements) {
        vstore4(fma(scale, vload4(0, x + first), vload4(0, y + first)), 0, y + first);
        return;
    }
    for (ulong i = first; i < elements; i++)
        y[i] = fma(scale, x[i], y[i]);
}
