/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y[i] = silu(gate[i]) up[i], silu(a) = a / (1 + exp(-a)); y may be gate.
 *
 * Global size: elements / 4, rounded up: a work-item does four, the last one what is left.
 */
#include "prelude.clh"

__kernel void ewise_silu_product(__global const float *gate, ulong gate_offset,
                                 __global const float *up, ulong up_offset, ulong elements,
                                 __global float *y, ulong y_offset)
{
    ulong first = 4 * (ulong)get_global_id(0);
    gate += gate_offset;
    up += up_offset;
    y += y_offset;
    if (first + 4 <= elements) {
        float4 a = vload4(0, gate + first);
        vstore4(a / (1.0f + exp(-a)) * vload4(0, up + first), 0, y + first);
        return;
    }
    for (ulong i = first; i < elements; i++)
        y[i] = gate[i] / (1.0f + exp(-gate[i])) * up[i];
}
