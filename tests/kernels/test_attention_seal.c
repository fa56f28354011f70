/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of i8: sealing and unsealing against their oracle, bit by bit, with channels that are
 * constant, tiny, huge and NaN; and attention over lists of codes and halves, in both layouts, with
 * the other side of another type. Rows that no list names hold NaN.
 */
#include <math.h>

#include "on_device.h"

#include "attn/plan.h"
#include "base/random.h"
#include "oracle/attention.h"

enum { BLOCK = ALISA_KV_BLOCK, BLOCKS = 3, OPEN = 37, FRESH = 70, SPARE = 5 };
enum { TOKENS = BLOCKS * BLOCK + OPEN, TAIL_ROWS = TOKENS - FRESH + SPARE, SLOTS = TOKENS + SPARE };

typedef struct Case {
    uint32_t head_count, kv_head_count, head_dim;
    AlisaKvType key_type, value_type;
    AlisaLayout layout;
    uint32_t rows; /* of attention, the last ones */
    float soft_cap;
    uint32_t window;
} Case;

static const Case cases[] = {
    {2, 2, 8, ALISA_KV_I8, ALISA_KV_I8, ALISA_LAYOUT_ITEM, 1},
    {6, 2, 40, ALISA_KV_I8, ALISA_KV_I8, ALISA_LAYOUT_ITEM, 5},
    {6, 2, 56, ALISA_KV_I8, ALISA_KV_I8, ALISA_LAYOUT_ITEM, 5, 2.0f, 100},
    {8, 1, 64, ALISA_KV_I8, ALISA_KV_F32, ALISA_LAYOUT_ITEM, 1},
    {4, 1, 96, ALISA_KV_Q8_0, ALISA_KV_I8, ALISA_LAYOUT_ITEM, 3},
    {4, 4, 128, ALISA_KV_F16, ALISA_KV_I8, ALISA_LAYOUT_ITEM, 1},
    {3, 1, 24, ALISA_KV_I8, ALISA_KV_I8, ALISA_LAYOUT_GROUP, 4},
    {3, 1, 48, ALISA_KV_I8, ALISA_KV_F16, ALISA_LAYOUT_GROUP, 4, 1.5f, 40},
    {4, 2, 64, ALISA_KV_I8, ALISA_KV_Q8_0, ALISA_LAYOUT_GROUP, 1},
    {2, 2, 80, ALISA_KV_F16, ALISA_KV_I8, ALISA_LAYOUT_GROUP, 1},
};

static void download(const AlisaBuffer *buffer, void *data) {
    AlisaError error;
    require(alisa_buffer_read(device, buffer, 0, data, buffer->size, &error), &error);
}

/* K or V on both sides. Tokens 0.. are a sequence; the first BLOCKS blocks get sealed. */
typedef struct Side {
    AlisaKvType type;
    uint32_t width;
    uint64_t row_bytes, tail_bytes; /* of a row of slots, and of tails */
    uint8_t *tails;                 /* [FRESH + TAIL_ROWS] */
    uint8_t *slots;                 /* [SLOTS] what is wanted there */
    uint16_t *params;               /* [BLOCKS][2][width], likewise */
    float *values;                  /* [TOKENS][width] as attention reads them */
    AlisaBuffer slot_buffer, param_buffer, fresh, tail;
} Side;

/* Elements of token `t`: channel by channel another kind of range, in blocks to be sealed.
 * Attention's `calm` ones leave out what would drown everything else. */
static float element(AlisaRandom *random, uint32_t t, uint32_t channel, bool calm) {
    float x = alisa_random_normal(random);
    switch (calm ? 7 : channel % 8) {
    case 0:
        return -3.25f; /* constant */
    case 1:
        return t % 2 ? 65504.0f : -65504.0f; /* the whole range of halves */
    case 2:
        return 0x1p-24f * (float)(t % 5); /* least halves */
    case 3:
        return 100.0f + x / 16; /* narrow and far from zero */
    case 4:
        return t == 5 ? 6e4f : x; /* one outlier */
    case 5:
        return t == 70 ? NAN : x; /* NaN in block 1 */
    case 6:
        return 0.0f;
    default:
        return x + (float)(channel % 3);
    }
}

static void to_row(const Side *side, const float *x, bool tail, void *row) {
    uint16_t *halves = row;
    if (side->type == ALISA_KV_F32) memcpy(row, x, side->width * sizeof *x);
    if (side->type == ALISA_KV_Q8_0) oracle_q8_0_store(x, side->width, row);
    if (side->type == ALISA_KV_F16 || (side->type == ALISA_KV_I8 && tail))
        for (uint32_t i = 0; i < side->width; i++)
            halves[i] = alisa_half_from_float(x[i]);
}

