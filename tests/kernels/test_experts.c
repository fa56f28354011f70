/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing experts, adding up what they give and weighing the shared one, against their oracles:
 * equal logits, infinities, what is not a number, rows that fit no vector, and guards around what
 * is written.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "ops/experts.h"
#include "oracle/experts.h"

enum { GUARD = 5, MOST_ROWS = 33, MOST_EXPERTS = 256, MOST_USED = 16, MOST_COLUMNS = 333 };
static const int32_t guard = 0x5ca1ab1e;

static AlisaDevice *device;
static AlisaOps *ops;

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static AlisaBuffer buffer_of(const void *words, uint64_t count) {
    AlisaError error;
    AlisaBuffer buffer = {0};
    require(
        alisa_buffer_create(device, count * 4, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
        &error);
    require(alisa_buffer_write(device, &buffer, 0, words, count * 4, &error), &error);
    return buffer;
}

/* `count` words to be written, and guards behind them. */
static AlisaBuffer guarded(uint64_t count) {
    int32_t *words = malloc((count + GUARD) * sizeof *words);
    assert_non_null(words);
    for (uint64_t i = 0; i < count + GUARD; i++)
        words[i] = guard;
    AlisaBuffer buffer = buffer_of(words, count + GUARD);
    free(words);
    return buffer;
}

static void read_guarded(const AlisaBuffer *buffer, void *words, uint64_t count) {
    AlisaError error;
    int32_t behind[GUARD];
    require(alisa_buffer_read(device, buffer, 0, words, count * 4, &error), &error);
    require(alisa_buffer_read(device, buffer, count * 4, behind, sizeof behind, &error), &error);
    for (uint32_t i = 0; i < GUARD; i++)
        assert_int_equal(behind[i], guard);
}

/* ---- Choosing ---------------------------------------------------------------------------------
 */

typedef struct Routed {
    int32_t chosen[MOST_ROWS * MOST_USED];
    float shares[MOST_ROWS * MOST_USED];
} Routed;

static void route(AlisaOps *by, const float *logits, uint32_t rows, uint32_t experts, uint32_t used,
                  AlisaShares kind, Routed *routed) {
    AlisaError error;
    uint64_t count = (uint64_t)rows * used;
    AlisaBuffer from = buffer_of(logits, (uint64_t)rows * experts);
    AlisaBuffer chosen = guarded(count), shares = guarded(count);
    require(alisa_ops_route(by, (AlisaVector){&from, 0}, rows, experts, used, kind, &chosen,
                            &shares, &error),
            &error);
    read_guarded(&chosen, routed->chosen, count);
    read_guarded(&shares, routed->shares, count);
    alisa_buffer_destroy(&from);
    alisa_buffer_destroy(&chosen);
    alisa_buffer_destroy(&shares);
}

static void check_route(AlisaOps *by, uint32_t experts, uint32_t used, AlisaShares kind) {
    static float logits[MOST_ROWS * MOST_EXPERTS];
    static Routed routed;
    AlisaRandom random;
    alisa_random_seed(&random, experts * 100 + used);
    for (uint32_t i = 0; i < MOST_ROWS * experts; i++) {
        uint32_t row = i / experts;
        logits[i] = 4 * alisa_random_normal(&random);
        if (row % 4 == 1) logits[i] = floorf(logits[i] / 4); /* equals */
        if (row % 4 == 2) logits[i] *= 1e3f;                 /* one takes everything */
        if (row % 8 == 3 && i % experts != row % experts) logits[i] = -INFINITY;
    }
    route(by, logits, MOST_ROWS, experts, used, kind, &routed);
    for (uint32_t row = 0; row < MOST_ROWS; row++) {
        int32_t chosen[MOST_USED];
        double shares[MOST_USED];
        oracle_route(logits + row * experts, experts, used, kind == ALISA_SHARES_OF_CHOSEN, chosen,
                     shares);
        for (uint32_t j = 0; j < used; j++) {
            assert_int_equal(routed.chosen[row * used + j], chosen[j]);
            double got = routed.shares[row * used + j];
            if (fabs(got - shares[j]) > (experts + 20) * 0x1p-24 * shares[j] + 1e-37)
                fail_msg("%u of %u experts, row %u: share %u is %.9g, not %.9g", used, experts, row,
                         j, got, shares[j]);
        }
    }
}

static void test_route(void **state) {
    (void)state;
    static const struct {
        uint32_t experts, used;
    } cases[] = {{1, 1}, {2, 1}, {3, 3}, {8, 2}, {32, 4}, {60, 4}, {100, 7}, {128, 8}, {256, 16}};
    static const uint32_t groups[] = {1, 64, 256};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        AlisaError error;
        AlisaOps *by;
        AlisaOpsParameters parameters = *alisa_ops_parameters(ops);
        parameters.row.group = groups[g];
        require(alisa_ops_create(device, &parameters, &by, &error), &error);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            check_route(by, cases[i].experts, cases[i].used, ALISA_SHARES_OF_ALL);
            check_route(by, cases[i].experts, cases[i].used, ALISA_SHARES_OF_CHOSEN);
        }
        alisa_ops_destroy(by);
    }
}

