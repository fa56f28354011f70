/* SPDX-License-Identifier: Apache-2.0 */
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
    float scale;            /* factor of q . k: 1 / sqrt(head_dim) for most models */
    float soft_cap;         /* c: scores x become c tanh(x / c); 0: they stay as they are */
    bool sinks;             /* every head has a logit that joins its softmax and has no value */
    AlisaKvType key_type;
    AlisaKvType value_type;
} AlisaAttentionShape;

/* Up to alisa_attention_tile_rows consecutive rows of one sequence. Row first_row + i attends to
 * the first `first_count + i` entries of the list that starts at `list_offset` in the slots; with a
 * window to the last of those. */
typedef struct AlisaAttentionTile {
    uint32_t first_row;
    uint32_t row_count;
    uint32_t list_offset;
    uint32_t first_count; /* >= 1 */
} AlisaAttentionTile;

/* The lists that the rows of a call attend to. */
typedef struct AlisaAttentionLists {
    const AlisaBuffer
        *slots; /* int32 entries of the lists: slots, or with tails ~t for row t of them */
    const AlisaBuffer *tiles; /* AlisaAttentionTile[tile_count] */
    uint32_t tile_count;
    uint32_t longest; /* the largest number of entries that a row attends to */
    uint32_t
        list_stride;           /* KV head g reads the list at list_offset + g * list_stride, and all
                                  lists      of a tile are equally long; 0: the KV heads share one list */
    const AlisaBuffer *blocks; /* int32 beside `slots`: each entry's row of params; NULL without
                                  tails */
    const struct AlisaAttentionTails *tails; /* NULL unless the keys or the values are i8 */
    AlisaVector sinks; /* float[head_count]: logits of the layer's sinks; zeros without sinks */
    uint32_t window;   /* the most entries that a row attends to, the last ones; 0: all. Not with
                          scores, and a list must begin where the window of its tile's first row
                          does (alisa_attention_cut) */
} AlisaAttentionLists;

/* What a layer has beside its slots if its keys or its values are i8 (cl/attn/kv.clh). Tokens of a
 * block that is not sealed are in no slot: keys and values of such a token are in row t of `fresh`
 * if t < fresh_rows, else in row t - fresh_rows of `tail`. */
typedef struct AlisaAttentionTails {
    const AlisaBuffer *key_params;   /* half[param_row][2][kv_head][head_dim]: (min, lambda) of each
                                        channel; NULL if the keys are not i8 */
    const AlisaBuffer *key_fresh;    /* rows of keys: halves if they are i8, else as in the slots */
    const AlisaBuffer *key_tail;     /* rows like those of key_fresh */
    const AlisaBuffer *value_params; /* these three are of the values what the three before are of
                                        the keys */
    const AlisaBuffer *value_fresh;
    const AlisaBuffer *value_tail;
    uint32_t fresh_rows;
} AlisaAttentionTails;

/* Blocks of ALISA_KV_BLOCK tokens to seal or to unseal; the buffers hold int32. */
typedef struct AlisaAttentionBlocks {
    const AlisaBuffer *tokens;     /* [count][64] entries ~t of their halves */
    const AlisaBuffer *slots;      /* [count][64] slots of their codes */
    const AlisaBuffer *param_rows; /* [count] rows of params */
    uint32_t count;
} AlisaAttentionBlocks;

/* What attention made of each entry of the lists, for a call in which every row is a tile of its
 * own; row i of the buffers belongs to tile i. The weight of entry j is 2^(s_j - m) / l. */
typedef struct AlisaAttentionScores {
    const AlisaBuffer *scores; /* float[rows][head_count][stride]: s_j, in the order of the list */
    const AlisaBuffer *stats;  /* float2[rows][head_count]: (m, l), over the whole list */
    uint32_t rows;             /* rows of the call, as many as tiles */
    uint32_t stride; /* a multiple of 32, and `longest` at least. Scores from the end of a list to
                        the next multiple of 32 are undefined; those after it are left alone */
} AlisaAttentionScores;

/* Cuts rows into tiles and returns how many. A tile is at most tile_rows consecutive rows whose
 * list starts at the same offset and whose counts go up by one. `tiles` has room for `rows` tiles.
 * With a window (0: none) the list of a tile begins with the first entry that its first row attends
 * to. */
size_t alisa_attention_cut(const uint32_t *list_offsets, const uint32_t *counts, uint32_t rows,
                           uint32_t tile_rows, uint32_t window, AlisaAttentionTile *tiles);

typedef struct AlisaAttention AlisaAttention;

