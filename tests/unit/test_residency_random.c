/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tokens live: random operations on tiny pools, with every row followed by content and the
 * invariant checked after each operation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "kv/residency.h"

enum { MOST_LAYERS = 4, MOST_SEQUENCES = 3, MOST_TOKENS = 16, MOST_SLOTS = 64, MOST_LIST = 24 };

typedef enum State { ABSENT, LIVE, REBUILDABLE, FORGOTTEN } State;

/* What should be true, kept the plain way; and the memory of both sides, a number a row. */
typedef struct World {
    AlisaResidencyShape shape;
    AlisaResidency *residency;
    AlisaMovePlan plan;
    AlisaRandom random;
    State states[MOST_LAYERS][MOST_SEQUENCES][MOST_TOKENS];
    bool held[MOST_LAYERS][MOST_SEQUENCES][MOST_TOKENS];
    uint32_t lengths[MOST_LAYERS][MOST_SEQUENCES];
    bool open[MOST_LAYERS];
    uint32_t device[MOST_LAYERS][MOST_SLOTS];
    uint32_t host[MOST_SLOTS];
    uint32_t done[6]; /* loads, offloads, rebuilds, failures, operations, passes */
} World;

static uint32_t below(World *world, uint32_t bound) {
    return alisa_random_below(&world->random, bound);
}

static uint32_t row_of(uint32_t layer, uint32_t sequence, uint32_t position) {
    return 1 + (layer * MOST_SEQUENCES + sequence) * MOST_TOKENS + position;
}

static uint32_t *device_row(World *world, uint32_t layer, int32_t slot) {
    assert_true(slot >= 0 && slot < (int32_t)world->shape.device_slots);
    return &world->device[layer % world->shape.arena_count][slot];
}

static void check_sorted(const AlisaMoves *moves) {
    for (size_t i = 1; i < moves->count; i++)
        assert_true(moves->items[i - 1].host_slot < moves->items[i].host_slot);
}

/* Does what the plan says: the rows that leave are read first, and reach the host's memory before
 * or after the loads are read from it, as a second queue may have it. */
static void carry_out(World *world) {
    AlisaMovePlan *plan = &world->plan;
    uint32_t leaving[MOST_SLOTS];
    bool early = below(world, 2);
    check_sorted(&plan->offloads);
    check_sorted(&plan->loads);
    assert_true(plan->offloads.count <= MOST_SLOTS);
    for (size_t i = 0; i < plan->offloads.count; i++) {
        const AlisaMove *move = &plan->offloads.items[i];
        leaving[i] = *device_row(world, move->layer, move->device_slot);
        assert_int_equal(leaving[i], row_of(move->layer, move->sequence, move->position));
        if (early) world->host[move->host_slot] = leaving[i];
    }
    for (size_t i = 0; i < plan->loads.count; i++) {
        const AlisaMove *move = &plan->loads.items[i];
        *device_row(world, move->layer, move->device_slot) = world->host[move->host_slot];
    }
    for (size_t i = 0; i < plan->rebuilds.count; i++) {
        const AlisaMove *move = &plan->rebuilds.items[i];
        assert_int_equal(move->host_slot, -1);
        assert_int_equal(world->states[move->layer][move->sequence][move->position], REBUILDABLE);
        *device_row(world, move->layer, move->device_slot) =
            row_of(move->layer, move->sequence, move->position);
    }
    for (size_t i = 0; i < plan->offloads.count && !early; i++)
        world->host[plan->offloads.items[i].host_slot] = leaving[i];
    world->done[0] += (uint32_t)plan->loads.count;
    world->done[1] += (uint32_t)plan->offloads.count;
    world->done[2] += (uint32_t)plan->rebuilds.count;
    alisa_move_plan_clear(plan);
}

