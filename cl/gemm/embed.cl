/*
 * y[r] = row tokens[r] of a table, dequantised.
 *
 *   table  tokens x columns (quant.clh), from byte table_offset
 *   tokens rows int32, each a row of the table (the caller's promise);  y  rows x columns floats
 *
 * Global size (quads of a row, rounded up; rows): work-item (q, r) writes four floats.
 *
 * -DWEIGHT_TYPE  see quant.clh
 */
#include "quant.clh"

__kernel void embed(__global const uchar *table, const ulong table_offset,
                    __global const int *tokens, __global float *y, const ulong y_offset,
                    const uint columns)
{
    const uint k = 4 * get_global_id(0), r = get_global_id(1);
    if (k >= columns)
        return;
    span_pointer row = table + table_offset + tokens[r] * ROW_BYTES(columns);
    span_pointer span = row + (size_t)(k / SPAN) * SPAN_BYTES;
    __global float *out = y + y_offset + (size_t)r * columns + k;
#if SPAN_FLAT
    if (k + 4 > columns) {
        for (uint i = 0; k + i < columns; i++)
            out[i] = span_element(span, k % SPAN + i);
        return;
    }
#endif
    vstore4(span_quad(span, k % SPAN / 4), 0, out);
}
