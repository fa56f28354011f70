/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) for many activation rows, on devices where many
 * work-items cooperate (GPUs).
 *
 *   w  outputs x columns, dequantised as it is read (quant.clh), from byte w_offset
 *   x  rows x columns floats from element x_offset;  y  rows x outputs floats from element y_offset
 *
 * A group computes a tile of TILE_ROWS x TILE_OUTPUTS sums, each of its work-items ITEM_ROWS x
 * ITEM_OUTPUTS of them in registers. For every DEPTH columns the group brings that part of x and of
 * w into local memory, dequantised and transposed ([k][row], [k][output]), so that an item reads its
 * rows and outputs as float4. An item's rows and outputs come in fours, TILE / (ITEM / 4) apart:
 * neighbours then read neighbouring float4, without bank conflicts. Edges are padded with zeros. What
 * a step brings is read from global memory into registers while the step before is computed: with
 * few groups on the device nothing else would hide that time.
 *
 * -DWEIGHT_TYPE                  see quant.clh
 * -DALIGNED                      see prelude.clh
 * -DTILE_ROWS -DTILE_OUTPUTS     of a group; multiples of ITEM_ROWS, ITEM_OUTPUTS
 * -DITEM_ROWS -DITEM_OUTPUTS     of a work-item; multiples of 4
 * -DDEPTH                        columns of a step, a multiple of 4 that divides 32
 */
#include "gemm/tile.clh"

#define ITEMS_ACROSS (TILE_OUTPUTS / ITEM_OUTPUTS)
#define GROUP        (ITEMS_ACROSS * (TILE_ROWS / ITEM_ROWS))
#define ROW_STEP     (TILE_ROWS / (ITEM_ROWS / 4))
#define OUTPUT_STEP  (TILE_OUTPUTS / (ITEM_OUTPUTS / 4))
#define X_STRIDE     (TILE_ROWS + 4) /* the padding keeps the transposing stores off one bank */
#define W_STRIDE     (TILE_OUTPUTS + 4)
#define X_QUADS      ((TILE_ROWS * (DEPTH / 4) + GROUP - 1) / GROUP) /* an item brings */
#define W_QUADS      ((TILE_OUTPUTS * (DEPTH / 4) + GROUP - 1) / GROUP)

/* Four columns from k on of a row of weights, zeros past the last column. */
static inline float4 w_quad(span_pointer row, const uint k, const uint columns)
{
    span_pointer span = row + (size_t)(k / SPAN) * SPAN_BYTES;
#if SPAN_FLAT
    if (k + 4 > columns)
        return (float4)(k < columns ? span_element(span, k % SPAN) : 0.0f,
                        k + 1 < columns ? span_element(span, k % SPAN + 1) : 0.0f,
                        k + 2 < columns ? span_element(span, k % SPAN + 2) : 0.0f, 0.0f);
#endif
    return span_quad(span, k % SPAN / 4);
}

/* Stores a quad of columns 4 q .. 4 q + 3 as a column of a tile [k][stride]. */
static inline void store_column(__local float *tile, const uint stride, const uint q,
                                const uint index, const float4 quad)
{
    __local float *to = tile + 4 * q * stride + index;
    to[0] = quad.x;
    to[stride] = quad.y;
    to[2 * stride] = quad.z;
    to[3 * stride] = quad.w;
}

