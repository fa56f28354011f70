/*
 * y[n] = row n of a block of weights, as floats.
 *
 *   w  from byte w_offset, rows w_stride bytes apart (quant.clh)
 *   y  rows x columns floats, one row after the other
 *
 * Global size (quads of a row, rounded up; rows): work-item (q, n) writes four floats.
 *
 * -DWEIGHT_TYPE  see quant.clh
 */
#include "quant.clh"

__kernel void dequantise(__global const uchar *w, const ulong w_offset, const ulong w_stride,
                         __global float *y, const uint columns)
{
    const uint k = 4 * get_global_id(0), n = get_global_id(1);
    if (k < columns)
        row_quad_store(w + w_offset + n * w_stride, k, columns, y + (size_t)n * columns + k);
}
