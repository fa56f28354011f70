/* SPDX-License-Identifier: Apache-2.0 */
/* Means with their errors, and two predictions compared, against values worked out by hand. */
/* The program is not a library: its pure file is compiled into the test. */
#include "../../src/cli/common/statistics.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_near(double value, double expected) {
    if (fabs(value - expected) > 1e-9) fail_msg("%.12g instead of %.12g", value, expected);
}

static Statistic sample(const double *values, size_t count) {
    Statistic statistic = {0};
    for (size_t i = 0; i < count; i++)
        alisa_cli_statistic_add(&statistic, values[i]);
    return statistic;
}

static void test_mean_and_error(void **state) {
    (void)state;
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9}; /* population variance 4 */
    Statistic statistic = sample(values, 8);
    expect_near(alisa_cli_statistic_mean(&statistic), 5.0);
    expect_near(alisa_cli_statistic_error(&statistic), sqrt(4.0 / 7.0));
    expect_near(statistic.largest, 9.0);
}

static void test_few_values_have_no_error(void **state) {
    (void)state;
    Statistic statistic = {0};
    expect_near(alisa_cli_statistic_mean(&statistic), 0.0);
    expect_near(alisa_cli_statistic_error(&statistic), 0.0);
    alisa_cli_statistic_add(&statistic, 3.0);
    expect_near(alisa_cli_statistic_mean(&statistic), 3.0);
    expect_near(alisa_cli_statistic_error(&statistic), 0.0);
}

static void test_equal_values_have_no_error(void **state) {
    (void)state;
    Statistic statistic = {0};
    for (size_t i = 0; i < 1000; i++)
        alisa_cli_statistic_add(&statistic, 0.1); /* rounding must not make a root of -1e-18 */
    assert_true(alisa_cli_statistic_error(&statistic) < 1e-9);
}

static void test_parts_make_the_whole(void **state) {
    (void)state;
    const double values[] = {1.5, 0.25, 8, 3, 2.125};
    for (size_t cut = 0; cut <= 5; cut++) {
        Statistic first = sample(values, cut), second = sample(values + cut, 5 - cut);
        Statistic whole = sample(values, 5);
        alisa_cli_statistic_merge(&first, &second);
        assert_int_equal(first.count, 5);
        expect_near(first.largest, 8.0);
        expect_near(alisa_cli_statistic_mean(&first), alisa_cli_statistic_mean(&whole));
        expect_near(alisa_cli_statistic_error(&first), alisa_cli_statistic_error(&whole));
    }
}

static void test_likeliest_is_the_first_of_equals(void **state) {
    (void)state;
    const float values[] = {-3.0f, -1.0f, -2.0f, -1.0f};
    assert_int_equal(alisa_cli_likeliest(values, 4), 1);
    assert_int_equal(alisa_cli_likeliest(values + 2, 2), 1);
    assert_int_equal(alisa_cli_likeliest(values, 1), 0);
}

static void test_divergence(void **state) {
    (void)state;
    const double half = log(0.5), quarter = log(0.25), three = log(0.75);
    const float even[] = {(float)half, (float)half};
    const float skewed[] = {(float)quarter, (float)three};
    const float certain[] = {0.0f, -INFINITY};
    double expected = 0.5 * (half - quarter) + 0.5 * (half - three);
    assert_true(fabs(alisa_cli_divergence(even, skewed, 2) - expected) < 1e-6);
    /* It is not symmetric, and nothing between equals. */
    expected = 0.25 * (quarter - half) + 0.75 * (three - half);
    assert_true(fabs(alisa_cli_divergence(skewed, even, 2) - expected) < 1e-6);
    expect_near(alisa_cli_divergence(skewed, skewed, 2), 0.0);
    /* What the reference rules out adds nothing; what the tested one rules out costs all. */
    assert_true(fabs(alisa_cli_divergence(certain, even, 2) - log(2.0)) < 1e-6);
    assert_true(isinf(alisa_cli_divergence(even, certain, 2)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_and_error),
        cmocka_unit_test(test_few_values_have_no_error),
        cmocka_unit_test(test_equal_values_have_no_error),
        cmocka_unit_test(test_parts_make_the_whole),
        cmocka_unit_test(test_likeliest_is_the_first_of_equals),
        cmocka_unit_test(test_divergence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
