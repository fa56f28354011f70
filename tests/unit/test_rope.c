/* SPDX-License-Identifier: Apache-2.0 */
/* RoPE frequencies and rotations against values worked out by hand from the published formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/shape.h"

static const AlisaRope plain = {.dim = 8,
                                .base = 10000.0f,
                                .factor = 1.0f,
                                .attention_factor = 1.0f,
                                .beta_fast = 32.0f,
                                .beta_slow = 1.0f,
                                .original_context = 2048};

static void assert_close(double actual, double expected, double relative) {
    if (!(fabs(actual - expected) <= relative * fabs(expected) + 1e-12)) {
        fail_msg("%.9g, expected %.9g", actual, expected);
    }
}

static void unscaled_is_a_geometric_series(void **state) {
    (void)state;
    double frequencies[4];
    assert_close(alisa_rope_frequencies(&plain, NULL, frequencies), 1.0, 0);
    const double expected[4] = {1.0, 0.1, 0.01, 0.001};
    for (int i = 0; i < 4; i++)
        assert_close(frequencies[i], expected[i], 1e-12);
}

static void linear_divides_every_frequency(void **state) {
    (void)state;
    AlisaRope rope = plain;
    rope.scaling = ALISA_ROPE_LINEAR;
    rope.factor = 4.0f;
    double frequencies[4];
    assert_close(alisa_rope_frequencies(&rope, NULL, frequencies), 1.0, 0);
    assert_close(frequencies[0], 0.25, 1e-12);
    assert_close(frequencies[3], 0.00025, 1e-12);
}

static void divisors_apply_pair_by_pair(void **state) {
    (void)state;
    const float divisors[4] = {1.0f, 2.0f, 8.0f, 8.0f};
    double frequencies[4];
    alisa_rope_frequencies(&plain, divisors, frequencies);
    const double expected[4] = {1.0, 0.05, 0.00125, 0.000125};
    for (int i = 0; i < 4; i++)
        assert_close(frequencies[i], expected[i], 1e-12);
}

/* dim 64, base 10000, original context 4096, factor 16: pairs up to floor(10.46) = 10 turn more
 * than 32 times and stay; pairs from ceil(22.51) = 23 on turn less than once and are divided by 16;
 * the ones between are mixed along a straight line. */
static void yarn_keeps_fast_pairs_and_stretches_slow_ones(void **state) {
    (void)state;
    AlisaRope rope = plain;
    rope.dim = 64;
    rope.scaling = ALISA_ROPE_YARN;
    rope.factor = 16.0f;
    rope.original_context = 4096;
    double frequencies[32];
    double factor = alisa_rope_frequencies(&rope, NULL, frequencies);
    assert_close(factor, 1.0 + 0.1 * log(16.0), 1e-6);
    for (int i = 0; i < 32; i++) {
        double unscaled = pow(10000.0, -2.0 * i / 64);
        double stretched = i <= 10 ? 0.0 : i >= 23 ? 1.0 : (i - 10) / 13.0;
        assert_close(frequencies[i], unscaled * (1.0 - stretched + stretched / 16.0), 1e-9);
    }
}

static void rotations_are_the_angle_of_the_position(void **state) {
    (void)state;
    double frequencies[4];
    float rotations[8];
    alisa_rope_frequencies(&plain, NULL, frequencies);
    alisa_rope_rotations(frequencies, 4, 2.0f, 100000, rotations);
    for (int i = 0; i < 4; i++) {
        double angle = 100000.0 * frequencies[i];
        assert_true(fabs(rotations[2 * i] - 2.0 * cos(angle)) < 1e-6);
        assert_true(fabs(rotations[2 * i + 1] - 2.0 * sin(angle)) < 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unscaled_is_a_geometric_series),
        cmocka_unit_test(linear_divides_every_frequency),
        cmocka_unit_test(divisors_apply_pair_by_pair),
        cmocka_unit_test(yarn_keeps_fast_pairs_and_stretches_slow_ones),
        cmocka_unit_test(rotations_are_the_angle_of_the_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