/* Broken logits choose experts that there are, each once, and make shares that show it. */
static void test_route_of_broken_logits(void **state) {
    (void)state;
    enum { EXPERTS = 9, USED = 4, ROWS = 3 };
    float logits[ROWS * EXPERTS];
    Routed routed;
    for (uint32_t i = 0; i < ROWS * EXPERTS; i++)
        logits[i] = i < EXPERTS ? NAN : (float)i;
    logits[EXPERTS + 5] = NAN;
    logits[2 * EXPERTS + 5] = INFINITY;
    for (AlisaShares kind = ALISA_SHARES_OF_ALL; kind <= ALISA_SHARES_OF_CHOSEN; kind++) {
        route(ops, logits, ROWS, EXPERTS, USED, kind, &routed);
        for (uint32_t row = 0; row < ROWS; row++) {
            uint32_t seen = 0;
            for (uint32_t j = 0; j < USED; j++) {
                int32_t expert = routed.chosen[row * USED + j];
                assert_in_range(expert, 0, EXPERTS - 1);
                assert_false(seen & 1u << expert);
                seen |= 1u << expert;
            }
            assert_true(isnan(routed.shares[row * USED]));
        }
    }
}

/* ---- Adding up --------------------------------------------------------------------------------
 */

static void check_combine(uint32_t rows, uint32_t used, uint32_t columns, bool accumulate) {
    enum { PACKED = MOST_ROWS * 3 };
    static float x[PACKED * MOST_COLUMNS], y[MOST_ROWS * MOST_COLUMNS], shares[MOST_ROWS * 3];
    static int32_t places[2 + MOST_ROWS * 3];
    AlisaError error;
    AlisaRandom random;
    alisa_random_seed(&random, columns * 10 + used);
    uint64_t count = (uint64_t)rows * columns, slots = (uint64_t)rows * used;
    for (uint64_t i = 0; i < slots * columns; i++)
        x[i] = 10 * alisa_random_normal(&random);
    for (uint64_t i = 0; i < count; i++)
        y[i] = alisa_random_normal(&random);
    for (uint64_t i = 0; i < slots; i++) {
        shares[i] = fabsf(alisa_random_normal(&random));
        places[2 + i] = (int32_t)alisa_random_below(&random, (uint32_t)slots);
    }
    places[0] = places[1] = INT32_MAX; /* before the offset: nobody looks there */
    AlisaBuffer from = buffer_of(x, slots * columns), to = guarded(count);
    AlisaBuffer where = buffer_of(places, slots + 2), weights = buffer_of(shares, slots);
    require(alisa_buffer_write(device, &to, 0, y, count * sizeof *y, &error), &error);
    require(alisa_ops_combine(ops, (AlisaVector){&from, 0}, &where, 2, &weights, rows, used,
                              columns, accumulate, (AlisaVector){&to, 0}, &error),
            &error);
    static float got[MOST_ROWS * MOST_COLUMNS];
    read_guarded(&to, got, count);
    for (uint32_t row = 0; row < rows; row++) {
        double expected[MOST_COLUMNS], magnitudes[MOST_COLUMNS];
        for (uint32_t i = 0; i < columns; i++)
            expected[i] = accumulate ? y[row * columns + i] : 0;
        oracle_combine(x, places + 2 + row * used, shares + row * used, used, columns, expected,
                       magnitudes);
        for (uint32_t i = 0; i < columns; i++)
            if (fabs(got[row * columns + i] - expected[i]) > (used + 1) * 0x1p-24 * magnitudes[i])
                fail_msg("combine of %u, row %u of %u: element %u is %.9g, not %.9g", used, row,
                         rows, i, got[row * columns + i], expected[i]);
    }
    alisa_buffer_destroy(&from);
    alisa_buffer_destroy(&to);
    alisa_buffer_destroy(&where);
    alisa_buffer_destroy(&weights);
}

