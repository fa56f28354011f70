/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small index of keys on the device, from which a step's own query chooses the tokens that the
 * step attends to. It has all keys, also of tokens that are not on the device, with 2 bits an
 * element: it takes 5/32 of the bytes that the keys would take as halves.
 */
#ifndef ALISA_ATTN_INDEX_H
#define ALISA_ATTN_INDEX_H

#include "attn/attention.h"

/* A query of alisa_index_score, as the device reads it. */
typedef struct AlisaIndexRow {
    uint32_t query;    /* row of q that has it */
    uint32_t sequence; /* the sequence whose tokens it scores */
    uint32_t count;    /* how many of them, from the first on; 1 at least */
    uint32_t unused;
} AlisaIndexRow;

/* The token that a row of keys belongs to, as the device reads it. */
typedef struct AlisaIndexToken {
    uint32_t sequence;
    uint32_t position;
} AlisaIndexToken;

typedef struct AlisaIndex AlisaIndex;

/* Bytes that an index takes on the device. */
uint64_t alisa_index_bytes(const AlisaAttentionShape *shape, uint32_t layer_count,
                           uint32_t sequence_count, uint32_t context);

/* Creates an index of the keys of `layer_count` layers. The KV types of the shape do not matter. */
AlisaStatus alisa_index_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                               uint32_t layer_count, uint32_t sequence_count, uint32_t context,
                               AlisaIndex **index, AlisaError *error);
void alisa_index_destroy(AlisaIndex *index);

/* Adds the keys k[rows][kv_head_count][head_dim] of a layer, given not yet rotated; they are
 * rotated by `rotations` on the way, as alisa_attention_store does. `tokens` holds
 * AlisaIndexToken[rows]. */
AlisaStatus alisa_index_store(AlisaIndex *index, uint32_t layer, AlisaVector k,
                              const AlisaBuffer *rotations, const AlisaBuffer *tokens,
                              uint32_t rows, AlisaError *error);

/* Writes the scores that each query of `rows` (AlisaIndexRow[scores->rows]) gives to its sequence's
 * tokens, as attention would leave them from a list of all positions. q is rotated already; sinks
 * are those of AlisaAttentionLists.
 * `longest` is the largest count of a row, and scores->stride at most, which is a multiple of 32.
 */
AlisaStatus alisa_index_score(AlisaIndex *index, uint32_t layer, AlisaVector q, AlisaVector sinks,
                              const AlisaBuffer *rows, uint32_t longest,
                              const AlisaAttentionScores *scores, AlisaError *error);

#endif
