/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of sparse attention share: sparse.c makes it and runs a layer,
 * sparse_step.c describes a step.
 */
#ifndef ALISA_ENGINE_SPARSE_INTERNAL_H
#define ALISA_ENGINE_SPARSE_INTERNAL_H

#include "attn/index.h"
#include "engine/sparse.h"

typedef enum AlisaSparseBatchKind {
    ALISA_SPARSE_BATCH_ALL,   /* attention to all tokens, for the scores alone */
    ALISA_SPARSE_BATCH_LISTS, /* attention to the tokens of the rows' lists */
    ALISA_SPARSE_BATCH_INDEX, /* the index of keys scored: picks the lists of this very step */
} AlisaSparseBatchKind;

/* Rows that are one launch, and the updates of selection that follow it. */
typedef struct AlisaSparseBatch {
    AlisaBuffer tiles;
    AlisaBuffer index_rows; /* AlisaIndexRow of each tile; where the query chooses */
    AlisaSparseBatchKind kind;
    uint32_t first_tile;
    uint32_t tile_count;
    uint32_t longest;
    uint32_t first_update;
    uint32_t update_count;
} AlisaSparseBatch;

/* A row that is scored against all tokens, or their index. */
typedef struct AlisaSparseScored {
    uint32_t row; /* of the step */
    const AlisaStepRow *about;
} AlisaSparseScored;

/* What the lists of steps were (sparse_count.c). */
typedef struct AlisaSparseCounting AlisaSparseCounting;

struct AlisaSparse {
    AlisaSparseShape shape;
    AlisaDevice *device; /* not owned */
    AlisaSelection *selection;
    AlisaIndex *index; /* where the query chooses */
    AlisaSelectSource source;
    uint32_t list_count;              /* of a layer and sequence */
    uint32_t all_rows, kept_rows;     /* most rows scored at a time, against all or kept tokens */
    uint32_t all_stride, kept_stride; /* entries of a row of scores */
    uint32_t shift;                   /* of the weights (attn/attention.h) */
    uint32_t *picked;          /* [sequence_count] tokens of the step its lists are for; 0: none */
    AlisaSparseScored *scored; /* [micro_batch] */
    AlisaSparseBatch *batches;
    AlisaSelectionUpdate *updates;
    AlisaSelectionTarget *targets;
    AlisaAttentionTile *tiles;
    AlisaIndexRow *index_rows; /* [2 micro_batch] beside the tiles */
    AlisaIndexToken *tokens;   /* [micro_batch] */
    uint32_t batch_limit;
    uint32_t batch_count, update_count, target_count, tile_count; /* of the step */
    AlisaBuffer stored;            /* AlisaIndexToken[micro_batch] of the step */
    AlisaBuffer slots;             /* int32[sequence][list][kept_stride] */
    AlisaBuffer blocks;            /* alike, where a side of the cache has blocks */
    AlisaBuffer scores;            /* float[rows][head][stride] */
    AlisaBuffer stats;             /* float2[rows][head] */
    AlisaBuffer weights;           /* uint32[rows][list][stride] */
    AlisaSparseCounting *counting; /* NULL: nobody asked */
};

/* Whether attention over lists leaves its scores. */
bool alisa_sparse_scores_lists(const AlisaSparse *sparse);

AlisaStatus alisa_sparse_counting_create(AlisaSparse *sparse, AlisaError *error);
void alisa_sparse_counting_destroy(AlisaSparseCounting *counting);
/* Bytes on the device. */
uint64_t alisa_sparse_counting_bytes(const AlisaSparseShape *shape);
/* Describes a step: none of its rows yet, then each that has lists. */
void alisa_sparse_count_begin(AlisaSparseCounting *counting);
void alisa_sparse_count_row(AlisaSparseCounting *counting, const AlisaStepRow *row);
/* The lists of the step's rows in a layer, once they are there. */
AlisaStatus alisa_sparse_count_lists(AlisaSparse *sparse, uint32_t layer, AlisaError *error);
/* Where alisa_attention_row counts the small weights of a batch, from zero on; and what it found.
 */
AlisaStatus alisa_sparse_count_clear(AlisaSparse *sparse, const AlisaBuffer **below,
                                     AlisaError *error);
AlisaStatus alisa_sparse_count_weights(AlisaSparse *sparse, uint32_t layer,
                                       const AlisaSparseBatch *batch, AlisaError *error);

#endif
