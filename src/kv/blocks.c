/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/round.h"

enum { BLOCK = ALISA_KV_BLOCK };

static uint32_t blocks_of(uint32_t tokens) {
    return alisa_divide_up(tokens, BLOCK);
}

uint32_t alisa_kv_blocks_params(uint32_t sequence_count, uint32_t context_length) {
    return sequence_count * blocks_of(context_length);
}

/* Every sequence may end a block with one row; each further block takes a whole block of rows. */
uint32_t alisa_kv_blocks_moves(uint32_t sequence_count, uint32_t row_capacity) {
    uint64_t most = (uint64_t)sequence_count + row_capacity / BLOCK;
    return most < row_capacity ? (uint32_t)most : row_capacity;
}

uint64_t alisa_kv_blocks_entries(uint32_t sequence_count, uint32_t context_length,
                                 uint32_t row_capacity) {
    return ((uint64_t)sequence_count + row_capacity / BLOCK) * context_length;
}

static int32_t slot_of(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t position) {
    return (int32_t)(sequence * blocks->context_length + position);
}

static int32_t param_row_of(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t block) {
    return (int32_t)(sequence * blocks_of(blocks->context_length) + block);
}

/* Entry of a position in the sequence's own tail. */
static int32_t tail_of(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t position) {
    return ~(int32_t)(blocks->row_capacity + sequence * BLOCK + position % BLOCK);
}

static bool init_moves(AlisaKvMoves *moves, uint32_t capacity, AlisaError *error) {
    size_t tokens = (size_t)capacity * BLOCK;
    moves->tokens = alisa_allocate(tokens, sizeof *moves->tokens, "KV blocks", error);
    moves->slots = alisa_allocate(tokens, sizeof *moves->slots, "KV blocks", error);
    moves->param_rows = alisa_allocate(capacity, sizeof *moves->param_rows, "KV blocks", error);
    return moves->tokens && moves->slots && moves->param_rows;
}

static void finish_moves(AlisaKvMoves *moves) {
    free(moves->tokens);
    free(moves->slots);
    free(moves->param_rows);
}

static bool allocate(AlisaKvBlocks *blocks, AlisaError *error) {
    size_t sequences = blocks->sequence_count, rows = blocks->row_capacity;
    size_t entries = (size_t)blocks->list_length;
    uint32_t **tables[] = {&blocks->listed, &blocks->held, &blocks->taken,
                           &blocks->seen,   &blocks->last, &blocks->touched};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        *tables[i] = alisa_allocate_zeroed(sequences, sizeof **tables[i], "KV blocks", error);
        if (!*tables[i]) return false;
    }
    blocks->offsets = alisa_allocate(sequences, sizeof *blocks->offsets, "KV blocks", error);
    blocks->slots = alisa_allocate(entries, sizeof *blocks->slots, "KV lists", error);
    blocks->param_rows = alisa_allocate(entries, sizeof *blocks->param_rows, "KV lists", error);
    blocks->row_slots = alisa_allocate(rows, sizeof *blocks->row_slots, "step", error);
    blocks->list_offsets = alisa_allocate(rows, sizeof *blocks->list_offsets, "step", error);
    blocks->changes = alisa_allocate(sequences + rows, sizeof *blocks->changes, "step", error);
    uint32_t moves = alisa_kv_blocks_moves(blocks->sequence_count, blocks->row_capacity);
    return blocks->offsets && blocks->slots && blocks->param_rows && blocks->row_slots &&
           blocks->list_offsets && blocks->changes && init_moves(&blocks->seal, moves, error) &&
           init_moves(&blocks->unseal, moves, error);
}