static void check_token(World *world, uint32_t layer, uint32_t sequence, uint32_t position) {
    State state = world->states[layer][sequence][position];
    AlisaTier tier = alisa_residency_tier(world->residency, layer, sequence, position);
    int32_t slot = alisa_residency_device_slot(world->residency, layer, sequence, position);
    switch (state) {
    case ABSENT:
        assert_int_equal(tier, ALISA_TIER_ABSENT);
        break;
    case FORGOTTEN:
        assert_int_equal(tier, ALISA_TIER_FORGOTTEN);
        break;
    case LIVE:
        assert_true(tier == ALISA_TIER_DEVICE || tier == ALISA_TIER_BOTH ||
                    tier == ALISA_TIER_HOST);
        break;
    case REBUILDABLE:
        assert_true(tier == ALISA_TIER_DEVICE || tier == ALISA_TIER_DROPPED);
        break;
    }
    if (slot >= 0) {
        assert_int_equal(*device_row(world, layer, slot), row_of(layer, sequence, position));
    }
    if (world->held[layer][sequence][position]) assert_true(slot >= 0);
}

static void check_world(World *world) {
    const char *wrong = alisa_residency_check(world->residency);
    if (wrong) fail_msg("%s", wrong);
    for (uint32_t layer = 0; layer < world->shape.layer_count; layer++)
        for (uint32_t sequence = 0; sequence < world->shape.sequence_count; sequence++)
            for (uint32_t position = 0; position < world->shape.context_length; position++)
                check_token(world, layer, sequence, position);
}

static uint32_t held_slots(const World *world, uint32_t arena) {
    uint32_t count = 0;
    for (uint32_t layer = arena; layer < world->shape.layer_count;
         layer += world->shape.arena_count)
        for (uint32_t sequence = 0; sequence < world->shape.sequence_count; sequence++)
            for (uint32_t position = 0; position < world->shape.context_length; position++)
                count += world->held[layer][sequence][position];
    return count;
}

/* A random list of what may be needed, with repetitions; its distinct tokens that are not held are
 * counted. */
static void draw_list(World *world, uint32_t layer, uint32_t sequence, AlisaTokenList *list,
                      uint32_t positions[MOST_LIST], uint32_t *not_held) {
    bool seen[MOST_TOKENS] = {false};
    uint32_t length = world->lengths[layer][sequence],
             wanted = below(world, below(world, 3) ? 6 : MOST_LIST);
    *list = (AlisaTokenList){sequence, 0, positions};
    for (uint32_t i = 0; i < wanted && length > 0; i++) {
        uint32_t position = below(world, length);
        State state = world->states[layer][sequence][position];
        if (state == FORGOTTEN || state == ABSENT) continue;
        if (!seen[position] && below(world, 3) == 0) continue;
        *not_held += !seen[position] && !world->held[layer][sequence][position];
        seen[position] = true;
        positions[list->count++] = position;
    }
}

static void do_place(World *world, uint32_t layer, uint32_t sequence) {
    uint32_t *length = &world->lengths[layer][sequence];
    uint32_t first = *length + (below(world, 8) == 0); /* at times with a gap */
    uint32_t count = 1 + below(world, 3);
    if (first + count > world->shape.context_length) return;
    uint32_t arena = layer % world->shape.arena_count;
    uint32_t held = held_slots(world, arena);
    AlisaError error;
    AlisaStatus status = alisa_residency_place(world->residency, layer, sequence, first, count,
                                               &world->plan, &error);
    if (status != ALISA_OK) {
        world->done[3]++;
        assert_int_equal(status, ALISA_ERROR_MEMORY);
        bool room = world->shape.host_slots == MOST_SLOTS;
        if (room) assert_true(held + count > world->shape.device_slots);
        return;
    }
    /* The slots are written after the moves; all old rows still count before that. */
    carry_out(world);
    for (uint32_t position = first; position < first + count; position++) {
        world->states[layer][sequence][position] = LIVE;
        world->held[layer][sequence][position] = true;
        int32_t slot = alisa_residency_device_slot(world->residency, layer, sequence, position);
        *device_row(world, layer, slot) = row_of(layer, sequence, position);
    }
    *length = first + count;
    world->open[layer] = true;
}

