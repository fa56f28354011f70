/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KV cache over two tiers against one that lies on the device: attention through the pages of
 * each, step by step, gives the same bits, while tokens leave, come back and are computed again
 * from their layer's inputs.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "base/random.h"
#include "kv/kv.h"

enum { LAYERS = 3, SEQUENCES = 2, TOKENS = 40, HEADS = 2, DIM = 16, WIDTH = HEADS * DIM };
/* Of the 240 rows of K and V, this many have slots. */
enum { DEVICE_ROWS = 3 * 50, ROW_BYTES = 2 * 2 * WIDTH };

typedef struct Rig {
    AlisaOps *ops;
    AlisaAttention *attention;
    AlisaKv *whole, *tiered;
    AlisaBuffer q, k, v, y, rotations, row_slots, tiles, slots;
} Rig;

static void must(AlisaStatus status, const AlisaError *error) {
    support_must(status, error);
}

static AlisaBuffer make_buffer(uint64_t size) {
    AlisaBuffer buffer;
    AlisaError error;
    must(
        alisa_buffer_create(support_device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
        &error);
    return buffer;
}

static void put(const AlisaBuffer *buffer, const void *data, uint64_t size) {
    AlisaError error;
    must(alisa_buffer_write(support_device, buffer, 0, data, size, &error), &error);
}

static void make_rig(Rig *rig) {
    AlisaError error;
    const AlisaAttentionShape attention = {.head_count = HEADS,
                                           .kv_head_count = HEADS,
                                           .head_dim = DIM,
                                           .rope_dim = DIM,
                                           .scale = 0.25f,
                                           .key_type = ALISA_KV_F16,
                                           .value_type = ALISA_KV_F16};
    const AlisaKvShape shape = {.layer_count = LAYERS,
                                .kv_head_count = HEADS,
                                .head_dim = DIM,
                                .sequence_count = SEQUENCES,
                                .context_length = TOKENS,
                                .key_type = ALISA_KV_F16,
                                .value_type = ALISA_KV_F16};
    const AlisaKvMemory memory = {.device_bytes = DEVICE_ROWS * ROW_BYTES,
                                  .host_bytes = LAYERS * SEQUENCES * TOKENS * ROW_BYTES,
                                  .max_rows = SEQUENCES,
                                  .input_columns = WIDTH,
                                  .input_device_bytes = 20 * 2 * WIDTH,
                                  .input_host_bytes = LAYERS * SEQUENCES * TOKENS * 2 * WIDTH};
    must(alisa_ops_create(support_device, NULL, &rig->ops, &error), &error);
    must(alisa_attention_create(rig->ops, &attention, SEQUENCES, TOKENS, &rig->attention, &error),
         &error);
    must(alisa_kv_create(support_device, &shape, &rig->whole, &error), &error);
    must(alisa_kv_create_tiered(support_device, &shape, &memory, &rig->tiered, &error), &error);
    uint64_t overhead = alisa_kv_tiered_overhead(support_device, &shape, &memory, &error);
    assert_int_equal(alisa_kv_bytes(rig->tiered),
                     overhead + memory.device_bytes + memory.input_device_bytes);
    assert_null(alisa_kv_tiers(rig->whole));
    uint64_t rows = SEQUENCES * WIDTH * sizeof(float);
    rig->q = make_buffer(rows);
    rig->k = make_buffer(rows);
    rig->v = make_buffer(rows);
    rig->y = make_buffer(rows);
    rig->rotations = make_buffer(SEQUENCES * DIM * sizeof(float));
    rig->row_slots = make_buffer(SEQUENCES * sizeof(int32_t));
    rig->tiles = make_buffer(SEQUENCES * sizeof(AlisaAttentionTile));
    rig->slots = make_buffer(SEQUENCES * TOKENS * sizeof(int32_t));
}

static void free_rig(Rig *rig) {
    AlisaBuffer *buffers[] = {&rig->q,         &rig->k,         &rig->v,     &rig->y,
                              &rig->rotations, &rig->row_slots, &rig->tiles, &rig->slots};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
    alisa_kv_destroy(rig->whole);
    alisa_kv_destroy(rig->tiered);
    alisa_attention_destroy(rig->attention);
    alisa_ops_destroy(rig->ops);
}

/* The layer's input of a token; its K and V are the input itself and its reverse. Halves, so that
 * what is kept of it is exact. */
static void make_input(uint32_t layer, uint32_t sequence, uint32_t position, float x[WIDTH]) {
    AlisaRandom random;
    alisa_random_seed(&random, (layer * 7ull + sequence) * 1000 + position);
    for (int i = 0; i < WIDTH; i++)
        x[i] = (float)((int)alisa_random_below(&random, 2001) - 1000) / 512.0f;
}

static void reverse(const float x[WIDTH], float y[WIDTH]) {
    for (int i = 0; i < WIDTH; i++)
        y[i] = x[WIDTH - 1 - i];
}

/* Turns by an angle whose cosine and sine have few bits: what matters is the position. */
static void make_rotation(uint32_t position, float rotation[DIM]) {
    for (int i = 0; i < DIM; i += 2) {
        rotation[i] = position % 2 ? 0.6f : 0.8f;
        rotation[i + 1] = position % 2 ? 0.8f : 0.6f;
    }
}

static void store(Rig *rig, AlisaKv *kv, uint32_t layer, float x[][WIDTH],
                  const uint32_t *positions, uint32_t rows, const AlisaBuffer *row_slots) {
    float values[SEQUENCES][WIDTH], rotations[SEQUENCES][DIM];
    AlisaError error;
    for (uint32_t row = 0; row < rows; row++) {
        reverse(x[row], values[row]);
        make_rotation(positions[row], rotations[row]);
    }
    uint64_t bytes = rows * WIDTH * sizeof(float);
    put(&rig->q, x, bytes);
    put(&rig->k, x, bytes);
    put(&rig->v, values, bytes);
    put(&rig->rotations, rotations, rows * DIM * sizeof(float));
    must(alisa_attention_store(rig->attention, (AlisaVector){&rig->q, 0}, (AlisaVector){&rig->k, 0},
                               (AlisaVector){&rig->v, 0}, &rig->rotations, row_slots, rows,
                               alisa_kv_keys(kv, layer), alisa_kv_values(kv, layer), NULL, &error),
         &error);
}

/* Attention over the lists, by the pages that are on the device now. */
static void attend(Rig *rig, AlisaKv *kv, uint32_t layer, const AlisaTokenList *lists,
                   float y[SEQUENCES][WIDTH]) {
    int32_t pages[SEQUENCES][TOKENS], slots[SEQUENCES][TOKENS];
    AlisaAttentionTile tiles[SEQUENCES];
    AlisaError error;
    uint32_t longest = 0;
    must(alisa_buffer_read(support_device, alisa_kv_pages(kv, layer), 0, pages, sizeof pages,
                           &error),
         &error);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        for (uint32_t i = 0; i < lists[s].count; i++)
            slots[s][i] = pages[s][lists[s].positions[i]];
        tiles[s] = (AlisaAttentionTile){s, 1, s * TOKENS, lists[s].count};
        if (longest < lists[s].count) longest = lists[s].count;
    }
    put(&rig->slots, slots, sizeof slots);
    put(&rig->tiles, tiles, sizeof tiles);
    const AlisaAttentionLists all = {&rig->slots, &rig->tiles, SEQUENCES, longest, 0};
    must(alisa_attention_run(rig->attention, (AlisaVector){&rig->q, 0}, alisa_kv_keys(kv, layer),
                             alisa_kv_values(kv, layer), &all, (AlisaVector){&rig->y, 0}, NULL,
                             &error),
         &error);
    must(alisa_buffer_read(support_device, &rig->y, 0, y, SEQUENCES * sizeof *y, &error), &error);
}

