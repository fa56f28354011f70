/*
 * Attention kernels over an index list: queries of one sequence against the tokens whose slots a
 * list names, in any order of slots (K and V are read through the list, never packed).
 *
 * Caches of one layer: K and V are [slot][kv_head][head_dim] in their storage type. Query head h
 * reads KV head h / (head_count / kv_head_count).
 */
#ifndef ALISA_ATTN_ATTENTION_H
#define ALISA_ATTN_ATTENTION_H

#include "ops/ops.h"

typedef struct AlisaAttentionShape {
    uint32_t head_count;
    uint32_t kv_head_count; /* divides head_count */
    uint32_t head_dim;      /* a multiple of 8 */
    uint32_t rope_dim;      /* leading elements of a head that are rotated; even, <= head_dim */
    float scale;            /* of the scores: 1 / sqrt(head_dim) for this family */
    AlisaKvType key_type;
    AlisaKvType value_type;
} AlisaAttentionShape;

/* Up to alisa_attention_tile_rows consecutive rows of one sequence. Row first_row + i attends to
 * the first `first_count + i` entries of the list that starts at `list_offset` in the slots. */
typedef struct AlisaAttentionTile {
    uint32_t first_row;
    uint32_t row_count;
    uint32_t list_offset;
    uint32_t first_count; /* >= 1 */
} AlisaAttentionTile;

/* What the rows of a call attend to; the buffers are on the device. */
typedef struct AlisaAttentionLists {
    const AlisaBuffer *slots; /* int32: the lists; with tails, ~t for row t of them */
    const AlisaBuffer *tiles; /* AlisaAttentionTile[tile_count] */
    uint32_t tile_count;
    uint32_t longest;     /* the largest count of any row */
    uint32_t list_stride; /* KV head g reads the list at list_offset + g list_stride, all lists of a
                             tile being as long as each other; 0: the KV heads share one list */
    const AlisaBuffer *blocks; /* int32, beside `slots`: each token's row of params; with tails
                                  only, as the next */
    const struct AlisaAttentionTails *tails;
} AlisaAttentionLists;

/* What the type i8 of either side needs of a layer beside the slots (cl/attn/kv.clh). Tokens of a
 * block that is not sealed yet have no slot but row t of `fresh` if t < fresh_rows, else row t -
 * fresh_rows of `tail`, both sides of them. */
typedef struct AlisaAttentionTails {
    const AlisaBuffer *key_params; /* half[param_row][2][kv_head][head_dim] (min, lambda); NULL for
                                      a side that is not i8 */
    const AlisaBuffer *key_fresh;  /* rows: halves for i8, else as in the slots */
    const AlisaBuffer *key_tail;   /* alike */
    const AlisaBuffer *value_params; /* and of the values */
    const AlisaBuffer *value_fresh;
    const AlisaBuffer *value_tail;
    uint32_t fresh_rows;
} AlisaAttentionTails;

/* Blocks of ALISA_KV_BLOCK tokens to seal, or to take back; int32 on the device. */
typedef struct AlisaAttentionBlocks {
    const AlisaBuffer *tokens;     /* [count][64] entries ~t */
    const AlisaBuffer *slots;      /* [count][64] their slots */
    const AlisaBuffer *param_rows; /* [count] */
    uint32_t count;
} AlisaAttentionBlocks;

/* What attention made of each token of the lists, where every row is a tile of its own; row i of
 * the buffers belongs to tile i. The weight of entry j is 2^(s_j - m) / l. */
typedef struct AlisaAttentionScores {
    const AlisaBuffer *scores; /* float[rows][head_count][stride]: s_j, in the order of the list */
    const AlisaBuffer *stats;  /* float2[rows][head_count]: (m, l), over the whole list */
    uint32_t rows;             /* of the call: as many as tiles */
    uint32_t stride; /* a multiple of 32, at least `longest`. Entries from the end of a list to the
                        next multiple of 32 are undefined, those after it are left alone */
} AlisaAttentionScores;

/* Cuts rows into tiles: consecutive rows whose list starts at the same offset and whose counts go
 * up by one, at most tile_rows of them. `tiles` has room for `rows`; returns their number. */
