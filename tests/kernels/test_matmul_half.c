/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product of halves against a twin that rounds as it does: every weight type it is for, tiles
 * and shapes that do not fit each other, activations from tiny to huge, and what is no number.
 * Where the device does not compute with halves, floats that are rounded take their place.
 * ALISA_TEST_SMALL=1 keeps to small shapes (for oclgrind, which is a hundred times slower).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "on_device.h"
#include "ops/ops.h"
#include "oracle/halves.h"
#include "oracle/matmul.h"
#include "oracle/quant.h"
#include "skip.h"
#include "weights.h"

/* Each way that codes, scales and minima can go. */
static const uint32_t types[] = {ALISA_WEIGHT_Q8_0,  ALISA_WEIGHT_F16,  ALISA_WEIGHT_Q4_0,
                                 ALISA_WEIGHT_Q5_1,  ALISA_WEIGHT_Q2_K, ALISA_WEIGHT_Q6_K,
                                 ALISA_WEIGHT_IQ4_XS};
static const uint32_t op_types[] = {ALISA_FORMAT_Q8_0,  ALISA_FORMAT_F16,  ALISA_FORMAT_Q4_0,
                                    ALISA_FORMAT_Q5_1,  ALISA_FORMAT_Q2_K, ALISA_FORMAT_Q6_K,
                                    ALISA_FORMAT_IQ4_XS};
/* For tests that do not need them all: each is a program to build. */
enum { SOME_TYPES = 2, TYPES = sizeof types / sizeof *types, GUARD = 37 };
static const float guard = -12345.5f;

typedef struct Case {
    uint32_t type, outputs, columns, rows;
    OracleWeights weights;
    bool accumulate;
    uint32_t weight_offset, x_offset; /* bytes, floats */
    float x_size;                     /* 0: each of its own */
} Case;

static const AlisaMatmulParameters usual = {
    .tile_rows = 64, .tile_outputs = 64, .item_rows = 4, .item_outputs = 4, .depth = 16};

/* Whether scales are times small integers, which makes weights a thousand times as large. */
static bool has_parts(uint32_t type) {
    const AlisaCoding *coding = alisa_weight_type_info(type)->coding;
    return coding && coding->part;
}

/* Columns of a step: no more than share a scale. */
static uint32_t depth_of(const AlisaMatmulParameters *tile, uint32_t format) {
    return tile->depth > 16 && alisa_format_info(format)->parts > 1 ? 16 : tile->depth;
}

static AlisaOps *make_half_ops(const AlisaMatmulParameters *tile) {
    AlisaError error;
    AlisaOps *made;
    AlisaOpsParameters parameters;
    AlisaDeviceInfo info = *alisa_device_info(device);
    info.capabilities |= ALISA_CAPABILITY_FP16; /* the twin can do it */
    alisa_ops_parameters_in(&info, ALISA_LAYOUT_GROUP, &parameters);
    for (uint32_t t = 0; t < TYPES; t++) {
        const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, op_types[t]};
        AlisaMatmulParameters *matmul = &parameters.matmul[op_types[t]];
        matmul->tile_rows = tile->tile_rows;
        matmul->tile_outputs = tile->tile_outputs;
        matmul->item_rows = tile->item_rows;
        matmul->item_outputs = tile->item_outputs;
        matmul->depth = depth_of(tile, op_types[t]);
        matmul->from = 1;
        matmul->activations = ALISA_ACTIVATIONS_HALF;
        const char *wrong =
            alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), &info);
        if (wrong) fail_msg("%s", wrong);
    }
    require(alisa_ops_create(device, &parameters, &made, &error), &error);
    assert_true(alisa_ops_scratch_bytes(made) > 0);
    return made;
}

static bool is_fused(void) {
    return alisa_device_info(device)->capabilities & ALISA_CAPABILITY_FP16;
}

