/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selectors on the host: budgets and lists against their definition, running sums against sums
 * made anew from rows that were all kept.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attn/select.h"
#include "attn/window.h"
#include "base/random.h"
#include "oracle/select.h"

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static AlisaSelectOptions options_of(AlisaSelectKind kind, double sparsity, uint32_t sinks) {
    AlisaSelectOptions options;
    alisa_select_options_defaults(&options);
    options.kind = kind;
    options.sparsity = sparsity;
    options.sinks = sinks;
    return options;
}

static AlisaSelectState *state_of(const AlisaSelectOptions *options,
                                  const AlisaSelectShape *shape) {
    AlisaError error;
    AlisaSelectState *state;
    require(alisa_selector_state_create(options, shape, &state, &error), &error);
    return state;
}

/* ---- Budgets and lists --------------------------------------------------------------------- */

static const double sparsities[] = {0, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.95, 0.99};
enum { SPARSITIES = sizeof sparsities / sizeof *sparsities };

static void test_every_kind_keeps_as_many(void **state) {
    (void)state;
    for (uint32_t s = 0; s < SPARSITIES; s++)
        for (uint32_t count = 1; count <= 1200; count++) {
            double exact = floor(count * (1 - sparsities[s]) / 2 + 0.5 + 1e-9);
            for (int kind = 0; kind < ALISA_SELECT_KIND_COUNT; kind++)
                for (uint32_t sinks = 0; sinks <= 9; sinks += 3) {
                    AlisaSelectOptions options = options_of(kind, sparsities[s], sinks);
                    options.keep = 10 * sinks; /* half of it: 0, 15, 30, 45 */
                    uint32_t half = (uint32_t)fmin(count, fmax(fmax(1, 5 * sinks), exact));
                    uint32_t kept = 2 * half < count ? 2 * half : count;
                    AlisaSelectBudget budget = alisa_selector_budget(&options, count);
                    bool dense = kind == ALISA_SELECT_DENSE;
                    assert_int_equal(alisa_selector_kept(budget), dense ? count : kept);
                    assert_int_equal(alisa_selector_half_budget(&options, count), half);
                }
        }
}

/* A list is ascending, starts with the sinks, has the budget's length and the latest k tokens. */
static void check_list(const AlisaSelectOptions *options, uint32_t count, const uint32_t *list,
                       uint32_t length) {
    uint32_t half = alisa_selector_half_budget(options, count);
    assert_int_equal(length, alisa_selector_kept(alisa_selector_budget(options, count)));
    assert_int_equal(list[length - 1], count - 1);
    for (uint32_t i = 1; i < length; i++)
        assert_true(list[i - 1] < list[i]);
    uint32_t sinks = options->sinks < half ? options->sinks : half;
    for (uint32_t i = 0; i < sinks && i < length; i++)
        assert_int_equal(list[i], i);
    if (options->kind == ALISA_SELECT_STRIDED) return;
    for (uint32_t i = 0; i < half && i < length; i++)
        assert_int_equal(list[length - 1 - i], count - 1 - i);
}

static void test_lists_have_their_budget(void **unused) {
    (void)unused;
    enum { CONTEXT = 300 };
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    uint32_t rows[CONTEXT];
    for (int kind = 0; kind < ALISA_SELECT_KIND_COUNT; kind++)
        for (int scores = 0; scores < ALISA_SELECT_SCORES_COUNT; scores++)
            for (uint32_t s = 0; s < SPARSITIES; s++)
                for (uint32_t sinks = 0; sinks <= 40; sinks = 3 * sinks + 1) {
                    AlisaSelectOptions options = options_of(kind, sparsities[s], sinks);
                    options.scores = (AlisaSelectScores)scores;
                    if (alisa_selector_check(&options)) continue;
                    AlisaSelectShape shape = {.context = CONTEXT, .list_count = 1};
                    AlisaSelectState *state = state_of(&options, &shape);
                    for (uint32_t count = 1; count <= CONTEXT; count++) {
                        for (uint32_t i = 0; i < count; i++)
                            rows[i] = alisa_random_below(&random, 5) * 7000;
                        uint32_t length = alisa_selector_state_pick(state, count, rows, 0);
                        check_list(&options, count, alisa_selector_state_list(state, 0), length);
                        alisa_selector_state_feed(state, count, scores == ALISA_SELECT_SCORES_DENSE,
                                                  rows, 0);
                    }
                    alisa_selector_state_destroy(state);
                }
}

