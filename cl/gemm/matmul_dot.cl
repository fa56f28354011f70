/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matmul_group.cl computes it, with activations that
 * quantise.cl made bytes, four products at a time (dot4.clh).
 *
 *   w  outputs x columns, of a type with blocks, from byte w_offset
 *   codes, factors  rows of activations (quantise.cl)
 *   y  rows x outputs floats from element y_offset
 *
 * Tiles, work-items and the order of steps are those of matmul_group.cl, but a step brings bytes
 * with a sign, four columns in an int ([k / 4][row], [k / 4][output]), and the scales of their
 * blocks. The sum of a block of 32 columns is one of integers, exact; times both scales it is added
 * to the sums of floats.
 *
 * -DWEIGHT_TYPE                  see quant.clh; one with blocks
 * -DTILE_ROWS -DTILE_OUTPUTS     of a group; multiples of ITEM_ROWS, ITEM_OUTPUTS
 * -DITEM_ROWS -DITEM_OUTPUTS     of a work-item; multiples of 4
 * -DDEPTH                        columns of a step, a multiple of 32
 * -DDOT4                         see dot4.clh
 */
#include "dot4.clh"
#include "gemm/codes.clh"
#include "gemm/signed.clh"

#define ITEMS_ACROSS (TILE_OUTPUTS / ITEM_OUTPUTS)
#define GROUP        (ITEMS_ACROSS * (TILE_ROWS / ITEM_ROWS))
#define ROW_STEP     (TILE_ROWS / (ITEM_ROWS / 4))
#define OUTPUT_STEP  (TILE_OUTPUTS / (ITEM_OUTPUTS / 4))
#define X_STRIDE     (TILE_ROWS + 4) /* the padding keeps the transposing stores off one bank */
#define W_STRIDE     (TILE_OUTPUTS + 4)
#define PARTS        (DEPTH / 8) /* of a row of a step, two ints each */
#define BLOCKS       (DEPTH / SPAN)
#define SHARE(count) (((count) + GROUP - 1) / GROUP) /* of so many, an item brings */
#define X_PARTS      SHARE(TILE_ROWS *PARTS)
#define W_PARTS      SHARE(TILE_OUTPUTS *PARTS)
#define X_SCALES     SHARE(TILE_ROWS *BLOCKS)
#define W_SCALES     SHARE(TILE_OUTPUTS *BLOCKS)

/* What an item brings of a step. */
typedef struct Brought {
    int2 x[X_PARTS];
    codes w[W_PARTS];
    float x_scales[X_SCALES], w_scales[W_SCALES];
} Brought;

/* The item's part of the step that begins at column `block`; zeros outside. */
static inline void bring(__global const char *x, __global const float2 *factors,
                         const uint row_base, const uint rows, span_pointer w,
                         const uint output_base, const uint outputs, const uint columns,
                         const uint block, Brought *brought)
{
    const uint item = get_local_id(0);
    const size_t stride = columns + CODES_PADDING;
#pragma unroll
    for (uint n = 0; n < X_PARTS; n++) {
        const uint i = item + n * GROUP;
        const uint row = row_base + i / PARTS, k = block + 8 * (i % PARTS);
        brought->x[n] = row < rows && k < columns
                            ? *(__global const int2 *)(x + row * stride + k)
                            : (int2)0;
    }
#pragma unroll
    for (uint n = 0; n < W_PARTS; n++) {
        const uint i = item + n * GROUP;
        const uint output = output_base + i / PARTS, k = block + 8 * (i % PARTS);
        brought->w[n] = output < outputs && k < columns
                            ? span_codes(w + output * ROW_BYTES(columns) + k / SPAN * SPAN_BYTES,
                                         k % SPAN / 8)
                            : (codes)0;
    }
#pragma unroll
    for (uint n = 0; n < X_SCALES; n++) {
        const uint i = item + n * GROUP;
        const uint row = row_base + i / BLOCKS, b = block / SPAN + i % BLOCKS;
        brought->x_scales[n] = row < rows && b < columns / SPAN
                                   ? factors[(size_t)row * (columns / SPAN) + b].x
                                   : 0.0f;
    }
#pragma unroll
    for (uint n = 0; n < W_SCALES; n++) {
        const uint i = item + n * GROUP;
        const uint output = output_base + i / BLOCKS, b = block / SPAN + i % BLOCKS;
        brought->w_scales[n] = output < outputs && b < columns / SPAN
                                   ? span_scale(w + output * ROW_BYTES(columns) + b * SPAN_BYTES)
                                   : 0.0f;
    }
}

/* Four sums of a block, as floats with the scales of both. */
static inline float4 scaled(const int4 part, const float x_scale, const float4 w_scale,
                            const float4 sum)
{
    return fma(convert_float4(part), x_scale * w_scale, sum);
}

