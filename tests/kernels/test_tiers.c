/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of tokens over two tiers on a device: random steps on tiny pools with tiny staging parts,
 * every row a layer reads compared with what was stored, byte by byte.
 */
#include "device/link.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"
#include "device/transfer.h"
#include "kv/inputs.h"
#include "skip.h"

enum { MOST_LAYERS = 3, MOST_SEQUENCES = 3, CONTEXT = 12, MOST_BYTES = 80 };

typedef struct World {
    AlisaRowStoreShape shape;
    AlisaStaging *staging;
    AlisaTiers *tiers;
    AlisaRandom random;
    uint32_t lengths[MOST_SEQUENCES];
    uint32_t lives[MOST_SEQUENCES];                       /* times a sequence began again */
    bool dropped[MOST_LAYERS][MOST_SEQUENCES][CONTEXT];   /* may have to be rebuilt */
    bool forgotten[MOST_LAYERS][MOST_SEQUENCES][CONTEXT]; /* must not be needed */
    uint32_t checked, rebuilt, refused;
} World;

static bool small; /* ALISA_TEST_SMALL: for oclgrind */

static uint32_t below(World *world, uint32_t bound) {
    return alisa_random_below(&world->random, bound);
}

static uint32_t row_bytes(const World *world) {
    return world->shape.key_bytes + world->shape.value_bytes;
}

/* What a token's row is: its K part, then its V part. */
static void make_row(const World *world, uint32_t layer, uint32_t sequence, uint32_t position,
                     uint8_t row[MOST_BYTES]) {
    AlisaRandom random;
    alisa_random_seed(&random,
                      ((world->lives[sequence] * 64ull + layer) * 64 + sequence) * 64 + position);
    for (uint32_t i = 0; i < row_bytes(world); i++)
        row[i] = (uint8_t)alisa_random_next(&random);
}

static void write_row(World *world, uint32_t layer, uint32_t sequence, uint32_t position) {
    const AlisaRowStore *store = alisa_tiers_store(world->tiers);
    uint32_t arena = layer % store->arena_count;
    int64_t slot =
        alisa_residency_device_slot(alisa_tiers_residency(world->tiers), layer, sequence, position);
    uint8_t row[MOST_BYTES];
    AlisaError error;
    assert_true(slot >= 0);
    make_row(world, layer, sequence, position, row);
    support_must(alisa_buffer_write(support_device, &store->keys[arena],
                                    (uint64_t)slot * store->key_bytes, row, store->key_bytes,
                                    &error),
                 &error);
    support_must(alisa_buffer_write(support_device, &store->values[arena],
                                    (uint64_t)slot * store->value_bytes, row + store->key_bytes,
                                    store->value_bytes, &error),
                 &error);
}

/* Reads the row as a launch would find it: through the layer's pages. */
static void check_row(World *world, uint32_t layer, uint32_t sequence, uint32_t position) {
    const AlisaRowStore *store = alisa_tiers_store(world->tiers);
    uint32_t arena = layer % store->arena_count;
    uint8_t row[MOST_BYTES], found[MOST_BYTES];
    int32_t slot;
    AlisaError error;
    support_must(alisa_buffer_read(support_device, &store->pages[layer],
                                   (sequence * CONTEXT + position) * sizeof slot, &slot,
                                   sizeof slot, &error),
                 &error);
    assert_int_equal(slot, alisa_residency_device_slot(alisa_tiers_residency(world->tiers), layer,
                                                       sequence, position));
    support_must(alisa_buffer_read(support_device, &store->keys[arena],
                                   (uint64_t)slot * store->key_bytes, found, store->key_bytes,
                                   &error),
                 &error);
    support_must(alisa_buffer_read(support_device, &store->values[arena],
                                   (uint64_t)slot * store->value_bytes, found + store->key_bytes,
                                   store->value_bytes, &error),
                 &error);
    make_row(world, layer, sequence, position, row);
    assert_memory_equal(found, row, row_bytes(world));
    world->checked++;
}

typedef struct Lists {
    AlisaTokenList lists[MOST_SEQUENCES];
    uint32_t positions[MOST_SEQUENCES][4];
} Lists;

