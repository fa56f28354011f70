/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention for devices where many work-items cooperate (GPUs). Formula, tensors, tiles and chunks are
 * those of attn/item.cl.
 *
 * Global size: (GROUP * tiles) x (KV_HEADS * HEAD_BLOCKS) x chunks, local size GROUP: a work-group does
 * the rows of one tile for TILE_HEADS heads of one KV head, in the first dimension of chunks 1 the
 * whole list, else one chunk. Per chunk (CHUNK tokens):
 *   scores   K goes through local memory, TOKENS at a time, read once and coalesced; a work-item
 *            multiplies one token with several queries; where there are very few, each what it reads
 *   softmax  over the whole chunk, several work-items to a query
 *   values   V is read from the cache, coalesced; a work-item sums 4 elements of the head for some
 *            queries, and for one in TOKEN_SPLIT tokens where there are more work-items than that
 *
 * Queries: (row of the tile) x (head), heads fastest. Tiles of one row, what decoding has, take an
 * instance of the code with TILE_HEADS queries, so that its work-items share the tokens instead.
 *
 * Local memory (floats): queries QUERIES (HEAD_DIM + 4), staging max(TOKENS (HEAD_DIM + 4), 16 GROUP),
 * weights CHUNK QUERIES, some hundreds more. Needs QUERIES <= 16, TOKENS <= GROUP, both GROUP and TOKENS
 * powers of two and TOKENS dividing CHUNK.
 * Needs -DHEADS -DKV_HEADS -DHEAD_DIM -DTILE_ROWS -DTILE_HEADS -DCHUNK -DGROUP -DTOKENS -DKEY_TYPE
 * -DVALUE_TYPE. With -DSCORES=1 the scores are written too (attn/scores.clh); y has the same bits.
 * -DSINKS=1, -DSOFT_CAP: attn/softmax.clh. -DWINDOW=1: attn/item.cl.
 */
#include "attn/kv.clh"
#include "attn/scores.clh"
#include "attn/softmax.clh"

#define RATIO       (HEADS / KV_HEADS)
#define HEAD_BLOCKS ((RATIO + TILE_HEADS - 1) / TILE_HEADS)
#define HEAD_QUADS  (HEAD_DIM / 4)
#define LOCAL_QUADS (HEAD_QUADS + 1) /* an odd number: rows start in different banks */

/* Work-items that do different queries or tokens of the same elements of the head, and how many quads
 * of elements one does. */
#define SPLIT      (GROUP >= HEAD_QUADS ? GROUP / HEAD_QUADS : 1)
#define ITEM_QUADS ((HEAD_QUADS + GROUP - 1) / GROUP)

#define LARGER(a, b)  ((a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define MAX_QUERIES   (TILE_ROWS * TILE_HEADS)
#define STAGE_QUADS   LARGER(TOKENS * LOCAL_QUADS, 4 * GROUP)

/* The loops over the queries that a work-item has results of: unrolled, the results are in registers.
 * On processors they are in memory in any case, and there the ends of the two instances below would
 * become alike enough for the compiler to merge them: PoCL 3.1 then takes their conditions, which
 * differ by work-item, for the same in all. */
#define UNROLL_QUERIES (!PROCESSOR)

typedef struct Tile {
    uint first_row;
    uint row_count;
    uint first_count;
    uint first_head;
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
} Tile;

typedef struct Shared {
    __local float4 *query;    /* [queries][LOCAL_QUADS], scaled */
    __local float4 *stage;    /* [TOKENS][LOCAL_QUADS], or parts of scores; then sums of others */
    __local float *weight;    /* [CHUNK][queries] */
    __local float *reduction; /* [2][GROUP] */
    __local float2 *own;      /* [queries] (m, l) of the chunk */
    __local float2 *total;    /* [queries] (M, L) of the chunks so far */
    __local float2 *factor;   /* [queries] by which the sums so far and those of the chunk are added */
    __local Entry *entry; /* [CHUNK] */
} Shared;

static inline size_t query_row(const Tile *tile, uint i)
{
    size_t row = tile->first_row + i / tile->head_count;
    return row * HEADS + tile->first_head + i % tile->head_count;
}

#if TILE_ROWS > 1
#define QUERIES TILE_HEADS
#define NAME(f) f##_short
#include "attn/group_tile.clh"
#endif

#define QUERIES MAX_QUERIES
#define NAME(f) f##_tile
#include "attn/group_tile.clh"

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attn_group(__global const float *q, ulong q_offset, __global const KEY *keys,
           __global const VALUE *values, __global const int *slots, uint list_stride,
           __global const uint4 *tiles, float scale, __global float *y, ulong y_offset,
           __global float *partial, uint split_rows,
           uint chunk_capacity KV_TAIL_PARAMETERS SCORES_PARAMETERS SINKS_PARAMETERS WINDOW_PARAMETERS)
{
    __local float4 query[MAX_QUERIES * LOCAL_QUADS];
    __local float4 stage[STAGE_QUADS];
    __local float weight[CHUNK * MAX_QUERIES];
    __local float reduction[2 * GROUP];
    __local float2 own[MAX_QUERIES], total[MAX_QUERIES], factor[MAX_QUERIES];
    __local Entry entry[CHUNK];
    const Shared shared = {query, stage, weight, reduction, own, total, factor, entry};

    uint4 bounds = tiles[get_group_id(0)];
    uint kv_head = get_group_id(1) / HEAD_BLOCKS;
    uint block = get_group_id(1) % HEAD_BLOCKS;
    uint chunk = get_group_id(2);
    uint chunks = (bounds.w + bounds.y - 1 + CHUNK - 1) / CHUNK; /* of the tile's last row */

    Tile tile;
    tile.first_row = bounds.x;
    tile.row_count = bounds.y;
    tile.first_count = bounds.w;
    tile.first_head = kv_head * RATIO + block * TILE_HEADS;
    tile.head_count = min((uint)TILE_HEADS, (uint)RATIO - block * TILE_HEADS);
    tile.partial = get_num_groups(2) > 1 && bounds.x + bounds.y <= split_rows;
    tile.begin_chunk = chunk;
    tile.end_chunk = tile.partial ? min(chunk + 1, chunks) : (chunk == 0 ? chunks : 0);
    if (tile.begin_chunk >= tile.end_chunk)
        return;
#if SCORES
    tile.out = scores_out(scores, stats, score_stride, get_group_id(0), tile.first_head);
#endif
#if SINKS
    tile.sinks = sinks + sinks_offset + tile.first_head;
#endif
#if WINDOW
    tile.window = window;
#endif

    q += q_offset;
    y += y_offset;
    const List list = KV_LIST(bounds.z + (size_t)kv_head * list_stride);
    const key_cache k = KV_CACHE(key, keys, kv_head);
    const value_cache v = KV_CACHE(value, values, kv_head);
#if TILE_ROWS > 1
    if (tile.row_count == 1)
        attn_group_short(&tile, &shared, q, k, v, list, scale, y, partial, chunk_capacity);
    else
#endif
        attn_group_tile(&tile, &shared, q, k, v, list, scale, y, partial, chunk_capacity);
}