static float *make_x(const Case *c, AlisaRandom *random) {
    uint64_t count = c->x_offset + (uint64_t)c->rows * c->columns;
    float *x = allocate(count, sizeof *x);
    for (uint64_t i = 0; i < count; i++) {
        float value = alisa_random_normal(random);
        float size = c->x_size ? c->x_size : ldexpf(1, (int)alisa_random_below(random, 60) - 30);
        /* Large weights meet activations of one sign: everything cancels in the sums. */
        x[i] = size * (c->weights == ORACLE_WEIGHTS_LARGE ? 1 + 1e-3f * value : value);
    }
    return x;
}

/* The results, `count` of them after a guard, which is freed. */
static float *multiply(AlisaOps *with, const Case *c, const uint8_t *weights, const float *x,
                       const float *add) {
    AlisaError error;
    uint64_t count = (uint64_t)c->rows * c->outputs;
    float *y = allocate(count + 2 * GUARD, sizeof *y);
    for (uint64_t i = 0; i < count + 2 * GUARD; i++)
        y[i] = i < GUARD || i >= GUARD + count ? guard : add ? add[i - GUARD] : NAN;
    AlisaBuffer w_buffer;
    AlisaMatrix matrix;
    require(upload_weights(device, c->type, weights, c->outputs, c->columns, c->weight_offset,
                           &w_buffer, &matrix, &error),
            &error);
    AlisaBuffer x_buffer = upload(x, (c->x_offset + (uint64_t)c->rows * c->columns) * sizeof *x);
    AlisaBuffer y_buffer = upload(y, (count + 2 * GUARD) * sizeof *y);
    require(alisa_ops_matmul(with, &matrix, (AlisaVector){&x_buffer, c->x_offset}, c->rows,
                             (AlisaVector){&y_buffer, GUARD}, add != NULL, &error),
            &error);
    require(alisa_buffer_read(device, &y_buffer, 0, y, (count + 2 * GUARD) * sizeof *y, &error),
            &error);
    for (uint64_t i = 0; i < GUARD; i++)
        assert_true(y[i] == guard && y[GUARD + count + i] == guard);
    release(&w_buffer);
    release(&x_buffer);
    release(&y_buffer);
    memmove(y, y + GUARD, count * sizeof *y);
    return y;
}

static void check_case(AlisaOps *with, uint32_t depth, const Case *c) {
    AlisaRandom random;
    alisa_random_seed(&random, c->type * 1000003u + c->outputs * 101 + c->columns + c->rows);
    uint64_t row_bytes = alisa_weight_type_row_bytes(c->type, c->columns);
    uint64_t count = (uint64_t)c->rows * c->outputs;
    uint8_t *weights = allocate(c->outputs * row_bytes, 1);
    for (uint32_t n = 0; n < c->outputs; n++)
        oracle_make_row(c->type, c->weights, c->columns, &random, weights + n * row_bytes);
    float *x = make_x(c, &random), *add = c->accumulate ? allocate(count, sizeof *add) : NULL;
    for (uint64_t i = 0; add && i < count; i++)
        add[i] = 3 * alisa_random_normal(&random);
    double *sums = allocate(count, sizeof *sums), *bounds = allocate(count, sizeof *bounds);
    double *losses = allocate(count, sizeof *losses), *exact = allocate(count, sizeof *exact);
    oracle_matmul(c->type, weights, c->outputs, c->columns, x + c->x_offset, c->rows, add, exact,
                  bounds);
    oracle_matmul_half(c->type, weights, c->outputs, c->columns, x + c->x_offset, c->rows, add,
                       depth, is_fused(), sums, bounds, losses);
    float *y = multiply(with, c, weights, x, add);
    for (uint64_t i = 0; i < count; i++) {
        if (!(fabs(sums[i] - exact[i]) <= losses[i] + 1e-12 * fabs(exact[i])))
            fail_msg("the twin is %g from the product of floats, not %g", sums[i] - exact[i],
                     losses[i]);
        if (!(fabs(y[i] - sums[i]) <= bounds[i]))
            fail_msg("%s %ux%u, %u rows, weights %d, x %g, depth %u: y[%llu][%llu] is %g, not %g "
                     "+- %g",
                     alisa_weight_type_info(c->type)->name, c->outputs, c->columns, c->rows,
                     c->weights, c->x_size, depth, (unsigned long long)(i / c->outputs),
                     (unsigned long long)(i % c->outputs), y[i], sums[i], bounds[i]);
    }
    free(weights);
    free(x);
    free(add);
    free(sums);
    free(bounds);
    free(losses);
    free(exact);
    free(y);
}

