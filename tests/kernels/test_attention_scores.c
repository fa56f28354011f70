/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention that writes its scores, and the sum of the heads' weights made of them, against their
 * oracles: both layouts, storage types, GQA ratios, one list for all heads and one for each KV
 * head, scores that saturate, soft caps and sinks. Tiles are not in the order of the rows, slots
 * between the lists hold NaN, and guards lie between and behind the results. y must have the same
 * bits with scores and without, and everything the same bits however the work is spread.
 */
#include <math.h>

#include "attn/plan.h"
#include "base/random.h"
#include "on_device.h"
#include "oracle/attention.h"

enum { GUARD = 19, MOST_ROWS = 4, SPARE_SLOTS = 5, LIST_GAP = 3, SHIFT = 20, WORTH = 2 };
static const float guard = -12345.5f;
static const uint32_t word_guard = 0xdeadbeefu;

typedef enum Values { VALUES_NORMAL, VALUES_SATURATED, VALUES_EQUAL } Values;

typedef struct Case {
    uint32_t head_count, kv_head_count, head_dim;
    AlisaKvType key_type, value_type;
    Values values;
    bool list_each;             /* a list for each KV head */
    uint32_t counts[MOST_ROWS]; /* tokens each row attends to, up to the first 0 */
    float soft_cap;             /* 0: none */
    bool sinks;
} Case;

#define F16 ALISA_KV_F16
#define F32 ALISA_KV_F32
#define Q8  ALISA_KV_Q8_0

static const Case cases[] = {
    {1, 1, 8, F16, F16, VALUES_NORMAL, false, {1, 2, 33}},
    {4, 4, 16, F32, F16, VALUES_SATURATED, true, {300, 17}},
    {6, 3, 24, F16, F32, VALUES_NORMAL, true, {64, 1, 257}},
    {12, 12, 64, F16, F16, VALUES_NORMAL, false, {819, 31}},
    {3, 1, 72, F16, F16, VALUES_EQUAL, false, {130, 256}},
    {10, 2, 40, F16, F16, VALUES_NORMAL, true, {255, 700}},
    {32, 4, 64, F16, F16, VALUES_NORMAL, false, {819, 1, 96, 513}},
    {32, 4, 64, F16, F16, VALUES_SATURATED, true, {400, 32}},
    {22, 2, 32, F32, F32, VALUES_NORMAL, false, {290, 15}},
    {20, 1, 32, F16, F16, VALUES_NORMAL, true, {301, 5}}, /* more heads than one tile takes */
    {8, 2, 256, F16, F16, VALUES_EQUAL, true, {140, 16}},
    {4, 2, 32, Q8, Q8, VALUES_NORMAL, true, {270, 33}},
    {6, 2, 24, F16, F16, VALUES_NORMAL, true, {300, 17}, 1.5f, true},
    {8, 1, 80, F16, F32, VALUES_SATURATED, false, {270, 33}, 30.0f, false},
    {4, 4, 64, F16, F16, VALUES_EQUAL, false, {290, 1}, 0, true},
};
static const Case small_cases[] = {
    {2, 2, 8, F16, F16, VALUES_NORMAL, true, {1, 35, 6}},
    {6, 1, 24, F32, F16, VALUES_NORMAL, false, {9, 40}},
    {9, 1, 16, F16, F32, VALUES_SATURATED, false, {3, 290}},
    {2, 1, 16, F16, F16, VALUES_NORMAL, false, {3, 40}, 2.0f, true},
};
enum {
    CASES = sizeof cases / sizeof *cases,
    SMALL_CASES = sizeof small_cases / sizeof *small_cases
};

/* Everything a call needs, on both sides. Tile i is row rows - 1 - i. */
typedef struct Problem {
    Case shape;
    AlisaAttentionShape attention;
    uint32_t rows, longest, stride; /* stride: of the scores, more than they need */
    uint32_t list_stride, lists;    /* of a row: one, or one for each KV head */
    uint32_t slot_count;
    float *q;             /* [rows][heads][dim] */
    float *keys, *values; /* as stored, NaN in slots no list names */
    float *sinks;         /* [heads] */
    int32_t *slots;       /* [rows][lists][longest + LIST_GAP] */
    AlisaBuffer q_buffer, key_buffer, value_buffer, slot_buffer, tile_buffer, sink_buffer;
} Problem;

