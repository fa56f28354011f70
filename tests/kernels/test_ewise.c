/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RMS norm, SiLU product, row gather and the largest of a row against their oracles: rows that fit
 * no vector, worst-case values, in place, offsets, guards around the output. ALISA_TEST_SMALL=1
 * keeps to small shapes (for oclgrind).
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
#include "ops/ops.h"
#include "oracle/ewise.h"

enum { GUARD = 19, MOST_COLUMNS = 4099 };
static const float guard = -12345.5f;

static AlisaDevice *device;
static AlisaOps *ops;
static bool small;

typedef enum Values { VALUES_NORMAL, VALUES_LARGE, VALUES_TINY, VALUES_SPIKE, VALUES } Values;

static const uint32_t row_counts[] = {1, 3, 40};
static const uint32_t columns[] = {1, 7, 8, 16, 40, 63, 64, 72, 130, 2048, MOST_COLUMNS};
enum { ROW_COUNTS = sizeof row_counts / sizeof *row_counts };
enum { COLUMNS = sizeof columns / sizeof *columns };

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

/* A buffer of GUARD guards, the values (NULL: guards too), GUARD guards. */
static AlisaBuffer guarded(const float *values, uint64_t count) {
    AlisaError error;
    AlisaBuffer buffer = {0};
    float *all = malloc((count + 2 * GUARD) * sizeof *all);
    assert_non_null(all);
    for (uint64_t i = 0; i < count + 2 * GUARD; i++) {
        bool inside = values && i >= GUARD && i < GUARD + count;
        all[i] = inside ? values[i - GUARD] : guard;
    }
    uint64_t size = (count + 2 * GUARD) * sizeof *all;
    require(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
            &error);
    require(alisa_buffer_write(device, &buffer, 0, all, size, &error), &error);
    free(all);
    return buffer;
}

static AlisaVector inside(const AlisaBuffer *buffer) {
    return (AlisaVector){buffer, GUARD};
}

static float *random_values(AlisaRandom *random, uint64_t count, Values kind) {
    float *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++) {
        float normal = alisa_random_normal(random);
        switch (kind) {
        case VALUES_LARGE:
            values[i] = 1e4f * normal;
            break;
        case VALUES_TINY:
            values[i] = 1e-6f * normal;
            break;
        case VALUES_SPIKE: /* one element rules the row, as in real residual streams */
            values[i] = i % 61 == 5 ? 3000.0f * normal : normal;
            break;
        default:
            values[i] = normal;
        }
    }
    return values;
}

static void check(const char *what, const AlisaBuffer *buffer, const double *expected,
                  const double *bounds, uint64_t count) {
    AlisaError error;
    float *got = malloc((count + 2 * GUARD) * sizeof *got);
    assert_non_null(got);
    require(alisa_buffer_read(device, buffer, 0, got, (count + 2 * GUARD) * sizeof *got, &error),
            &error);
    for (uint64_t i = 0; i < GUARD; i++) {
        if (got[i] != guard || got[GUARD + count + i] != guard)
            fail_msg("%s: written outside its %llu elements", what, (unsigned long long)count);
    }
    for (uint64_t i = 0; i < count; i++) {
        double off = fabs(got[GUARD + i] - expected[i]);
        if (!(off <= bounds[i])) {
            fail_msg("%s: element %llu of %llu is %.9g, not %.9g +- %g", what,
                     (unsigned long long)i, (unsigned long long)count, got[GUARD + i], expected[i],
                     bounds[i]);
        }
    }
    free(got);
}

static void check_rms_norm(AlisaOps *by, uint32_t rows, uint32_t width, Values kind,
                           bool in_place) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, rows * 10000 + width);
    uint64_t count = (uint64_t)rows * width;
    float *x = random_values(&random, count, kind);
    float *weight = random_values(&random, width, VALUES_NORMAL);
    double *expected = malloc(count * sizeof *expected), *bounds = malloc(count * sizeof *bounds);
    float epsilon = kind == VALUES_TINY ? 1e-12f : 1e-5f;
    oracle_rms_norm(x, weight, epsilon, rows, width, expected, bounds);
    AlisaBuffer from = guarded(x, count), to = guarded(NULL, count),
                factor = guarded(weight, width);
    const AlisaBuffer *target = in_place ? &from : &to;
    require(alisa_ops_rms_norm(by, inside(&from), inside(&factor), epsilon, rows, width,
                               inside(target), &error),
            &error);
    char what[128];
    snprintf(what, sizeof what, "rms_norm of %u x %u, values %d, in place %d, group %u", rows,
             width, kind, in_place, alisa_ops_parameters(by)->row.group);
    check(what, target, expected, bounds, count);
    alisa_buffer_destroy(&from);
    alisa_buffer_destroy(&to);
    alisa_buffer_destroy(&factor);
    free(x);
    free(weight);
    free(expected);
    free(bounds);
}

