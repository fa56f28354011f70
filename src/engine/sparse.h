/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse attention of a session: which rows of a step attend to chosen tokens only, and the
 * choosing.
 *
 * A row that comes alone in its eval call is a step of its sequence and attends to the list that
 * was picked for it when the step before ended; or, where its own query is to choose, to one that
 * is picked in the middle of the layer, from an index of all keys. Several rows of a sequence in
 * one call are a prompt: they attend to everything, and the last of them, as many as the selector
 * looks back on, are scored once more, one by one, so that the first list after the prompt knows
 * what they attended to.
 */
#ifndef ALISA_ENGINE_SPARSE_H
#define ALISA_ENGINE_SPARSE_H

#include "attn/attention.h"
#include "attn/selection.h"
#include "engine/timeline.h"
#include "kv/blocks.h"
#include "kv/kv.h"

typedef struct AlisaSparseShape {
    AlisaAttentionShape attention;
    AlisaSelectOptions select;
    uint32_t first_layer; /* the place of the first layer among those of the model that choose */
    uint32_t layer_count; /* layers that choose: those without a window */
    uint32_t sequence_count;
    uint32_t context_length; /* tokens that a sequence can hold */
    uint32_t micro_batch;    /* most rows of a step */
    bool count_lists;        /* whether alisa_sparse_counts is wanted */
} AlisaSparseShape;

/* The rows of a step, and where the tokens of their sequences are. */
typedef struct AlisaSparseRows {
    const AlisaStepRow *rows;      /* [count] */
    const uint32_t *list_offsets;  /* [count] where the list of all tokens of a sequence begins */
    const AlisaKvTailPlace *tails; /* [count]; NULL unless a KV type has blocks */
    uint32_t count;
} AlisaSparseRows;

typedef struct AlisaSparse AlisaSparse;

AlisaStatus alisa_sparse_create(AlisaOps *ops, const AlisaSparseShape *shape, AlisaSparse **sparse,
                                AlisaError *error);
void alisa_sparse_destroy(AlisaSparse *sparse);
/* Device bytes that sparse attention of this shape takes; 0 with an error set if it cannot be made.
 */
uint64_t alisa_sparse_bytes(const AlisaSparseShape *shape, AlisaError *error);

/* The part of alisa_sparse_bytes that grows with the context: sums and index, which have an entry
 * for each token. */
uint64_t alisa_sparse_state_bytes(const AlisaSparseShape *shape, AlisaError *error);

/* Describes all rows of a step, those of prompts too; to be called before the layers of the step.
 */
AlisaStatus alisa_sparse_begin(AlisaSparse *sparse, const AlisaSparseRows *rows, AlisaError *error);

/* What attention of a layer reads and writes, as alisa_attention_run takes it. */
typedef struct AlisaSparseLayer {
    uint32_t index; /* counts from the first layer of the shape */
    AlisaAttention *attention;
    AlisaVector q;
    const AlisaBuffer *keys;
    const AlisaBuffer *values;
    const AlisaBuffer *pages;              /* int32[sequence][context_length]: slots of tokens */
    const AlisaAttentionLists *all_tokens; /* lists of all tokens; tiles are not looked at */
    AlisaVector y;
} AlisaSparseLayer;

/* Adds the keys of the step's rows, as alisa_attention_store takes them, to the layer's index. Has
 * no effect where past rows choose, since there is no index then. */
AlisaStatus alisa_sparse_store(AlisaSparse *sparse, uint32_t layer, AlisaVector k,
                               const AlisaBuffer *rotations, uint32_t rows, AlisaError *error);

/* Picks the lists of this step where its own queries choose, which are rotated by now, as the
 * step's keys are stored. Has no effect where past rows choose. */
AlisaStatus alisa_sparse_choose(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error);

/* Attention, in a layer, of the rows that attend to lists, once K and V are stored. To be called
 * before attention of the prompts: of a prompt's rows it scores the last ones, for the first list
 * after the prompt, and leaves in y what attention of the prompt then overwrites. */
AlisaStatus alisa_sparse_attend(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error);

/* The lists themselves, for whoever brings their tokens to the device. */
const AlisaSelection *alisa_sparse_selection(const AlisaSparse *sparse);
/* Lists of a layer and sequence: 1, or one for each KV head. */
uint32_t alisa_sparse_list_count(const AlisaSparse *sparse);
/* Tokens that a sequence has in the step which its lists are picked for; 0: none is picked. */
uint32_t alisa_sparse_picked(const AlisaSparse *sparse, uint32_t sequence);
/* Tokens that each list of a sequence keeps in a step with `count` tokens. */
uint32_t alisa_sparse_kept(const AlisaSparse *sparse, uint32_t count);
/* Tokens, of the first `placed`, that the lists of such a step keep together at most. */
uint32_t alisa_sparse_reads(const AlisaSparse *sparse, uint32_t count, uint32_t placed);
/* Whether rows of steps read all tokens, to score them. */
bool alisa_sparse_reads_all(const AlisaSparse *sparse);
/* Whether a layer's lists are picked in the layer itself, by alisa_sparse_choose. */
bool alisa_sparse_chooses_late(const AlisaSparse *sparse);

/* What the lists of a layer were in the steps so far; NULL unless count_lists is set. */
const AlisaSelectCounts *alisa_sparse_counts(const AlisaSparse *sparse, uint32_t layer);

/* Tokens `length` and later of a sequence are cut off. */
AlisaStatus alisa_sparse_truncate(AlisaSparse *sparse, uint32_t sequence, uint32_t length,
                                  AlisaError *error);

#endif