/* Creates attention whose scratch suits calls of up to `max_rows` rows and lists of up to
 * `max_count` tokens. */
AlisaStatus alisa_attention_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                                   uint32_t max_rows, uint32_t max_count,
                                   AlisaAttention **attention, AlisaError *error);
void alisa_attention_destroy(AlisaAttention *attention);
/* The most rows of a tile. */
uint32_t alisa_attention_tile_rows(const AlisaAttention *attention);
/* Bytes of device scratch that attention with these arguments of alisa_attention_create takes. */
uint64_t alisa_attention_scratch_bytes(AlisaOps *ops, const AlisaAttentionShape *shape,
                                       uint32_t max_rows, uint32_t max_count);

/* Rotates q and k and stores k and v: for each row r,
 *   q[r][h] <- rope(q[r][h])                        in place, [rows][head_count][head_dim]
 *   keys[row_slots[r]][g] <- rope(k[r][g])          k: [rows][kv_head_count][head_dim]
 *   values[row_slots[r]][g] <- v[r][g]
 * or, with tails, into row ~row_slots[r] of the tails. `tails` is NULL unless keys or values are
 * i8. rope rotates the adjacent pair (2i, 2i+1), i < rope_dim / 2, by the angle whose cosine and
 * sine are rotations[r][i] (float2, already times any attention factor). row_slots holds int32. */
AlisaStatus alisa_attention_store(AlisaAttention *attention, AlisaVector q, AlisaVector k,
                                  AlisaVector v, const AlisaBuffer *rotations,
                                  const AlisaBuffer *row_slots, uint32_t rows,
                                  const AlisaBuffer *keys, const AlisaBuffer *values,
                                  const AlisaAttentionTails *tails, AlisaError *error);

/* Seals blocks: moves them from the tails into their slots, where keys or values that are i8 become
 * codes and others are copied. */
AlisaStatus alisa_attention_seal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                 const AlisaBuffer *keys, const AlisaBuffer *values,
                                 const AlisaAttentionTails *tails, AlisaError *error);
/* Unseals blocks: moves them from their slots into the tails, where codes become halves. */
AlisaStatus alisa_attention_unseal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                   const AlisaBuffer *keys, const AlisaBuffer *values,
                                   const AlisaAttentionTails *tails, AlisaError *error);

/* y[r][h] = sum_j softmax_j(scale q[r][h] . keys[slots[j]][g]) values[slots[j]][g], scores capped
 * and sinks added as the shape has it.
 * If `scores` is not NULL, it receives the scores of the call; y has the same bits either way. The
 * first call with scores, or with a window, compiles the kernels for it.
 *
 * The bits of a row depend on its own query, list and tile only: not on the other tiles of the
 * call, and not on how the work is spread over the device. In the item layout they do not depend on
 * its tile either where more than 4 heads share a KV head. */
AlisaStatus alisa_attention_run(AlisaAttention *attention, AlisaVector q, const AlisaBuffer *keys,
                                const AlisaBuffer *values, const AlisaAttentionLists *lists,
                                AlisaVector y, const AlisaAttentionScores *scores,
                                AlisaError *error);

/* The weights that the heads of a list gave to its entries, as integers: running sums of them over
 * rows are exact, so that a row can be subtracted again, and have the same bits on every device. */
typedef struct AlisaAttentionRows {
    const AlisaBuffer *weights; /* uint32[rows][list_count][stride]:
                                   rint(2^shift sum_h 2^(s[h][j] - m[h]) / l[h]), heads in order */
    const AlisaBuffer
        *below;          /* NULL, or uint32[rows]: to element i is added how many of the weights
                            of row i, head by head, are below 1 % of their head's largest */
    uint32_t list_count; /* lists of a row: 1, which all heads read, or kv_head_count */
    uint32_t shift; /* weights are in units of 2^-shift; the heads of a list << shift are 2^31 at
                       most */
    uint32_t worth; /* 0, or: entries that weigh less than `worth` times the mean of their list get
                       weights by their place in it instead, below those of all others
                       (cl/attn/row.cl). Must be 0 if `below` is not NULL */
} AlisaAttentionRows;

/* Computes the weights from the scores of an alisa_attention_run; `lists` and `scores` are those
 * that it was given. `stride` of the weights is scores->stride; weights from the end of a list to
 * the next multiple of 32 are undefined. */
AlisaStatus alisa_attention_row(AlisaAttention *attention, const AlisaAttentionLists *lists,
                                const AlisaAttentionScores *scores, const AlisaAttentionRows *rows,
                                AlisaError *error);

#endif
