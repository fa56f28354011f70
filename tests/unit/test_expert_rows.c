/* SPDX-License-Identifier: Apache-2.0 */
/* Rows sorted by the experts they take: random choices against what sorting means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/expert_rows.h"

enum { MOST_ROWS = 70, MOST_USED = 8, MOST_CHOICES = MOST_ROWS * MOST_USED };

static void check_sorted(const AlisaExpertRows *sorted, const AlisaExpertShape *shape,
                         uint32_t rows) {
    uint32_t choices = rows * shape->used, seen = 0, last = 0;
    const int32_t *sources = sorted->order, *places = sorted->order + choices;
    bool taken[MOST_CHOICES] = {false};
    AlisaExpertRun run = {0};
    while (alisa_expert_rows_next(sorted, shape, &run)) {
        assert_true(seen == 0 || run.expert > last);
        assert_int_equal(run.first, seen);
        assert_true(run.rows > 0);
        for (uint32_t i = 1; i < run.rows; i++) /* in the order of the rows */
            assert_true(sources[run.first + i] > sources[run.first + i - 1]);
        last = run.expert;
        seen += run.rows;
        for (uint32_t i = 0; i < choices; i++)
            if ((uint32_t)sorted->chosen[i] == run.expert)
                assert_in_range(places[i], run.first, run.first + run.rows - 1);
    }
    assert_int_equal(seen, choices);
    for (uint32_t i = 0; i < choices; i++) {
        assert_in_range(places[i], 0, choices - 1);
        assert_false(taken[places[i]]);
        taken[places[i]] = true;
        assert_int_equal(sources[places[i]], i / shape->used);
    }
}

static void test_random_choices(void **state) {
    (void)state;
    AlisaRandom random;
    alisa_random_seed(&random, 11);
    for (uint32_t round = 0; round < 2000; round++) {
        AlisaExpertShape shape = {.count = 1 + alisa_random_below(&random, 40)};
        uint32_t most = shape.count < MOST_USED ? shape.count : MOST_USED;
        uint32_t rows = 1 + alisa_random_below(&random, MOST_ROWS);
        AlisaExpertRows sorted = {0};
        shape.used = 1 + alisa_random_below(&random, most);
        assert_int_equal(alisa_expert_rows_init(&sorted, &shape, rows, NULL), ALISA_OK);
        for (uint32_t row = 0; row < rows; row++) {
            int32_t *chosen = sorted.chosen + row * shape.used;
            for (uint32_t j = 0; j < shape.used; j++) { /* different ones of each row */
                bool again;
                do {
                    chosen[j] = (int32_t)alisa_random_below(&random, shape.count);
                    again = false;
                    for (uint32_t i = 0; i < j; i++)
                        again |= chosen[i] == chosen[j];
                } while (again);
            }
        }
        alisa_expert_rows_sort(&sorted, &shape, rows);
        check_sorted(&sorted, &shape, rows);
        alisa_expert_rows_finish(&sorted);
    }
}

static void test_models_without_experts(void **state) {
    (void)state;
    AlisaExpertRows sorted = {0};
    const AlisaExpertShape none = {0};
    assert_int_equal(alisa_expert_rows_init(&sorted, &none, 5, NULL), ALISA_OK);
    assert_null(sorted.chosen);
    alisa_expert_rows_finish(&sorted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_choices),
        cmocka_unit_test(test_models_without_experts),
    };
    return cmocka_run_group_tests_name("expert rows", tests, NULL, NULL);
}