static void check_shapes(const AlisaMatmulParameters *tile, uint32_t type_count,
                         const uint32_t *row_counts) {
    static const struct {
        uint32_t outputs, columns;
    } shapes[] = {{1, 32}, {3, 64},    {33, 96},  {64, 64}, {35, 100},
                  {70, 7}, {130, 352}, {65, 545}, {35, 256}};
    AlisaOps *with = make_half_ops(tile);
    for (uint32_t t = 0; t < type_count; t++)
        for (uint32_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            uint32_t outputs = shapes[s].outputs, columns = shapes[s].columns;
            if (columns % alisa_weight_type_info(types[t])->block_elements) continue;
            if (small && (outputs > 35 || columns > 64) && columns != 7) continue;
            for (const uint32_t *rows = row_counts; *rows; rows++) {
                bool even = (s + *rows) % 2;
                const Case c = {
                    types[t],       outputs,       columns,      *rows, ORACLE_WEIGHTS_RANDOM,
                    *rows % 3 == 0, even ? 32 : 6, even ? 8 : 3, 1};
                check_case(with, depth_of(tile, op_types[t]), &c);
            }
        }
    alisa_ops_destroy(with);
}

static void test_shapes(void **state) {
    (void)state;
    static const uint32_t rows[] = {1, 12, 37, 70, 0}, small_rows[] = {13, 0};
    check_shapes(&usual, TYPES, small ? small_rows : rows);
}

static void test_tiles(void **state) {
    (void)state;
    static const AlisaMatmulParameters tiles[] = {
        {.tile_rows = 64, .tile_outputs = 32, .item_rows = 8, .item_outputs = 4, .depth = 32},
        {.tile_rows = 16, .tile_outputs = 32, .item_rows = 4, .item_outputs = 8, .depth = 8},
        {.tile_rows = 32, .tile_outputs = 48, .item_rows = 8, .item_outputs = 8, .depth = 32},
        {.tile_rows = 4, .tile_outputs = 4, .item_rows = 4, .item_outputs = 4, .depth = 4},
    };
    static const uint32_t rows[] = {2, 33, 70, 0}, small_rows[] = {3, 0};
    for (uint32_t i = 0; i < (small ? 1 : sizeof tiles / sizeof *tiles); i++)
        check_shapes(&tiles[i], SOME_TYPES, small ? small_rows : rows);
}

/* Weights chosen to hurt, with activations of every size and of different ones in each block. */
static void test_sizes(void **state) {
    (void)state;
    static const float sizes[] = {1, 0, 1e4f, 1e30f, 1e-20f, 1e-32f};
    AlisaOps *with = make_half_ops(&usual);
    for (uint32_t t = 0; t < TYPES; t++)
        for (int kind = 0; kind < ORACLE_WEIGHTS_COUNT; kind++)
            for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                if (small && (kind > 0 || i > 1)) continue; /* the same loads and stores */
                if (has_parts(types[t]) && sizes[i] > 1e20f) continue; /* no float holds sums */
                uint32_t least = alisa_weight_type_info(types[t])->block_elements;
                uint32_t columns = !small ? 512 : least > 64 ? least : 64;
                const Case c = {types[t], small ? 5 : 40, columns, 13, kind, false, 64,
                                0,        sizes[i]};
                check_case(with, usual.depth, &c);
            }
    alisa_ops_destroy(with);
}