AlisaStatus alisa_kv_blocks_init(AlisaKvBlocks *blocks, uint32_t sequence_count,
                                 uint32_t context_length, uint32_t row_capacity,
                                 AlisaError *error) {
    *blocks = (AlisaKvBlocks){
        .sequence_count = sequence_count,
        .context_length = context_length,
        .row_capacity = row_capacity,
        .list_length = alisa_kv_blocks_entries(sequence_count, context_length, row_capacity)};
    if (blocks->list_length > UINT32_MAX ||
        row_capacity + (uint64_t)sequence_count * BLOCK > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%u sequences of %u tokens in steps of %u rows are more than KV "
                               "lists can name: lower -c, --batch or -ub",
                               sequence_count, context_length, row_capacity);
    }
    if (!allocate(blocks, error)) {
        alisa_kv_blocks_finish(blocks);
        return ALISA_ERROR_MEMORY;
    }
    memset(blocks->slots, 0, blocks->list_length * sizeof *blocks->slots);
    memset(blocks->param_rows, 0, blocks->list_length * sizeof *blocks->param_rows);
    for (uint32_t sequence = 0; sequence < sequence_count; sequence++) {
        blocks->held[sequence] = ALISA_KV_NO_BLOCK;
        for (uint32_t p = 0; p < context_length; p++) {
            uint64_t at = (uint64_t)sequence * context_length + p;
            blocks->slots[at] = tail_of(blocks, sequence, p);
            blocks->param_rows[at] = param_row_of(blocks, sequence, p / BLOCK);
        }
    }
    return ALISA_OK;
}

void alisa_kv_blocks_finish(AlisaKvBlocks *blocks) {
    free(blocks->slots);
    free(blocks->param_rows);
    free(blocks->listed);
    free(blocks->held);
    free(blocks->taken);
    free(blocks->seen);
    free(blocks->offsets);
    free(blocks->last);
    free(blocks->touched);
    free(blocks->row_slots);
    free(blocks->list_offsets);
    free(blocks->changes);
    finish_moves(&blocks->seal);
    finish_moves(&blocks->unseal);
    *blocks = (AlisaKvBlocks){0};
}

/* How many rows the step takes; counts them by sequence. */
static uint32_t take_rows(AlisaKvBlocks *blocks, const AlisaRow *rows, size_t count,
                          const uint32_t *lengths) {
    uint32_t limit = count < blocks->row_capacity ? (uint32_t)count : blocks->row_capacity;
    uint32_t taken = 0;
    for (; taken < limit; taken++) {
        uint32_t sequence = rows[taken].sequence, start = lengths[sequence];
        uint32_t position = start + blocks->taken[sequence];
        if (start % BLOCK != 0 && position / BLOCK != start / BLOCK) return taken;
        blocks->taken[sequence]++;
    }
    if (taken == count) return taken;
    /* If the next row would go on with a block that begins in this step, better leave the whole
     * block to the next one, which can then go past its end. */
    uint32_t sequence = rows[taken].sequence, rest = lengths[sequence] + blocks->taken[sequence];
    rest %= BLOCK;
    uint32_t run = 0;
    while (run < rest && run < taken && rows[taken - 1 - run].sequence == sequence)
        run++;
    if (run < rest || run == taken || rest == 0) return taken;
    blocks->taken[sequence] -= rest;
    return taken - rest;
}

static void note_change(AlisaKvBlocks *blocks, uint64_t first, uint64_t count) {
    blocks->changes[blocks->change_count++] = (AlisaKvChange){first, count};
}

/* Makes the blocks before `last` slots in the sequence's own list, and `last` and later ones rows
 * of its tail. */
static void list_blocks(AlisaKvBlocks *blocks, uint32_t sequence, uint32_t last) {
    uint32_t listed = blocks->listed[sequence];
    uint32_t begin = (listed < last ? listed : last) * BLOCK;
    uint32_t end = (listed < last ? last : listed) * BLOCK;
    if (begin == end) return;
    if (end > blocks->context_length) end = blocks->context_length;
    uint64_t first = (uint64_t)sequence * blocks->context_length;
    for (uint32_t p = begin; p < end; p++)
        blocks->slots[first + p] =
            p / BLOCK < last ? slot_of(blocks, sequence, p) : tail_of(blocks, sequence, p);
    blocks->listed[sequence] = last;
    note_change(blocks, first + begin, end - begin);
}

static void add_move(const AlisaKvBlocks *blocks, AlisaKvMoves *moves, uint32_t sequence,
                     uint32_t block, const int32_t *tokens) {
    size_t at = (size_t)moves->count * BLOCK;
    for (uint32_t j = 0; j < BLOCK; j++) {
        uint32_t position = block * BLOCK + j;
        moves->tokens[at + j] = tokens ? tokens[j] : tail_of(blocks, sequence, j);
        moves->slots[at + j] = slot_of(blocks, sequence, position);
    }
    moves->param_rows[moves->count++] = param_row_of(blocks, sequence, block);
}

