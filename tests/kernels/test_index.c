/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 2-bit index of keys: what unit queries read out of it is, mixed again, within half a step of
 * the mixed keys, other queries score what those values say, and (m, l) belong to the scores. Keys
 * have channels much larger than others, as real ones; head sizes that
 * are no whole number of groups, GQA ratios, several layers and sequences, tokens stored in any
 * order, soft caps, sinks, both layouts. ALISA_TEST_SMALL=1 keeps to small shapes (for oclgrind).
 */
#include <math.h>

#include "on_device.h"

#include "attn/index.h"
#include "base/random.h"
#include "oracle/attention.h"

enum { LAYERS = 2, SEQUENCES = 2, GUARD = 8, GROUP_SIZE = 32 };
static const float guard = -4321.5f;

typedef struct Case {
    uint32_t head_count, kv_head_count, head_dim, rope_dim, context, tokens;
    float soft_cap; /* another index has it, and sinks; 0: no other index */
} Case;

static const Case cases[] = {
    {1, 1, 8, 8, 20, 20},         {12, 12, 64, 64, 600, 501}, {8, 2, 80, 20, 300, 257, 20.0f},
    {3, 1, 40, 0, 100, 33, 3.0f}, {14, 2, 128, 128, 130, 97}, {5, 5, 96, 48, 70, 64},
};
static const Case small_cases[] = {{2, 1, 8, 8, 20, 19}, {1, 1, 40, 8, 4, 3, 3.0f}};
enum { CASES = 6, SMALL_CASES = 2 };

/* As buffers, to the end with small shapes (on_device.h). */
static AlisaIndex *kept_indexes[CASES * 4];
static size_t kept_index_count;

/* What a call of alisa_index_score left, on the host. */
typedef struct Scored {
    uint32_t stride;
    float *scores; /* [rows][heads][stride] */
    float *stats;  /* [rows][heads][2] */
} Scored;

static Scored score(AlisaIndex *index, const Case *c, uint32_t layer, const float *q,
                    uint32_t row_count, const AlisaIndexRow *rows, const float *sinks) {
    AlisaError error;
    uint32_t heads = row_count * c->head_count;
    Scored scored = {.stride = (c->context + 31) / 32 * 32};
    uint64_t score_bytes = (uint64_t)heads * scored.stride * sizeof(float);
    uint64_t q_bytes = (uint64_t)heads * c->head_dim * sizeof(float);
    scored.scores = malloc(score_bytes);
    scored.stats = malloc(heads * 2 * sizeof(float));
    assert_non_null(scored.scores);
    assert_non_null(scored.stats);
    for (uint64_t i = 0; i < score_bytes / sizeof(float); i++)
        scored.scores[i] = guard;
    AlisaBuffer q_buffer = upload(q, q_bytes), row_buffer = upload(rows, row_count * sizeof *rows);
    AlisaBuffer score_buffer = upload(scored.scores, score_bytes);
    AlisaBuffer sink_buffer = upload(sinks ? sinks : &guard, c->head_count * sizeof(float));
    AlisaBuffer stat_buffer = upload(scored.scores, heads * 2 * sizeof(float));
    const AlisaAttentionScores out = {&score_buffer, &stat_buffer, row_count, scored.stride};
    require(alisa_index_score(index, layer, (AlisaVector){&q_buffer, 0},
                              (AlisaVector){&sink_buffer, 0}, &row_buffer, c->tokens, &out, &error),
            &error);
    require(alisa_buffer_read(device, &score_buffer, 0, scored.scores, score_bytes, &error),
            &error);
    require(
        alisa_buffer_read(device, &stat_buffer, 0, scored.stats, heads * 2 * sizeof(float), &error),
        &error);
    release(&q_buffer);
    release(&row_buffer);
    release(&score_buffer);
    release(&stat_buffer);
    release(&sink_buffer);
    return scored;
}

static void free_scored(Scored *scored) {
    free(scored->scores);
    free(scored->stats);
}

