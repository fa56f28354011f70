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
    if (k < columns)
        row_quad_store(table + table_offset + tokens[r] * ROW_BYTES(columns), k, columns,
                       y + y_offset + (size_t)r * columns + k);
}