static void do_lists(World *world, uint32_t layer, bool prefetch) {
    AlisaTokenList lists[MOST_SEQUENCES];
    uint32_t positions[MOST_SEQUENCES][MOST_LIST], not_held = 0;
    for (uint32_t sequence = 0; sequence < world->shape.sequence_count; sequence++)
        draw_list(world, layer, sequence, &lists[sequence], positions[sequence], &not_held);
    AlisaResidencyUse use = below(world, 3) ? ALISA_USE_KEEP : ALISA_USE_STREAM;
    uint32_t arena = layer % world->shape.arena_count;
    uint32_t held = held_slots(world, arena);
    AlisaError error;
    if (prefetch) {
        assert_int_equal(alisa_residency_prefetch(world->residency, layer, lists,
                                                  world->shape.sequence_count, &world->plan,
                                                  &error),
                         ALISA_OK);
        return;
    }
    AlisaStatus status = alisa_residency_need(
        world->residency, layer, lists, world->shape.sequence_count, use, &world->plan, &error);
    world->open[layer] = true;
    if (status != ALISA_OK) {
        world->done[3]++;
        assert_int_equal(status, ALISA_ERROR_MEMORY);
        assert_int_equal(world->plan.loads.count, 0);
        bool room = world->shape.host_slots == MOST_SLOTS;
        if (room) assert_true(held + not_held > world->shape.device_slots);
    }
    /* Those that were there are held in any case. */
    for (uint32_t sequence = 0; sequence < world->shape.sequence_count; sequence++) {
        for (uint32_t i = 0; i < lists[sequence].count; i++) {
            uint32_t position = lists[sequence].positions[i];
            bool there = status == ALISA_OK || alisa_residency_device_slot(world->residency, layer,
                                                                           sequence, position) >= 0;
            world->held[layer][sequence][position] |= there;
        }
    }
}

/* All tokens of a layer that passed are held. */
static void do_pass(World *world, uint32_t layer) {
    if (!alisa_residency_pass(world->residency, layer)) return;
    world->open[layer] = true;
    world->done[5]++;
    for (uint32_t sequence = 0; sequence < world->shape.sequence_count; sequence++) {
        for (uint32_t position = 0; position < world->shape.context_length; position++) {
            State state = world->states[layer][sequence][position];
            world->held[layer][sequence][position] |= state == LIVE || state == REBUILDABLE;
        }
    }
}

static void do_end(World *world, uint32_t layer) {
    alisa_residency_end(world->residency, layer);
    world->open[layer] = false;
    memset(world->held[layer], 0, sizeof world->held[layer]);
}

static void do_forget(World *world, uint32_t layer, uint32_t sequence) {
    uint32_t positions[MOST_LIST], not_held = 0;
    AlisaTokenList list;
    draw_list(world, layer, sequence, &list, positions, &not_held);
    if (list.count > 3) list.count = 3;
    alisa_residency_forget(world->residency, layer, &list);
    for (uint32_t i = 0; i < list.count; i++)
        world->states[layer][sequence][positions[i]] = FORGOTTEN;
    for (uint32_t i = 0; i < list.count; i++)
        world->held[layer][sequence][positions[i]] = false;
}

static void do_drop(World *world, uint32_t layer, uint32_t sequence) {
    uint32_t first = below(world, MOST_TOKENS), count = below(world, 4);
    alisa_residency_drop(world->residency, layer, sequence, first, count);
    for (uint32_t p = first; p < first + count && p < world->shape.context_length; p++)
        if (world->states[layer][sequence][p] == LIVE)
            world->states[layer][sequence][p] = REBUILDABLE;
}

static void do_truncate(World *world, uint32_t sequence) {
    uint32_t length = below(world, MOST_TOKENS);
    alisa_residency_truncate(world->residency, sequence, length);
    for (uint32_t layer = 0; layer < world->shape.layer_count; layer++) {
        for (uint32_t position = length; position < MOST_TOKENS; position++) {
            world->states[layer][sequence][position] = ABSENT;
            world->held[layer][sequence][position] = false;
        }
        if (world->lengths[layer][sequence] > length) world->lengths[layer][sequence] = length;
    }
}

