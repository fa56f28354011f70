/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tokens of a sequence are codes and which are still halves, where a storage type quantises
 * blocks of ALISA_KV_BLOCK tokens (i8): pure bookkeeping, no device.
 *
 * A block is sealed, which quantises it into its slots, in the step that brings its last token.
 * Rows of a block see the block's tokens as halves, rows of later blocks see them as codes, so
 * results do not depend on how rows are cut into steps. Halves of the last block that a sequence
 * has in a step lie in the sequence's own 64 rows of `tail`, where they stay until the block is
 * full. Halves of the blocks before it, which begin and end in the step, lie in `fresh` at the
 * number of their row. That needs one rule: a step that goes on with an unfinished block of a
 * sequence ends before the sequence's next block.
 *
 * Attention reads lists of entries: an entry is a slot, or ~t for row t of `fresh` and `tail`
 * together. Rows of a sequence's last block read the sequence's own list, of context_length
 * entries, in which earlier blocks are slots and the last one is rows of its tail. Rows of every
 * block before the last read a list that the block has for the step.
 *
 * A sequence that is truncated into a block whose halves are gone gets halves back from the codes
 * (unseal), and the block goes on with them. Halves that are still there are used as they are.
 */
#ifndef ALISA_KV_BLOCKS_H
#define ALISA_KV_BLOCKS_H

#include "base/kv_type.h"

/* Blocks to move: tokens and slots [count][ALISA_KV_BLOCK], param_rows [count]. */
typedef struct AlisaKvMoves {
    int32_t *tokens; /* entries ~t of their halves */
    int32_t *slots;
    int32_t *param_rows; /* rows of params, one a block */
    uint32_t count;      /* blocks */
} AlisaKvMoves;

/* Entries of the lists that have changed, from `first` on. */
typedef struct AlisaKvChange {
    uint64_t first;
    uint64_t count;
} AlisaKvChange;

typedef struct AlisaKvBlocks {
    uint32_t sequence_count;
    uint32_t context_length;
    uint32_t row_capacity; /* most rows of a step; rows of `fresh` */
    uint64_t list_length;  /* entries of all lists */
    int32_t *slots;        /* [list_length] entries as attention reads them */
    int32_t *param_rows;   /* [list_length] the row of params of each entry's block */
    uint32_t *listed;      /* [sequence] leading blocks that are slots in the sequence's own list */
    uint32_t *held;        /* [sequence] block whose halves its tail holds, or ALISA_KV_NO_BLOCK */
    /* What follows is of the step that alisa_kv_blocks_step planned last. */
    uint32_t *taken;   /* [sequence] rows of the sequence in the step */
    uint32_t *seen;    /* [sequence] rows of the sequence that are planned already */
    uint64_t *offsets; /* [sequence] first entry of the list that the row planned last reads */
    uint32_t *last;    /* [sequence] its last block in the step */
    uint32_t *touched; /* sequences that have rows in the step */
    uint32_t touched_count;
    uint64_t list_used;     /* entries of lists in use */
    int32_t *row_slots;     /* [row] entry ~t that the row is stored to */
    uint32_t *list_offsets; /* [row] first entry of the list that the row reads */
    AlisaKvChange *changes; /* entries that the device does not have yet */
    uint32_t change_count;
    AlisaKvMoves seal;   /* blocks to seal, after the rows are stored and before attention */
    AlisaKvMoves unseal; /* blocks to unseal, before the rows are stored */
} AlisaKvBlocks;

/* A tail that holds no halves. */
#define ALISA_KV_NO_BLOCK UINT32_MAX

AlisaStatus alisa_kv_blocks_init(AlisaKvBlocks *blocks, uint32_t sequence_count,
                                 uint32_t context_length, uint32_t row_capacity, AlisaError *error);
/* Frees the lists; zeroed blocks are allowed. */
void alisa_kv_blocks_finish(AlisaKvBlocks *blocks);

/* Rows of params of one layer: one for every block of every sequence. */
uint32_t alisa_kv_blocks_params(uint32_t sequence_count, uint32_t context_length);
/* The most blocks that a step seals. */
uint32_t alisa_kv_blocks_moves(uint32_t sequence_count, uint32_t row_capacity);
/* Entries of all lists. */
uint64_t alisa_kv_blocks_entries(uint32_t sequence_count, uint32_t context_length,
                                 uint32_t row_capacity);

/* Plans a step of the leading rows, at least one of them and at most row_capacity, and returns how
 * many it takes. `lengths` has the tokens of each sequence before the step. */
uint32_t alisa_kv_blocks_step(AlisaKvBlocks *blocks, const AlisaRow *rows, size_t count,
                              const uint32_t *lengths);
/* Whether the last block of a sequence of `length` tokens has to be unsealed before it goes on. */
bool alisa_kv_blocks_unseals(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t length);
/* Notes that the planned step has unsealed its blocks, whether the step succeeds or not. */
void alisa_kv_blocks_unsealed(AlisaKvBlocks *blocks);

/* Where the tokens are that the last row of a sequence sees in a step. */
typedef struct AlisaKvTailPlace {
    uint32_t first_block; /* row of params of the sequence's block 0 */
    uint32_t sealed;      /* leading tokens that are codes; the others are halves */
    uint32_t first_half;  /* row t of the first token that is halves; the others follow it */
} AlisaKvTailPlace;

/* The place of the tokens of a sequence that has `count` of them at the end of the step. */
AlisaKvTailPlace alisa_kv_blocks_tail(const AlisaKvBlocks *blocks, uint32_t sequence,
                                      uint32_t count);
/* Notes that the planned step has run. If it is not called, tails that the step may have changed
 * count as lost. */
void alisa_kv_blocks_commit(AlisaKvBlocks *blocks);

#endif