/* What a call leaves; each with guards behind. */
typedef struct Results {
    float *y;        /* [rows][heads][dim] */
    float *scores;   /* [tile][head][stride] */
    float *stats;    /* [tile][head][2] */
    uint32_t *sums;  /* [tile][lists][stride] */
    uint32_t *below; /* [tile] */
    uint32_t *ranks; /* as sums, where tokens have to be worth WORTH times the mean */
} Results;

static const int32_t *lists_of(const Problem *problem, uint32_t row) {
    return problem->slots + (uint64_t)row * problem->lists * (problem->longest + LIST_GAP);
}

/* Every list: `count` different slots below `longest`, in random order; the gaps: spare ones. */
static void fill_lists(Problem *problem, AlisaRandom *random) {
    uint32_t width = problem->longest + LIST_GAP;
    for (uint32_t list = 0; list < problem->rows * problem->lists; list++) {
        int32_t *slots = problem->slots + (uint64_t)list * width;
        for (uint32_t i = 0; i < problem->longest; i++)
            slots[i] = (int32_t)i;
        for (uint32_t i = problem->longest - 1; i > 0; i--) {
            uint32_t j = alisa_random_below(random, i + 1);
            int32_t kept = slots[i];
            slots[i] = slots[j];
            slots[j] = kept;
        }
        for (uint32_t i = problem->shape.counts[list / problem->lists]; i < width; i++)
            slots[i] = (int32_t)(problem->longest + i % SPARE_SLOTS);
    }
}

static void fill(Problem *problem, AlisaRandom *random) {
    const Case *c = &problem->shape;
    uint64_t q_count = (uint64_t)problem->rows * c->head_count * c->head_dim;
    uint64_t kv_row = (uint64_t)c->kv_head_count * c->head_dim;
    for (uint64_t i = 0; i < q_count; i++)
        problem->q[i] = alisa_random_normal(random) * (c->values == VALUES_SATURATED ? 4000 : 1.5f);
    for (uint64_t i = 0; i < problem->slot_count * kv_row; i++) {
        bool spare = i >= problem->longest * kv_row;
        float key = c->values == VALUES_EQUAL ? 0.25f * (float)(i % kv_row % 7)
                                              : alisa_random_normal(random);
        problem->keys[i] = spare ? NAN : key;
        problem->values[i] = spare ? NAN : alisa_random_normal(random);
    }
}

static Problem make_problem(const Case *c) {
    Problem problem = {.shape = *c, .lists = c->list_each ? c->kv_head_count : 1};
    AlisaAttentionTile tiles[MOST_ROWS];
    AlisaRandom random;
    alisa_random_seed(&random, c->head_dim + c->head_count);
    while (problem.rows < MOST_ROWS && c->counts[problem.rows] > 0) {
        uint32_t count = c->counts[problem.rows++];
        if (problem.longest < count) problem.longest = count;
    }
    problem.stride = (problem.longest + 31) / 32 * 32 + 32;
    problem.slot_count = problem.longest + SPARE_SLOTS;
    uint32_t width = problem.longest + LIST_GAP;
    problem.list_stride = c->list_each ? width : 0;
    for (uint32_t i = 0; i < problem.rows; i++) {
        uint32_t row = problem.rows - 1 - i;
        tiles[i] = (AlisaAttentionTile){row, 1, row * problem.lists * width, c->counts[row]};
    }
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
    uint64_t list_count = (uint64_t)problem.rows * problem.lists * width;
    problem.q = allocate(q_count, sizeof(float));
    problem.keys = allocate(kv_count, sizeof(float));
    problem.values = allocate(kv_count, sizeof(float));
    problem.sinks = allocate(c->head_count, sizeof(float));
    problem.slots = allocate(list_count, sizeof(int32_t));
    fill_lists(&problem, &random);
    fill(&problem, &random);
    for (uint32_t h = 0; h < c->head_count; h++)
        problem.sinks[h] = 2 * alisa_random_normal(&random);
    problem.sink_buffer = upload(problem.sinks, c->head_count * sizeof(float));
    problem.q_buffer = upload(problem.q, q_count * sizeof(float));
    problem.key_buffer = upload_cache(problem.keys, problem.slot_count, kv_width, c->key_type);
    problem.value_buffer =
        upload_cache(problem.values, problem.slot_count, kv_width, c->value_type);
    problem.slot_buffer = upload(problem.slots, list_count * sizeof(int32_t));
    problem.tile_buffer = upload(tiles, problem.rows * sizeof *tiles);
    return problem;
}

