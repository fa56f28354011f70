/*
 * Folds what the chunks of each row left (attn/softmax.clh) into y.
 *
 *   y [rows][HEADS][HEAD_DIM]
 *
 * Global size: (HEAD_DIM / 8) x HEADS x (tiles * TILE_ROWS); one work-item does 8 elements of a head.
 * Rows from split_rows on were finished by attn_item or attn_group itself.
 * Needs -DHEADS -DHEAD_DIM -DTILE_ROWS -DCHUNK. With -DSCORES=1 (m, l) is written too
 * (attn/scores.clh).
 */
#include "attn/scores.clh"
#include "attn/softmax.clh"

__kernel void attn_merge(__global const uint4 *tiles, __global const float *partial,
                         uint split_rows, uint chunk_capacity, __global float *y, ulong y_offset
#if SCORES
                         , __global float2 *stats
#endif
)
{
    uint first = 8 * get_global_id(0);
    uint head = get_global_id(1);
    uint4 tile = tiles[get_global_id(2) / TILE_ROWS];
    uint i = get_global_id(2) % TILE_ROWS;
    if (i >= tile.y || tile.x + tile.y > split_rows)
        return;
    size_t row = tile.x + i;
    uint chunks = (tile.w + i + CHUNK - 1) / CHUNK;
    __global const float *part = partial + (row * HEADS + head) * chunk_capacity * PARTIAL;

    float maximum = LOWEST, sum = 0.0f;
    float8 total = 0.0f;
    for (uint chunk = 0; chunk < chunks; chunk++, part += PARTIAL) {
        float m = part[HEAD_DIM];
        float larger = max(maximum, m);
        float old = exp2_1(maximum - larger), now = exp2_1(m - larger);
        maximum = larger;
        sum = fma(sum, old, part[HEAD_DIM + 1] * now);
        total = fma(total, (float8)old, vload8(0, part + first) * now);
    }
    vstore8(total * (1.0f / sum), 0, y + y_offset + (row * HEADS + head) * HEAD_DIM + first);
#if SCORES
    if (first == 0)
        stats[get_global_id(2) / TILE_ROWS * HEADS + head] = (float2)(maximum, sum);
#endif
}
