/*
 * y[r][n] = sum_k x[r][k] w[n][k] (+ y[r][n]) by the matrix instructions of NVIDIA GPUs (ptx.clh),
 * for weights that are halves or small integers; as exact as sums of floats.
 *
 *   w  outputs x columns, from byte w_offset
 *   x  rows x columns floats from element x_offset;  y  rows x outputs floats from element y_offset
 *
 * The instructions multiply halves. Weights before their scale are halves as they are. A float x is
 * cut in two halves: hi = half(X_SCALE x), lo = half((X_SCALE x - hi) / LO_SCALE), each with a
 * product of its own; the scales keep large x (to 1.6e7, past which sums are no numbers) and small
 * lo in the range of halves. What is lost of x is below 2^-22 of it, or 2^-28.
 *
 * A group computes TILE_ROWS x TILE_OUTPUTS sums, each of its warps WARP_ROWS x WARP_OUTPUTS of
 * them; with PARTS > 1 that many warps share the same sums and each takes every PARTS-th span of
 * columns, where few tiles must keep the device busy. For every DEPTH columns the group brings that
 * part of x and of w to local memory as halves; what the next step needs is read into registers
 * meanwhile. A lane reads 8 columns of a row, 16 bytes, at once and feeds two instructions with
 * them: both factors are read so, and the order of the columns of a sum does not matter. The sums of
 * a span of 32 columns are scaled and added to the others as floats.
 *
 * -DWEIGHT_TYPE                  F16, Q8_0, Q4_0; see quant.clh
 * -DALIGNED                      see prelude.clh
 * -DTILE_ROWS -DTILE_OUTPUTS     of a group; multiples of WARP_ROWS, WARP_OUTPUTS
 * -DWARP_ROWS -DWARP_OUTPUTS     of a warp; multiples of 8 and 16
 * -DPARTS                        warps that share their sums
 * -DDEPTH                        columns of a step, a multiple of 32 PARTS
 */
#include "ptx.clh"
#include "gemm/tile.clh"

typedef ushort half_bits;

#define X_SCALE  0x1p-8f
#define LO_SCALE 0x1p-11f

#define WARPS_ACROSS (TILE_OUTPUTS / WARP_OUTPUTS)
#define WARPS        (WARPS_ACROSS * (TILE_ROWS / WARP_ROWS))
#define GROUP        (WARP * WARPS * PARTS)
#define SPANS        (DEPTH / SPAN)
#define EIGHTS       (DEPTH / 8)
/* Where 8 columns of a row are in local memory, in units of 8 halves: the 4 units that lanes of one
 * row read are in other banks than those of the next row. */
#define AT(row, eight) ((row) * EIGHTS + (SPANS % 2 ? (eight) : (eight) ^ (row) % 2 * 4))
#define X_QUADS      ((TILE_ROWS * (DEPTH / 4) + GROUP - 1) / GROUP) /* an item brings */
#define W_EIGHTS     ((TILE_OUTPUTS * EIGHTS + GROUP - 1) / GROUP)
#define W_SCALES     (SPAN_SCALED ? (TILE_OUTPUTS * SPANS + GROUP - 1) / GROUP : 1)
#define TILES_DOWN   (WARP_OUTPUTS / 16) /* of 16 outputs x 8 rows, of a warp */
#define TILES_ACROSS (WARP_ROWS / 8)

/* Eight weights before their scale as halves: codes i of 4 of a span. */
static inline uint4 halves_of_codes(const codes codes, const uint i)
{
#if CODES_HALVES
    return codes;
#else
    /* The half 1024 + byte has the byte in its lowest bits. */
    const uint2 bytes = codes_bytes(codes, i);
    const uint2 low = (bytes & 0xffu) | (bytes & 0xff00u) << 8;
    const uint2 high = (bytes >> 16 & 0xffu) | (bytes >> 8 & 0xff0000u);
    const uint4 raised = (uint4)(low.x, high.x, low.y, high.y) | 0x64006400u;
    const uint by = 0x64006400u + CODE_ZERO * 0x00010001u;
    return (uint4)(ptx_sub_halves(raised.x, by), ptx_sub_halves(raised.y, by),
                   ptx_sub_halves(raised.z, by), ptx_sub_halves(raised.w, by));
#endif
}

/* Columns k to k + 3 of a row of x; only ALIGNED promises that all of them are there. */
static inline float4 x_columns(__global const float *row, const uint k, const uint columns)
{
#if ALIGNED
    return load4(row + k);
#else
    return x_quad(row, k, columns);
#endif
}

