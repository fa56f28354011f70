/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[i] = scale y[i]; with -DCAP=1 cap tanh(scale y[i] / cap).
 *
 * Global size: elements / 4, rounded up: a work-item does four, the last one what is left.
 */
#include "prelude.clh"

#if CAP
#define CAPPED(v) (cap * tanh((v) / cap))
#else
#define CAPPED(v) (v)
#endif

__kernel void ewise_scale(__global float *y, ulong y_offset, float scale, float cap, ulong elements)
{
    ulong first = 4 * (ulong)get_global_id(0);
    y += y_offset;
    if (first + 4 <= elements) {
        vstore4(CAPPED(scale * vload4(0, y + first)), 0, y + first);
        return;
    }
    for (ulong i = first; i < elements; i++)
        y[i] = CAPPED(scale * y[i]);
}
