/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention against its oracle: both layouts, storage types, head sizes
 * that fit no vector, GQA ratios, sequences of different lengths in one call, permuted slots,
 * scores that saturate, soft caps, sinks, windows. Slots that no list names hold NaN, and guards
 * surround the output. Results must not change by a bit with the other sequences of a call or with
 * the way the work is spread. ALISA_TEST_SMALL=1 keeps to small shapes (for oclgrind).
 */
#include <math.h>

#include "attn/plan.h"
#include "base/random.h"
#include "on_device.h"
#include "oracle/attention.h"

enum { GUARD = 21, MOST_SEQUENCES = 4, SPARE_SLOTS = 5 };
static const float guard = -12345.5f;

typedef enum Values {
    VALUES_NORMAL,
    VALUES_SATURATED, /* scores of +-1e4: one token takes all */
    VALUES_EQUAL,     /* all scores are the same */
    VALUES_NEGATIVE,  /* all scores are near -1e4 */
} Values;

typedef struct Sequence {
    uint32_t tokens;
    uint32_t rows; /* the last ones */
} Sequence;

typedef struct Case {
    uint32_t head_count, kv_head_count, head_dim;
    AlisaKvType key_type, value_type;
    Values values;
    Sequence sequences[MOST_SEQUENCES]; /* up to the first without tokens */
    float soft_cap;                     /* 0: none */
    bool sinks;
    uint32_t window; /* 0: rows attend to all tokens */
} Case;

#define F16 ALISA_KV_F16
#define F32 ALISA_KV_F32
#define Q8  ALISA_KV_Q8_0

static const Case cases[] = {
    {1, 1, 8, F16, F16, VALUES_NORMAL, {{1, 1}, {2, 2}, {33, 3}}},
    {4, 4, 8, F32, F32, VALUES_SATURATED, {{17, 17}, {300, 1}}},
    {3, 1, 16, F16, F32, VALUES_NORMAL, {{5, 5}, {64, 1}, {31, 9}}},
    {8, 1, 24, F32, F16, VALUES_EQUAL, {{40, 40}, {257, 2}}},
    {4, 1, 40, F16, F16, VALUES_NEGATIVE, {{512, 1}, {1, 1}, {100, 7}}},
    {32, 4, 64, F16, F16, VALUES_NORMAL, {{2000, 1}, {513, 3}}},
    {8, 2, 64, F16, F16, VALUES_NORMAL, {{1000, 1}, {256, 1}, {255, 1}, {257, 1}}},
    {4, 4, 64, F16, F16, VALUES_NORMAL, {{1500, 1}, {40, 40}, {128, 1}}},
    {4, 4, 64, F32, F32, VALUES_NEGATIVE, {{300, 20}, {16, 1}}},
    {6, 2, 72, F16, F16, VALUES_SATURATED, {{129, 11}, {600, 1}}},
    {8, 8, 80, F16, F16, VALUES_NORMAL, {{300, 17}, {97, 1}}},
    {3, 3, 96, F32, F16, VALUES_EQUAL, {{70, 1}, {65, 33}}},
    {16, 2, 128, F16, F16, VALUES_NORMAL, {{700, 1}, {35, 5}}},
    {4, 4, 128, F16, F16, VALUES_SATURATED, {{260, 2}, {600, 1}}},
    {4, 1, 256, F16, F16, VALUES_NORMAL, {{290, 9}, {12, 1}}},
    {2, 2, 256, F32, F32, VALUES_NORMAL, {{40, 18}, {270, 1}}},
    {20, 1, 32, F16, F16, VALUES_NORMAL, {{301, 1}, {21, 21}}}, /* more heads than one tile takes */
    {71, 1, 64, F16, F16, VALUES_NORMAL, {{90, 2}}},
    {32, 4, 64, Q8, Q8, VALUES_NORMAL, {{700, 1}, {257, 3}}},
    {4, 4, 32, Q8, F32, VALUES_SATURATED, {{300, 1}, {40, 17}}},
    {6, 2, 96, F16, Q8, VALUES_NEGATIVE, {{129, 5}, {270, 1}}},
    {8, 2, 24, F16, F16, VALUES_NORMAL, {{300, 20}, {70, 1}, {9, 9}}, 2.0f, true},
    {4, 4, 80, F32, F32, VALUES_SATURATED, {{300, 1}, {40, 17}}, 50.0f, false, 23},
    {8, 1, 96, F16, F16, VALUES_NORMAL, {{257, 33}, {600, 1}}, 0, true, 100},
    {4, 1, 256, F16, F16, VALUES_NORMAL, {{290, 9}, {40, 1}}, 50.0f, false, 33},
    {8, 4, 64, Q8, F16, VALUES_NEGATIVE, {{129, 31}, {40, 5}}, 0, true, 3}, /* sinks take all */
    {5, 5, 40, F32, F32, VALUES_EQUAL, {{70, 40}, {300, 2}}, 1.5f, true, 1},
    {9, 3, 128, F16, F16, VALUES_SATURATED, {{400, 40}, {128, 1}, {150, 1}}, 30.0f, true, 128},
};
static const Case small_cases[] = {
    {2, 2, 8, F16, F16, VALUES_NORMAL, {{1, 1}, {35, 1}, {6, 6}}},
    {3, 1, 24, F32, F16, VALUES_NORMAL, {{9, 4}, {40, 1}}},
    {8, 1, 16, F16, F32, VALUES_SATURATED, {{20, 3}, {290, 1}}},
    {1, 1, 40, F16, F16, VALUES_NORMAL, {{300, 1}}},
    {4, 2, 32, Q8, Q8, VALUES_NORMAL, {{33, 1}, {7, 5}}},
    {4, 2, 24, F16, F16, VALUES_NORMAL, {{33, 1}, {20, 9}}, 3.0f, true, 4},
};
enum {
    CASES = sizeof cases / sizeof *cases,
    SMALL_CASES = sizeof small_cases / sizeof *small_cases
};

