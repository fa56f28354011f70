/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) for many activation rows, on devices whose work-items
 * are threads with long vectors (CPUs).
 *
 *   w  outputs x columns, dequantised as it is read (quant.clh), from byte w_offset
 *   x  rows x columns floats from element x_offset;  y  rows x outputs floats from element y_offset
 *
 * Groups of one work-item. With PANEL = 16 VECTORS, item (p, c) computes outputs PANEL p .. PANEL (p + 1)
 * - 1 for the activation rows c * chunk .. c * chunk + chunk - 1. For each block of DEPTH columns it
 * dequantises its PANEL weight rows into a panel [k][PANEL], then walks down the activations TILE_ROWS at a
 * time: their part of x is copied beside the panel, the tile of sums (TILE_ROWS x VECTORS) stays in
 * registers over the block, and is added to y at its end. Panel and copy together are sized for the
 * nearest cache.
 *
 * -DWEIGHT_TYPE  see quant.clh
 * -DTILE_ROWS    activation rows of a register tile
 * -DVECTORS      vectors of 16 outputs of a register tile: VECTORS (TILE_ROWS + 1) + 1 are alive
 * -DDEPTH        columns of a block, a multiple of 32
 */
#include "quant.clh"

#define PANEL    (16 * VECTORS) /* outputs of an item */
#define X_STRIDE (DEPTH + 16)   /* of the copied rows: keeps them off each other's cache sets */

/* Transposes 16 vectors in registers: four rounds of exchanging halves, each of which brings one bit
 * of the row number to the column number. */
static inline __attribute__((always_inline)) void transpose16(float16 rows[16])
{
    float16 other[16];
#define EXCHANGE(to, from)                                                                         \
    _Pragma("unroll") for (uint i = 0; i < 8; i++)                                                 \
    {                                                                                              \
        to[2 * i] = (float16)(from[i].s0, from[i + 8].s0, from[i].s1, from[i + 8].s1,              \
                              from[i].s2, from[i + 8].s2, from[i].s3, from[i + 8].s3,              \
                              from[i].s4, from[i + 8].s4, from[i].s5, from[i + 8].s5,              \
                              from[i].s6, from[i + 8].s6, from[i].s7, from[i + 8].s7);             \
        to[2 * i + 1] = (float16)(from[i].s8, from[i + 8].s8, from[i].s9, from[i + 8].s9,          \
                                  from[i].sa, from[i + 8].sa, from[i].sb, from[i + 8].sb,          \
                                  from[i].sc, from[i + 8].sc, from[i].sd, from[i + 8].sd,          \
                                  from[i].se, from[i + 8].se, from[i].sf, from[i + 8].sf);         \
    }
    EXCHANGE(other, rows)
    EXCHANGE(rows, other)
    EXCHANGE(other, rows)
    EXCHANGE(rows, other)
#undef EXCHANGE
}

/* panel[k][n] = w[first + n][block * DEPTH + k] for `depth` columns. Past the last output the last
 * row is read again; its sums are not stored. */
static inline void fill_panel(__local float *panel, span_pointer w, const size_t row_bytes,
                              const uint first, const uint outputs, const uint depth)
{
    for (uint part = 0; part < PANEL; part += 16) {
        for (uint s = 0; s < depth / SPAN; s++) {
#pragma unroll
            for (uint v = 0; v < 2; v++) {
                float16 rows[16];
#pragma unroll
                for (uint n = 0; n < 16; n++) {
                    span_pointer span = w + min(first + part + n, outputs - 1) * row_bytes +
                                        (size_t)s * SPAN_BYTES;
                    rows[n] = span_vector(span, v);
#if SPAN_SCALED
                    rows[n] *= span_scale(span);
#endif
                }
                transpose16(rows);
#pragma unroll
                for (uint k = 0; k < 16; k++)
                    vstore16(rows[k], 0, panel + (s * SPAN + v * 16 + k) * PANEL + part);
            }
        }
#if SPAN_FLAT
        for (uint k = depth / SPAN * SPAN; k < depth; k++)
            for (uint n = part; n < part + 16; n++)
                panel[k * PANEL + n] =
                    span_element(w + min(first + n, outputs - 1) * row_bytes, k);
#endif
    }
}

/* copy[i][k] = x[i][k] for `depth` columns. Past `count` rows the last is copied again. Asks for the
 * rows of the next tile meanwhile: short pieces of long rows, which no prefetcher foresees. */
static inline void copy_rows(__local float *copy, __global const float *x, const uint columns,
                             const uint count, const uint depth)
{
    for (uint i = 0; i < TILE_ROWS; i++) {
        __global const float *from = x + min(i, count - 1) * (size_t)columns;
        __local float *to = copy + i * X_STRIDE;
        uint k = 0;
        for (; k + 16 <= depth; k += 16) {
            prefetch_later(from + TILE_ROWS * (size_t)columns + k);
            vstore16(vload16(0, from + k), 0, to + k);
        }
        for (; k < depth; k++)
            to[k] = from[k];
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

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void matmul_item(
    __global const uchar *w, const ulong w_offset, __global const float *x, const ulong x_offset,
    __global float *y, const ulong y_offset, const uint outputs, const uint columns,
    const uint rows, const uint chunk, const uint accumulate)
{
    __local float panel[DEPTH * PANEL] __attribute__((aligned(64)));
    __local float copy[TILE_ROWS * X_STRIDE] __attribute__((aligned(64)));
    const uint first = get_group_id(0) * PANEL;
    const uint row_end = min((uint)(get_group_id(1) + 1) * chunk, rows);
    const uint width = min((uint)PANEL, outputs - first);
    const size_t row_bytes = ROW_BYTES(columns);

    for (uint block = 0; block < columns; block += DEPTH) {
        const uint depth = min((uint)DEPTH, columns - block);
        const uint add = accumulate | (block > 0);
        fill_panel(panel, w + w_offset + ROW_BYTES(block), row_bytes, first, outputs, depth);

        for (uint row = get_group_id(1) * chunk; row < row_end; row += TILE_ROWS) {
            const uint count = min((uint)TILE_ROWS, row_end - row);
            float16 sum[TILE_ROWS][VECTORS];
            copy_rows(copy, x + x_offset + row * (size_t)columns + block, columns, count, depth);
#pragma unroll
            for (uint i = 0; i < TILE_ROWS; i++)
#pragma unroll
                for (uint v = 0; v < VECTORS; v++)
                    sum[i][v] = 0.0f;
            for (uint k = 0; k < depth; k++) {
                float16 weights[VECTORS];
#pragma unroll
                for (uint v = 0; v < VECTORS; v++)
                    weights[v] = vload16(VECTORS * k + v, panel);
#pragma unroll
                for (uint i = 0; i < TILE_ROWS; i++) {
                    const float16 value = copy[i * X_STRIDE + k];
#pragma unroll
                    for (uint v = 0; v < VECTORS; v++)
                        sum[i][v] = fma(value, weights[v], sum[i][v]);
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
