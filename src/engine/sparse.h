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
#include "kv/blocks.h"
#include "kv/kv.h"

typedef struct AlisaSparseShape {
    AlisaAttentionShape attention;
    AlisaSelectOptions select;
    uint32_t first_layer; /* of the model's layers, the first of these */
    uint32_t layer_count;
    uint32_t sequence_count;
    uint32_t context_length;
    uint32_t micro_batch;
    bool count_lists; /* for alisa_sparse_counts */
} AlisaSparseShape;

/* A row of a step. */
typedef struct AlisaSparseRow {
    uint32_t sequence;
    uint32_t count;        /* tokens of its sequence, itself included */
    uint32_t call_end;     /* tokens of its sequence when the call is done */
    bool prompt;           /* one of several of its call */
    uint32_t all_offset;   /* of the list of all tokens of its sequence */
    AlisaKvTailPlace tail; /* where a side of the cache has blocks */
} AlisaSparseRow;

typedef struct AlisaSparse AlisaSparse;

AlisaStatus alisa_sparse_create(AlisaOps *ops, const AlisaSparseShape *shape, AlisaSparse **sparse,
                                AlisaError *error);
void alisa_sparse_destroy(AlisaSparse *sparse);
/* Bytes on the device, before and after it is made. */
uint64_t alisa_sparse_bytes(const AlisaSparseShape *shape, AlisaError *error);

/* Of these, what grows with the context: what is known of each token. */
uint64_t alisa_sparse_state_bytes(const AlisaSparseShape *shape, AlisaError *error);

/* Describes a step: to be called before its layers. Rows of prompts are given too. */
AlisaStatus alisa_sparse_begin(AlisaSparse *sparse, const AlisaSparseRow *rows, uint32_t row_count,
                               AlisaError *error);

typedef struct AlisaSparseLayer {
    uint32_t index;
    AlisaAttention *attention;
    AlisaVector q;
    const AlisaBuffer *keys;
    const AlisaBuffer *values;
    const AlisaBuffer *pages;              /* int32[sequence][context_length]: slots */
    const AlisaAttentionLists *all_tokens; /* lists of all tokens; tiles do not matter */
    AlisaVector y;
} AlisaSparseLayer;

/* Adds the keys of the step's rows in a layer to the index, as alisa_attention_store takes them;
 * does nothing where past rows choose. */
AlisaStatus alisa_sparse_store(AlisaSparse *sparse, uint32_t layer, AlisaVector k,
                               const AlisaBuffer *rotations, uint32_t rows, AlisaError *error);

/* Picks the lists of this step where its queries (rotated, the step's keys stored) choose them;
 * does nothing elsewhere. */
AlisaStatus alisa_sparse_choose(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error);

/* Attention of the rows of steps in a layer of that step, once K and V are stored. To be called
 * before attention of the prompts: it leaves something else in y for rows that it only scores. */
AlisaStatus alisa_sparse_attend(AlisaSparse *sparse, const AlisaSparseLayer *layer,
                                AlisaError *error);

/* For whoever brings the tokens of lists to the device: the lists of the next step, the tokens that
 * step has (0: none was picked for), and how many of them each list keeps. */
const AlisaSelection *alisa_sparse_selection(const AlisaSparse *sparse);
uint32_t alisa_sparse_list_count(const AlisaSparse *sparse);
uint32_t alisa_sparse_picked(const AlisaSparse *sparse, uint32_t sequence);
uint32_t alisa_sparse_kept(const AlisaSparse *sparse, uint32_t count);
/* Whether rows of steps read all tokens, to score them. */
bool alisa_sparse_reads_all(const AlisaSparse *sparse);
/* Whether a layer's lists are picked in the layer itself, by alisa_sparse_choose. */
bool alisa_sparse_chooses_late(const AlisaSparse *sparse);

/* Of the steps so far in a layer; NULL unless they are counted. */
const AlisaSelectCounts *alisa_sparse_counts(const AlisaSparse *sparse, uint32_t layer);

/* Forgets tokens `length` and later of a sequence. */
AlisaStatus alisa_sparse_truncate(AlisaSparse *sparse, uint32_t sequence, uint32_t length,
                                  AlisaError *error);

#endif