/* More rows than fit in the scratch. */
static void test_scratch(void **state) {
    (void)state;
    static const Case c = {ALISA_WEIGHT_Q4_0, 3, 3200, 1400, ORACLE_WEIGHTS_RANDOM, true, 34, 3, 1};
    static const AlisaMatmulParameters tile = {
        .tile_rows = 64, .tile_outputs = 4, .item_rows = 8, .item_outputs = 4, .depth = 32};
    if (small) skip_because(SMALL_SHAPES);
    AlisaOps *with = make_half_ops(&tile);
    check_case(with, tile.depth, &c);
    alisa_ops_destroy(with);
}

/* Rows with an infinity and with what is no number are no numbers; zeros, and what is next to
 * nothing, are 0; the largest floats and their neighbours are numbers. */
static void test_no_numbers(void **state) {
    (void)state;
    enum {
        ROWS = 6,
        COLUMNS = 256,
        OUTPUTS = 35,
        INFINITE = 0,
        NOT_A_NUMBER = 2,
        NOTHING = 3,
        LARGEST = 4
    };
    AlisaOps *with = make_half_ops(&usual);
    for (uint32_t t = 0; t < TYPES; t++) {
        if (has_parts(types[t])) continue; /* with the largest floats no float holds sums */
        const Case c = {.type = types[t], .outputs = OUTPUTS, .columns = COLUMNS, .rows = ROWS};
        AlisaRandom random;
        float x[ROWS][COLUMNS];
        uint64_t row_bytes = alisa_weight_type_row_bytes(c.type, COLUMNS);
        uint8_t *weights = allocate(OUTPUTS, row_bytes);
        alisa_random_seed(&random, 7);
        for (uint32_t n = 0; n < OUTPUTS; n++)
            oracle_make_row(c.type, ORACLE_WEIGHTS_SUBNORMAL, COLUMNS, &random,
                            weights + n * row_bytes);
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t k = 0; k < COLUMNS; k++)
                x[r][k] = r == NOTHING   ? (float)(k % 3) * 1e-38f
                          : r == LARGEST ? 3e38f
                                         : alisa_random_normal(&random);
        x[INFINITE][40] = INFINITY;
        x[NOT_A_NUMBER][95] = NAN;
        float *y = multiply(with, &c, weights, x[0], NULL);
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t n = 0; n < OUTPUTS; n++) {
                float sum = y[r * OUTPUTS + n];
                if (r == INFINITE || r == NOT_A_NUMBER)
                    assert_true(isnan(sum));
                else
                    assert_true(isfinite(sum) && (r != NOTHING || sum == 0.0f));
            }
        free(weights);
        free(y);
    }
    alisa_ops_destroy(with);
}

/* Sums that no half holds are no numbers; that nothing brings them back. */
static void test_overflow(void **state) {
    (void)state;
    enum { ROWS = 2, COLUMNS = 64, OUTPUTS = 5, FINE = 3 };
    const Case c = {.type = ALISA_WEIGHT_F16, .outputs = OUTPUTS, .columns = COLUMNS, .rows = ROWS};
    uint16_t weights[OUTPUTS][COLUMNS];
    float x[ROWS][COLUMNS];
    for (uint32_t n = 0; n < OUTPUTS; n++)
        for (uint32_t k = 0; k < COLUMNS; k++) /* large ones, and then the same less */
            weights[n][k] =
                alisa_half_from_float((n == FINE ? 1e3f : 6e4f) * (k % 16 < 8 ? 1 : -1));
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t k = 0; k < COLUMNS; k++)
            x[r][k] = 0.9f;
    AlisaOps *with = make_half_ops(&usual);
    float *y = multiply(with, &c, (const uint8_t *)weights, x[0], NULL);
    for (uint32_t i = 0; i < ROWS * OUTPUTS; i++)
        assert_int_equal(isfinite(y[i]) != 0, i % OUTPUTS == FINE);
    free(y);
    alisa_ops_destroy(with);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),     cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_scratch),
        cmocka_unit_test(test_no_numbers), cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