static void do_offload(World *world, uint32_t layer, uint32_t sequence) {
    bool release = below(world, 2) && !world->open[layer];
    AlisaError error;
    AlisaStatus status =
        alisa_residency_offload(world->residency, layer, sequence, below(world, MOST_TOKENS),
                                below(world, 6), release, &world->plan, &error);
    if (status != ALISA_OK) {
        assert_true(release);
        assert_int_equal(status, ALISA_ERROR_MEMORY);
        assert_int_equal(alisa_residency_free_host_slots(world->residency), 0);
        world->done[3]++;
    }
}

static void do_refill(World *world) {
    uint32_t arena = below(world, world->shape.arena_count);
    AlisaError error;
    AlisaStatus status = alisa_residency_refill(world->residency, arena, &world->plan, &error);
    if (status != ALISA_OK ||
        held_slots(world, arena) + world->shape.reserve > world->shape.device_slots)
        return;
    assert_true(alisa_residency_free_device_slots(world->residency, arena) >= world->shape.reserve);
}

static void operate(World *world) {
    uint32_t layer = below(world, world->shape.layer_count);
    uint32_t sequence = below(world, world->shape.sequence_count);
    switch (below(world, 20)) {
    case 0:
        if (below(world, 4) == 0) do_forget(world, layer, sequence);
        break;
    case 1:
        do_drop(world, layer, sequence);
        break;
    case 2:
        if (below(world, 6) == 0) do_truncate(world, sequence);
        break;
    case 3:
    case 4:
        do_offload(world, layer, sequence);
        break;
    case 5:
        do_refill(world);
        break;
    case 6:
    case 7:
    case 8:
        if (!world->open[layer]) do_lists(world, layer, true);
        break;
    case 9:
    case 10:
    case 11:
    case 12:
        if (below(world, 4) == 0) {
            do_pass(world, layer);
            break;
        }
        do_lists(world, layer, false);
        break;
    case 13:
    case 14:
    case 15:
        do_place(world, layer, sequence);
        break;
    default:
        do_end(world, layer);
    }
    carry_out(world);
    world->done[4]++;
}

static void run_world(uint64_t seed, uint32_t operations, uint32_t done[6]) {
    World *world = calloc(1, sizeof *world);
    assert_non_null(world);
    alisa_random_seed(&world->random, seed);
    uint32_t layers = 1 + below(world, MOST_LAYERS);
    static const uint32_t host_slots[] = {0, 5, 24, MOST_SLOTS};
    world->shape = (AlisaResidencyShape){.layer_count = layers,
                                         .sequence_count = 1 + below(world, MOST_SEQUENCES),
                                         .context_length = 4 + below(world, MOST_TOKENS - 3),
                                         .arena_count = 1 + below(world, layers),
                                         .device_slots = 4 + below(world, seed % 3 ? 4 : 24),
                                         .host_slots = host_slots[below(world, 4)],
                                         .reserve = below(world, 3)};
    /* "Never full" has to be true. */
    if (world->shape.layer_count * world->shape.sequence_count * world->shape.context_length >
        MOST_SLOTS)
        world->shape.host_slots =
            world->shape.host_slots == MOST_SLOTS ? MOST_SLOTS - 1 : world->shape.host_slots;
    AlisaError error;
    assert_int_equal(alisa_residency_create(&world->shape, &world->residency, &error), ALISA_OK);
    for (uint32_t i = 0; i < operations; i++) {
        operate(world);
        check_world(world);
    }
    for (int i = 0; i < 6; i++)
        done[i] += world->done[i];
    alisa_residency_destroy(world->residency);
    alisa_move_plan_finish(&world->plan);
    free(world);
}

static void test_random_operations(void **state) {
    (void)state;
    uint32_t done[6] = {0};
    for (uint64_t seed = 1; seed <= 2000; seed++)
        run_world(seed, 250, done);
    print_message("%u operations: %u loads, %u offloads, %u rebuilds, %u refused\n", done[4],
                  done[0], done[1], done[2], done[3]);
    for (int i = 0; i < 6; i++)
        assert_true(done[i] > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