/* Everything a call needs, on both sides. */
typedef struct Problem {
    Case shape;
    AlisaAttentionShape attention;
    uint32_t rows, tokens, slot_count, longest;
    float *q;             /* [rows][heads][dim] */
    float *keys, *values; /* as stored, NaN in slots no list names */
    float *sinks;         /* [heads] */
    int32_t *slots;       /* the lists, one after the other */
    uint32_t *offsets, *counts;
    AlisaBuffer q_buffer, key_buffer, value_buffer, slot_buffer, sink_buffer;
} Problem;

static void lay_out_rows(Problem *problem) {
    uint32_t row = 0, offset = 0;
    for (int s = 0; s < MOST_SEQUENCES && problem->shape.sequences[s].tokens; s++) {
        Sequence sequence = problem->shape.sequences[s];
        for (uint32_t i = 0; i < sequence.rows; i++, row++) {
            problem->offsets[row] = offset;
            problem->counts[row] = sequence.tokens - sequence.rows + 1 + i;
        }
        offset += sequence.tokens;
    }
}

static void shuffle(AlisaRandom *random, int32_t *slots, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        slots[i] = (int32_t)i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = alisa_random_below(random, i + 1);
        int32_t kept = slots[i];
        slots[i] = slots[j];
        slots[j] = kept;
    }
}

/* Queries and keys that give the scores of `values` (times the scale 1 / sqrt(dim)). */
static void fill(Problem *problem, AlisaRandom *random) {
    const Case *c = &problem->shape;
    uint64_t q_count = (uint64_t)problem->rows * c->head_count * c->head_dim;
    uint32_t kv_row = c->kv_head_count * c->head_dim;
    for (uint64_t i = 0; i < q_count; i++)
        problem->q[i] = alisa_random_normal(random) * (c->values == VALUES_SATURATED ? 4000 : 1);
    if (c->values == VALUES_NEGATIVE)
        for (uint64_t i = 0; i < q_count; i++)
            problem->q[i] = i % c->head_dim ? problem->q[i] : -1e4f * sqrtf((float)c->head_dim);
    for (uint64_t i = 0; i < (uint64_t)problem->slot_count * kv_row; i++)
        problem->keys[i] = problem->values[i] = NAN;
    for (uint32_t j = 0; j < problem->tokens; j++) {
        uint64_t at = (uint64_t)problem->slots[j] * kv_row;
        for (uint32_t i = 0; i < kv_row; i++) {
            float key = alisa_random_normal(random);
            if (c->values == VALUES_EQUAL) key = 0.25f * (float)(i % 7);
            if (c->values == VALUES_NEGATIVE && i % c->head_dim == 0) key = 1.0f;
            problem->keys[at + i] = key;
            problem->values[at + i] = alisa_random_normal(random);
        }
    }
}