static void test_combine(void **state) {
    (void)state;
    static const uint32_t columns[] = {1, 3, 4, 63, 64, 256, MOST_COLUMNS};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        for (uint32_t used = 1; used <= 3; used++) {
            check_combine(1, used, columns[c], true);
            check_combine(MOST_ROWS, used, columns[c], true);
            check_combine(MOST_ROWS, used, columns[c], false);
        }
}

static void test_weigh(void **state) {
    (void)state;
    static const uint32_t columns[] = {1, 6, 64, MOST_COLUMNS};
    static const float logits[] = {-200.0f, -20.0f, -1.0f, 0.0f, 0.5f, 3.0f, 90.0f};
    enum { ROWS = sizeof logits / sizeof *logits };
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        AlisaError error;
        AlisaRandom random;
        float y[ROWS * MOST_COLUMNS], got[ROWS * MOST_COLUMNS];
        uint64_t count = (uint64_t)ROWS * columns[c];
        alisa_random_seed(&random, columns[c]);
        for (uint64_t i = 0; i < count; i++)
            y[i] = 100 * alisa_random_normal(&random);
        AlisaBuffer by = buffer_of(logits, ROWS), to = guarded(count);
        require(alisa_buffer_write(device, &to, 0, y, count * sizeof *y, &error), &error);
        require(alisa_ops_weigh(ops, (AlisaVector){&by, 0}, ROWS, columns[c], (AlisaVector){&to, 0},
                                &error),
                &error);
        read_guarded(&to, got, count);
        for (uint64_t i = 0; i < count; i++) {
            double expected = y[i] / (1 + exp(-(double)logits[i / columns[c]]));
            assert_true(fabs(got[i] - expected) <= 16 * 0x1p-24 * fabs(expected) + 1e-36);
        }
        alisa_buffer_destroy(&by);
        alisa_buffer_destroy(&to);
    }
}

static void test_outside_is_refused(void **state) {
    (void)state;
    AlisaError error;
    AlisaBuffer buffer = guarded(64 - GUARD);
    AlisaVector x = {&buffer, 0};
    assert_int_equal(alisa_ops_route(ops, x, 2, 33, 2, 0, &buffer, &buffer, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_route(ops, x, 1, 8, 9, 0, &buffer, &buffer, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_route(ops, x, 1, 8, 0, 0, &buffer, &buffer, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_combine(ops, x, &buffer, 60, &buffer, 1, 5, 8, true, x, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_weigh(ops, x, 2, 33, x, &error), ALISA_ERROR_ARGUMENT);
    alisa_buffer_destroy(&buffer);
}

static int open_device(void **state) {
    (void)state;
    AlisaError error;
    AlisaDeviceOptions options;
    alisa_device_options_defaults(&options);
    if (alisa_device_open(&options, &device, &error) ||
        alisa_ops_create(device, NULL, &ops, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    return 0;
}

static int close_device(void **state) {
    (void)state;
    alisa_opencl_save_programs(device);
    alisa_ops_destroy(ops);
    alisa_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route),
        cmocka_unit_test(test_route_of_broken_logits),
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_weigh),
        cmocka_unit_test(test_outside_is_refused),
    };
    return cmocka_run_group_tests_name("experts", tests, open_device, close_device);
}
