/*
 * Which tokens of a sequence are codes and which are still halves, where a storage type quantises
 * blocks of ALISA_KV_BLOCK tokens (i8): pure bookkeeping, no device.
 *
 * A block is sealed, quantised into its slots, in the step that brings its last token. Rows of a
 * block see its tokens as halves, rows of later blocks see them as codes, so results do not depend
 * on how rows are cut into steps. Halves of the last block a sequence has in a step lie in its own
 * 64 rows of `tail`, where they stay until the block is full; those of blocks before it, which
 * begin and end in the step, lie in `fresh` at the number of their row. That needs one rule: a step
 * that goes on with an unfinished block of a sequence ends before the sequence's next block.
 *
 * Lists: each sequence has one of context_length entries for its last block, in which earlier
 * blocks are slots and the others rows of its tail; every block before the last has one of its own
 * in a step.
 *
 * Cut back into a block whose halves are gone, a sequence gets them back from the codes (unseal),
 * and the block goes on as if it had been stored so. Halves that are still there are used as they
 * are.
 */
#ifndef ALISA_KV_BLOCKS_H
#define ALISA_KV_BLOCKS_H

#include "base/kv_type.h"

/* Blocks to move: tokens and slots [count][ALISA_KV_BLOCK], param_rows [count]. */
typedef struct AlisaKvMoves {
    int32_t *tokens; /* entries ~t of the tails */
    int32_t *slots;
    int32_t *param_rows;
    uint32_t count;
} AlisaKvMoves;

/* A part of the lists that has changed. */
typedef struct AlisaKvChange {
    uint64_t first;
    uint64_t count;
} AlisaKvChange;

typedef struct AlisaKvBlocks {
    uint32_t sequence_count;
    uint32_t context_length;
    uint32_t row_capacity; /* rows of a step, and of `fresh` */
    uint64_t list_length;
    int32_t *slots;      /* [list_length] as attention reads them */
    int32_t *param_rows; /* [list_length] likewise */
    uint32_t *listed;    /* [sequence] leading blocks whose entries are slots */
    uint32_t *held;      /* [sequence] block whose halves its tail holds, or ALISA_KV_NO_BLOCK */
    /* The step, from alisa_kv_blocks_step on. */
    uint32_t *taken;   /* [sequence] its rows */
    uint32_t *seen;    /* [sequence] */
    uint64_t *offsets; /* [sequence] list of the block it is at */
    uint32_t *last;    /* [sequence] its last block */
    uint32_t *touched; /* sequences that have rows */
    uint32_t touched_count;
    uint64_t list_used;
    int32_t *row_slots;     /* [row] entry each row is stored to: ~t */
    uint32_t *list_offsets; /* [row] */
    AlisaKvChange *changes;
    uint32_t change_count;
    AlisaKvMoves seal;   /* after the rows are stored, before attention */
    AlisaKvMoves unseal; /* before the rows are stored */
} AlisaKvBlocks;

#define ALISA_KV_NO_BLOCK UINT32_MAX

AlisaStatus alisa_kv_blocks_init(AlisaKvBlocks *blocks, uint32_t sequence_count,
                                 uint32_t context_length, uint32_t row_capacity, AlisaError *error);
/* Takes a zeroed one. */
void alisa_kv_blocks_finish(AlisaKvBlocks *blocks);

/* Rows of params for one layer; blocks that a step may seal; entries of the lists. */
uint32_t alisa_kv_blocks_params(uint32_t sequence_count, uint32_t context_length);
uint32_t alisa_kv_blocks_moves(uint32_t sequence_count, uint32_t row_capacity);
uint64_t alisa_kv_blocks_entries(uint32_t sequence_count, uint32_t context_length,
                                 uint32_t row_capacity);

/* Plans a step of leading rows, at most row_capacity and at least one; `lengths`: of the sequences
 * before it. Returns how many of the rows it takes. */
uint32_t alisa_kv_blocks_step(AlisaKvBlocks *blocks, const AlisaRow *rows, size_t count,
                              const uint32_t *lengths);
/* Whether a sequence of `length` tokens gets halves of its last block back from codes before it
 * goes on; and for those of the planned step, that this is done, whatever becomes of the step. */
bool alisa_kv_blocks_unseals(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t length);
void alisa_kv_blocks_unsealed(AlisaKvBlocks *blocks);

/* Where the tokens are that the last row of a sequence with `count` tokens sees in a step: the
 * first `sealed` of them are codes, the others are rows t of the tails from first_half on. */
typedef struct AlisaKvTailPlace {
    uint32_t first_block; /* row of params of block 0 */
    uint32_t sealed;
    uint32_t first_half;
} AlisaKvTailPlace;

AlisaKvTailPlace alisa_kv_blocks_tail(const AlisaKvBlocks *blocks, uint32_t sequence,
                                      uint32_t count);
/* The step has run: without it the tails' contents are taken for lost where it may have changed
 * them. */
void alisa_kv_blocks_commit(AlisaKvBlocks *blocks);

#endif