/* The item's quads of the step that begins at column `block`; zeros outside. */
static inline void bring(__global const float *x, const uint row_base, const uint rows,
                         span_pointer w, const uint output_base, const uint outputs,
                         const uint columns, const uint block, float4 *x_quads, float4 *w_quads)
{
    const uint item = get_local_id(0);
#pragma unroll
    for (uint n = 0; n < X_QUADS; n++) {
        const uint i = item + n * GROUP;
        const uint row = row_base + i / (DEPTH / 4), k = block + 4 * (i % (DEPTH / 4));
        x_quads[n] = row < rows && k < columns ? x_quad(x + (size_t)row * columns, k, columns)
                                               : (float4)0.0f;
    }
#pragma unroll
    for (uint n = 0; n < W_QUADS; n++) {
        const uint i = item + n * GROUP;
        const uint output = output_base + i / (DEPTH / 4), k = block + 4 * (i % (DEPTH / 4));
        w_quads[n] = output < outputs && k < columns
                         ? w_quad(w + output * ROW_BYTES(columns), k, columns)
                         : (float4)0.0f;
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matmul_group(
    __global const uchar *w, const ulong w_offset, __global const float *x, const ulong x_offset,
    __global float *y, const ulong y_offset, const uint outputs, const uint columns,
    const uint rows, const uint accumulate)
{
    __local float x_tile[DEPTH * X_STRIDE] __attribute__((aligned(16)));
    __local float w_tile[DEPTH * W_STRIDE] __attribute__((aligned(16)));
    const uint item = get_local_id(0);
    const uint output_base = get_group_id(0) * TILE_OUTPUTS, row_base = get_group_id(1) * TILE_ROWS;
    const uint item_output = item % ITEMS_ACROSS * 4, item_row = item / ITEMS_ACROSS * 4;
    w += w_offset;
    x += x_offset;

    float4 sums[ITEM_ROWS][ITEM_OUTPUTS / 4];
#pragma unroll
    for (uint i = 0; i < ITEM_ROWS; i++)
#pragma unroll
        for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
            sums[i][j] = 0.0f;

    float4 x_next[X_QUADS], w_next[W_QUADS];
    bring(x, row_base, rows, w, output_base, outputs, columns, 0, x_next, w_next);
    for (uint block = 0; block < columns; block += DEPTH) {
#pragma unroll
        for (uint n = 0; n < X_QUADS; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_ROWS * (DEPTH / 4))
                store_column(x_tile, X_STRIDE, i % (DEPTH / 4), i / (DEPTH / 4), x_next[n]);
        }
#pragma unroll
        for (uint n = 0; n < W_QUADS; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_OUTPUTS * (DEPTH / 4))
                store_column(w_tile, W_STRIDE, i % (DEPTH / 4), i / (DEPTH / 4), w_next[n]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        bring(x, row_base, rows, w, output_base, outputs, columns, block + DEPTH, x_next, w_next);

#pragma unroll
        for (uint k = 0; k < DEPTH; k++) {
            float4 xs[ITEM_ROWS / 4], ws[ITEM_OUTPUTS / 4];
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++)
                xs[i] = *(__local const float4 *)(x_tile + k * X_STRIDE + item_row + i * ROW_STEP);
#pragma unroll
            for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
                ws[j] = *(__local const float4 *)(w_tile + k * W_STRIDE + item_output +
                                                  j * OUTPUT_STEP);
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++)
#pragma unroll
                for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
                    sums[4 * i][j] = fma((float4)xs[i].x, ws[j], sums[4 * i][j]);
                    sums[4 * i + 1][j] = fma((float4)xs[i].y, ws[j], sums[4 * i + 1][j]);
                    sums[4 * i + 2][j] = fma((float4)xs[i].z, ws[j], sums[4 * i + 2][j]);
                    sums[4 * i + 3][j] = fma((float4)xs[i].w, ws[j], sums[4 * i + 3][j]);
                }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#pragma unroll
    for (uint i = 0; i < ITEM_ROWS; i++) {
        const uint row = row_base + item_row + i / 4 * ROW_STEP + i % 4;
#pragma unroll
        for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
            const uint output = output_base + item_output + j * OUTPUT_STEP;
            float values[4];
            vstore4(sums[i][j], 0, values);
#pragma unroll
            for (uint n = 0; n < 4; n++)
                if (row < rows && output + n < outputs) {
                    __global float *out = y + y_offset + (size_t)row * outputs + output + n;
                    *out = accumulate ? *out + values[n] : values[n];
                }
        }
    }
}