/* Keys with some channels much larger than others, as real ones; stored in a permuted order. */
static void store(AlisaIndex *index, const Case *c, uint32_t layer, AlisaRandom *random,
                  double *rotated) {
    AlisaError error;
    uint32_t rows = SEQUENCES * c->tokens, width = c->kv_head_count * c->head_dim;
    float *k = allocate((uint64_t)rows * width + GUARD, sizeof *k);
    float *rotations = allocate((uint64_t)rows * c->rope_dim + 2, sizeof *rotations);
    double *bounds = allocate(c->head_dim, sizeof *bounds);
    AlisaIndexToken *tokens = allocate(rows, sizeof *tokens);
    for (uint32_t i = 0; i < rows; i++) { /* 17 and 31 have no common factor with most sizes */
        uint32_t at = (uint32_t)((uint64_t)i * (rows % 17 ? 17 : 31) % rows);
        tokens[i] = (AlisaIndexToken){at / c->tokens, at % c->tokens};
        for (uint32_t d = 0; d + 1 < c->rope_dim; d += 2) {
            float angle = 3 * alisa_random_normal(random);
            rotations[i * c->rope_dim + d] = cosf(angle);
            rotations[i * c->rope_dim + d + 1] = sinf(angle);
        }
        for (uint32_t head = 0; head < c->kv_head_count; head++) {
            float *x = k + GUARD + (uint64_t)i * width + head * c->head_dim;
            for (uint32_t d = 0; d < c->head_dim; d++)
                x[d] = alisa_random_normal(random) * (d % 13 == 5 ? 6.0f : 0.7f);
            oracle_rope(x, rotations + i * c->rope_dim, c->head_dim, c->rope_dim,
                        rotated + ((uint64_t)at * c->kv_head_count + head) * c->head_dim, bounds);
        }
    }
    AlisaBuffer k_buffer = upload(k, ((uint64_t)rows * width + GUARD) * sizeof *k);
    AlisaBuffer rotation_buffer =
        upload(rotations, ((uint64_t)rows * c->rope_dim + 2) * sizeof *rotations);
    AlisaBuffer token_buffer = upload(tokens, rows * sizeof *tokens);
    require(alisa_index_store(index, layer, (AlisaVector){&k_buffer, GUARD}, &rotation_buffer,
                              &token_buffer, rows, &error),
            &error);
    release(&k_buffer);
    release(&rotation_buffer);
    release(&token_buffer);
    free(k);
    free(rotations);
    free(bounds);
    free(tokens);
}

/* y = H x of a span of elements, from its definition. */
static void mix(const double *x, uint32_t span, double *y) {
    for (uint32_t i = 0; i < span; i++) {
        y[i] = 0;
        for (uint32_t j = 0; j < span; j++)
            y[i] += __builtin_parity(i & j) ? -x[j] : x[j];
    }
}

/* Elements of a group against what was read back, both mixed: four levels, a step apart. */
static void check_group(const double *x, const float *back, uint32_t size) {
    uint32_t span = size == 32 || size == 16 ? size : 8;
    double levels[GROUP_SIZE], mixed[GROUP_SIZE], mixed_back[GROUP_SIZE], squares = 0;
    for (uint32_t i = 0; i < size; i++)
        levels[i] = back[i];
    for (uint32_t first = 0; first < size; first += span) {
        mix(x + first, span, mixed + first);
        mix(levels + first, span, mixed_back + first);
    }
    for (uint32_t i = 0; i < size; i++)
        squares += mixed[i] * mixed[i];
    double step = 0.9957 * sqrt(squares / size);
    for (uint32_t i = 0; i < size; i++) {
        double nearest = fmin(fmax(mixed[i], -1.5 * step), 1.5 * step);
        if (!(fabs(nearest - mixed_back[i]) <= 0.502 * step))
            fail_msg("mixed element %u of a group of %u is %g, not %g +- %g", i, size,
                     mixed_back[i], nearest, 0.502 * step);
        double level = mixed_back[i] / step - 0.5;
        if (!(fabs(level - rint(level)) <= 0.002))
            fail_msg("mixed element %u of a group of %u is %g steps", i, size, level + 0.5);
    }
}

/* Element d of the tokens' keys, as a query head reads it; the first one of a KV head keeps it. */
static void read_head(const Scored *scored, const Case *c, uint32_t d, uint32_t head, bool first,
                      float *back) {
    const float *values = scored->scores + ((uint64_t)d * c->head_count + head) * scored->stride;
    for (uint32_t j = 0; j < scored->stride; j++) {
        float *at = &back[(uint64_t)j * c->kv_head_count * c->head_dim];
        if (j >= (c->tokens + 31) / 32 * 32) {
            assert_true(values[j] == guard);
        } else if (j < c->tokens && first) {
            *at = values[j];
        } else if (j < c->tokens) {
            assert_true(*at == values[j]);
        }
    }
}