/* K and V of the tokens that were dropped, from their inputs. */
static uint32_t rebuild(Rig *rig, uint32_t layer) {
    AlisaTiers *tiers = alisa_kv_tiers(rig->tiered);
    AlisaInputs *inputs = alisa_kv_inputs(rig->tiered);
    const AlisaMoves *rebuilds = alisa_tiers_rebuilds(tiers);
    AlisaError error;
    must(alisa_inputs_need(inputs, rebuilds, &error), &error);
    for (size_t done = 0; done < rebuilds->count; done += SEQUENCES) {
        uint32_t count = (uint32_t)(rebuilds->count - done);
        if (count > SEQUENCES) count = SEQUENCES;
        const AlisaMove *moves = rebuilds->items + done;
        float x[SEQUENCES][WIDTH];
        uint32_t positions[SEQUENCES];
        must(alisa_tiers_publish(tiers, moves, count, &rig->row_slots, &error), &error);
        must(alisa_inputs_recall(inputs, moves, count, &rig->k, 0, &error), &error);
        must(alisa_buffer_read(support_device, &rig->k, 0, x, count * sizeof *x, &error), &error);
        for (uint32_t i = 0; i < count; i++)
            positions[i] = moves[i].position;
        store(rig, rig->tiered, layer, x, positions, count, &rig->row_slots);
    }
    alisa_inputs_end(inputs, layer);
    return (uint32_t)rebuilds->count;
}

