/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention for devices where one work-item does a long vector job (CPUs).
 *
 *   y[r][h] = sum_j softmax_j(scale q[r][h] . keys[slots[j]][g]) values[slots[j]][g]
 *
 *   q, y   [rows][HEADS][HEAD_DIM]        float
 *   keys   [slot][KV_HEADS][HEAD_DIM]     KEY_TYPE, values alike; lists of slots and what types
 *          need beside them: attn/kv.clh
 *   tiles  uint4 (first_row, row_count, list_offset, first_count): row first_row + i attends, for KV
 *          head g, to the first first_count + i entries of the list at list_offset + g list_stride;
 *          with -DWINDOW=1 to the last `window` of those
 *
 * Global size: tiles x (KV_HEADS * HEAD_BLOCKS) x chunks, local size 1: a work-item does the rows of
 * one tile for TILE_HEADS heads of one KV head, so that each K and V is loaded once for all of
 * them. Chunks (attn/softmax.clh): with a third dimension of 1 the item walks all chunks and writes
 * y; else each item does one chunk and writes it to `partial`, but tiles that reach row split_rows
 * are done by their first item alone.
 *
 * Two forms of the inner loops, by the number of queries (rows x heads) of the tile:
 *   many: a lane is a query, 16 of them to a vector, or 8 where 5 to 8 heads share a KV head and the
 *         tile has one row                                                (attn/item_tile.clh)
 *   few:  a lane is an element of the head, then a token; for one row of up to 4 heads
 *                                                                         (attn/item_few.clh)
 * The first gives a query the same bits in either width, so with more than 4 heads to a KV head a row
 * gets the same bits alone and among others of its sequence.
 *
 * Needs -DHEADS -DKV_HEADS -DHEAD_DIM -DTILE_ROWS -DTILE_HEADS -DCHUNK -DKEY_TYPE -DVALUE_TYPE.
 * With -DSCORES=1 the scores are written too (attn/scores.clh); y has the same bits. -DSINKS=1,
 * -DSOFT_CAP: attn/softmax.clh.
 */
#include "attn/kv.clh"
#include "attn/scores.clh"
#include "attn/softmax.clh"

#define RATIO       (HEADS / KV_HEADS)
#define HEAD_BLOCKS ((RATIO + TILE_HEADS - 1) / TILE_HEADS)
#define HEAD_VECS   ((HEAD_DIM + 15) / 16)
#define HEAD_PAD    (16 * HEAD_VECS) /* rows of private arrays: whole vectors, the rest zero */
#define BLOCK       32               /* tokens whose scores are computed together; divides CHUNK */
#define AHEAD       32               /* tokens from a prefetch to its use */

/* Vectors of elements whose sums are kept in registers, for 4 queries; divides HEAD_VECS. */
#if HEAD_VECS <= 4
#define DIM_VECS HEAD_VECS
#elif HEAD_VECS % 4 == 0
#define DIM_VECS 4
#elif HEAD_VECS % 5 == 0
#define DIM_VECS 5
#elif HEAD_VECS % 3 == 0
#define DIM_VECS 3
#elif HEAD_VECS % 2 == 0
#define DIM_VECS 2
#else
#define DIM_VECS 1
#endif

/* What a work-item works on. */
typedef struct Item {
    uint first_row;
    uint row_count;
    uint first_count;
    uint first_head;   /* of the TILE_HEADS or fewer it does */
    uint head_count;
    uint begin_chunk;
    uint end_chunk;
    bool partial; /* its chunk goes to `partial` */
#if SCORES
    ScoresOut out;
#endif
#if SINKS
    __global const float *sinks; /* from its first head on */
#endif
#if WINDOW
    uint window;
#endif
} Item;

/* Asks for K and V of a token that is read later: rows of one head lie far apart, and processors do not
 * foresee the jumps between them. */
static inline void prefetch_token(key_cache keys, value_cache values, Entry entry)
{
    key_prefetch_row(key_row_at(keys, entry));
    value_prefetch_row(value_row_at(values, entry));
}

/* The last 8 elements of a head that is no whole number of vectors. */
static inline float16 padded(float8 x)
{
    return joined_float8s(x, (float8)(0.0f));
}

static inline float16 load_key(key_row row, uint vec)
{
#if HEAD_DIM % 16
    if (vec == HEAD_VECS - 1)
        return padded(key_load8(row, 16 * vec));
#endif
    return key_load16(row, 16 * vec);
}

static inline float16 load_value(value_row row, uint vec)
{
#if HEAD_DIM % 16
    if (vec == HEAD_VECS - 1)
        return padded(value_load8(row, 16 * vec));
#endif
    return value_load16(row, 16 * vec);
}