static inline int4 dots(const int4 w, const int x, const int4 part)
{
    return (int4)(dot4(w.x, x, part.x), dot4(w.y, x, part.y), dot4(w.z, x, part.z),
                  dot4(w.w, x, part.w));
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matmul_dot(
    __global const uchar *w, const ulong w_offset, __global const char *codes_of_x,
    __global const float2 *factors, __global float *y, const ulong y_offset, const uint outputs,
    const uint columns, const uint rows, const uint accumulate)
{
    __local int x_tile[DEPTH / 4 * X_STRIDE] __attribute__((aligned(16)));
    __local int w_tile[DEPTH / 4 * W_STRIDE] __attribute__((aligned(16)));
    __local float x_scales[BLOCKS * TILE_ROWS] __attribute__((aligned(16)));
    __local float w_scales[BLOCKS * TILE_OUTPUTS] __attribute__((aligned(16)));
    const uint item = get_local_id(0);
    const uint output_base = get_group_id(0) * TILE_OUTPUTS, row_base = get_group_id(1) * TILE_ROWS;
    const uint item_output = item % ITEMS_ACROSS * 4, item_row = item / ITEMS_ACROSS * 4;
    w += w_offset;

    float4 sums[ITEM_ROWS][ITEM_OUTPUTS / 4];
#pragma unroll
    for (uint i = 0; i < ITEM_ROWS; i++)
#pragma unroll
        for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
            sums[i][j] = 0.0f;

    Brought next;
    bring(codes_of_x, factors, row_base, rows, w, output_base, outputs, columns, 0, &next);
    for (uint block = 0; block < columns; block += DEPTH) {
#pragma unroll
        for (uint n = 0; n < X_PARTS; n++) {
            const uint i = item + n * GROUP;
            __local int *to = x_tile + i % PARTS * (2 * X_STRIDE) + i / PARTS;
            if (i < TILE_ROWS * PARTS) {
                to[0] = next.x[n].x;
                to[X_STRIDE] = next.x[n].y;
            }
        }
#pragma unroll
        for (uint n = 0; n < W_PARTS; n++) {
            const uint i = item + n * GROUP;
            __local int *to = w_tile + i % PARTS * (2 * W_STRIDE) + i / PARTS;
            if (i < TILE_OUTPUTS * PARTS) {
                const int2 bytes = signed_bytes(next.w[n], i % PARTS % 4);
                to[0] = bytes.x;
                to[W_STRIDE] = bytes.y;
            }
        }
#pragma unroll
        for (uint n = 0; n < X_SCALES; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_ROWS * BLOCKS)
                x_scales[i % BLOCKS * TILE_ROWS + i / BLOCKS] = next.x_scales[n];
        }
#pragma unroll
        for (uint n = 0; n < W_SCALES; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_OUTPUTS * BLOCKS)
                w_scales[i % BLOCKS * TILE_OUTPUTS + i / BLOCKS] = next.w_scales[n];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        bring(codes_of_x, factors, row_base, rows, w, output_base, outputs, columns, block + DEPTH,
              &next);

        for (uint b = 0; b < BLOCKS; b++) {
            int4 parts[ITEM_ROWS][ITEM_OUTPUTS / 4];
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS; i++)
#pragma unroll
                for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
                    parts[i][j] = 0;
#pragma unroll
            for (uint k = 0; k < SPAN / 4; k++) {
                const uint at = b * (SPAN / 4) + k;
                int4 xs[ITEM_ROWS / 4], ws[ITEM_OUTPUTS / 4];
#pragma unroll
                for (uint i = 0; i < ITEM_ROWS / 4; i++)
                    xs[i] = *(__local const int4 *)(x_tile + at * X_STRIDE + item_row +
                                                    i * ROW_STEP);
#pragma unroll
                for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
                    ws[j] = *(__local const int4 *)(w_tile + at * W_STRIDE + item_output +
                                                    j * OUTPUT_STEP);
#pragma unroll
                for (uint i = 0; i < ITEM_ROWS / 4; i++)
#pragma unroll
                    for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
                        parts[4 * i][j] = dots(ws[j], xs[i].x, parts[4 * i][j]);
                        parts[4 * i + 1][j] = dots(ws[j], xs[i].y, parts[4 * i + 1][j]);
                        parts[4 * i + 2][j] = dots(ws[j], xs[i].z, parts[4 * i + 2][j]);
                        parts[4 * i + 3][j] = dots(ws[j], xs[i].w, parts[4 * i + 3][j]);
                    }
            }
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++) {
                const float4 xs = *(__local const float4 *)(x_scales + b * TILE_ROWS + item_row +
                                                            i * ROW_STEP);
#pragma unroll
                for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
                    const float4 ws = *(__local const float4 *)(w_scales + b * TILE_OUTPUTS +
                                                                item_output + j * OUTPUT_STEP);
                    sums[4 * i][j] = scaled(parts[4 * i][j], xs.x, ws, sums[4 * i][j]);
                    sums[4 * i + 1][j] = scaled(parts[4 * i + 1][j], xs.y, ws, sums[4 * i + 1][j]);
                    sums[4 * i + 2][j] = scaled(parts[4 * i + 2][j], xs.z, ws, sums[4 * i + 2][j]);
                    sums[4 * i + 3][j] = scaled(parts[4 * i + 3][j], xs.w, ws, sums[4 * i + 3][j]);
                }
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