static void destroy_problem(Problem *problem) {
    release(&problem->q_buffer);
    release(&problem->key_buffer);
    release(&problem->value_buffer);
    release(&problem->slot_buffer);
    release(&problem->tile_buffer);
    release(&problem->sink_buffer);
    free(problem->sinks);
    free(problem->q);
    free(problem->keys);
    free(problem->values);
    free(problem->slots);
}

static uint64_t y_count(const Problem *problem) {
    return (uint64_t)problem->rows * problem->shape.head_count * problem->shape.head_dim;
}

static uint64_t score_count(const Problem *problem) {
    return (uint64_t)problem->rows * problem->shape.head_count * problem->stride;
}

static uint64_t stats_count(const Problem *problem) {
    return 2 * (uint64_t)problem->rows * problem->shape.head_count;
}

static uint64_t sum_count(const Problem *problem) {
    return (uint64_t)problem->rows * problem->lists * problem->stride;
}

static float *guards(uint64_t count) {
    float *values = allocate(count + GUARD, sizeof *values);
    for (uint64_t i = 0; i < count + GUARD; i++)
        values[i] = guard;
    return values;
}

static uint32_t *word_guards(uint64_t count) {
    uint32_t *values = allocate(count + GUARD, sizeof *values);
    for (uint64_t i = 0; i < count + GUARD; i++)
        values[i] = word_guard;
    return values;
}

static void destroy_results(Results *results) {
    free(results->y);
    free(results->scores);
    free(results->stats);
    free(results->sums);
    free(results->below);
    free(results->ranks);
}

/* A result of `count` numbers of 4 bytes, with its guards. */
static AlisaBuffer upload_result(const void *data, uint64_t count) {
    return upload(data, (count + GUARD) * sizeof(float));
}

static void read_result(AlisaBuffer *buffer, void *data, uint64_t count) {
    AlisaError error;
    require(alisa_buffer_read(device, buffer, 0, data, (count + GUARD) * sizeof(float), &error),
            &error);
    release(buffer);
}

/* Runs attention of all rows; with scores, also the sums of their weights. `below` starts at 7. */
static Results attend(const Problem *problem, const AlisaAttentionPlan *plan, bool with_scores) {
    AlisaError error;
    AlisaAttention *attention;
    Results results = {guards(y_count(problem)),     guards(score_count(problem)),
                       guards(stats_count(problem)), word_guards(sum_count(problem)),
                       word_guards(problem->rows),   word_guards(sum_count(problem))};
    for (uint32_t i = 0; i < problem->rows; i++)
        results.below[i] = 7;
    AlisaBuffer y = upload_result(results.y, y_count(problem));
    AlisaBuffer score_buffer = upload_result(results.scores, score_count(problem));
    AlisaBuffer stats = upload_result(results.stats, stats_count(problem));
    AlisaBuffer sums = upload_result(results.sums, sum_count(problem));
    AlisaBuffer below = upload_result(results.below, problem->rows);
    AlisaBuffer ranks = upload_result(results.ranks, sum_count(problem));
    const AlisaAttentionLists lists = {.slots = &problem->slot_buffer,
                                       .tiles = &problem->tile_buffer,
                                       .tile_count = problem->rows,
                                       .longest = problem->longest,
                                       .list_stride = problem->list_stride,
                                       .sinks = {&problem->sink_buffer, 0}};
    const AlisaAttentionScores scores = {&score_buffer, &stats, problem->rows, problem->stride};
    const AlisaAttentionRows rows = {&sums, &below, problem->lists, SHIFT};
    const AlisaAttentionRows ranked = {
        .weights = &ranks, .list_count = problem->lists, .shift = SHIFT, .worth = WORTH};
    require(alisa_attention_create_planned(ops, &problem->attention, plan, problem->longest,
                                           &attention, &error),
            &error);
    require(alisa_attention_run(attention, (AlisaVector){&problem->q_buffer, 0},
                                &problem->key_buffer, &problem->value_buffer, &lists,
                                (AlisaVector){&y, 0}, with_scores ? &scores : NULL, &error),
            &error);
    if (with_scores)
        require(alisa_attention_row(attention, &lists, &scores, &rows, &error), &error);
    if (with_scores)
        require(alisa_attention_row(attention, &lists, &scores, &ranked, &error), &error);
    read_result(&y, results.y, y_count(problem));
    read_result(&score_buffer, results.scores, score_count(problem));
    read_result(&stats, results.stats, stats_count(problem));
    read_result(&sums, results.sums, sum_count(problem));
    read_result(&below, results.below, problem->rows);
    read_result(&ranks, results.ranks, sum_count(problem));
    release_attention(attention);
    return results;
}