static void test_rms_norm(void **state) {
    (void)state;
    static const uint32_t groups[] = {1, 64, 256};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        AlisaError error;
        AlisaOps *by;
        AlisaOpsParameters parameters = *alisa_ops_parameters(ops);
        parameters.row.group = groups[g];
        require(alisa_ops_create(device, &parameters, &by, &error), &error);
        for (size_t r = 0; r < ROW_COUNTS; r++)
            for (size_t c = 0; c < COLUMNS; c++) {
                if (small && row_counts[r] * columns[c] > 400) continue;
                check_rms_norm(by, row_counts[r], columns[c], (Values)((r + c) % VALUES),
                               (r + c) % 3 == 0);
            }
        alisa_ops_destroy(by);
    }
}

static void test_silu_product(void **state) {
    (void)state;
    /* Where exp(-x) overflows, where 1 + exp(-x) rounds to 1, and zeros of both signs. */
    static const float edges[] = {0.0f,   -0.0f,  1e-30f,  -1e-30f, 17.0f, -17.0f, 88.0f,
                                  -88.0f, -89.0f, -104.0f, 1e4f,    -1e4f, 3e38f,  -3e38f};
    for (size_t r = 0; r < ROW_COUNTS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            if (small && row_counts[r] * columns[c] > 400) continue;
            AlisaRandom random;
            AlisaError error;
            alisa_random_seed(&random, r * 100 + c);
            uint64_t count = (uint64_t)row_counts[r] * columns[c];
            float *gate = random_values(&random, count, VALUES_NORMAL);
            float *up = random_values(&random, count, VALUES_NORMAL);
            for (uint64_t i = 0; i < count; i++)
                gate[i] = i % 3 == 1 ? edges[i / 3 % (sizeof edges / sizeof *edges)] : 8 * gate[i];
            double *expected = malloc(count * sizeof *expected);
            double *bounds = malloc(count * sizeof *bounds);
            oracle_silu_product(gate, up, count, expected, bounds);
            for (uint64_t i = 0; i < count; i++) /* a product past the range is infinite in float */
                if (fabs(expected[i]) > 3.4e38) gate[i] = up[i] = 0, expected[i] = 0;
            AlisaBuffer from = guarded(gate, count), to = guarded(NULL, count);
            AlisaBuffer other = guarded(up, count);
            const AlisaBuffer *target = c % 2 ? &from : &to; /* in place or not */
            require(alisa_ops_silu_product(ops, inside(&from), inside(&other), row_counts[r],
                                           columns[c], inside(target), &error),
                    &error);
            check("silu_product", target, expected, bounds, count);
            alisa_buffer_destroy(&from);
            alisa_buffer_destroy(&to);
            alisa_buffer_destroy(&other);
            free(gate);
            free(up);
            free(expected);
            free(bounds);
        }
}