static void draw_lists(World *world, uint32_t layer, Lists *lists) {
    for (uint32_t s = 0; s < world->shape.residency.sequence_count; s++) {
        uint32_t count = 0;
        for (uint32_t tries = below(world, 4); tries > 0 && world->lengths[s] > 0; tries--) {
            uint32_t position = below(world, world->lengths[s]);
            if (!world->forgotten[layer][s][position]) lists->positions[s][count++] = position;
        }
        lists->lists[s] = (AlisaTokenList){s, count, lists->positions[s]};
    }
}

/* Only a full tier may refuse. */
static bool allowed(World *world, AlisaStatus status, const AlisaError *error) {
    if (status == ALISA_ERROR_MEMORY) {
        world->refused++;
        return false;
    }
    support_must(status, error);
    return true;
}

static void rebuild(World *world) {
    const AlisaMoves *moves = alisa_tiers_rebuilds(world->tiers);
    if (moves->count == 0) return;
    AlisaError error;
    support_must(alisa_tiers_publish(world->tiers, moves->items, (uint32_t)moves->count,
                                     alisa_tiers_row_slots(world->tiers, moves->items[0].layer),
                                     &error),
                 &error);
    for (size_t i = 0; i < moves->count; i++) {
        const AlisaMove *move = &moves->items[i];
        assert_true(world->dropped[move->layer][move->sequence][move->position]);
        write_row(world, move->layer, move->sequence, move->position);
        world->rebuilt++;
    }
}

static void run_layer(World *world, uint32_t layer) {
    AlisaError error;
    Lists lists;
    uint32_t sequences = world->shape.residency.sequence_count;
    draw_lists(world, layer, &lists);
    AlisaResidencyUse use = below(world, 4) ? ALISA_USE_KEEP : ALISA_USE_STREAM;
    AlisaStatus status = alisa_tiers_need(world->tiers, layer, lists.lists, sequences, use, &error);
    if (allowed(world, status, &error)) {
        rebuild(world);
        support_must(alisa_tiers_arrive(world->tiers, layer, &error), &error);
        for (uint32_t s = 0; s < sequences; s++)
            for (uint32_t i = 0; i < lists.lists[s].count; i++)
                check_row(world, layer, s, lists.positions[s][i]);
    }
    alisa_tiers_end(world->tiers, layer);
}

/* What policies do between a layer's end and its next list. */
static void run_policy(World *world, uint32_t layer) {
    AlisaError error;
    uint32_t sequence = below(world, world->shape.residency.sequence_count);
    uint32_t first = below(world, CONTEXT), count = below(world, 5);
    Lists lists;
    switch (below(world, 8)) {
    case 0:
    case 1:
        allowed(world,
                alisa_tiers_offload(world->tiers, &(AlisaTokenRange){layer, sequence, first, count},
                                    1, below(world, 2), &error),
                &error);
        break;
    case 2:
        alisa_tiers_drop(world->tiers, layer, sequence, first, count);
        for (uint32_t p = first; p < first + count && p < world->lengths[sequence]; p++)
            world->dropped[layer][sequence][p] = true;
        break;
    case 3:
        if (first >= world->lengths[sequence]) break;
        alisa_tiers_forget(world->tiers, layer, &(AlisaTokenList){sequence, 1, &first});
        world->forgotten[layer][sequence][first] = true;
        break;
    default:
        draw_lists(world, layer, &lists);
        support_must(alisa_tiers_prefetch(world->tiers, layer, lists.lists,
                                          world->shape.residency.sequence_count, &error),
                     &error);
    }
}

static void truncate_sequence(World *world, uint32_t sequence, uint32_t length) {
    AlisaError error;
    support_must(alisa_tiers_truncate(world->tiers, sequence, length, &error), &error);
    world->lengths[sequence] = length;
    world->lives[sequence] += length == 0;
    for (uint32_t layer = 0; layer < MOST_LAYERS; layer++) {
        for (uint32_t position = length; position < CONTEXT; position++) {
            world->dropped[layer][sequence][position] = false;
            world->forgotten[layer][sequence][position] = false;
        }
    }
}

