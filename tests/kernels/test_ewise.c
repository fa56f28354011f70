/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Norms, activations, sums, row gather and the largest of a row against their oracles: rows that
 * fit no vector, worst-case values, in place, offsets, guards around the output. ALISA_TEST_SMALL=1
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

/* Values on both sides: for the oracle, and on the device between guards. */
typedef struct Operand {
    float *values;
    AlisaBuffer buffer;
} Operand;

static Operand operand(AlisaRandom *random, uint64_t count, Values kind) {
    Operand made = {random_values(random, count, kind), {0}};
    made.buffer = guarded(made.values, count);
    return made;
}

static void drop(Operand *operand) {
    alisa_buffer_destroy(&operand->buffer);
    free(operand->values);
}

/* What an operation with an optional operand is given. */
static AlisaVector given(bool is_there, const Operand *operand) {
    return is_there ? inside(&operand->buffer) : (AlisaVector){0};
}

typedef struct NormCase {
    AlisaNorm kind;
    bool has_bias, accumulates, in_place;
    uint32_t weight_rows;
    Values values;
} NormCase;

static void check_norm(AlisaOps *by, uint32_t rows, uint32_t width, const NormCase *c) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, rows * 10000 + width);
    uint64_t count = (uint64_t)rows * width;
    Operand x = operand(&random, count, c->values), y = operand(&random, count, VALUES_NORMAL);
    Operand weight = operand(&random, (uint64_t)c->weight_rows * width, VALUES_NORMAL);
    Operand bias = operand(&random, width, VALUES_NORMAL);
    double *expected = malloc(count * sizeof *expected), *bounds = malloc(count * sizeof *bounds);
    assert_true(expected && bounds);
    float epsilon = c->values == VALUES_TINY ? 1e-12f : 1e-5f;
    Operand *target = c->in_place ? &x : &y;
    const OracleNorm oracle = {c->kind,
                               epsilon,
                               weight.values,
                               c->weight_rows,
                               c->has_bias ? bias.values : NULL,
                               c->accumulates ? target->values : NULL};
    oracle_norm(&oracle, x.values, rows, width, expected, bounds);
    const AlisaNormalisation how = {.kind = c->kind,
                                    .epsilon = epsilon,
                                    .weight = inside(&weight.buffer),
                                    .weight_rows = c->weight_rows,
                                    .bias = given(c->has_bias, &bias),
                                    .accumulate = c->accumulates};
    require(
        alisa_ops_norm(by, &how, inside(&x.buffer), rows, width, inside(&target->buffer), &error),
        &error);
    char what[160];
    snprintf(what, sizeof what,
             "norm %d of %u x %u, values %d, bias %d, added %d, in place %d, %u rows of weights, "
             "group %u",
             (int)c->kind, rows, width, (int)c->values, c->has_bias, c->accumulates, c->in_place,
             c->weight_rows, alisa_ops_parameters(by)->row.group);
    check(what, &target->buffer, expected, bounds, count);
    drop(&x);
    drop(&y);
    drop(&weight);
    drop(&bias);
    free(expected);
    free(bounds);
}

static void check_norms(AlisaOps *by) {
    uint32_t turn = 0;
    for (size_t r = 0; r < ROW_COUNTS; r++)
        for (size_t c = 0; c < COLUMNS; c++) {
            if (small && row_counts[r] * columns[c] > 400) continue;
            for (uint32_t kind = 0; kind < 2; kind++, turn++) {
                const NormCase one = {.kind = kind ? ALISA_NORM_LAYER : ALISA_NORM_RMS,
                                      .has_bias = turn / 2 % 2,
                                      .accumulates = turn / 4 % 2,
                                      .in_place = turn % 3 == 0,
                                      .weight_rows = turn % 5 == 0 ? 3 : 1,
                                      .values = (Values)(turn / 2 % VALUES)};
                check_norm(by, row_counts[r], columns[c], &one);
            }
        }
}