static void test_gather_rows(void **state) {
    (void)state;
    enum { TABLE_ROWS = 9 };
    for (size_t r = 0; r < ROW_COUNTS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            uint32_t rows = row_counts[r], width = columns[c];
            if (small && rows * width > 400) continue;
            AlisaRandom random;
            AlisaError error;
            alisa_random_seed(&random, r * 100 + c);
            float *table = random_values(&random, (uint64_t)TABLE_ROWS * width, VALUES_LARGE);
            int32_t *indices = malloc(rows * sizeof *indices);
            uint64_t count = (uint64_t)rows * width;
            double *expected = malloc(count * sizeof *expected);
            double *bounds = calloc(count, sizeof *bounds);
            for (uint32_t i = 0; i < rows; i++) {
                indices[i] = (int32_t)alisa_random_below(&random, TABLE_ROWS);
                for (uint32_t j = 0; j < width; j++)
                    expected[(uint64_t)i * width + j] = table[(uint64_t)indices[i] * width + j];
            }
            AlisaBuffer from = guarded(table, (uint64_t)TABLE_ROWS * width);
            AlisaBuffer to = guarded(NULL, count), order = {0};
            require(alisa_buffer_create(device, rows * sizeof *indices, ALISA_BUFFER_READ_WRITE,
                                        "test", &order, &error),
                    &error);
            require(alisa_buffer_write(device, &order, 0, indices, rows * sizeof *indices, &error),
                    &error);
            require(
                alisa_ops_gather_rows(ops, inside(&from), &order, rows, width, inside(&to), &error),
                &error);
            check("gather_rows", &to, expected, bounds, count);
            alisa_buffer_destroy(&from);
            alisa_buffer_destroy(&to);
            alisa_buffer_destroy(&order);
            free(table);
            free(indices);
            free(expected);
            free(bounds);
        }
}

/* Values with many equal ones, rows of one value only, of -INFINITY, and with a NaN. */
static void check_likeliest(AlisaOps *by, uint32_t rows, uint32_t width, uint32_t seed) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, seed);
    uint64_t count = (uint64_t)rows * width;
    float *x = random_values(&random, count, VALUES_LARGE);
    for (uint32_t r = 0; r < rows; r++) {
        float *row = x + (uint64_t)r * width;
        for (uint32_t i = 0; i < width; i++) {
            if (r % 4 != 0) row[i] = floorf(row[i] / 4e3f); /* equals */
            if (r % 5 == 3) row[i] = -INFINITY;
        }
        uint32_t place = alisa_random_next(&random) % width;
        if (r % 7 == 2) row[place] = NAN;
        if (r % 7 == 5) row[place] = INFINITY;
    }
    AlisaBuffer from = guarded(x, count), to = {0};
    int32_t got[64];
    assert_true(rows < 64);
    require(alisa_buffer_create(device, sizeof got, ALISA_BUFFER_READ_WRITE, "test", &to, &error),
            &error);
    memset(got, 0x55, sizeof got);
    require(alisa_buffer_write(device, &to, 0, got, sizeof got, &error), &error);
    require(alisa_ops_likeliest(by, inside(&from), rows, width, &to, &error), &error);
    require(alisa_buffer_read(device, &to, 0, got, sizeof got, &error), &error);
    for (uint32_t r = 0; r < rows; r++)
        assert_int_equal(got[r], oracle_likeliest(x + (uint64_t)r * width, width));
    assert_int_equal(got[rows], 0x55555555);
    alisa_buffer_destroy(&from);
    alisa_buffer_destroy(&to);
    free(x);
}

static void test_likeliest(void **state) {
    (void)state;
    static const uint32_t groups[] = {1, 64, 256};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        AlisaError error;
        AlisaOps *by;
        AlisaOpsParameters parameters = *alisa_ops_parameters(ops);
        parameters.row.group = groups[g];
        require(alisa_ops_create(device, &parameters, &by, &error), &error);
        for (size_t r = 0; r < ROW_COUNTS; r++)
            for (size_t c = 0; c < COLUMNS; c++) {
                if (small && row_counts[r] * columns[c] > 400) continue;
                check_likeliest(by, row_counts[r], columns[c], (uint32_t)(100 * r + c));
            }
        alisa_ops_destroy(by);
    }
}

static void test_outside_is_refused(void **state) {
    (void)state;
    AlisaError error;
    AlisaBuffer buffer = guarded(NULL, 64);
    AlisaVector x = inside(&buffer);
    assert_int_equal(alisa_ops_rms_norm(ops, x, x, 1e-5f, 2, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_silu_product(ops, x, x, 2, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_gather_rows(ops, x, &buffer, 2, 64, x, &error),
                     ALISA_ERROR_ARGUMENT);
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
    const char *asked = getenv("ALISA_TEST_SMALL");
    small = asked && strcmp(asked, "0") != 0;
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
        cmocka_unit_test(test_rms_norm),           cmocka_unit_test(test_silu_product),
        cmocka_unit_test(test_gather_rows),        cmocka_unit_test(test_likeliest),
        cmocka_unit_test(test_outside_is_refused),
    };
    return cmocka_run_group_tests_name("ewise", tests, open_device, close_device);
}
