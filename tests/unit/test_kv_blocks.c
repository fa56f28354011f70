/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bookkeeping of i8 blocks against a model of the memory it steers: random steps of several
 * sequences with truncations and failed steps. Every list an attention would read names, for every
 * token, where that very token is: halves for the row's own block, codes for the blocks before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "kv/blocks.h"

enum { SEQUENCES = 4, CONTEXT = 300, MOST_ROWS = 160, BLOCK = ALISA_KV_BLOCK };
enum { TAIL_ROWS = MOST_ROWS + SEQUENCES * BLOCK };

/* What lies where, by the stamp a token got when it was stored: 0 is nothing. */
typedef struct Memory {
    uint32_t tails[TAIL_ROWS];
    uint32_t slots[SEQUENCES * CONTEXT];
    int32_t slot_params[SEQUENCES * CONTEXT]; /* row of params its codes were made with */
    uint32_t written[SEQUENCES][CONTEXT];     /* stamps of the sequences' tokens */
    uint32_t lengths[SEQUENCES];
    uint32_t stamp;
} Memory;

static void move(Memory *memory, const AlisaKvMoves *moves, bool seal) {
    for (uint32_t m = 0; m < moves->count; m++)
        for (uint32_t j = 0; j < BLOCK; j++) {
            int32_t token = moves->tokens[m * BLOCK + j], slot = moves->slots[m * BLOCK + j];
            assert_true(token < 0 && ~token < TAIL_ROWS);
            assert_in_range(slot, 0, SEQUENCES * CONTEXT - 1);
            if (seal) {
                memory->slots[slot] = memory->tails[~token];
                memory->slot_params[slot] = moves->param_rows[m];
            } else {
                assert_int_equal(memory->slot_params[slot], moves->param_rows[m]);
                memory->tails[~token] = memory->slots[slot];
            }
        }
}

static void check_row(const Memory *memory, const AlisaKvBlocks *blocks, uint32_t row,
                      uint32_t sequence, uint32_t position) {
    const int32_t *slots = blocks->slots + blocks->list_offsets[row];
    const int32_t *params = blocks->param_rows + blocks->list_offsets[row];
    for (uint32_t p = 0; p <= position; p++) {
        uint32_t wanted = memory->written[sequence][p];
        if (p / BLOCK == position / BLOCK) {
            assert_true(slots[p] < 0);
            assert_int_equal(memory->tails[~slots[p]], wanted);
        } else {
            assert_true(slots[p] >= 0);
            assert_int_equal(memory->slots[slots[p]], wanted);
            assert_int_equal(memory->slot_params[slots[p]], params[p]);
        }
    }
}

/* What lists of chosen tokens are made of says of the last row the same as its list of all. */
static void check_tail(const AlisaKvBlocks *blocks, uint32_t row, uint32_t sequence,
                       uint32_t position) {
    AlisaKvTailPlace tail = alisa_kv_blocks_tail(blocks, sequence, position + 1);
    const int32_t *slots = blocks->slots + blocks->list_offsets[row];
    const int32_t *params = blocks->param_rows + blocks->list_offsets[row];
    for (uint32_t p = 0; p <= position; p++) {
        assert_int_equal(params[p], tail.first_block + p / BLOCK);
        assert_int_equal(slots[p] < 0, p >= tail.sealed);
        if (slots[p] < 0) assert_int_equal(~slots[p], tail.first_half + p - tail.sealed);
    }
}

/* One step of leading rows; `fails`: the device stops after storing, and the lengths stay. */
static uint32_t step(Memory *memory, AlisaKvBlocks *blocks, const AlisaRow *rows, uint32_t count,
                     bool fails) {
    uint32_t before[SEQUENCES], unseals = 0;
    bool lost[SEQUENCES];
    for (uint32_t s = 0; s < SEQUENCES; s++)
        lost[s] = alisa_kv_blocks_unseals(blocks, s, memory->lengths[s]);
    memcpy(before, memory->lengths, sizeof before);
    uint32_t taken = alisa_kv_blocks_step(blocks, rows, count, memory->lengths);
    assert_in_range(taken, 1, count < blocks->row_capacity ? count : blocks->row_capacity);
    uint32_t most = alisa_kv_blocks_moves(SEQUENCES, blocks->row_capacity);
    assert_true(blocks->seal.count <= most && blocks->unseal.count <= most);
    assert_true(blocks->list_used <= blocks->list_length);
    move(memory, &blocks->unseal, false);
    for (uint32_t i = 0; i < blocks->touched_count; i++)
        unseals += lost[blocks->touched[i]];
    assert_int_equal(blocks->unseal.count, unseals);
    if (memory->stamp % 2) { /* the codes are given up */
        alisa_kv_blocks_unsealed(blocks);
        for (uint32_t i = 0; i < blocks->unseal.count * BLOCK; i++)
            memory->slots[blocks->unseal.slots[i]] = 0;
    }
    uint32_t positions[MOST_ROWS];
    for (uint32_t row = 0; row < taken; row++) {
        uint32_t sequence = rows[row].sequence;
        positions[row] = memory->lengths[sequence]++;
        assert_true(blocks->row_slots[row] < 0);
        memory->tails[~blocks->row_slots[row]] = ++memory->stamp;
        memory->written[sequence][positions[row]] = memory->stamp;
    }
    if (fails) {
        memcpy(memory->lengths, before, sizeof before);
        return 0;
    }
    move(memory, &blocks->seal, true);
    for (uint32_t row = 0; row < taken; row++)
        check_row(memory, blocks, row, rows[row].sequence, positions[row]);
    for (uint32_t row = 0; row < taken; row++)
        if (positions[row] + 1 == memory->lengths[rows[row].sequence])
            check_tail(blocks, row, rows[row].sequence, positions[row]);
    alisa_kv_blocks_commit(blocks);
    return taken;
}