static void test_strided_is_even(void **unused) {
    (void)unused;
    enum { CONTEXT = 500 };
    AlisaSelectOptions options = options_of(ALISA_SELECT_STRIDED, 0.83, 0);
    AlisaSelectShape shape = {.context = CONTEXT, .list_count = 1};
    AlisaSelectState *state = state_of(&options, &shape);
    for (uint32_t count = 10; count <= CONTEXT; count++) {
        uint32_t length = alisa_selector_state_pick(state, count, NULL, 0);
        const uint32_t *list = alisa_selector_state_list(state, 0);
        uint32_t spacing = count / length;
        for (uint32_t i = 1; i < length; i++)
            assert_in_range(list[i] - list[i - 1], spacing, spacing + 1);
        assert_true(list[0] <= spacing);
    }
    alisa_selector_state_destroy(state);
}

/* ---- Running sums against sums made anew --------------------------------------------------- */

enum { LISTS = 2, MOST = 400 };

typedef struct Twins {
    AlisaSelectOptions options;
    AlisaSelectState *state;
    OracleSelect oracles[LISTS];
    AlisaRandom random;
    uint32_t rows[LISTS][MOST];
    uint32_t all[MOST]; /* 0, 1, 2, .. */
} Twins;

static void start_twins(Twins *twins, const AlisaSelectOptions *options, uint64_t seed) {
    AlisaSelectShape shape = {.context = MOST, .list_count = LISTS, .seed_rows = MOST};
    twins->options = *options;
    twins->state = state_of(options, &shape);
    alisa_random_seed(&twins->random, seed);
    for (uint32_t list = 0; list < LISTS; list++)
        twins->oracles[list] = oracle_select_make(options, MOST);
    for (uint32_t i = 0; i < MOST; i++)
        twins->all[i] = i;
}

static void finish_twins(Twins *twins) {
    alisa_selector_state_destroy(twins->state);
    for (uint32_t list = 0; list < LISTS; list++)
        oracle_select_free(&twins->oracles[list]);
}

static void feed_twins(Twins *twins, uint32_t count, bool dense, uint32_t length) {
    for (uint32_t list = 0; list < LISTS; list++) {
        const uint32_t *at = dense ? twins->all : alisa_selector_state_list(twins->state, list);
        uint32_t entries = dense ? count : length;
        oracle_select_weights(&twins->random, count, at, entries, twins->rows[list]);
        oracle_select_feed(&twins->oracles[list], count, at, entries, twins->rows[list]);
    }
    alisa_selector_state_feed(twins->state, count, dense, twins->rows[0], MOST);
}

static uint32_t pick_twins(Twins *twins, uint32_t count) {
    uint32_t expected[MOST];
    bool by_row = twins->options.scores == ALISA_SELECT_SCORES_QUERY;
    for (uint32_t list = 0; by_row && list < LISTS; list++)
        oracle_select_weights(&twins->random, count, twins->all, count, twins->rows[list]);
    uint32_t length = alisa_selector_state_pick(twins->state, count, twins->rows[0], MOST);
    for (uint32_t list = 0; list < LISTS; list++) {
        const uint32_t *row = by_row ? twins->rows[list] : NULL;
        assert_int_equal(oracle_select_pick(&twins->oracles[list], count, row, expected), length);
        assert_memory_equal(alisa_selector_state_list(twins->state, list), expected,
                            length * sizeof *expected);
    }
    return length;
}

/* A prompt whose last rows seed the sums, steps, and where `back` is not 0 a step back. */
static void run_twins(const AlisaSelectOptions *options, uint32_t prompt, uint32_t back) {
    Twins *twins = malloc(sizeof *twins);
    assert_non_null(twins);
    start_twins(twins, options, prompt + 31 * back);
    uint32_t half = alisa_selector_window_rows(options, prompt + 1);
    for (uint32_t list = 0; list < LISTS; list++)
        twins->oracles[list].first_row = prompt + 1 > half ? prompt + 1 - half : 1;
    for (uint32_t count = twins->oracles[0].first_row; count <= prompt; count++)
        feed_twins(twins, count, true, 0);
    for (uint32_t count = prompt + 1; count <= MOST; count++) {
        uint32_t length = pick_twins(twins, count);
        feed_twins(twins, count, options->scores == ALISA_SELECT_SCORES_DENSE, length);
        if (back && count == prompt + 2 * back) {
            alisa_selector_state_truncate(twins->state, prompt + back);
            /* Rows that left the window are not known any more. */
            uint32_t gone = count + 1 - alisa_selector_window_rows(options, count + 1);
            if (gone > prompt + back + 1) gone = prompt + back + 1;
            for (uint32_t list = 0; list < LISTS; list++) {
                oracle_select_truncate(&twins->oracles[list], prompt + back);
                if (twins->oracles[list].first_row < gone) twins->oracles[list].first_row = gone;
            }
            count = prompt + back;
            back = 0;
        }
    }
    finish_twins(twins);
    free(twins);
}