static void from_row(const Side *side, const void *row, float *x) {
    const uint16_t *halves = row;
    if (side->type == ALISA_KV_F32) memcpy(x, row, side->width * sizeof *x);
    if (side->type == ALISA_KV_Q8_0) oracle_q8_0_load(row, side->width, x);
    if (side->type == ALISA_KV_F16 || side->type == ALISA_KV_I8)
        for (uint32_t i = 0; i < side->width; i++)
            x[i] = alisa_half_to_float(halves[i]);
}

/* Seals block `b` as the device is to. */
static void seal_block(Side *side, uint32_t b, const int32_t *tokens, const int32_t *slots) {
    uint32_t width = side->width;
    uint16_t *halves = allocate(BLOCK * width, sizeof *halves);
    uint8_t *codes = allocate(BLOCK * width, 1);
    for (uint32_t j = 0; j < BLOCK; j++) {
        const uint8_t *row = side->tails + (uint64_t)~tokens[j] * side->tail_bytes;
        if (side->type == ALISA_KV_I8)
            memcpy(halves + j * width, row, width * sizeof *halves);
        else
            memcpy(side->slots + (uint64_t)slots[j] * side->row_bytes, row, side->row_bytes);
        from_row(side, row, side->values + (b * BLOCK + j) * width);
    }
    if (side->type == ALISA_KV_I8) {
        uint16_t *params = side->params + (uint64_t)b * 2 * width;
        oracle_i8_seal(halves, width, codes, params);
        for (uint32_t j = 0; j < BLOCK; j++) {
            memcpy(side->slots + (uint64_t)slots[j] * width, codes + j * width, width);
            oracle_i8_load(codes + j * width, params, width,
                           side->values + (b * BLOCK + j) * width);
        }
    }
    free(halves);
    free(codes);
}

static Side make_side(AlisaRandom *random, const Case *c, AlisaKvType type, bool calm,
                      const int32_t *tokens, const int32_t *slots) {
    Side side = {.type = type, .width = c->kv_head_count * c->head_dim};
    uint32_t width = side.width;
    side.row_bytes = alisa_kv_type_row_bytes(type, width);
    side.tail_bytes = type == ALISA_KV_I8 ? alisa_kv_type_tail_bytes(type, width) : side.row_bytes;
    side.tails = allocate(FRESH + TAIL_ROWS, side.tail_bytes);
    side.slots = allocate(SLOTS, side.row_bytes);
    side.params = allocate(BLOCKS * 2 * width, sizeof *side.params);
    side.values = allocate(TOKENS * width, sizeof *side.values);
    memset(side.tails, 0xff, (FRESH + TAIL_ROWS) * side.tail_bytes); /* NaN */
    memset(side.slots, 0xff, SLOTS * side.row_bytes);
    memset(side.params, 0xff, BLOCKS * 2 * width * sizeof *side.params);
    side.slot_buffer = upload(side.slots, SLOTS * side.row_bytes);
    side.param_buffer = upload(side.params, BLOCKS * 2 * width * sizeof *side.params);
    float *x = allocate(width, sizeof *x);
    for (uint32_t t = 0; t < TOKENS; t++) {
        uint8_t *row = side.tails + (uint64_t)~tokens[t] * side.tail_bytes;
        for (uint32_t i = 0; i < width; i++)
            x[i] = element(random, t, i, calm);
        to_row(&side, x, true, row);
        from_row(&side, row, side.values + t * width);
    }
    free(x);
    side.fresh = upload(side.tails, FRESH * side.tail_bytes);
    side.tail = upload(side.tails + FRESH * side.tail_bytes, TAIL_ROWS * side.tail_bytes);
    for (uint32_t b = 0; b < BLOCKS; b++)
        seal_block(&side, b, tokens + b * BLOCK, slots + b * BLOCK);
    return side;
}

static void destroy_side(Side *side) {
    release(&side->slot_buffer);
    release(&side->param_buffer);
    release(&side->fresh);
    release(&side->tail);
    free(side->tails);
    free(side->slots);
    free(side->params);
    free(side->values);
}

static bool same_half(uint16_t a, uint16_t b) {
    return a == b || (isnan(alisa_half_to_float(a)) && isnan(alisa_half_to_float(b)));
}

/* Slots and ranges have the bits of the oracle's, and nothing else was written; in channels without
 * NaN every token is within half a step of what was given. */