static void test_norm(void **state) {
    (void)state;
    static const uint32_t groups[] = {1, 64, 256};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        AlisaError error;
        AlisaOps *by;
        AlisaOpsParameters parameters = *alisa_ops_parameters(ops);
        parameters.row.group = groups[g];
        require(alisa_ops_create(device, &parameters, &by, &error), &error);
        check_norms(by);
        alisa_ops_destroy(by);
    }
}

/* parts: bit 0 up, bit 1 the bias of x, bit 2 the bias of up. */
static void check_activation(AlisaActivation activation, uint32_t rows, uint32_t width,
                             uint32_t parts, bool in_place) {
    /* Where exp(-x) overflows, where 1 + exp(-x) rounds to 1, and zeros of both signs. */
    static const float edges[] = {0.0f,   -0.0f,  1e-30f,  -1e-30f, 17.0f, -17.0f, 88.0f,
                                  -88.0f, -89.0f, -104.0f, 1e4f,    -1e4f, 3e38f,  -3e38f};
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, rows * 10000 + width + activation);
    uint64_t count = (uint64_t)rows * width;
    Operand x = operand(&random, count, VALUES_NORMAL), up = operand(&random, count, VALUES_NORMAL);
    Operand x_bias = operand(&random, width, VALUES_NORMAL);
    Operand up_bias = operand(&random, width, VALUES_NORMAL);
    Operand y = operand(&random, count, VALUES_NORMAL), *target = in_place ? &x : &y;
    double *expected = malloc(count * sizeof *expected), *bounds = malloc(count * sizeof *bounds);
    assert_true(expected && bounds);
    bool gated = parts & 1;
    const OracleActivated oracle = {activation, x.values, parts & 2 ? x_bias.values : NULL,
                                    gated ? up.values : NULL,
                                    gated && parts & 4 ? up_bias.values : NULL};
    for (uint64_t i = 0; i < count; i++)
        x.values[i] = i % 3 == 1 ? edges[i / 3 % (sizeof edges / sizeof *edges)] : 8 * x.values[i];
    oracle_activate(&oracle, rows, width, expected, bounds);
    /* What leaves the range of floats is infinite there, or what comes of that. */
    for (uint64_t i = 0; i < count; i++)
        if (fabs(expected[i]) > 1e37 || fabs((double)x.values[i]) > 1e37) x.values[i] = 0.5f;
    oracle_activate(&oracle, rows, width, expected, bounds);
    alisa_buffer_destroy(&x.buffer);
    x.buffer = guarded(x.values, count);
    const AlisaActivated what = {activation, inside(&x.buffer), given(parts & 2, &x_bias),
                                 given(gated, &up), given(parts & 4, &up_bias)};
    require(alisa_ops_activate(ops, &what, rows, width, inside(&target->buffer), &error), &error);
    char text[96];
    snprintf(text, sizeof text, "activation %d of %u x %u, parts %u", (int)activation, rows, width,
             parts);
    check(text, &target->buffer, expected, bounds, count);
    drop(&x);
    drop(&up);
    drop(&x_bias);
    drop(&up_bias);
    drop(&y);
    free(expected);
    free(bounds);
}

static void test_activations(void **state) {
    (void)state;
    for (uint32_t activation = 0; activation < ALISA_ACTIVATION_SILU_CLAMPED; activation++)
        for (size_t r = 0; r < ROW_COUNTS; r++)
            for (size_t c = 0; c < COLUMNS; c++) {
                if (small && row_counts[r] * columns[c] > 400) continue;
                uint32_t turn = (uint32_t)(r * COLUMNS + c);
                check_activation((AlisaActivation)activation, row_counts[r], columns[c], turn % 8,
                                 turn % 2);
            }
}