static void describe(const Problem *problem, const AlisaAttentionPlan *plan, char text[256]) {
    const Case *c = &problem->shape;
    snprintf(text, 256,
             "%u heads, %u KV heads of %u, types %d %d, values %d, %u lists, cap %g, sinks %d; "
             "layout %d, %u heads a tile, group %u, busy %u, %u split rows",
             c->head_count, c->kv_head_count, c->head_dim, c->key_type, c->value_type, c->values,
             problem->lists, (double)c->soft_cap, c->sinks, plan->layout, plan->tile_heads,
             plan->group, plan->busy, plan->split_rows);
}

static void check_near(const char *text, const char *what, uint32_t tile, uint32_t head, uint32_t i,
                       double got, double expected, double bound) {
    assert_true(isfinite(bound));
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s: %s of tile %u, head %u, number %u is %.9g, not %.9g +- %g", text, what, tile,
                 head, i, got, expected, bound);
}

/* y, scores and stats of a tile against the oracle; stats against the scores as they are. */
static void check_heads(const Problem *problem, const char *text, const Results *results,
                        uint32_t tile) {
    const Case *c = &problem->shape;
    uint32_t row = problem->rows - 1 - tile, count = c->counts[row];
    uint32_t width = c->head_count * c->head_dim;
    OracleAttention oracle = {.head_count = c->head_count,
                              .kv_head_count = c->kv_head_count,
                              .head_dim = c->head_dim,
                              .scale = problem->attention.scale,
                              .keys = problem->keys,
                              .values = problem->values,
                              .list_stride = problem->list_stride,
                              .soft_cap = c->soft_cap,
                              .sinks = c->sinks ? problem->sinks : NULL};
    const float *q = problem->q + (uint64_t)row * width;
    uint64_t most = (uint64_t)c->head_count * (count > c->head_dim ? count : c->head_dim);
    double *expected = allocate(most, sizeof *expected), *bounds = allocate(most, sizeof *bounds);

    oracle_attention(&oracle, q, lists_of(problem, row), count, expected, bounds);
    for (uint32_t i = 0; i < width; i++)
        check_near(text, "y", tile, i / c->head_dim, i % c->head_dim,
                   results->y[(uint64_t)row * width + i], expected[i], bounds[i]);
    oracle_attention_scores(&oracle, q, lists_of(problem, row), count, expected, bounds);
    for (uint32_t h = 0; h < c->head_count; h++) {
        uint64_t head = (uint64_t)tile * c->head_count + h;
        const float *scores = results->scores + head * problem->stride;
        const float *stats = results->stats + 2 * head;
        for (uint32_t j = 0; j < count; j++)
            check_near(text, "score", tile, h, j, scores[j], expected[(uint64_t)h * count + j],
                       bounds[(uint64_t)h * count + j]);
        OracleStats wanted =
            oracle_attention_stats(scores, count, c->sinks ? &problem->sinks[h] : NULL);
        check_near(text, "maximum", tile, h, 0, stats[0], wanted.m, 0);
        check_near(text, "sum", tile, h, 0, stats[1], wanted.l, wanted.l_bound);
        for (uint32_t j = (count + 31) / 32 * 32; j < problem->stride; j++)
            check_near(text, "guard behind the scores", tile, h, j, scores[j], guard, 0);
    }
    free(expected);
    free(bounds);
}