static void check_sealed(const Side *side) {
    uint32_t width = side->width;
    uint8_t *slots = allocate(SLOTS, side->row_bytes);
    uint16_t *params = allocate(BLOCKS * 2 * width, sizeof *params);
    download(&side->slot_buffer, slots);
    download(&side->param_buffer, params);
    for (uint32_t i = 0; i < BLOCKS * 2 * width; i++)
        if (!same_half(params[i], side->params[i]))
            fail_msg("width %u: range %u of block %u, channel %u is %#x, not %#x", width,
                     i / width % 2, i / width / 2, i % width, params[i], side->params[i]);
    for (uint64_t i = 0; i < SLOTS * side->row_bytes; i++)
        if (slots[i] != side->slots[i])
            fail_msg("width %u: byte %u of slot %u is %u, not %u", width,
                     (uint32_t)(i % side->row_bytes), (uint32_t)(i / side->row_bytes), slots[i],
                     side->slots[i]);
    free(slots);
    free(params);
}

/* What came back into the tails: the halves nearest to what attention reads, the rest untouched. */
static void check_unsealed(const Side *side, const int32_t *tokens) {
    uint64_t fresh_bytes = FRESH * side->tail_bytes;
    uint8_t *tails = allocate(FRESH + TAIL_ROWS, side->tail_bytes);
    download(&side->fresh, tails);
    download(&side->tail, tails + fresh_bytes);
    for (uint32_t t = 0; t < BLOCKS * BLOCK; t++) {
        uint8_t *wanted = side->tails + (uint64_t)~tokens[t] * side->tail_bytes;
        const uint8_t *got = tails + (uint64_t)~tokens[t] * side->tail_bytes;
        if (side->type != ALISA_KV_I8) {
            assert_memory_equal(got, wanted, side->tail_bytes);
            continue;
        }
        for (uint32_t i = 0; i < side->width; i++) {
            uint16_t half, given;
            memcpy(&half, got + 2 * i, sizeof half);
            memcpy(&given, wanted + 2 * i, sizeof given);
            float value = side->values[t * side->width + i];
            uint16_t expected = alisa_half_from_float(fminf(value, 65504.0f));
            if (isnan(value)) expected = 0x7e00;
            if (!same_half(half, expected))
                fail_msg("token %u, channel %u came back as %#x, not %#x", t, i, half, expected);
            const uint16_t *params = side->params + (uint64_t)(t / BLOCK) * 2 * side->width;
            float lambda = alisa_half_to_float(params[side->width + i]);
            float was = alisa_half_to_float(given);
            if (!isnan(value)) assert_true(fabsf(value - was) <= lambda * 0.5001f);
        }
    }
    free(tails);
}

static void check_attention(const Case *c, AlisaAttention *attention,
                            const AlisaAttentionPlan *plan, const Side *keys, const Side *values,
                            const AlisaAttentionTails *tails, const int32_t *entries,
                            const int32_t *param_rows, AlisaRandom *random, float scale) {
    AlisaError error;
    uint32_t width = c->head_count * c->head_dim, offsets[8] = {0}, counts[8];
    AlisaAttentionTile tiles[8];
    float *q = allocate(c->rows * width, sizeof *q), *y = allocate(c->rows * width, sizeof *y);
    for (uint32_t i = 0; i < c->rows * width; i++)
        q[i] = alisa_random_normal(random);
    for (uint32_t row = 0; row < c->rows; row++)
        counts[row] = TOKENS - c->rows + 1 + row;
    size_t tile_count =
        alisa_attention_cut(offsets, counts, c->rows, plan->tile_rows, c->window, tiles);
    AlisaBuffer q_buffer = upload(q, c->rows * width * sizeof *q);
    AlisaBuffer y_buffer = upload(y, c->rows * width * sizeof *y);
    AlisaBuffer slot_buffer = upload(entries, TOKENS * sizeof *entries);
    AlisaBuffer block_buffer = upload(param_rows, TOKENS * sizeof *param_rows);
    AlisaBuffer tile_buffer = upload(tiles, tile_count * sizeof *tiles);
    const AlisaAttentionLists lists = {.slots = &slot_buffer,
                                       .tiles = &tile_buffer,
                                       .tile_count = (uint32_t)tile_count,
                                       .longest = TOKENS,
                                       .blocks = &block_buffer,
                                       .tails = tails,
                                       .window = c->window};
    require(alisa_attention_run(attention, (AlisaVector){&q_buffer, 0}, &keys->slot_buffer,
                                &values->slot_buffer, &lists, (AlisaVector){&y_buffer, 0}, NULL,
                                &error),
            &error);
    download(&y_buffer, y);
    int32_t identity[TOKENS];
    for (int32_t t = 0; t < TOKENS; t++)
        identity[t] = t;
    const OracleAttention oracle = {.head_count = c->head_count,
                                    .kv_head_count = c->kv_head_count,
                                    .head_dim = c->head_dim,
                                    .scale = scale,
                                    .keys = keys->values,
                                    .values = values->values,
                                    .soft_cap = c->soft_cap};
    double *expected = allocate(width, sizeof *expected), *bounds = allocate(width, sizeof *bounds);
    for (uint32_t row = 0; row < c->rows; row++) {
        uint32_t before = c->window > 0 ? counts[row] - c->window : 0;
        oracle_attention(&oracle, q + row * width, identity + before, counts[row] - before,
                         expected, bounds);
        for (uint32_t i = 0; i < width; i++)
            if (!(fabs(y[row * width + i] - expected[i]) <= bounds[i]))
                fail_msg("head_dim %u, types %d %d, layout %d: row %u, element %u is %g, not %g",
                         c->head_dim, c->key_type, c->value_type, c->layout, row, i,
                         (double)y[row * width + i], expected[i]);
    }
    free(expected);
    free(bounds);
    free(q);
    free(y);
    AlisaBuffer *buffers[] = {&q_buffer, &y_buffer, &slot_buffer, &block_buffer, &tile_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        release(buffers[i]);
}

static void shuffle(AlisaRandom *random, int32_t *numbers, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = (int32_t)i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = alisa_random_below(random, i + 1);
        int32_t kept = numbers[i];
        numbers[i] = numbers[j];
        numbers[j] = kept;
    }
}