static void begin_sequence(AlisaKvBlocks *blocks, uint32_t sequence, uint32_t start) {
    uint32_t last = (start + blocks->taken[sequence] - 1) / BLOCK;
    blocks->touched[blocks->touched_count++] = sequence;
    blocks->last[sequence] = last;
    list_blocks(blocks, sequence, last);
    if (alisa_kv_blocks_unseals(blocks, sequence, start))
        add_move(blocks, &blocks->unseal, sequence, last, NULL);
    if (blocks->held[sequence] != last) blocks->held[sequence] = ALISA_KV_NO_BLOCK;
}

/* A list for the rows of `block`: slots of the blocks before it; its own entries are filled as the
 * rows come. */
static void begin_list(AlisaKvBlocks *blocks, uint32_t sequence, uint32_t block) {
    uint64_t first = blocks->list_used;
    blocks->offsets[sequence] = first;
    for (uint32_t p = 0; p < (block + 1) * BLOCK; p++) {
        blocks->slots[first + p] = slot_of(blocks, sequence, p);
        blocks->param_rows[first + p] = param_row_of(blocks, sequence, p / BLOCK);
    }
    blocks->list_used += (block + 1) * BLOCK;
    note_change(blocks, first, (block + 1) * BLOCK);
}

static void place_row(AlisaKvBlocks *blocks, uint32_t row, uint32_t sequence, uint32_t start) {
    uint32_t position = start + blocks->seen[sequence]++, block = position / BLOCK;
    bool last = block == blocks->last[sequence];
    if (last) {
        blocks->offsets[sequence] = (uint64_t)sequence * blocks->context_length;
        blocks->row_slots[row] = tail_of(blocks, sequence, position);
    } else {
        if (position % BLOCK == 0) begin_list(blocks, sequence, block);
        blocks->row_slots[row] = ~(int32_t)row;
        blocks->slots[blocks->offsets[sequence] + position] = ~(int32_t)row;
    }
    blocks->list_offsets[row] = (uint32_t)blocks->offsets[sequence];
    if (position % BLOCK == BLOCK - 1) {
        const int32_t *tokens = blocks->slots + blocks->offsets[sequence] + block * BLOCK;
        add_move(blocks, &blocks->seal, sequence, block, tokens);
    }
}

uint32_t alisa_kv_blocks_step(AlisaKvBlocks *blocks, const AlisaRow *rows, size_t count,
                              const uint32_t *lengths) {
    memset(blocks->taken, 0, blocks->sequence_count * sizeof *blocks->taken);
    memset(blocks->seen, 0, blocks->sequence_count * sizeof *blocks->seen);
    blocks->touched_count = blocks->change_count = 0;
    blocks->seal.count = blocks->unseal.count = 0;
    blocks->list_used = (uint64_t)blocks->sequence_count * blocks->context_length;
    uint32_t taken = take_rows(blocks, rows, count, lengths);
    for (uint32_t row = 0; row < taken; row++) {
        uint32_t sequence = rows[row].sequence, start = lengths[sequence];
        if (blocks->seen[sequence] == 0) begin_sequence(blocks, sequence, start);
        place_row(blocks, row, sequence, start);
    }
    return taken;
}

bool alisa_kv_blocks_unseals(const AlisaKvBlocks *blocks, uint32_t sequence, uint32_t length) {
    return length % BLOCK != 0 && blocks->held[sequence] != length / BLOCK;
}

void alisa_kv_blocks_unsealed(AlisaKvBlocks *blocks) {
    for (uint32_t i = 0; i < blocks->unseal.count; i++) {
        uint32_t first = (uint32_t)blocks->unseal.slots[(size_t)i * BLOCK];
        uint32_t sequence = first / blocks->context_length;
        blocks->held[sequence] = blocks->last[sequence];
    }
}

AlisaKvTailPlace alisa_kv_blocks_tail(const AlisaKvBlocks *blocks, uint32_t sequence,
                                      uint32_t count) {
    return (AlisaKvTailPlace){.first_block = (uint32_t)param_row_of(blocks, sequence, 0),
                              .sealed = (count - 1) / BLOCK * BLOCK,
                              .first_half = (uint32_t)~tail_of(blocks, sequence, 0)};
}

void alisa_kv_blocks_commit(AlisaKvBlocks *blocks) {
    for (uint32_t i = 0; i < blocks->touched_count; i++) {
        uint32_t sequence = blocks->touched[i];
        blocks->held[sequence] = blocks->last[sequence];
    }
}
