/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folds what the chunks of each row left (attn/softmax.clh) into y.
 *
 *   y [rows][HEADS][HEAD_DIM]
 *
 * Global size: (HEAD_DIM / 4) x HEADS x (tiles * TILE_ROWS); one work-item does 4 elements of a head.
 * Rows from split_rows on were finished by attn_item or attn_group itself.
 * Needs -DHEADS -DHEAD_DIM -DTILE_ROWS -DCHUNK. With -DSCORES=1 (m, l) is written too
 * (attn/scores.clh); -DSINKS=1: attn/softmax.clh.
 */
#include "prelude.clh"
#include "attn/scores.clh"
#include "attn/softmax.clh"

#define BATCH 8 /* chunks whose loads are under way at once */

__kernel void attn_merge(__global const uint4 *tiles, __global const float *partial,
                         uint split_rows, uint chunk_capacity, __global float *y, ulong y_offset
#if SCORES
                         , __global float2 *stats
#endif
                         SINKS_PARAMETERS)
{
    uint first = 4 * get_global_id(0);
    uint head = get_global_id(1);
    uint4 tile = tiles[get_global_id(2) / TILE_ROWS];
    uint i = get_global_id(2) % TILE_ROWS;
    if (i >= tile.y || tile.x + tile.y > split_rows)
        return;
    size_t row = tile.x + i;
    uint chunks = (tile.w + i + CHUNK - 1) / CHUNK;
    partial += (row * HEADS + head) * chunk_capacity * PARTIAL;

    float2 before = BEFORE_TOKENS(sinks[sinks_offset + head]);
    float maximum = before.x, sum = before.y;
    float4 total = 0.0f;
    for (uint chunk = 0; chunk < chunks; chunk += BATCH) {
        float4 values[BATCH];
        float2 stat[BATCH]; /* (m, l) */
#pragma unroll
        for (uint c = 0; c < BATCH; c++) {
            __global const float *part = partial + min(chunk + c, chunks - 1) * PARTIAL;
            values[c] = aligned_float4(part + first);
            stat[c] = *(__global const float2 *)(part + HEAD_DIM);
        }
#pragma unroll
        for (uint c = 0; c < BATCH; c++) {
            if (chunk + c >= chunks)
                continue;
            float larger = max(maximum, stat[c].x);
            float old = exp2_1(maximum - larger), now = exp2_1(stat[c].x - larger);
            maximum = larger;
            sum = fma(sum, old, stat[c].y * now);
            total = fma(total, (float4)old, values[c] * now);
        }
    }
    vstore4(total * (1.0f / sum), 0, y + y_offset + (row * HEADS + head) * HEAD_DIM + first);
#if SCORES
    if (first == 0)
        stats[get_global_id(2) / TILE_ROWS * HEADS + head] = (float2)(maximum, sum);
#endif
}