/* The sums of weights of a tile against the oracle on the scores as they are. */
static void check_sums(const Problem *problem, const char *text, const Results *results,
                       uint32_t tile) {
    const Case *c = &problem->shape;
    uint32_t count = c->counts[problem->rows - 1 - tile], heads = c->head_count / problem->lists;
    double *expected = allocate(count, sizeof *expected), *bounds = allocate(count, sizeof *bounds);
    uint64_t least = 7, most = 7;
    for (uint32_t list = 0; list < problem->lists; list++) {
        uint64_t at = (uint64_t)tile * problem->lists + list;
        const uint32_t *sums = results->sums + at * problem->stride;
        uint64_t below[2];
        oracle_attention_row(results->scores + at * heads * problem->stride,
                             results->stats + 2 * at * heads, heads, problem->stride, count,
                             1 << SHIFT, expected, bounds, below);
        for (uint32_t j = 0; j < count; j++)
            check_near(text, "sum of weights", tile, list * heads, j, sums[j], expected[j],
                       bounds[j]);
        for (uint32_t j = (count + 15) / 16 * 16; j < problem->stride; j++)
            if (sums[j] != word_guard) fail_msg("%s: written behind the sums of weights", text);
        least += below[0];
        most += below[1];
    }
    if (results->below[tile] < least || results->below[tile] > most)
        fail_msg("%s: tile %u has %u small weights, not %llu to %llu", text, tile,
                 results->below[tile], (unsigned long long)least, (unsigned long long)most);
    free(expected);
    free(bounds);
}

/* The ranks of a tile, exactly, from the sums of weights. */
static void check_ranks(const Problem *problem, const char *text, const Results *results,
                        uint32_t tile) {
    const Case *c = &problem->shape;
    uint32_t count = c->counts[problem->rows - 1 - tile], heads = c->head_count / problem->lists;
    uint64_t least = ((uint64_t)WORTH * heads << SHIFT) / count;
    for (uint32_t list = 0; list < problem->lists; list++) {
        uint64_t at = ((uint64_t)tile * problem->lists + list) * problem->stride;
        for (uint32_t j = 0; j < count; j++) {
            uint64_t place = least < count ? j * ((least << 32) / count) >> 32 : j;
            uint64_t wanted = results->sums[at + j] < least ? place : results->sums[at + j];
            if (results->ranks[at + j] != wanted)
                fail_msg("%s: tile %u, token %u ranks %u, not %llu", text, tile, j,
                         results->ranks[at + j], (unsigned long long)wanted);
        }
    }
}

static void check_guards(const Problem *problem, const char *text, const Results *results) {
    for (uint32_t i = 0; i < GUARD; i++)
        if (results->y[y_count(problem) + i] != guard ||
            results->scores[score_count(problem) + i] != guard ||
            results->stats[stats_count(problem) + i] != guard ||
            results->sums[sum_count(problem) + i] != word_guard ||
            results->below[problem->rows + i] != word_guard)
            fail_msg("%s: written past the end", text);
}

/* The same bits in all that is defined. */
static void check_same(const Problem *problem, const char *text, const Results *a,
                       const Results *b) {
    const Case *c = &problem->shape;
    bool same = memcmp(a->y, b->y, y_count(problem) * sizeof *a->y) == 0;
    same = same && memcmp(a->stats, b->stats, stats_count(problem) * sizeof *a->stats) == 0;
    same = same && memcmp(a->below, b->below, problem->rows * sizeof *a->below) == 0;
    for (uint32_t tile = 0; tile < problem->rows; tile++) {
        uint32_t count = c->counts[problem->rows - 1 - tile];
        for (uint32_t h = 0; h < c->head_count; h++) {
            uint64_t at = ((uint64_t)tile * c->head_count + h) * problem->stride;
            same = same && memcmp(a->scores + at, b->scores + at, count * sizeof *a->scores) == 0;
        }
        for (uint32_t list = 0; list < problem->lists; list++) {
            uint64_t at = ((uint64_t)tile * problem->lists + list) * problem->stride;
            same = same && memcmp(a->sums + at, b->sums + at, count * sizeof *a->sums) == 0;
        }
    }
    if (!same) fail_msg("%s: other bits", text);
}