/* One row a unit query: the index as floats, [token][kv_head][head_dim] of a sequence. */
static float *read_back(AlisaIndex *index, const Case *c, uint32_t layer, uint32_t sequence) {
    uint32_t dim = c->head_dim, ratio = c->head_count / c->kv_head_count;
    float *q = allocate((uint64_t)dim * c->head_count * dim, sizeof *q);
    AlisaIndexRow *rows = allocate(dim, sizeof *rows);
    for (uint32_t d = 0; d < dim; d++) {
        rows[d] = (AlisaIndexRow){dim - 1 - d, sequence, c->tokens, 0};
        for (uint32_t head = 0; head < c->head_count; head++)
            q[((uint64_t)(dim - 1 - d) * c->head_count + head) * dim + d] = 0.6931471806f;
    }
    Scored scored = score(index, c, layer, q, dim, rows, NULL);
    float *back = allocate((uint64_t)c->tokens * c->kv_head_count * dim, sizeof *back);
    for (uint32_t d = 0; d < dim; d++)
        for (uint32_t head = 0; head < c->kv_head_count; head++)
            for (uint32_t i = 0; i < ratio; i++)
                read_head(&scored, c, d, head * ratio + i, i == 0, back + head * dim + d);
    free_scored(&scored);
    free(q);
    free(rows);
    return back;
}

/* Random queries of every sequence, with fewer tokens than there are. sinks: NULL, or those of an
 * index with the soft cap of the case. */
static void check_queries(AlisaIndex *index, const Case *c, uint32_t layer, AlisaRandom *random,
                          float *const *backs, const float *sinks) {
    uint32_t dim = c->head_dim, ratio = c->head_count / c->kv_head_count;
    float *q = allocate((uint64_t)SEQUENCES * c->head_count * dim, sizeof *q);
    AlisaIndexRow rows[SEQUENCES];
    for (uint32_t i = 0; i < SEQUENCES * c->head_count * dim; i++)
        q[i] = alisa_random_normal(random);
    for (uint32_t s = 0; s < SEQUENCES; s++)
        rows[s] = (AlisaIndexRow){s, SEQUENCES - 1 - s, s ? c->tokens : c->tokens / 2 + 1, 0};
    Scored scored = score(index, c, layer, q, SEQUENCES, rows, sinks);
    for (uint32_t r = 0; r < SEQUENCES * c->head_count; r++) {
        const AlisaIndexRow *row = &rows[r / c->head_count];
        uint32_t kv_head = r % c->head_count / ratio;
        const float *got = scored.scores + (uint64_t)r * scored.stride;
        float sink = sinks ? sinks[r % c->head_count] * 1.44269504f : 0;
        double largest = sinks ? sink : -INFINITY, total = 0;
        for (uint32_t j = 0; j < row->count; j++) {
            const float *x =
                backs[row->sequence] + ((uint64_t)j * c->kv_head_count + kv_head) * dim;
            double sum = 0, size = 0, query_size = 0, range = 0;
            for (uint32_t d = 0; d < dim; d++) {
                sum += (double)q[r * dim + d] * x[d];
                size += fabs((double)q[r * dim + d] * x[d]);
                query_size += fabs(q[r * dim + d]);
                range = fmax(range, fabs(x[d]));
            }
            /* Codes are summed before 3/2 is taken off: up to 3 steps, and a step is at most
             * sqrt(32) of the largest. */
            double bound = dim * 0x1p-22 * (size + 18 * range * query_size) * 1.4426950409;
            double expected = sum * 1.4426950408889634, cap = c->soft_cap * 1.4426950408889634;
            if (sinks) {
                expected = cap * tanh(expected / cap);
                bound += 0x1p-20 * fabs(expected);
            }
            if (!(fabs(got[j] - expected) <= bound))
                fail_msg("head_dim %u, ratio %u: score of token %u is %g, not %g +- %g", dim, ratio,
                         j, got[j], expected, bound);
            largest = fmax(largest, got[j]);
        }
        for (uint32_t j = 0; j < row->count; j++)
            total += exp2(got[j] - largest);
        if (sinks) total += exp2(sink - largest);
        assert_true(scored.stats[2 * r] == (float)largest);
        assert_true(fabs(scored.stats[2 * r + 1] - total) <=
                    1e-6 * total * (8 + row->count / 64.0));
    }
    free_scored(&scored);
    free(q);
}