static Problem make_problem(const Case *c) {
    Problem problem = {.shape = *c};
    AlisaRandom random;
    alisa_random_seed(&random, c->head_dim + c->head_count);
    for (int s = 0; s < MOST_SEQUENCES && c->sequences[s].tokens; s++) {
        problem.rows += c->sequences[s].rows;
        problem.tokens += c->sequences[s].tokens;
        if (problem.longest < c->sequences[s].tokens) problem.longest = c->sequences[s].tokens;
    }
    problem.slot_count = problem.tokens + SPARE_SLOTS;
    problem.attention = (AlisaAttentionShape){.head_count = c->head_count,
                                              .kv_head_count = c->kv_head_count,
                                              .head_dim = c->head_dim,
                                              .rope_dim = c->head_dim,
                                              .scale = 1.0f / sqrtf((float)c->head_dim),
                                              .soft_cap = c->soft_cap,
                                              .sinks = c->sinks,
                                              .key_type = c->key_type,
                                              .value_type = c->value_type};
    uint64_t q_count = (uint64_t)problem.rows * c->head_count * c->head_dim;
    uint32_t kv_width = c->kv_head_count * c->head_dim;
    uint64_t kv_count = (uint64_t)problem.slot_count * kv_width;
    problem.q = allocate(q_count, sizeof(float));
    problem.keys = allocate(kv_count, sizeof(float));
    problem.values = allocate(kv_count, sizeof(float));
    problem.sinks = allocate(c->head_count, sizeof(float));
    problem.slots = allocate(problem.slot_count, sizeof(int32_t));
    problem.offsets = allocate(problem.rows, sizeof(uint32_t));
    problem.counts = allocate(problem.rows, sizeof(uint32_t));
    shuffle(&random, problem.slots, problem.slot_count);
    lay_out_rows(&problem);
    fill(&problem, &random);
    for (uint32_t h = 0; h < c->head_count; h++)
        problem.sinks[h] = 2 * alisa_random_normal(&random);
    problem.sink_buffer = upload(problem.sinks, c->head_count * sizeof(float));
    problem.q_buffer = upload(problem.q, q_count * sizeof(float));
    problem.key_buffer = upload_cache(problem.keys, problem.slot_count, kv_width, c->key_type);
    problem.value_buffer =
        upload_cache(problem.values, problem.slot_count, kv_width, c->value_type);
    problem.slot_buffer = upload(problem.slots, problem.slot_count * sizeof(int32_t));
    return problem;
}

static void destroy_problem(Problem *problem) {
    release(&problem->q_buffer);
    release(&problem->key_buffer);
    release(&problem->value_buffer);
    release(&problem->slot_buffer);
    release(&problem->sink_buffer);
    free(problem->sinks);
    free(problem->q);
    free(problem->keys);
    free(problem->values);
    free(problem->slots);
    free(problem->offsets);
    free(problem->counts);
}

/* Runs the rows first..first+count-1; y: [rows][heads][dim] with guards, the others untouched. */
static float *attend(const Problem *problem, const AlisaAttentionPlan *plan, uint32_t first,
                     uint32_t count) {
    AlisaError error;
    AlisaAttention *attention;
    uint64_t q_count =
        (uint64_t)problem->rows * problem->shape.head_count * problem->shape.head_dim;
    uint64_t size = (q_count + 2 * GUARD) * sizeof(float);
    float *y = allocate(q_count + 2 * GUARD, sizeof *y);
    for (uint64_t i = 0; i < q_count + 2 * GUARD; i++)
        y[i] = guard;
    AlisaAttentionTile *tiles = allocate(count, sizeof *tiles);
    size_t tile_count = alisa_attention_cut(problem->offsets + first, problem->counts + first,
                                            count, plan->tile_rows, problem->shape.window, tiles);
    uint32_t longest = 0;
    for (size_t i = 0; i < tile_count; i++) {
        tiles[i].first_row += first;
        uint32_t last = tiles[i].first_count + tiles[i].row_count - 1;
        if (longest < last) longest = last;
    }
    AlisaBuffer y_buffer = upload(y, size), tile_buffer = upload(tiles, tile_count * sizeof *tiles);
    require(alisa_attention_create_planned(ops, &problem->attention, plan, problem->longest,
                                           &attention, &error),
            &error);
    const AlisaAttentionLists lists = {.slots = &problem->slot_buffer,
                                       .tiles = &tile_buffer,
                                       .tile_count = (uint32_t)tile_count,
                                       .longest = longest,
                                       .sinks = {&problem->sink_buffer, 0},
                                       .window = problem->shape.window};
    require(alisa_attention_run(attention, (AlisaVector){&problem->q_buffer, 0},
                                &problem->key_buffer, &problem->value_buffer, &lists,
                                (AlisaVector){&y_buffer, GUARD}, NULL, &error),
            &error);
    require(alisa_buffer_read(device, &y_buffer, 0, y, size, &error), &error);
    release_attention(attention);
    release(&y_buffer);
    release(&tile_buffer);
    free(tiles);
    return y;
}