/* Columns k to k + 7 of a row of weights, likewise. */
static inline codes w_columns(span_pointer row, const uint k, const uint columns)
{
    span_pointer span = row + (size_t)(k / SPAN) * SPAN_BYTES;
#if SPAN_FLAT && !ALIGNED
    if (k + 8 > columns) {
        ushort halves[8];
#pragma unroll
        for (uint i = 0; i < 8; i++)
            halves[i] = k + i < columns ? ((__global const ushort *)span)[k % SPAN + i] : 0;
        return as_uint4(vload8(0, halves));
    }
#endif
    return span_codes(span, k % SPAN / 8);
}

/* The item's share of the step that begins at column `block`: loads and no more, none of which waits
 * for another. Outside of the matrices they load what is inside; it is put right when it is used. */
static inline void bring(__global const float *x, const uint row_base, const uint rows,
                         span_pointer w, const uint output_base, const uint outputs,
                         const uint columns, const uint block, float4 *x_quads, codes *w_eights,
                         half_bits *w_scales)
{
    const uint item = get_local_id(0);
#pragma unroll
    for (uint n = 0; n < X_QUADS; n++) {
        const uint i = item + n * GROUP;
        const uint row = min(row_base + i / (DEPTH / 4), rows - 1);
        const uint k = block + 4 * (i % (DEPTH / 4));
        x_quads[n] = x_columns(x + (size_t)row * columns, k < columns ? k : 0, columns);
    }
#pragma unroll
    for (uint n = 0; n < W_EIGHTS; n++) {
        const uint i = item + n * GROUP;
        const uint output = min(output_base + i / EIGHTS, outputs - 1);
        const uint k = block + 8 * (i % EIGHTS);
        w_eights[n] = w_columns(w + output * ROW_BYTES(columns), k < columns ? k : 0, columns);
    }
#if SPAN_SCALED
#pragma unroll
    for (uint n = 0; n < W_SCALES; n++) {
        const uint i = item + n * GROUP;
        const uint output = min(output_base + i / SPANS, outputs - 1);
        const uint k = block + SPAN * (i % SPANS);
        w_scales[n] = *(__global const half_bits *)(w + output * ROW_BYTES(columns) +
                                                    (k < columns ? k / SPAN : 0) * SPAN_BYTES);
    }
#endif
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void matmul_matrix(
    __global const uchar *w, const ulong w_offset, __global const float *x, const ulong x_offset,
    __global float *y, const ulong y_offset, const uint outputs, const uint columns,
    const uint rows, const uint accumulate)
{
    __local uint4 tiles[(2 * TILE_ROWS + TILE_OUTPUTS) * EIGHTS];
    __local uint4 *const hi_tile = tiles, *const lo_tile = tiles + TILE_ROWS * EIGHTS;
    __local uint4 *const w_tile = tiles + 2 * TILE_ROWS * EIGHTS;
    __local float scales[SPAN_SCALED ? TILE_OUTPUTS * SPANS : 1];
    const uint item = get_local_id(0), lane = item % WARP, warp = item / WARP;
    const uint part = warp / WARPS;
    const uint output_base = get_group_id(0) * TILE_OUTPUTS, row_base = get_group_id(1) * TILE_ROWS;
    const uint warp_output = warp % WARPS_ACROSS * WARP_OUTPUTS;
    const uint warp_row = warp % WARPS / WARPS_ACROSS * WARP_ROWS;
    w += w_offset;
    x += x_offset;

    float4 sums[TILES_DOWN][TILES_ACROSS];
#pragma unroll
    for (uint m = 0; m < TILES_DOWN; m++)
#pragma unroll
        for (uint n = 0; n < TILES_ACROSS; n++)
            sums[m][n] = 0.0f;

    float4 x_next[X_QUADS];
    codes w_next[W_EIGHTS];
    half_bits scale_next[W_SCALES];
    bring(x, row_base, rows, w, output_base, outputs, columns, 0, x_next, w_next, scale_next);
    for (uint block = 0; block < columns; block += DEPTH) {
#pragma unroll
        for (uint n = 0; n < X_QUADS; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_ROWS * (DEPTH / 4)) {
                const uint row = i / (DEPTH / 4), quad = i % (DEPTH / 4);
                const uint place = 2 * AT(row, quad / 2) + quad % 2;
                const float4 whole =
                    block + 4 * quad < columns ? x_next[n] * X_SCALE : (float4)0.0f;
                const uint2 hi = (uint2)(ptx_halves(whole.lo), ptx_halves(whole.hi));
                const float2 low = (whole.lo - ptx_floats(hi.x)) * (1 / LO_SCALE);
                const float2 high = (whole.hi - ptx_floats(hi.y)) * (1 / LO_SCALE);
                ((__local uint2 *)hi_tile)[place] = hi;
                ((__local uint2 *)lo_tile)[place] = (uint2)(ptx_halves(low), ptx_halves(high));
            }
        }
#pragma unroll
        for (uint n = 0; n < W_EIGHTS; n++) {
            const uint i = item + n * GROUP;
            const uint output = i / EIGHTS, eight = i % EIGHTS;
            if (i < TILE_OUTPUTS * EIGHTS)
                w_tile[AT(output, eight)] = block + 8 * eight < columns
                                                ? halves_of_codes(w_next[n], eight % 4)
                                                : (uint4)0;
        }
#if SPAN_SCALED
#pragma unroll
        for (uint n = 0; n < W_SCALES; n++) {
            const uint i = item + n * GROUP;
            if (i < TILE_OUTPUTS * SPANS)
                scales[i % SPANS * TILE_OUTPUTS + i / SPANS] = ptx_floats(scale_next[n]).x;
        }
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        bring(x, row_base, rows, w, output_base, outputs, columns, block + DEPTH, x_next, w_next,
              scale_next);

#pragma unroll
        for (uint step = 0; step < SPANS / PARTS; step++) {
            const uint span = step * PARTS + part;
            const uint eight = span * 4 + lane % 4;
            uint4 a[TILES_DOWN][2];
            float scale[TILES_DOWN][2];
#pragma unroll
            for (uint m = 0; m < TILES_DOWN; m++)
#pragma unroll
                for (uint h = 0; h < 2; h++) {
                    const uint output = warp_output + 16 * m + 8 * h + lane / 4;
                    a[m][h] = w_tile[AT(output, eight)];
                    scale[m][h] = SPAN_SCALED ? scales[span * TILE_OUTPUTS + output] : 1.0f;
                }
#pragma unroll
            for (uint n = 0; n < TILES_ACROSS; n++) {
                const uint place = AT(warp_row + 8 * n + lane / 4, eight);
                const uint4 hi = hi_tile[place], lo = lo_tile[place];
#pragma unroll
                for (uint m = 0; m < TILES_DOWN; m++) {
                    const uint4 a0 = a[m][0], a1 = a[m][1];
                    float4 low = ptx_mma(a0.x, a1.x, a0.y, a1.y, lo.x, lo.y, (float4)0.0f);
                    float4 sum = ptx_mma(a0.x, a1.x, a0.y, a1.y, hi.x, hi.y, (float4)0.0f);
                    low = ptx_mma(a0.z, a1.z, a0.w, a1.w, lo.z, lo.w, low);
                    sum = ptx_mma(a0.z, a1.z, a0.w, a1.w, hi.z, hi.w, sum);
                    sum = fma(low, LO_SCALE, sum);
                    const float s0 = scale[m][0], s1 = scale[m][1];
                    sums[m][n] = fma(sum, (float4)(s0, s0, s1, s1), sums[m][n]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#if PARTS > 1
    /* The tiles were read; the host has seen to it that this is no more. */
    __local float4 *const others = (__local float4 *)tiles;
    if (part > 0)
#pragma unroll
        for (uint i = 0; i < TILES_DOWN * TILES_ACROSS; i++)
            others[((warp - WARPS) * TILES_DOWN * TILES_ACROSS + i) * WARP + lane] =
                sums[i / TILES_ACROSS][i % TILES_ACROSS];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (part > 0)
        return;
#pragma unroll
    for (uint p = 0; p < PARTS - 1; p++)
#pragma unroll
        for (uint i = 0; i < TILES_DOWN * TILES_ACROSS; i++)
            sums[i / TILES_ACROSS][i % TILES_ACROSS] +=
                others[((p * WARPS + warp) * TILES_DOWN * TILES_ACROSS + i) * WARP + lane];
#endif

#pragma unroll
    for (uint m = 0; m < TILES_DOWN; m++)
#pragma unroll
        for (uint n = 0; n < TILES_ACROSS; n++) {
            float values[4];
            vstore4(sums[m][n] * (1 / X_SCALE), 0, values);
#pragma unroll
            for (uint i = 0; i < 4; i++) {
                const uint row = row_base + warp_row + 8 * n + lane % 4 * 2 + i % 2;
                const uint output = output_base + warp_output + 16 * m + i / 2 * 8 + lane / 4;
                if (row < rows && output < outputs) {
                    __global float *out = y + y_offset + (size_t)row * outputs + output;
                    *out = accumulate ? *out + values[i] : values[i];
                }
            }
        }
}
