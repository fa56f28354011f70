/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a buffer once, for benches: the bandwidth that kernels are compared with.
 *
 * Global size: items; item i reads `vectors` float16 from x + i * vectors (64-byte aligned; a multiple
 * of 4) and leaves their sum in y[i].
 */
#include "prelude.clh"

__kernel void ewise_read(__global const float16 *x, ulong vectors, __global float *y)
{
    size_t item = get_global_id(0);
    x += item * vectors;
    float16 a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (ulong i = 0; i < vectors; i += 4) {
        a += x[i];
        b += x[i + 1];
        c += x[i + 2];
        d += x[i + 3];
    }
    y[item] = sum16((a + b) + (c + d));
}