static void check_case(const Case *c, bool calm) {
    AlisaError error;
    AlisaRandom random;
    alisa_random_seed(&random, c->head_dim);
    int32_t rows[FRESH + TAIL_ROWS], slots[SLOTS], tokens[TOKENS], entries[TOKENS];
    int32_t blocks[TOKENS], param_rows[BLOCKS] = {0, 1, 2};
    shuffle(&random, rows, FRESH + TAIL_ROWS);
    shuffle(&random, slots, SLOTS);
    for (uint32_t t = 0; t < TOKENS; t++) {
        tokens[t] = ~rows[t];
        entries[t] = t < BLOCKS * BLOCK ? slots[t] : tokens[t];
        blocks[t] = t < BLOCKS * BLOCK ? (int32_t)(t / BLOCK) : 0;
    }
    Side keys = make_side(&random, c, c->key_type, calm, tokens, slots);
    Side values = make_side(&random, c, c->value_type, calm, tokens, slots);
    AlisaBuffer token_buffer = upload(tokens, BLOCKS * BLOCK * sizeof *tokens);
    AlisaBuffer slot_buffer = upload(slots, BLOCKS * BLOCK * sizeof *slots);
    AlisaBuffer row_buffer = upload(param_rows, sizeof param_rows);
    AlisaAttentionShape shape = {.head_count = c->head_count,
                                 .kv_head_count = c->kv_head_count,
                                 .head_dim = c->head_dim,
                                 .scale = 0.2f,
                                 .soft_cap = c->soft_cap,
                                 .key_type = c->key_type,
                                 .value_type = c->value_type};
    AlisaAttentionPlan plan;
    AlisaAttention *attention;
    make_plan(c->layout, 0, &shape, c->rows, TOKENS, &plan);
    require(alisa_attention_create_planned(ops, &shape, &plan, TOKENS, &attention, &error), &error);
    const AlisaAttentionTails tails = {
        &keys.param_buffer, &keys.fresh,  &keys.tail, &values.param_buffer,
        &values.fresh,      &values.tail, FRESH};
    const AlisaAttentionBlocks moves = {&token_buffer, &slot_buffer, &row_buffer, BLOCKS};
    require(alisa_attention_seal(attention, &moves, &keys.slot_buffer, &values.slot_buffer, &tails,
                                 &error),
            &error);
    check_sealed(&keys);
    check_sealed(&values);
    if (calm)
        check_attention(c, attention, &plan, &keys, &values, &tails, entries, blocks, &random,
                        shape.scale);
    require(alisa_attention_unseal(attention, &moves, &keys.slot_buffer, &values.slot_buffer,
                                   &tails, &error),
            &error);
    check_unsealed(&keys, tokens);
    check_unsealed(&values, tokens);
    release_attention(attention);
    release(&token_buffer);
    release(&slot_buffer);
    release(&row_buffer);
    destroy_side(&keys);
    destroy_side(&values);
}

static void test_attention_over_codes_and_halves(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], true);
}

static void test_extreme_channels(void **state) {
    (void)state;
    check_case(&cases[0], false);
    check_case(&cases[1], false);
    check_case(&cases[4], false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_over_codes_and_halves),
        cmocka_unit_test(test_extreme_channels),
    };
    return cmocka_run_group_tests_name("attention_seal", tests, open_device, close_device);
}
