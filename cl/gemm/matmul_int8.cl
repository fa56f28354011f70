/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matmul_item.cl computes it, with activations that
 * quantise.cl made bytes.
 *
 *   w  outputs x columns, of a type with blocks, from byte w_offset
 *   codes, factors  rows of activations (quantise.cl)
 *   y  rows x outputs floats from element y_offset
 *
 * Groups of one work-item. With PANEL = 16 VECTORS, item (p, c) computes outputs PANEL p .. PANEL (p + 1)
 * - 1 for the activation rows c * chunk .. c * chunk + chunk - 1. For each part of DEPTH columns it brings
 * the bytes of its PANEL weight rows into a panel [k / 4][PANEL][4], then walks down the activations
 * TILE_ROWS at a time. The sums of a block of 32 columns stay in registers, those of the part in private
 * memory.
 *
 * -DWEIGHT_TYPE  see quant.clh; one with blocks
 * -DTILE_ROWS    activation rows of a register tile
 * -DVECTORS      vectors of 16 outputs of a register tile: VECTORS (TILE_ROWS + 1) + 1 are alive
 * -DDEPTH        columns of a part, a multiple of 32
 */
#include "gemm/int8.clh"

#define PANEL (16 * VECTORS) /* outputs of an item */

/* Past the last output the last row is read again; its sums are not stored. */
static inline void fill_panel(__local uint *panel, __local float *scales, span_pointer w,
                              const size_t row_bytes, const uint first, const uint outputs,
                              const uint spans)
{
    for (uint n = 0; n < PANEL; n++) {
        span_pointer row = w + min(first + n, outputs - 1) * row_bytes;
        for (uint s = 0; s < spans; s++) {
            span_pointer span = row + (size_t)s * SPAN_BYTES;
            const uint8 bytes = span_bytes(span);
            __local uint *to = panel + s * (8 * PANEL) + n;
            to[0] = bytes.s0;
            to[PANEL] = bytes.s1;
            to[2 * PANEL] = bytes.s2;
            to[3 * PANEL] = bytes.s3;
            to[4 * PANEL] = bytes.s4;
            to[5 * PANEL] = bytes.s5;
            to[6 * PANEL] = bytes.s6;
            to[7 * PANEL] = bytes.s7;
            scales[s * PANEL + n] = span_scale(span);
        }
    }
}

/* Writes or adds `width` (<= PANEL) sums of one row. */
static inline void store_row(__global float *y, const float16 *sum, const uint width, const uint add)
{
    if (width == PANEL) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++)
            vstore16(add ? vload16(v, y) + sum[v] : sum[v], v, y);
    } else {
        float sums[PANEL];
#pragma unroll
        for (uint v = 0; v < VECTORS; v++)
            vstore16(sum[v], v, sums);
        for (uint n = 0; n < width; n++)
            y[n] = add ? y[n] + sums[n] : sums[n];
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_int8(
    __global const uchar *w, const ulong w_offset, __global const char *codes,
    __global const float2 *factors, __global float *y, const ulong y_offset, const uint outputs,
    const uint columns, const uint rows, const uint chunk, const uint accumulate)
{
    __local uint panel[DEPTH / 4 * PANEL] __attribute__((aligned(64)));
    __local float scales[DEPTH / SPAN * PANEL] __attribute__((aligned(64)));
    const uint first = get_group_id(0) * PANEL;
    const uint row_end = min((uint)(get_group_id(1) + 1) * chunk, rows);
    const uint width = min((uint)PANEL, outputs - first);
    const size_t row_bytes = ROW_BYTES(columns), stride = columns + CODES_PADDING;

    for (uint part = 0; part < columns; part += DEPTH) {
        const uint spans = min((uint)DEPTH, columns - part) / SPAN;
        const uint add = accumulate | (part > 0);
        fill_panel(panel, scales, w + w_offset + ROW_BYTES(part), row_bytes, first, outputs,
                   spans);

        for (uint row = get_group_id(1) * chunk; row < row_end; row += TILE_ROWS) {
            const uint count = min((uint)TILE_ROWS, row_end - row);
            float16 sum[TILE_ROWS][VECTORS];
#pragma unroll
            for (uint i = 0; i < TILE_ROWS; i++)
#pragma unroll
                for (uint v = 0; v < VECTORS; v++)
                    sum[i][v] = 0.0f;
            for (uint s = 0; s < spans; s++) {
                dots dot[TILE_ROWS][VECTORS];
#pragma unroll
                for (uint i = 0; i < TILE_ROWS; i++)
#pragma unroll
                    for (uint v = 0; v < VECTORS; v++)
                        dot[i][v] = dots_none;
#pragma unroll
                for (uint q = 0; q < SPAN / 4; q++) {
                    const __local uint *quads = panel + (s * (SPAN / 4) + q) * PANEL;
                    uint16 weights[VECTORS];
#pragma unroll
                    for (uint v = 0; v < VECTORS; v++)
                        weights[v] = vload16(v, quads);
#pragma unroll
                    for (uint i = 0; i < TILE_ROWS; i++) {
                        /* Past the last row it is read again. */
                        __global const uint *x = (__global const uint *)(
                            codes + min(row + i, rows - 1) * stride + part + s * SPAN);
#pragma unroll
                        for (uint v = 0; v < VECTORS; v++)
                            dot[i][v] = dots_add(dot[i][v], weights[v], (uint16)x[q]);
                    }
                }
#pragma unroll
                for (uint i = 0; i < TILE_ROWS; i++) {
                    const float2 factor = factors[min(row + i, rows - 1) * (size_t)(columns / SPAN) +
                                                  part / SPAN + s];
                    const int bias = SPAN_BIAS * (int)factor.y;
#pragma unroll
                    for (uint v = 0; v < VECTORS; v++)
                        sum[i][v] = fma(convert_float16(dots_total(dot[i][v]) - bias) * factor.x,
                                        vload16(VECTORS * s + v, scales), sum[i][v]);
                }
            }
#pragma unroll
            for (uint i = 0; i < TILE_ROWS; i++)
                if (i < count)
                    store_row(y + y_offset + (row + i) * (size_t)outputs + first, sum[i], width,
                              add);
        }
    }
}