/* An index with the keys of the case. */
static AlisaIndex *make_index(AlisaOps *laid_out, const Case *c, bool capped,
                              double *const *rotated) {
    AlisaError error;
    AlisaRandom random;
    AlisaIndex *index;
    alisa_random_seed(&random, c->head_dim);
    AlisaAttentionShape shape = {.head_count = c->head_count,
                                 .kv_head_count = c->kv_head_count,
                                 .head_dim = c->head_dim,
                                 .rope_dim = c->rope_dim,
                                 .scale = 1.0f,
                                 .soft_cap = capped ? c->soft_cap : 0,
                                 .sinks = capped};
    require(alisa_index_create(laid_out, &shape, LAYERS, SEQUENCES, c->context, &index, &error),
            &error);
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        store(index, c, layer, &random, rotated[layer]);
    return index;
}

static void destroy_index(AlisaIndex *index) {
    if (small && kept_index_count < sizeof kept_indexes / sizeof(void *))
        kept_indexes[kept_index_count++] = index;
    else
        alisa_index_destroy(index);
}

static void check_case(AlisaOps *laid_out, const Case *c) {
    AlisaRandom random;
    alisa_random_seed(&random, c->head_dim + 1);
    uint64_t heads = (uint64_t)SEQUENCES * c->tokens * c->kv_head_count;
    double *rotated[LAYERS];
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        rotated[layer] = allocate(heads * c->head_dim, sizeof **rotated);
    AlisaIndex *index = make_index(laid_out, c, false, rotated);
    AlisaIndex *capped = c->soft_cap > 0 ? make_index(laid_out, c, true, rotated) : NULL;
    float *sinks = allocate(c->head_count, sizeof *sinks);
    for (uint32_t h = 0; h < c->head_count; h++)
        sinks[h] = 2 * alisa_random_normal(&random);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        float *backs[SEQUENCES];
        for (uint32_t s = 0; s < SEQUENCES; s++) {
            backs[s] = read_back(index, c, layer, s);
            uint64_t rows = (uint64_t)c->tokens * c->kv_head_count;
            for (uint64_t i = 0; i < rows; i++)
                for (uint32_t d = 0; d < c->head_dim; d += GROUP_SIZE)
                    check_group(rotated[layer] + (s * rows + i) * c->head_dim + d,
                                backs[s] + i * c->head_dim + d,
                                c->head_dim - d < GROUP_SIZE ? c->head_dim - d : GROUP_SIZE);
        }
        check_queries(index, c, layer, &random, backs, NULL);
        if (capped) check_queries(capped, c, layer, &random, backs, sinks);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            free(backs[s]);
    }
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        free(rotated[layer]);
    free(sinks);
    destroy_index(index);
    if (capped) destroy_index(capped);
}

static void check_layout(AlisaLayout layout) {
    AlisaError error;
    AlisaOpsParameters parameters;
    AlisaOps *laid_out; /* operations in that layout */
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    require(alisa_ops_create(device, &parameters, &laid_out, &error), &error);
    for (size_t i = 0; i < (small ? SMALL_CASES : CASES); i++)
        check_case(laid_out, small ? &small_cases[i] : &cases[i]);
    alisa_ops_destroy(laid_out);
}

static void test_item_layout(void **state) {
    (void)state;
    check_layout(ALISA_LAYOUT_ITEM);
}

static void test_group_layout(void **state) {
    (void)state;
    check_layout(ALISA_LAYOUT_GROUP);
}

static int close_all(void **state) {
    while (kept_index_count)
        alisa_index_destroy(kept_indexes[--kept_index_count]);
    return close_device(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_item_layout),
                                       cmocka_unit_test(test_group_layout)};
    return cmocka_run_group_tests_name("index", tests, open_device, close_all);
}