static void check_case(const Case *c, AlisaLayout layout, uint32_t group) {
    Problem problem = make_problem(c);
    AlisaAttentionPlan plan;
    char text[256];
    make_plan(layout, group, &problem.attention, problem.rows, problem.longest, &plan);
    const struct {
        uint32_t busy, split_rows;
    } spreads[] = {{0, 1}, {UINT32_MAX, problem.rows}, {UINT32_MAX, 1}}; /* the last: some are */
    Results first = {0};
    for (size_t i = 0; i < sizeof spreads / sizeof *spreads; i++) {
        plan.busy = spreads[i].busy;
        plan.split_rows = spreads[i].split_rows;
        describe(&problem, &plan, text);
        Results results = attend(&problem, &plan, true);
        check_guards(&problem, text, &results);
        Results without = attend(&problem, &plan, false);
        if (memcmp(results.y, without.y, y_count(&problem) * sizeof *results.y) != 0)
            fail_msg("%s: y without scores has other bits", text);
        destroy_results(&without);
        if (i > 0) {
            check_same(&problem, text, &first, &results);
            destroy_results(&results);
            continue;
        }
        first = results;
        for (uint32_t tile = 0; tile < problem.rows; tile++) {
            check_heads(&problem, text, &first, tile);
            check_sums(&problem, text, &first, tile);
            check_ranks(&problem, text, &first, tile);
        }
    }
    destroy_results(&first);
    destroy_problem(&problem);
}

static void test_item(void **state) {
    (void)state;
    for (size_t i = 0; i < (small ? (size_t)SMALL_CASES : (size_t)CASES); i++)
        check_case(small ? &small_cases[i] : &cases[i], ALISA_LAYOUT_ITEM, 0);
}

/* Not every case: drivers for CPUs need seconds to compile one. */
static void test_group(void **state) {
    (void)state;
    static const struct {
        size_t index;
        uint32_t group; /* 0: the default */
    } chosen[] = {{0, 32}, {1, 0},    {2, 128}, {3, 0},   {5, 32}, {7, 0},
                  {9, 64}, {10, 256}, {12, 0},  {13, 32}, {14, 0}};
    for (size_t i = 0; small && i < SMALL_CASES; i++)
        check_case(&small_cases[i], ALISA_LAYOUT_GROUP, 32);
    for (size_t i = 0; !small && i < sizeof chosen / sizeof *chosen; i++)
        check_case(&cases[chosen[i].index], ALISA_LAYOUT_GROUP, chosen[i].group);
}

/* Whatever does not fit is refused before anything is launched, and the message says why. */
static void test_refusals(void **state) {
    (void)state;
    AlisaError error;
    AlisaAttention *attention;
    AlisaAttentionShape shape = {
        .head_count = 4, .kv_head_count = 2, .head_dim = 8, .rope_dim = 8, .scale = 1};
    require(alisa_attention_create(ops, &shape, 4, 100, &attention, &error), &error);
    AlisaBuffer none = {0}, numbers = {.size = 2 * 4 * 128 * sizeof(float)};
    const AlisaAttentionLists lists = {&none, &none, 2, 100, 0}, own = {&none, &none, 2, 100, 100};
    const AlisaVector y = {&none, 0};
    static const struct {
        uint32_t rows, stride;
        bool small;
        const char *message;
    } scores[] = {{3, 128, false, "more than one row"},
                  {2, 96, false, "shorter than a list"},
                  {2, 100, false, "multiple of 32"},
                  {2, 128, true, "too small"}};
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        AlisaAttentionScores wanted = {scores[i].small ? &none : &numbers, &numbers, scores[i].rows,
                                       scores[i].stride};
        assert_int_equal(
            alisa_attention_run(attention, y, &none, &none, &lists, y, &wanted, &error),
            ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, scores[i].message));
    }
    const AlisaAttentionScores fine = {&numbers, &numbers, 2, 128};
    const struct {
        const AlisaAttentionLists *lists;
        AlisaAttentionRows rows;
        const char *message;
    } rows[] = {{&own, {&numbers, NULL, 1, 20}, "one for each KV head"},
                {&lists, {&numbers, NULL, 4, 20}, "one for each KV head"},
                {&lists, {&numbers, NULL, 1, 30}, "32 bits"},
                {&lists, {&numbers, &none, 1, 29}, "too small"},
                {&lists, {&none, NULL, 2, 30}, "too small"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            alisa_attention_row(attention, rows[i].lists, &fine, &rows[i].rows, &error),
            ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, rows[i].message));
    }
    alisa_attention_destroy(attention);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("attention with scores", tests, open_device, close_device);
}