static void run_step(World *world) {
    AlisaError error;
    AlisaTokenRow rows[4];
    uint32_t count = 0;
    uint32_t sequence = below(world, world->shape.residency.sequence_count);
    uint32_t layers = world->shape.residency.layer_count;
    if (world->lengths[sequence] == CONTEXT || below(world, 12) == 0)
        truncate_sequence(world, sequence, below(world, 2) ? 0 : world->lengths[sequence] / 2);
    for (uint32_t wanted = 1 + below(world, 2); count < wanted; count++) {
        if (world->lengths[sequence] + count >= CONTEXT) break;
        rows[count] = (AlisaTokenRow){sequence, world->lengths[sequence] + count};
    }
    if (allowed(world, alisa_tiers_place(world->tiers, rows, count, &error), &error)) {
        world->lengths[sequence] += count;
        for (uint32_t layer = 0; layer < layers; layer++)
            for (uint32_t i = 0; i < count; i++)
                write_row(world, layer, sequence, rows[i].position);
    } else {
        truncate_sequence(world, sequence, world->lengths[sequence]);
    }
    for (uint32_t layer = 0; layer < layers; layer++)
        run_layer(world, layer);
    for (uint32_t layer = 0; layer < layers; layer++)
        run_policy(world, layer);
    allowed(world, alisa_tiers_refill(world->tiers, &error), &error);
    const char *wrong = alisa_residency_check(alisa_tiers_residency(world->tiers));
    if (wrong) fail_msg("%s", wrong);
}

static void run_world(uint64_t seed, uint32_t steps, World *total) {
    /* Rows of whole words, of single bytes and of one part only. */
    static const uint32_t sizes[][2] = {{32, 32}, {34, 34}, {33, 1}, {48, 16}, {64, 0}};
    World *world = calloc(1, sizeof *world);
    assert_non_null(world);
    alisa_random_seed(&world->random, seed);
    uint32_t layers = 1 + below(world, MOST_LAYERS);
    const uint32_t *size = sizes[seed % 5];
    uint32_t arenas = 1 + below(world, layers);
    world->shape = (AlisaRowStoreShape){
        .residency = {.layer_count = layers,
                      .sequence_count = 1 + below(world, MOST_SEQUENCES),
                      .context_length = CONTEXT,
                      .arena_count = arenas,
                      .device_slots = (layers > 2 * arenas ? 6 : 4) + below(world, 4),
                      .host_slots = 20 + below(world, 100),
                      .reserve = below(world, 2)},
        .key_bytes = size[0],
        .value_bytes = size[1],
        .row_group = (uint32_t[]){0, 1, 4, 64}[seed % 4],
        .what = "rows"};
    AlisaError error;
    /* Parts of 192 bytes: one or two rows a batch. */
    support_must(alisa_staging_create(support_device, 8 * 192, &world->staging, &error), &error);
    support_must(
        alisa_tiers_create(support_device, &world->shape, 4, world->staging, &world->tiers, &error),
        &error);
    for (uint32_t step = 0; step < steps; step++)
        run_step(world);
    total->checked += world->checked;
    total->rebuilt += world->rebuilt;
    total->refused += world->refused;
    const AlisaTraffic *traffic = alisa_staging_traffic(world->staging);
    assert_int_equal(traffic->bytes_to_device % row_bytes(world), 0);
    alisa_tiers_destroy(world->tiers);
    alisa_staging_destroy(world->staging);
    free(world);
}

static void test_random_steps(void **state) {
    (void)state;
    World total = {0};
    uint64_t seeds = small ? 5 : 30;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run_world(seed, small ? 8 : 60, &total);
    print_message("%u rows read, %u rebuilt, %u operations refused\n", total.checked, total.rebuilt,
                  total.refused);
    assert_true(total.checked > (small ? 50 : 3000));
    assert_true(small || total.rebuilt > 100);
}