static inline float16 load_query(__global const float *row, uint vec)
{
#if HEAD_DIM % 16
    if (vec == HEAD_VECS - 1)
        return padded(vload8(0, row + 16 * vec));
#endif
    return vload16(0, row + 16 * vec);
}

static inline void store_head(float16 v, __global float *row, uint vec)
{
#if HEAD_DIM % 16
    if (vec == HEAD_VECS - 1) {
        vstore8(v.lo, 0, row + 16 * vec);
        return;
    }
#endif
    vstore16(v, 0, row + 16 * vec);
}

/* K of a block of tokens as floats; past `count` the last one again. The list has `left` tokens from
 * here on: those AHEAD are asked for. */
static inline void stage_keys(key_cache keys, value_cache values, List list, uint count, uint left,
                              float (*kv)[HEAD_PAD])
{
    for (uint j = 0; j < BLOCK; j++) {
        key_row row = key_row_at(keys, list_at(list, min(j, count - 1)));
        prefetch_token(keys, values, list_at(list, min(j + AHEAD, left - 1)));
#pragma unroll
        for (uint vec = 0; vec < HEAD_VECS; vec++)
            *(float16 *)(kv[j] + 16 * vec) = load_key(row, vec);
    }
}

/* V likewise. */
static inline void stage_values(value_cache values, List list, uint count, float (*kv)[HEAD_PAD])
{
    for (uint j = 0; j < BLOCK; j++) {
        value_row row = value_row_at(values, list_at(list, min(j, count - 1)));
#pragma unroll
        for (uint vec = 0; vec < HEAD_VECS; vec++)
            *(float16 *)(kv[j] + 16 * vec) = load_value(row, vec);
    }
}

/* Row of q and y, and of `partial`, that belongs to query `i` of the item: rows of the tile one after
 * the other, in each its heads. */
static inline size_t query_row(const Item *item, uint i)
{
    size_t row = item->first_row + i / item->head_count;
    return row * HEADS + item->first_head + i % item->head_count;
}

#if TILE_HEADS <= 4
#define ATTN_ONE_ROW attn_few
#include "attn/item_few.clh"
#elif TILE_HEADS <= 8
#define ATTN_ONE_ROW attn_tile_8
#define LANES        8
#define QUERIES      8
#include "attn/item_tile.clh"
#else
#define ATTN_ONE_ROW attn_tile_16
#endif

#if TILE_ROWS > 1 || TILE_HEADS > 8
#define LANES   16
#define QUERIES (TILE_ROWS * TILE_HEADS)
#include "attn/item_tile.clh"
#endif

__kernel void attn_item(__global const float *q, ulong q_offset, __global const KEY *keys,
                        __global const VALUE *values, __global const int *slots, uint list_stride,
                        __global const uint4 *tiles, float scale, __global float *y,
                        ulong y_offset, __global float *partial, uint split_rows,
                        uint chunk_capacity KV_TAIL_PARAMETERS SCORES_PARAMETERS SINKS_PARAMETERS
                            WINDOW_PARAMETERS)
{
    uint4 tile = tiles[get_global_id(0)];
    uint kv_head = get_global_id(1) / HEAD_BLOCKS;
    uint block = get_global_id(1) % HEAD_BLOCKS;
    uint chunk = get_global_id(2);
    uint chunks = (tile.w + tile.y - 1 + CHUNK - 1) / CHUNK; /* of the tile's last row */

    Item item;
    item.first_row = tile.x;
    item.row_count = tile.y;
    item.first_count = tile.w;
    item.first_head = kv_head * RATIO + block * TILE_HEADS;
    item.head_count = min((uint)TILE_HEADS, (uint)RATIO - block * TILE_HEADS);
    item.partial = get_global_size(2) > 1 && tile.x + tile.y <= split_rows;
    item.begin_chunk = chunk;
    item.end_chunk = item.partial ? min(chunk + 1, chunks) : (chunk == 0 ? chunks : 0);
    if (item.begin_chunk >= item.end_chunk)
        return;
#if SCORES
    item.out = scores_out(scores, stats, score_stride, get_global_id(0), item.first_head);
#endif
#if SINKS
    item.sinks = sinks + sinks_offset + item.first_head;
#endif
#if WINDOW
    item.window = window;
#endif

    q += q_offset;
    y += y_offset;
    const List list = KV_LIST(tile.z + (size_t)kv_head * list_stride);
    const key_cache k = KV_CACHE(key, keys, kv_head);
    const value_cache v = KV_CACHE(value, values, kv_head);
    if (item.row_count == 1)
        ATTN_ONE_ROW(&item, q, k, v, list, scale, y, partial, chunk_capacity);
#if TILE_ROWS > 1
    else
        attn_tile_16(&item, q, k, v, list, scale, y, partial, chunk_capacity);
#endif
}