static void run_at_random(AlisaRandom *random, uint32_t row_capacity) {
    AlisaError error;
    AlisaKvBlocks blocks;
    Memory *memory = calloc(1, sizeof *memory);
    assert_non_null(memory);
    assert_int_equal(alisa_kv_blocks_init(&blocks, SEQUENCES, CONTEXT, row_capacity, &error),
                     ALISA_OK);
    for (int turn = 0; turn < 400; turn++) {
        AlisaRow rows[SEQUENCES * CONTEXT];
        uint32_t count = 0, wanted[SEQUENCES];
        bool decode = alisa_random_below(random, 2) != 0;
        for (uint32_t s = 0; s < SEQUENCES; s++) {
            uint32_t left = CONTEXT - memory->lengths[s];
            uint32_t most = decode ? 1 : alisa_random_below(random, 3) ? 150 : 0;
            wanted[s] = most < left ? most : left;
        }
        bool mixed = alisa_random_below(random, 3) == 0;
        for (uint32_t s = 0; !mixed && s < SEQUENCES; s++)
            for (; wanted[s] > 0; wanted[s]--)
                rows[count++] = (AlisaRow){1, s, false};
        for (bool more = mixed; more;) {
            more = false;
            for (uint32_t s = 0; s < SEQUENCES; s++)
                if (wanted[s] > 0) {
                    rows[count++] = (AlisaRow){1, s, false};
                    more = --wanted[s] > 0 || more;
                }
        }
        for (uint32_t done = 0; done < count;) {
            bool fails = alisa_random_below(random, 16) == 0;
            done += step(memory, &blocks, rows + done, count - done, fails);
            if (fails && alisa_random_below(random, 2)) break;
        }
        for (uint32_t s = 0; s < SEQUENCES; s++)
            if (alisa_random_below(random, decode ? 20 : 3) == 0)
                memory->lengths[s] = alisa_random_below(random, memory->lengths[s] + 1);
    }
    alisa_kv_blocks_finish(&blocks);
    free(memory);
}

static void test_at_random(void **state) {
    (void)state;
    static const uint32_t capacities[] = {1, 3, 63, 64, 65, 100, 128, MOST_ROWS};
    AlisaRandom random;
    alisa_random_seed(&random, 5);
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++)
        run_at_random(&random, capacities[i]);
}

/* Long prompts go in steps of whole blocks; only what was begun before is finished first. */
static void test_steps_of_a_prompt(void **state) {
    (void)state;
    AlisaError error;
    AlisaKvBlocks blocks;
    AlisaRow rows[CONTEXT];
    for (uint32_t i = 0; i < CONTEXT; i++)
        rows[i] = (AlisaRow){1, 0, false};
    assert_int_equal(alisa_kv_blocks_init(&blocks, 1, CONTEXT, 150, &error), ALISA_OK);
    uint32_t length = 0;
    assert_int_equal(alisa_kv_blocks_step(&blocks, rows, CONTEXT, &length), 128);
    length = 30;
    assert_int_equal(alisa_kv_blocks_step(&blocks, rows, CONTEXT - 30, &length), 34);
    length = 128;
    assert_int_equal(alisa_kv_blocks_step(&blocks, rows, 140, &length), 140);
    assert_int_equal(blocks.seal.count, 2);
    alisa_kv_blocks_finish(&blocks);
    assert_int_equal(alisa_kv_blocks_init(&blocks, UINT32_MAX / 2, 64, 1, &error),
                     ALISA_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_steps_of_a_prompt),
    };
    return cmocka_run_group_tests_name("kv_blocks", tests, NULL, NULL);
}