/* The same with copies that take their time, so that they end in other orders. */
static void test_random_steps_on_slow_links(void **state) {
    (void)state;
    World total = {0};
    AlisaError error;
    if (small) skip_because(SMALL_SHAPES);
    for (uint64_t seed = 101; seed <= 106; seed++) {
        const AlisaLink link = {1e6 * (double)(1 + seed % 3), 1e-5 * (double)(seed % 4)};
        support_must(alisa_opencl_emulate_link(support_device, &link, &error), &error);
        run_world(seed, 25, &total);
    }
    support_must(alisa_opencl_emulate_link(support_device, NULL, &error), &error);
    assert_true(total.checked > 200);
}

/* Inputs of more tokens than the device has slots for come back as they were, as halves. */
static void test_inputs(void **state) {
    (void)state;
    enum { COLUMNS = 27, TOKENS = 10, ROWS = 4 };
    const AlisaInputsShape shape = {
        .residency = {2, 1, 16, 1, 12, 64, 0}, .columns = COLUMNS, .max_rows = ROWS};
    AlisaStaging *staging;
    AlisaInputs *inputs;
    AlisaBuffer x;
    AlisaError error;
    float source[2][TOKENS][COLUMNS], found[ROWS][COLUMNS];
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    for (int i = 0; i < 2 * TOKENS * COLUMNS; i++)
        (&source[0][0][0])[i] = alisa_random_normal(&random);
    support_must(alisa_staging_create(support_device, 8 * 192, &staging, &error), &error);
    support_must(alisa_inputs_create(support_device, &shape, staging, &inputs, &error), &error);
    support_must(alisa_buffer_create(support_device, sizeof source[0], ALISA_BUFFER_READ_WRITE, "x",
                                     &x, &error),
                 &error);
    /* Rows 1 and 0 of each step of two tokens are kept, in this order. */
    for (uint32_t token = 0; token < TOKENS; token += 2) {
        const AlisaTokenRow rows[] = {{0, token + 1}, {0, token}};
        const uint32_t sources[] = {1, 0};
        support_must(alisa_inputs_place(inputs, rows, sources, 2, &error), &error);
        for (uint32_t layer = 0; layer < 2; layer++) {
            support_must(alisa_buffer_write(support_device, &x, 0, source[layer][token],
                                            2 * sizeof source[0][0], &error),
                         &error);
            support_must(alisa_inputs_keep(inputs, layer, &x, 0, &error), &error);
            alisa_inputs_end(inputs, layer);
        }
    }
    AlisaTraffic before = *alisa_staging_traffic(staging);
    assert_true(before.bytes_to_host > 0);
    AlisaMove moves[] = {{.layer = 1, .position = 8},
                         {.layer = 1, .position = 0},
                         {.layer = 1, .position = 3},
                         {.layer = 1, .position = 5}};
    for (uint32_t layer = 0; layer < 2; layer++) {
        for (int i = 0; i < ROWS; i++)
            moves[i].layer = layer;
        const AlisaMoves rebuilds = {moves, ROWS, ROWS};
        support_must(alisa_inputs_need(inputs, &rebuilds, &error), &error);
        support_must(alisa_inputs_recall(inputs, moves, ROWS, &x, COLUMNS, &error), &error);
        support_must(
            alisa_buffer_read(support_device, &x, sizeof found[0], found, sizeof found, &error),
            &error);
        alisa_inputs_end(inputs, layer);
        for (int i = 0; i < ROWS; i++) {
            for (int c = 0; c < COLUMNS; c++) {
                uint16_t half = alisa_half_from_float(source[layer][moves[i].position][c]);
                assert_true(found[i][c] == alisa_half_to_float(half));
            }
        }
    }
    assert_true(alisa_staging_traffic(staging)->bytes_to_device > 0);
    alisa_buffer_destroy(&x);
    alisa_inputs_destroy(inputs);
    alisa_staging_destroy(staging);
}

int main(void) {
    small = getenv("ALISA_TEST_SMALL") != NULL;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_steps),
                                       cmocka_unit_test(test_random_steps_on_slow_links),
                                       cmocka_unit_test(test_inputs)};
    return cmocka_run_group_tests(tests, support_open_device, support_close_device);
}