/* A third of the older tokens, and the last ones. */
static void choose(AlisaRandom *random, uint32_t count, uint32_t positions[TOKENS],
                   AlisaTokenList *list) {
    list->count = 0;
    list->positions = positions;
    for (uint32_t p = 0; p < count; p++)
        if (p + 4 >= count || alisa_random_below(random, 3) == 0) positions[list->count++] = p;
}

static void run_layer(Rig *rig, AlisaRandom *random, uint32_t layer, uint32_t position,
                      uint32_t *rebuilt) {
    AlisaTiers *tiers = alisa_kv_tiers(rig->tiered);
    AlisaTokenList lists[SEQUENCES] = {{.sequence = 0}, {.sequence = 1}};
    uint32_t chosen[SEQUENCES][TOKENS], positions[SEQUENCES] = {position, position};
    float x[SEQUENCES][WIDTH], expected[SEQUENCES][WIDTH], found[SEQUENCES][WIDTH];
    int32_t slots[SEQUENCES];
    AlisaError error;
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        choose(random, position + 1, chosen[s], &lists[s]);
        make_input(layer, s, position, x[s]);
        slots[s] = alisa_kv_slot(rig->whole, s, position);
    }
    put(&rig->row_slots, slots, sizeof slots);
    store(rig, rig->whole, layer, x, positions, SEQUENCES, &rig->row_slots);
    attend(rig, rig->whole, layer, lists, expected);

    must(alisa_tiers_need(tiers, layer, lists, SEQUENCES, ALISA_USE_KEEP, &error), &error);
    *rebuilt += rebuild(rig, layer);
    put(&rig->k, x, sizeof x);
    must(alisa_inputs_keep(alisa_kv_inputs(rig->tiered), layer, &rig->k, 0, &error), &error);
    store(rig, rig->tiered, layer, x, positions, SEQUENCES, alisa_tiers_row_slots(tiers, layer));
    must(alisa_tiers_arrive(tiers, layer, &error), &error);
    attend(rig, rig->tiered, layer, lists, found);
    alisa_tiers_end(tiers, layer);
    alisa_inputs_end(alisa_kv_inputs(rig->tiered), layer);
    assert_memory_equal(found, expected, sizeof found);
    /* The oldest third lives on as inputs; a sixth has a copy on the host ahead of time. */
    alisa_tiers_drop(tiers, layer, 0, 0, position / 3);
    must(
        alisa_tiers_offload(tiers, &(AlisaTokenRange){layer, 1, 0, position / 6}, 1, false, &error),
        &error);
}

static void test_tiers_change_no_bit(void **state) {
    (void)state;
    Rig rig = {0};
    AlisaRandom random;
    AlisaError error;
    /* Under oclgrind, of which ALISA_TEST_SMALL tells, as many as make some leave the device. */
    uint32_t tokens = getenv("ALISA_TEST_SMALL") ? 30 : TOKENS, rebuilt = 0;
    make_rig(&rig);
    alisa_random_seed(&random, 3);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t position = 0; position < tokens; position++) {
            const AlisaTokenRow rows[SEQUENCES] = {{0, position}, {1, position}};
            const uint32_t sources[SEQUENCES] = {0, 1};
            must(alisa_tiers_place(alisa_kv_tiers(rig.tiered), rows, SEQUENCES, &error), &error);
            must(alisa_inputs_place(alisa_kv_inputs(rig.tiered), rows, sources, SEQUENCES, &error),
                 &error);
            for (uint32_t layer = 0; layer < LAYERS; layer++)
                run_layer(&rig, &random, layer, position, &rebuilt);
            must(alisa_tiers_refill(alisa_kv_tiers(rig.tiered), &error), &error);
        }
        AlisaKvUsage usage;
        alisa_kv_usage(rig.tiered, &usage);
        uint64_t found = 0;
        for (int tier = 0; tier < ALISA_TIER_COUNT; tier++)
            found += usage.tokens[tier];
        assert_int_equal(found, LAYERS * SEQUENCES * tokens);
        assert_true(usage.tokens[ALISA_TIER_DROPPED] > 0 && usage.tokens[ALISA_TIER_HOST] > 0);
        assert_true(usage.traffic.bytes_to_device > 0 && usage.traffic.bytes_to_host > 0);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            must(alisa_kv_truncate(rig.tiered, s, 0, &error), &error);
        alisa_kv_usage(rig.tiered, &usage);
        assert_int_equal(usage.tokens[ALISA_TIER_DEVICE] + usage.tokens[ALISA_TIER_HOST], 0);
    }
    assert_true(rebuilt > (tokens == TOKENS ? 100 : 10));
    free_rig(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tiers_change_no_bit)};
    return cmocka_run_group_tests(tests, support_open_device, support_close_device);
}
