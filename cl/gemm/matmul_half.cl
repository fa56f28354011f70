/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) as matmul_group.cl computes it, with activations that
 * halve.cl made halves and products of halves, for devices that multiply these faster than floats.
 *
 *   w  outputs x columns, from byte w_offset
 *   x, x_scales  rows of activations (halve.cl)
 *   y  rows x outputs floats from element y_offset
 *
 * The tiles in local memory are halves: a group brings DEPTH columns of x and of w, transposed, and
 * each item adds up the products of these in halves, then multiplies these sums by the scales of
 * both and adds them to sums of floats. Weights with blocks go into the tiles as their codes, whole
 * numbers of -128 to 127: with halves of 1 at most (below 4 where floats end) a sum of 32 products
 * is below 2^14, which no half is too small for. F16 goes in as it is: a sum that no half holds, of
 * weights above 2047, is infinite, and what is infinite is never a number again, whatever is added
 * to it or multiplied with it. F32 and BF16 have a larger range than that and are not for here.
 *
 * -DWEIGHT_TYPE                  see quant.clh; F16 or one with blocks
 * -DALIGNED                      rows of F16 weights start on 8 bytes
 * -DHALVES                       see halves.clh
 * -DTILE_ROWS -DTILE_OUTPUTS     of a group; multiples of ITEM_ROWS, ITEM_OUTPUTS
 * -DITEM_ROWS -DITEM_OUTPUTS     of a work-item; multiples of 4
 * -DDEPTH                        columns of a step, a multiple of 4 that divides 32
 */
#include "halves.clh"
#include "quant.clh"

#define ITEMS_ACROSS (TILE_OUTPUTS / ITEM_OUTPUTS)
#define GROUP        (ITEMS_ACROSS * (TILE_ROWS / ITEM_ROWS))
#define ROW_STEP     (TILE_ROWS / (ITEM_ROWS / 4))
#define OUTPUT_STEP  (TILE_OUTPUTS / (ITEM_OUTPUTS / 4))
#define X_STRIDE     (TILE_ROWS + 4) /* the padding keeps the transposing stores off one bank */
#define W_STRIDE     (TILE_OUTPUTS + 4)
#define SHARE(all)   (((all) + GROUP - 1) / GROUP) /* what an item brings of it */
#define X_QUADS      (TILE_ROWS * (DEPTH / 4))
#define W_QUADS      (TILE_OUTPUTS * (DEPTH / 4))

/* Four weights as they are stored, a load that nothing waits for; and what the tile has of them. */
#if WEIGHT_TYPE == WEIGHT_F16
typedef ushort4 raw_quad;

static inline raw_quad w_quad(span_pointer row, const uint k, const uint columns)
{
    __global const ushort *from = (__global const ushort *)row + k;
    if (k + 4 > columns)
        return (ushort4)(k < columns ? from[0] : 0, k + 1 < columns ? from[1] : 0,
                         k + 2 < columns ? from[2] : 0, 0);
#if ALIGNED
    return *(__global const ushort4 *)from;
#else
    return vload4(0, from);
#endif
}

static inline ushort4 w_bits(const raw_quad raw, const uint k)
{
    return raw;
}

#elif WEIGHT_TYPE == WEIGHT_Q8_0
typedef uchar4 raw_quad;

static inline raw_quad w_quad(span_pointer row, const uint k, const uint columns)
{
    span_pointer span = row + (size_t)(k / SPAN) * SPAN_BYTES;
    return as_uchar4(vload2(k % SPAN / 4, (__global const ushort *)(span + 2)));
}

static inline ushort4 w_bits(const raw_quad raw, const uint k)
{
    return halves_bits(halves_of_bytes(raw ^ (uchar4)0x80, 128));
}

#elif WEIGHT_TYPE == WEIGHT_Q4_0
typedef uchar4 raw_quad;

static inline raw_quad w_quad(span_pointer row, const uint k, const uint columns)
{
    span_pointer span = row + (size_t)(k / SPAN) * SPAN_BYTES;
    return as_uchar4(vload2(k % 16 / 4, (__global const ushort *)(span + 2)));
}

static inline ushort4 w_bits(const raw_quad raw, const uint k)
{
    return halves_bits(halves_of_bytes(k % SPAN < 16 ? raw & (uchar4)15 : raw >> (uchar4)4, 8));
}

#else
#error "WEIGHT_TYPE has a range that halves do not have"
#endif

/* What an item brings of a step. */
typedef struct Part {
    ushort4 x[SHARE(X_QUADS)];
    raw_quad w[SHARE(W_QUADS)];
    float x_scales[SHARE(TILE_ROWS)];
#if SPAN_SCALED
    float w_scales[SHARE(TILE_OUTPUTS)];
#endif
} Part;