static void test_running_sums(void **unused) {
    (void)unused;
    static const uint32_t prompts[] = {0, 1, 7, 100, 350};
    for (int scores = 0; scores < ALISA_SELECT_SCORES_COUNT; scores++)
        for (uint32_t s = 1; s < SPARSITIES; s += 2)
            for (size_t p = 0; p < sizeof prompts / sizeof *prompts; p++) {
                AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, sparsities[s], p);
                options.scores = (AlisaSelectScores)scores;
                run_twins(&options, prompts[p], 0);
                options.keep = 31;
                run_twins(&options, prompts[p], 0);
                options.window = 13;
                run_twins(&options, prompts[p], 0);
            }
}

static void test_cumulative_sums(void **unused) {
    (void)unused;
    AlisaSelectOptions options = options_of(ALISA_SELECT_H2O, 0.8, 2);
    run_twins(&options, 0, 0);
    run_twins(&options, 120, 0);
    options.scores = ALISA_SELECT_SCORES_DENSE;
    run_twins(&options, 30, 0);
}

static void test_steps_taken_back(void **unused) {
    (void)unused;
    for (uint32_t back = 1; back <= 40; back += 13)
        for (uint32_t prompt = 1; prompt <= 200; prompt += 66) {
            AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.8, 0);
            run_twins(&options, prompt, back);
            options.keep = 40;
            run_twins(&options, prompt, back);
            options.window = 9;
            run_twins(&options, prompt, back);
        }
}

/* Forgetting everything leaves nothing behind: the same rows give the same lists again. */
static void test_truncate_to_nothing(void **unused) {
    (void)unused;
    static const AlisaSelectKind kinds[] = {ALISA_SELECT_SWA, ALISA_SELECT_H2O};
    for (size_t k = 0; k < 2; k++) {
        AlisaSelectOptions options = options_of(kinds[k], 0.8, 0);
        Twins *twins = malloc(sizeof *twins);
        assert_non_null(twins);
        start_twins(twins, &options, 5);
        for (int round = 0; round < 2; round++) {
            alisa_selector_state_truncate(twins->state, 0);
            for (uint32_t list = 0; list < LISTS; list++)
                oracle_select_truncate(&twins->oracles[list], 0);
            for (uint32_t count = 1; count <= 200; count++)
                feed_twins(twins, count, false, pick_twins(twins, count));
        }
        finish_twins(twins);
        free(twins);
    }
}

/* ---- The window ---------------------------------------------------------------------------- */

static void test_codes(void **unused) {
    (void)unused;
    for (uint32_t weight = 0; weight < 4096; weight++) {
        assert_int_equal(alisa_window_encode(weight), weight);
        assert_int_equal(alisa_window_decode((uint16_t)weight), weight);
    }
    AlisaRandom random;
    alisa_random_seed(&random, 3);
    uint32_t last = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t weight =
            i ? alisa_random_next(&random) >> alisa_random_below(&random, 21) : UINT32_MAX;
        uint32_t back = alisa_window_decode(alisa_window_encode(weight));
        assert_true(back <= weight && weight - back <= weight >> 11);
        assert_int_equal(alisa_window_decode(alisa_window_encode(back)), back);
        /* Larger weights have larger codes. */
        assert_true((weight >= last) || (alisa_window_encode(weight) <= alisa_window_encode(last)));
        last = weight;
    }
}

/* Long prompts than the window was made for: fewer rows, never more than there is room for, and
 * rows in the ring do not overlap. */