static void describe(const Problem *problem, const AlisaAttentionPlan *plan, char text[256]) {
    const Case *c = &problem->shape;
    snprintf(text, 256,
             "%u heads, %u KV heads of %u, types %d %d, values %d, cap %g, sinks %d, window %u; "
             "layout %d, %u x %u, group %u, busy %u, %u split rows",
             c->head_count, c->kv_head_count, c->head_dim, c->key_type, c->value_type, c->values,
             (double)c->soft_cap, c->sinks, c->window, plan->layout, plan->tile_rows,
             plan->tile_heads, plan->group, plan->busy, plan->split_rows);
}

/* Every row against the oracle. */
static void check_rows(const Problem *problem, const AlisaAttentionPlan *plan, const float *y) {
    const Case *c = &problem->shape;
    OracleAttention oracle = {.head_count = c->head_count,
                              .kv_head_count = c->kv_head_count,
                              .head_dim = c->head_dim,
                              .scale = problem->attention.scale,
                              .keys = problem->keys,
                              .values = problem->values,
                              .soft_cap = c->soft_cap,
                              .sinks = c->sinks ? problem->sinks : NULL};
    uint32_t width = c->head_count * c->head_dim;
    double *expected = allocate(width, sizeof *expected), *bounds = allocate(width, sizeof *bounds);
    char text[256];
    describe(problem, plan, text);
    for (uint32_t row = 0; row < problem->rows; row++) {
        uint32_t count = problem->counts[row];
        uint32_t before = c->window > 0 && count > c->window ? count - c->window : 0;
        oracle_attention(&oracle, problem->q + (uint64_t)row * width,
                         problem->slots + problem->offsets[row] + before, count - before, expected,
                         bounds);
        for (uint32_t i = 0; i < width; i++) {
            double got = y[GUARD + (uint64_t)row * width + i];
            assert_true(isfinite(bounds[i]));
            if (!(fabs(got - expected[i]) <= bounds[i]))
                fail_msg("%s: row %u (%u tokens), head %u, element %u is %.9g, not %.9g +- %g",
                         text, row, problem->counts[row], i / c->head_dim, i % c->head_dim, got,
                         expected[i], bounds[i]);
        }
    }
    for (uint32_t i = 0; i < GUARD; i++)
        if (y[i] != guard || y[GUARD + (uint64_t)problem->rows * width + i] != guard)
            fail_msg("%s: written outside y", text);
    free(expected);
    free(bounds);
}

/* Rows first..first+count-1 of `y` and of `other` are the same bits; the rest of `other` is
 * untouched. */
static void check_same(const Problem *problem, const AlisaAttentionPlan *plan, const float *y,
                       const float *other, uint32_t first, uint32_t count) {
    uint64_t width = (uint64_t)problem->shape.head_count * problem->shape.head_dim;
    char text[256];
    describe(problem, plan, text);
    for (uint64_t i = 0; i < problem->rows * width; i++) {
        bool inside = i >= first * width && i < (first + count) * width;
        const float *wanted = inside ? &y[GUARD + i] : &guard;
        if (memcmp(wanted, &other[GUARD + i], sizeof *wanted) != 0)
            fail_msg("%s: rows %u..%u alone: row %u, element %u is %.9g, not %.9g", text, first,
                     first + count - 1, (uint32_t)(i / width), (uint32_t)(i % width),
                     other[GUARD + i], *wanted);
    }
}