size_t alisa_attention_cut(const uint32_t *list_offsets, const uint32_t *counts, uint32_t rows,
                           uint32_t tile_rows, AlisaAttentionTile *tiles);

typedef struct AlisaAttention AlisaAttention;

/* Scratch is sized for `max_rows` rows at once and lists of up to `max_count` tokens. */
AlisaStatus alisa_attention_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                                   uint32_t max_rows, uint32_t max_count,
                                   AlisaAttention **attention, AlisaError *error);
void alisa_attention_destroy(AlisaAttention *attention);
uint32_t alisa_attention_tile_rows(const AlisaAttention *attention);
/* Bytes of device scratch. */
uint64_t alisa_attention_scratch(const AlisaAttention *attention);

/* Rotates q and k and stores k and v: for each row r,
 *   q[r][h] <- rope(q[r][h])                        in place, [rows][head_count][head_dim]
 *   keys[row_slots[r]][g] <- rope(k[r][g])          k: [rows][kv_head_count][head_dim]
 *   values[row_slots[r]][g] <- v[r][g]
 * or, with tails, into row ~row_slots[r] of them (`tails`: NULL unless a side is i8),
 * where rope turns the adjacent pair (2i, 2i+1), i < rope_dim / 2, by the angle whose cosine and
 * sine are rotations[r][i] (float2, already times any attention factor). row_slots: int32. */
AlisaStatus alisa_attention_store(AlisaAttention *attention, AlisaVector q, AlisaVector k,
                                  AlisaVector v, const AlisaBuffer *rotations,
                                  const AlisaBuffer *row_slots, uint32_t rows,
                                  const AlisaBuffer *keys, const AlisaBuffer *values,
                                  const AlisaAttentionTails *tails, AlisaError *error);

/* Moves whole blocks from the tails into their slots: i8 sides are quantised, others copied. unseal
 * goes the other way, from codes to halves. */
AlisaStatus alisa_attention_seal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                 const AlisaBuffer *keys, const AlisaBuffer *values,
                                 const AlisaAttentionTails *tails, AlisaError *error);
AlisaStatus alisa_attention_unseal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                   const AlisaBuffer *keys, const AlisaBuffer *values,
                                   const AlisaAttentionTails *tails, AlisaError *error);

/* y[r][h] = sum_j softmax_j(scale q[r][h] . keys[slots[j]][g]) values[slots[j]][g].
 * scores: where they go, or NULL; y has the same bits either way. The first call with scores
 * compiles the kernels for it.
 *
 * The bits of a row depend on its own query, list and tile only: not on the other tiles of the
 * call, and not on how the work is spread over the device. In the item layout they do not depend on
 * its tile either where more than 4 heads share a KV head. */
AlisaStatus alisa_attention_run(AlisaAttention *attention, AlisaVector q, const AlisaBuffer *keys,
                                const AlisaBuffer *values, const AlisaAttentionLists *lists,
                                AlisaVector y, const AlisaAttentionScores *scores,
                                AlisaError *error);

/* What the heads that read a list made of its tokens, in integers, so that running sums over rows
 * are exact: a row can be taken off again, and every device adds to the same bits. */
typedef struct AlisaAttentionRows {
    const AlisaBuffer *weights; /* uint32[rows][list_count][stride]:
                                   rint(2^shift sum_h 2^(s[h][j] - m[h]) / l[h]), heads in order */
    const AlisaBuffer *below; /* uint32[rows], or NULL: to each is added how many weights (head, j)
                                 of the row lie below 1 % of the largest of their head */
    uint32_t list_count;      /* 1: all heads together; or kv_head_count */
    uint32_t shift;           /* heads of a list << shift is at most 2^31 */
    uint32_t worth; /* 0; or tokens that weigh less than so many times the mean of their list rank
                       by their place in it, below all others (cl/attn/row.cl). Not with `below` */
} AlisaAttentionRows;

/* `lists` and `scores` are those of the alisa_attention_run that wrote the scores; `stride` is
 * scores->stride, and entries past the end of a list are as undefined as there. */
AlisaStatus alisa_attention_row(AlisaAttention *attention, const AlisaAttentionLists *lists,
                                const AlisaAttentionScores *scores, const AlisaAttentionRows *rows,
                                AlisaError *error);

#endif