static void test_window_keeps_its_room(void **unused) {
    (void)unused;
    enum { CONTEXT = 500 };
    AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.8, 1);
    for (uint32_t prompt = 1; prompt < CONTEXT; prompt += 23) {
        AlisaError error;
        AlisaWindow window;
        require(alisa_window_init(&window, &options, CONTEXT, 50, &error), &error);
        AlisaWindowMove *moves = malloc(alisa_window_max_moves(&window) * sizeof *moves);
        int32_t *owner = calloc(window.limits.codes, sizeof *owner);
        assert_non_null(moves);
        assert_non_null(owner);
        uint32_t held = 0;
        for (uint32_t count = 1; count < CONTEXT; count++) {
            uint32_t made = alisa_window_feed(&window, count, count <= prompt, 0, moves);
            assert_in_range(made, 1, alisa_window_max_moves(&window));
            for (uint32_t m = 0; m < made; m++) {
                bool push = moves[m].action == ALISA_WINDOW_PUSH;
                held += push ? 1 : -1;
                assert_int_equal(push, m + 1 == made);
                for (uint32_t i = 0; i < moves[m].entries; i++) {
                    int32_t *cell = &owner[(moves[m].first_code + i) % window.limits.codes];
                    assert_int_equal(*cell, push ? 0 : (int32_t)moves[m].count);
                    *cell = push ? (int32_t)moves[m].count : 0;
                }
            }
            uint32_t half = alisa_selector_half_budget(&options, count + 1);
            assert_in_range(held, 1, half < count ? half : count);
            if (prompt <= 50) assert_int_equal(held, half < count ? half : count);
        }
        free(moves);
        free(owner);
        alisa_window_finish(&window);
    }
}

static void test_impossible_window_is_named(void **unused) {
    (void)unused;
    AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.2, 0);
    AlisaWindowLimits limits;
    AlisaError error;
    options.window = 0;
    assert_int_equal(alisa_window_limits(&options, 1 << 20, 0, &limits, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "--kv-sparsity"));
    options.window = 64;
    assert_int_equal(alisa_window_limits(&options, 1 << 20, 0, &limits, &error), ALISA_OK);
    assert_int_equal(limits.rows, 64);
}

/* ---- Chance, units, statistics, options ---------------------------------------------------- */

static void test_random_is_uniform_and_repeats(void **unused) {
    (void)unused;
    enum { CONTEXT = 200, DRAWS = 2000 };
    AlisaSelectOptions options = options_of(ALISA_SELECT_RANDOM, 0.8, 0);
    options.seed = 77;
    uint32_t hits[CONTEXT] = {0}, same = 0;
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        AlisaSelectShape shape = {.context = CONTEXT, .list_count = 2, .layer = draw};
        AlisaSelectState *a = state_of(&options, &shape), *b = state_of(&options, &shape);
        uint32_t length = alisa_selector_state_pick(a, CONTEXT, NULL, 0);
        alisa_selector_state_pick(b, CONTEXT - 1, NULL, 0);
        alisa_selector_state_pick(b, CONTEXT, NULL, 0); /* what was drawn before does not matter */
        const uint32_t *list = alisa_selector_state_list(a, 0);
        assert_memory_equal(list, alisa_selector_state_list(b, 0), length * sizeof *list);
        same += !memcmp(list, alisa_selector_state_list(a, 1), length * sizeof *list);
        for (uint32_t i = 0; i < length; i++)
            hits[list[i]]++;
        alisa_selector_state_destroy(a);
        alisa_selector_state_destroy(b);
    }
    assert_int_equal(same, 0);
    /* 20 of 180 are drawn: 222 hits on average, deviation 14. */
    for (uint32_t i = 0; i < CONTEXT - 20; i++)
        assert_in_range(hits[i], 150, 295);
}

static void test_unit_shift(void **unused) {
    (void)unused;
    AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.8, 0);
    assert_int_equal(alisa_selector_unit_shift(&options, 4096, 12), 21); /* 64 rows, 12 heads */
    options.window = 0;
    assert_int_equal(alisa_selector_unit_shift(&options, 4096, 12), 18); /* 410 rows */
    options.scores = ALISA_SELECT_SCORES_QUERY;
    assert_int_equal(alisa_selector_unit_shift(&options, 4096, 16), 27);
    options = options_of(ALISA_SELECT_H2O, 0.8, 0);
    assert_int_equal(alisa_selector_unit_shift(&options, 4096, 32), 14);
    assert_int_equal(alisa_selector_unit_shift(&options, UINT32_MAX, 4096), 0);
}

