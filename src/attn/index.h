/*
 * A small index of all keys on the device, 2 bits an element, from which the tokens of a step are
 * chosen by its own query: 5/32 of the keys as halves, whether the tokens themselves are on the
 * device or not.
 */
#ifndef ALISA_ATTN_INDEX_H
#define ALISA_ATTN_INDEX_H

#include "attn/attention.h"

/* A row of a call of alisa_index_score; on the device. */
typedef struct AlisaIndexRow {
    uint32_t query;    /* row of q */
    uint32_t sequence; /* whose tokens */
    uint32_t count;    /* the first so many: >= 1 */
    uint32_t unused;
} AlisaIndexRow;

/* Which token a row of keys is; on the device. */
typedef struct AlisaIndexToken {
    uint32_t sequence;
    uint32_t position;
} AlisaIndexToken;

typedef struct AlisaIndex AlisaIndex;

/* Bytes of device memory. */
uint64_t alisa_index_bytes(const AlisaAttentionShape *shape, uint32_t layer_count,
                           uint32_t sequence_count, uint32_t context);

/* The storage types of the shape do not matter. */
AlisaStatus alisa_index_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                               uint32_t layer_count, uint32_t sequence_count, uint32_t context,
                               AlisaIndex **index, AlisaError *error);
void alisa_index_destroy(AlisaIndex *index);

/* Adds keys, as they are before alisa_attention_store: k [rows][kv_head_count][head_dim], turned by
 * rotations as there. tokens: AlisaIndexToken[rows]. */
AlisaStatus alisa_index_store(AlisaIndex *index, uint32_t layer, AlisaVector k,
                              const AlisaBuffer *rotations, const AlisaBuffer *tokens,
                              uint32_t rows, AlisaError *error);

/* Scores of all tokens of each row's sequence for its query (rotated), as attention would leave
 * them from a list of all positions. rows: AlisaIndexRow[scores->rows]; counts are 1 to longest,
 * and that is at most scores->stride, a multiple of 32. */
AlisaStatus alisa_index_score(AlisaIndex *index, uint32_t layer, AlisaVector q,
                              const AlisaBuffer *rows, uint32_t longest,
                              const AlisaAttentionScores *scores, AlisaError *error);

#endif