static void check_plan(const Problem *problem, AlisaAttentionPlan plan) {
    assert_null(alisa_attention_plan_check(&plan, &problem->attention));
    plan.busy = 0; /* never cut along the list */
    float *y = attend(problem, &plan, 0, problem->rows);
    check_rows(problem, &plan, y);

    plan.busy = UINT32_MAX; /* always */
    plan.split_rows = problem->rows;
    float *split = attend(problem, &plan, 0, problem->rows);
    check_same(problem, &plan, y, split, 0, problem->rows);
    free(split);
    plan.split_rows = 1; /* some rows are, some are not */
    split = attend(problem, &plan, 0, problem->rows);
    check_same(problem, &plan, y, split, 0, problem->rows);
    free(split);

    uint32_t first = 0;
    for (int s = 0; s < MOST_SEQUENCES && problem->shape.sequences[s].tokens; s++) {
        uint32_t count = problem->shape.sequences[s].rows;
        float *alone = attend(problem, &plan, first, count);
        check_same(problem, &plan, y, alone, first, count);
        free(alone);
        first += count;
    }
    free(y);
}

static void check_case(const Case *c, AlisaLayout layout, uint32_t group) {
    Problem problem = make_problem(c);
    AlisaAttentionPlan plan;
    make_plan(layout, group, &problem.attention, problem.rows, problem.longest, &plan);
    check_plan(&problem, plan);
    destroy_problem(&problem);
}

static void test_item(void **state) {
    (void)state;
    for (size_t i = 0; i < (small ? (size_t)SMALL_CASES : (size_t)CASES); i++)
        check_case(small ? &small_cases[i] : &cases[i], ALISA_LAYOUT_ITEM, 0);
}

/* Groups of every size on heads that have fewer, as many and more quads of elements than a group
 * has work-items. Not every pair: drivers for CPUs need seconds to compile one. */
static void test_group(void **state) {
    (void)state;
    static const struct {
        size_t index;
        uint32_t group; /* 0: the default */
    } chosen[] = {{0, 32},  {1, 0},  {2, 0},    {3, 256}, {4, 0},   {5, 0},   {6, 128},
                  {7, 256}, {9, 64}, {10, 32},  {11, 0},  {12, 64}, {14, 0},  {15, 32},
                  {16, 0},  {18, 0}, {19, 64},  {20, 0},  {21, 0},  {22, 64}, {23, 0},
                  {24, 32}, {25, 0}, {26, 256}, {27, 0}};
    if (small)
        for (size_t i = 0; i < SMALL_CASES; i++)
            check_case(&small_cases[i], ALISA_LAYOUT_GROUP, i == 1 ? 128 : 32);
    for (size_t i = 0; !small && i < sizeof chosen / sizeof *chosen; i++)
        check_case(&cases[chosen[i].index], ALISA_LAYOUT_GROUP, chosen[i].group);
}

/* In the item layout with more than 4 heads to a KV head a row has the same bits decoded alone and
 * in a prefill. */
static void test_decode_equals_prefill(void **state) {
    (void)state;
    Problem problem = make_problem(small ? &small_cases[2] : &cases[3]);
    AlisaAttentionPlan plan;
    make_plan(ALISA_LAYOUT_ITEM, 0, &problem.attention, problem.rows, problem.longest, &plan);
    assert_true(plan.tile_rows > 1);
    float *y = attend(&problem, &plan, 0, problem.rows);
    for (uint32_t row = 0; row < problem.rows; row++) {
        float *alone = attend(&problem, &plan, row, 1);
        check_same(&problem, &plan, y, alone, row, 1);
        free(alone);
    }
    free(y);
    destroy_problem(&problem);
}

static void test_too_many_tokens(void **state) {
    (void)state;
    AlisaError error;
    AlisaAttention *attention;
    AlisaAttentionShape shape = {
        .head_count = 2, .kv_head_count = 1, .head_dim = 8, .rope_dim = 8, .scale = 1};
    require(alisa_attention_create(ops, &shape, 4, 100, &attention, &error), &error);
    AlisaBuffer none = {0};
    const AlisaAttentionLists lists = {
        .slots = &none, .tiles = &none, .tile_count = 1, .longest = 101};
    assert_int_equal(alisa_attention_run(attention, (AlisaVector){&none, 0}, &none, &none, &lists,
                                         (AlisaVector){&none, 0}, NULL, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "101"));
    alisa_attention_destroy(attention);
    shape.kv_head_count = 3;
    assert_int_equal(alisa_attention_create(ops, &shape, 4, 100, &attention, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_null(attention);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_decode_equals_prefill),
        cmocka_unit_test(test_too_many_tokens),
    };
    return cmocka_run_group_tests_name("attention", tests, open_device, close_device);
}