/* Of the step that begins at column `block`, the item's share; zeros outside. */
static inline void bring(__global const ushort *x, __global const float *x_scales,
                         const uint row_base, const uint rows, span_pointer w,
                         const uint output_base, const uint outputs, const uint columns,
                         const uint block, Part *part)
{
    const uint item = get_local_id(0);
    const uint blocks = (columns + SPAN - 1) / SPAN; /* x is no larger than the scratch */
    if (block >= columns) return;
#pragma unroll
    for (uint n = 0; n < SHARE(X_QUADS); n++) {
        const uint i = item + n * GROUP;
        const uint row = row_base + i / (DEPTH / 4), k = block + 4 * (i % (DEPTH / 4));
        part->x[n] = row < rows ? *(__global const ushort4 *)(x + row * blocks * SPAN + k)
                                : (ushort4)0;
    }
#pragma unroll
    for (uint n = 0; n < SHARE(W_QUADS); n++) {
        const uint i = item + n * GROUP;
        const uint output = output_base + i / (DEPTH / 4), k = block + 4 * (i % (DEPTH / 4));
        part->w[n] = output < outputs ? w_quad(w + output * ROW_BYTES(columns), k, columns)
                                      : (raw_quad)0;
    }
#pragma unroll
    for (uint n = 0; n < SHARE(TILE_ROWS); n++) {
        const uint row = row_base + item + n * GROUP;
        part->x_scales[n] = row < rows ? x_scales[row * blocks + block / SPAN] : 0.0f;
    }
#if SPAN_SCALED
#pragma unroll
    for (uint n = 0; n < SHARE(TILE_OUTPUTS); n++) {
        const uint output = output_base + item + n * GROUP;
        part->w_scales[n] = output < outputs ? span_scale(w + output * ROW_BYTES(columns) +
                                                          block / SPAN * SPAN_BYTES)
                                             : 0.0f;
    }
#endif
}

/* Stores a quad of columns 4 q .. 4 q + 3 as a column of a tile [k][stride]. */
static inline void store_column(__local ushort *tile, const uint stride, const uint q,
                                const uint index, const ushort4 quad)
{
    __local ushort *to = tile + 4 * q * stride + index;
    to[0] = quad.x;
    to[stride] = quad.y;
    to[2 * stride] = quad.z;
    to[3 * stride] = quad.w;
}

static inline halves tile_halves(__local const ushort *at)
{
    return halves_of_bits(*(__local const ushort4 *)at);
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matmul_half(
    __global const uchar *w, const ulong w_offset, __global const ushort *x,
    __global const float *x_scales, __global float *y, const ulong y_offset, const uint outputs,
    const uint columns, const uint rows, const uint accumulate)
{
    __local ushort x_tile[DEPTH * X_STRIDE] __attribute__((aligned(16)));
    __local ushort w_tile[DEPTH * W_STRIDE] __attribute__((aligned(16)));
    __local float x_factors[TILE_ROWS] __attribute__((aligned(16)));
#if SPAN_SCALED
    __local float w_factors[TILE_OUTPUTS] __attribute__((aligned(16)));
#endif
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

    Part next;
    bring(x, x_scales, row_base, rows, w, output_base, outputs, columns, 0, &next);
    for (uint block = 0; block < columns; block += DEPTH) {
#pragma unroll
        for (uint n = 0; n < SHARE(X_QUADS); n++) {
            const uint i = item + n * GROUP;
            if (i < X_QUADS)
                store_column(x_tile, X_STRIDE, i % (DEPTH / 4), i / (DEPTH / 4), next.x[n]);
        }
#pragma unroll
        for (uint n = 0; n < SHARE(W_QUADS); n++) {
            const uint i = item + n * GROUP, k = block + 4 * (i % (DEPTH / 4));
            if (i < W_QUADS)
                store_column(w_tile, W_STRIDE, i % (DEPTH / 4), i / (DEPTH / 4),
                             w_bits(next.w[n], k));
        }
#pragma unroll
        for (uint n = 0; n < SHARE(TILE_ROWS); n++)
            if (item + n * GROUP < TILE_ROWS) x_factors[item + n * GROUP] = next.x_scales[n];
#if SPAN_SCALED
#pragma unroll
        for (uint n = 0; n < SHARE(TILE_OUTPUTS); n++)
            if (item + n * GROUP < TILE_OUTPUTS) w_factors[item + n * GROUP] = next.w_scales[n];
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        bring(x, x_scales, row_base, rows, w, output_base, outputs, columns, block + DEPTH, &next);

        halves parts[ITEM_ROWS][ITEM_OUTPUTS / 4];
#pragma unroll
        for (uint i = 0; i < ITEM_ROWS; i++)
#pragma unroll
            for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
                parts[i][j] = (halves)0;
#if HALVES == HALVES_PLAIN
#pragma unroll 1 /* a twin that is compiled in no time */
#else
#pragma unroll
#endif
        for (uint k = 0; k < DEPTH; k++) {
            halves xs[ITEM_ROWS / 4], ws[ITEM_OUTPUTS / 4];
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++)
                xs[i] = tile_halves(x_tile + k * X_STRIDE + item_row + i * ROW_STEP);
#pragma unroll
            for (uint j = 0; j < ITEM_OUTPUTS / 4; j++)
                ws[j] = tile_halves(w_tile + k * W_STRIDE + item_output + j * OUTPUT_STEP);
#pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++)
#pragma unroll
                for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
                    parts[4 * i][j] = halves_fma((halves)xs[i].x, ws[j], parts[4 * i][j]);
                    parts[4 * i + 1][j] = halves_fma((halves)xs[i].y, ws[j], parts[4 * i + 1][j]);
                    parts[4 * i + 2][j] = halves_fma((halves)xs[i].z, ws[j], parts[4 * i + 2][j]);
                    parts[4 * i + 3][j] = halves_fma((halves)xs[i].w, ws[j], parts[4 * i + 3][j]);
                }
        }
#pragma unroll
        for (uint i = 0; i < ITEM_ROWS; i++) {
            const float x_factor = x_factors[item_row + i / 4 * ROW_STEP + i % 4];
#pragma unroll
            for (uint j = 0; j < ITEM_OUTPUTS / 4; j++) {
                float4 part = halves_floats(parts[i][j]);
#if SPAN_SCALED
                /* First: a large factor of x could make it infinite. */
                part *= *(__local const float4 *)(w_factors + item_output + j * OUTPUT_STEP);
#endif
                sums[i][j] = fma(part, (float4)x_factor, sums[i][j]);
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