static void test_biases(void **state) {
    (void)state;
    for (uint32_t count = 1; count <= 3; count++)
        for (size_t r = 0; r < ROW_COUNTS; r++)
            for (size_t c = 0; c + 2 < COLUMNS; c++) {
                AlisaRandom random;
                AlisaError error;
                Operand y[3], bias[3];
                AlisaBiased biased[3];
                alisa_random_seed(&random, r * 100 + c);
                for (uint32_t i = 0; i < count; i++) {
                    uint32_t width = columns[(c + 3 * i) % (COLUMNS - 2)];
                    y[i] = operand(&random, (uint64_t)row_counts[r] * width, VALUES_LARGE);
                    bias[i] = operand(&random, width, VALUES_LARGE);
                    biased[i] = (AlisaBiased){inside(&y[i].buffer), inside(&bias[i].buffer), width};
                }
                require(alisa_ops_add_bias_each(ops, biased, count, row_counts[r], &error), &error);
                for (uint32_t i = 0; i < count; i++) {
                    uint64_t elements = (uint64_t)row_counts[r] * biased[i].columns;
                    double *expected = calloc(elements, sizeof *expected);
                    double *bounds = calloc(elements, sizeof *bounds);
                    assert_true(expected && bounds);
                    for (uint64_t j = 0; j < elements; j++)
                        expected[j] = y[i].values[j] + bias[i].values[j % biased[i].columns];
                    check("add_bias", &y[i].buffer, expected, bounds, elements);
                    free(expected);
                    free(bounds);
                    drop(&y[i]);
                    drop(&bias[i]);
                }
            }
}

/* y += x / 4, and y = cap tanh(y / 4 / cap) or y / 4: a product with a power of two rounds nothing.
 */
static void check_sums(uint32_t rows, uint32_t width, float cap) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, rows * 100 + width);
    uint64_t count = (uint64_t)rows * width;
    Operand x = operand(&random, count, VALUES_LARGE), y = operand(&random, count, VALUES_LARGE);
    double *expected = malloc(count * sizeof *expected), *bounds = calloc(count, sizeof *bounds);
    assert_true(expected && bounds);
    require(alisa_ops_add(ops, inside(&x.buffer), 0.25f, rows, width, inside(&y.buffer), &error),
            &error);
    for (uint64_t i = 0; i < count; i++) {
        y.values[i] = fmaf(0.25f, x.values[i], y.values[i]);
        expected[i] = y.values[i];
    }
    check("add", &y.buffer, expected, bounds, count);
    require(alisa_ops_scale(ops, inside(&y.buffer), 0.25f, cap, rows, width, &error), &error);
    oracle_scale(y.values, 0.25f, cap, count, expected, bounds);
    check("scale", &y.buffer, expected, bounds, count);
    drop(&x);
    drop(&y);
    free(expected);
    free(bounds);
}

static void test_sums(void **state) {
    (void)state;
    for (size_t r = 0; r < ROW_COUNTS; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (!small || row_counts[r] * columns[c] <= 400)
                check_sums(row_counts[r], columns[c], c % 2 ? 3000.0f : 0.0f);
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
    const AlisaNormalisation norm = {.weight = x, .bias = x};
    const AlisaNormalisation weights = {.weight = x, .weight_rows = 2};
    const AlisaActivated activated = {.x = x};
    const AlisaBiased biased = {x, x, 64};
    assert_int_equal(alisa_ops_norm(ops, &norm, x, 2, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_norm(ops, &weights, x, 1, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_activate(ops, &activated, 2, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_add_bias_each(ops, &biased, 1, 2, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_add(ops, x, 1.0f, 2, 64, x, &error), ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_ops_scale(ops, x, 1.0f, 0.0f, 2, 64, &error), ALISA_ERROR_ARGUMENT);
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
    small = getenv("ALISA_TEST_SMALL") != NULL;
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
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_biases),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_gather_rows),
        cmocka_unit_test(test_likeliest),
        cmocka_unit_test(test_outside_is_refused),
    };
    return cmocka_run_group_tests_name("ewise", tests, open_device, close_device);
}