static void test_history(void **unused) {
    (void)unused;
    /* 40 % kept of up to 20 tokens; at 11 to 14 tokens: 2 or 3 locals and as many others. */
    AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.6, 0);
    AlisaSelectHistory *history;
    AlisaSelectCounts counts = {0};
    AlisaError error;
    require(alisa_selector_history_create(&options, 20, 1, &history, &error), &error);
    static const uint32_t lists[][6] = {
        {0, 5, 9, 10},         /* 11 tokens: all were kept before */
        {5, 8, 10, 11},        /* 12: 8 is new */
        {0, 5, 8, 11, 12, 13}, /* 14 after a gap: nothing new */
        {0, 1, 8, 12, 13, 14}, /* 15: 1 is new */
        {0, 1, 8, 13, 14, 15}, /* 16 */
        {0, 1, 8, 14, 15, 16}, /* 17 */
    };
    assert_int_equal(alisa_selector_half_budget(&options, 12), 2);
    assert_int_equal(alisa_selector_half_budget(&options, 14), 3);
    alisa_selector_history_observe(history, 0, 11, lists[0], &counts);
    assert_int_equal(counts.new_picks, 0);
    alisa_selector_history_observe(history, 0, 12, lists[1], &counts);
    assert_int_equal(counts.new_picks, 1);
    assert_int_equal(counts.revivals, 0); /* 8 was in the list of 10 tokens, two steps before */
    alisa_selector_history_observe(history, 0, 14, lists[2], &counts);
    assert_int_equal(counts.new_picks, 1);
    alisa_selector_history_observe(history, 0, 15, lists[3], &counts);
    assert_int_equal(counts.new_picks, 2);
    alisa_selector_history_observe(history, 0, 16, lists[4], &counts);
    alisa_selector_history_observe(history, 0, 17, lists[5], &counts);
    assert_int_equal(counts.new_picks, 2);
    assert_int_equal(counts.revivals, 0);
    assert_int_equal(alisa_selector_half_budget(&options, 18), 4);
    /* 18 tokens: 5 was last kept with 14 (4 steps before), so it counts as new but not as dead. */
    static const uint32_t eighteen[] = {0, 1, 5, 8, 14, 15, 16, 17};
    alisa_selector_history_observe(history, 0, 18, eighteen, &counts);
    assert_int_equal(counts.new_picks, 3);
    assert_int_equal(counts.revivals, 0);
    /* 19: 9 was kept by no list since the gap, that is since 13. */
    static const uint32_t nineteen[] = {0, 1, 8, 9, 15, 16, 17, 18};
    alisa_selector_history_observe(history, 0, 19, nineteen, &counts);
    assert_int_equal(counts.new_picks, 4);
    assert_int_equal(counts.revivals, 1);
    assert_int_equal(counts.lists, 8);
    assert_int_equal(counts.globals, 2 + 2 + 3 + 3 + 3 + 3 + 4 + 4);
    assert_int_equal(counts.kept, 2 * counts.globals);
    assert_int_equal(counts.tokens, 11 + 12 + 14 + 15 + 16 + 17 + 18 + 19);
    alisa_selector_history_destroy(history);
}

static void test_options(void **unused) {
    (void)unused;
    AlisaSelectOptions options = options_of(ALISA_SELECT_SWA, 0.8, 0);
    assert_null(alisa_selector_check(&options));
    options.sparsity = 1;
    assert_non_null(strstr(alisa_selector_check(&options), "--kv-sparsity"));
    options.sparsity = NAN;
    assert_non_null(alisa_selector_check(&options));
    options = options_of(ALISA_SELECT_H2O, 0.8, 0);
    options.scores = ALISA_SELECT_SCORES_QUERY;
    assert_non_null(strstr(alisa_selector_check(&options), "--swa-scores"));
    assert_string_equal(alisa_select_kind_name(ALISA_SELECT_SWA), "swa");
    assert_string_equal(alisa_select_kind_name(ALISA_SELECT_RANDOM), "random");
    assert_string_equal(alisa_select_scores_name(ALISA_SELECT_SCORES_QUERY), "query");
    assert_string_equal(alisa_select_lists_name(ALISA_SELECT_LISTS_KV_HEAD), "kv-head");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_keeps_as_many),
        cmocka_unit_test(test_lists_have_their_budget),
        cmocka_unit_test(test_strided_is_even),
        cmocka_unit_test(test_running_sums),
        cmocka_unit_test(test_cumulative_sums),
        cmocka_unit_test(test_steps_taken_back),
        cmocka_unit_test(test_truncate_to_nothing),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_window_keeps_its_room),
        cmocka_unit_test(test_impossible_window_is_named),
        cmocka_unit_test(test_random_is_uniform_and_repeats),
        cmocka_unit_test(test_unit_shift),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
