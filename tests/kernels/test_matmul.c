/*
 * The matrix product against its oracle: every weight type, layout and number of rows, shapes that
 * fit no tile, weights and activations chosen to hurt, offsets, and guards around the output.
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

#include "ops/ops.h"
#include "oracle/matmul.h"
#include "oracle/quant.h"

enum { GUARD = 37 }; /* floats before and after y */
static const float guard = -12345.5f;

typedef struct Case {
    uint32_t type, outputs, columns, rows;
    OracleWeights weights;
    bool accumulate;
    uint32_t weight_offset, x_offset; /* bytes, floats */
} Case;

static AlisaDevice *device;
static bool small;
static bool int8; /* whether the operations under test have activations of 8 bits */

/* One of each kind of storage first, for tests that do not need the others: each type is a program
 * to build. */
static const uint32_t all_types[] = {ALISA_TENSOR_Q8_0, ALISA_TENSOR_F32, ALISA_TENSOR_F16,
                                     ALISA_TENSOR_BF16, ALISA_TENSOR_Q4_0};
enum { SOME_TYPES = 2, ALL_TYPES = sizeof all_types / sizeof *all_types };

static bool has_blocks(uint32_t type) {
    return alisa_tensor_type_info(type)->block_elements > 1;
}

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static AlisaBuffer upload(const void *data, uint64_t size) {
    AlisaError error;
    AlisaBuffer buffer = {0};
    require(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
            &error);
    require(alisa_buffer_write(device, &buffer, 0, data, size, &error), &error);
    return buffer;
}

static float *make_x(const Case *c, AlisaRandom *random) {
    uint64_t count = c->x_offset + (uint64_t)c->rows * c->columns;
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (uint64_t i = 0; i < count; i++) {
        float value = alisa_random_normal(random);
        /* Large weights meet large activations of one sign: everything cancels in the sums. */
        x[i] = c->weights == ORACLE_WEIGHTS_LARGE ? 1e4f * (1 + 1e-3f * value) : value;
        /* Codes are as large as they get, too. */
        if (c->weights == ORACLE_WEIGHTS_LOWEST) x[i] = i / c->columns % 2 ? -3 : 3;
    }
    return x;
}

/* What the floats' own product would be is no further off than rounding them allows. */
static void expect_int8(const Case *c, const uint8_t *weights, const float *x, const float *add,
                        double *sums, double *bounds) {
    uint64_t count = (uint64_t)c->rows * c->outputs;
    double *exact = malloc(count * sizeof *exact), *losses = malloc(count * sizeof *losses);
    assert_true(exact && losses);
    memcpy(exact, sums, count * sizeof *exact);
    oracle_matmul_int8(c->type, weights, c->outputs, c->columns, x, c->rows, add, sums, bounds,
                       losses);
    for (uint64_t i = 0; i < count; i++)
        assert_true(fabs(sums[i] - exact[i]) <= losses[i] * (1 + 1e-6) + 1e-12 * fabs(exact[i]));
    free(exact);
    free(losses);
}

static void check_result(const Case *c, const float *y, const double *sums, const double *bounds) {
    uint64_t count = (uint64_t)c->rows * c->outputs;
    for (uint64_t i = 0; i < count; i++) {
        double off = fabs(y[GUARD + i] - sums[i]);
        if (!(off <= bounds[i])) {
            fail_msg("%s %ux%u, %u rows, weights %d, accumulate %d: y[%llu][%llu] is %g, not %g "
                     "+- %g",
                     alisa_tensor_type_info(c->type)->name, c->outputs, c->columns, c->rows,
                     c->weights, c->accumulate, (unsigned long long)(i / c->outputs),
                     (unsigned long long)(i % c->outputs), y[GUARD + i], sums[i], bounds[i]);
        }
    }
    for (uint64_t i = 0; i < GUARD; i++) {
        assert_true(y[i] == guard);
        assert_true(y[GUARD + count + i] == guard);
    }
}

static void check_case(AlisaOps *ops, const Case *c) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, c->type * 1000003u + c->outputs * 101 + c->columns + c->rows);

    uint64_t row_bytes = oracle_row_bytes(c->type, c->columns);
    uint64_t weight_bytes = c->weight_offset + c->outputs * row_bytes;
    uint64_t count = (uint64_t)c->rows * c->outputs, x_count = (uint64_t)c->rows * c->columns;
    uint8_t *weights = malloc(weight_bytes);
    float *x = make_x(c, &random), *y = malloc((count + 2 * GUARD) * sizeof *y);
    double *sums = malloc(count * sizeof *sums), *bounds = malloc(count * sizeof *bounds);
    assert_true(weights && y && sums && bounds);
    memset(weights, 0x7f, c->weight_offset);
    for (uint32_t n = 0; n < c->outputs; n++)
        oracle_make_row(c->type, c->weights, c->columns, &random,
                        weights + c->weight_offset + n * row_bytes);
    for (uint64_t i = 0; i < count + 2 * GUARD; i++) {
        bool outside = i < GUARD || i >= GUARD + count;
        y[i] = outside ? guard : c->accumulate ? 3 * alisa_random_normal(&random) : NAN;
    }
    oracle_matmul(c->type, weights + c->weight_offset, c->outputs, c->columns, x + c->x_offset,
                  c->rows, c->accumulate ? y + GUARD : NULL, sums, bounds);
    if (int8)
        expect_int8(c, weights + c->weight_offset, x + c->x_offset,
                    c->accumulate ? y + GUARD : NULL, sums, bounds);

    AlisaBuffer w_buffer = upload(weights, weight_bytes);
    AlisaBuffer x_buffer = upload(x, (c->x_offset + x_count) * sizeof *x);
    AlisaBuffer y_buffer = upload(y, (count + 2 * GUARD) * sizeof *y);
    const AlisaMatrix matrix = {&w_buffer, c->weight_offset, c->type, c->outputs, c->columns};
    require(alisa_ops_matmul(ops, &matrix, (AlisaVector){&x_buffer, c->x_offset}, c->rows,
                             (AlisaVector){&y_buffer, GUARD}, c->accumulate, &error),
            &error);
    require(alisa_buffer_read(device, &y_buffer, 0, y, (count + 2 * GUARD) * sizeof *y, &error),
            &error);
    check_result(c, y, sums, bounds);

    alisa_buffer_destroy(&w_buffer);
    alisa_buffer_destroy(&x_buffer);
    alisa_buffer_destroy(&y_buffer);
    free(weights);
    free(x);
    free(y);
    free(sums);
    free(bounds);
}

/* The first `type_count` types over odd shapes and numbers of rows; each row count on one shape
 * where nothing is aligned and on one where everything is. */
static void check_shapes(AlisaOps *ops, uint32_t type_count, const uint32_t *row_counts) {
    static const struct {
        uint32_t outputs, columns;
    } shapes[] = {{1, 32}, {3, 64}, {33, 96}, {64, 64}, {35, 100}, {70, 7}, {130, 352}, {65, 544}};
    for (uint32_t t = 0; t < type_count; t++) {
        if (int8 && !has_blocks(all_types[t])) continue;
        for (uint32_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            uint32_t outputs = shapes[s].outputs, columns = shapes[s].columns;
            if (has_blocks(all_types[t]) && columns % 32) continue;
            if (small && (outputs > 35 || columns > 64) && columns != 7) continue;
            for (const uint32_t *rows = row_counts; *rows; rows++) {
                bool even = (s + *rows) % 2;
                const Case c = {all_types[t],
                                outputs,
                                columns,
                                *rows,
                                ORACLE_WEIGHTS_RANDOM,
                                *rows % 3 == 0,
                                even           ? 32
                                : all_types[t] ? 6
                                               : 12,
                                even ? 8 : 3};
                check_case(ops, &c);
            }
        }
    }
}

static void check_worst(AlisaOps *ops, uint32_t rows) {
    for (uint32_t t = 0; t < ALL_TYPES; t++) {
        if (int8 && !has_blocks(all_types[t])) continue;
        for (int kind = 1; kind < ORACLE_WEIGHTS_COUNT; kind++) {
            const Case c = {
                all_types[t], small ? 5 : 40, small ? 64 : 512, rows, kind, false, 64, 0};
            check_case(ops, &c);
        }
    }
}

/* from: rows from which matmul is taken; 1: always. */
static AlisaOps *make_ops(AlisaLayout layout, uint32_t group, uint32_t from) {
    AlisaError error;
    AlisaOps *ops;
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    for (uint32_t type = 0; type < ALISA_OPS_TYPE_COUNT; type++) {
        parameters.matvec[type].group = group;
        parameters.matmul[type].from = from;
    }
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    return ops;
}

static AlisaOps *make_checked_ops(const AlisaOpsParameters *wanted) {
    AlisaError error;
    AlisaOps *ops;
    AlisaOpsParameters parameters = *wanted;
    AlisaParameterSet set;
    for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
        const char *wrong = alisa_parameter_set_check(
            &set, alisa_parameter_values(&parameters, &set), alisa_device_info(device));
        if (wrong) fail_msg("%s", wrong);
    }
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    return ops;
}

static AlisaOpsParameters int8_parameters(AlisaLayout layout, uint32_t from, uint32_t single,
                                          uint32_t several) {
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    for (uint32_t type = ALISA_OPS_Q8_0; type <= ALISA_OPS_Q4_0; type++) {
        parameters.matvec[type].activations = ALISA_ACTIVATIONS_INT8;
        parameters.matvec[type].single = single;
        parameters.matvec[type].several = several;
        parameters.matmul[type].activations = ALISA_ACTIVATIONS_INT8;
        parameters.matmul[type].from = from;
        /* Products of more than one part of the columns. */
        if (layout == ALISA_LAYOUT_ITEM) parameters.matmul[type].depth = 64;
    }
    return parameters;
}

static AlisaOps *make_int8_ops(AlisaLayout layout, uint32_t from, uint32_t single,
                               uint32_t several) {
    const AlisaOpsParameters parameters = int8_parameters(layout, from, single, several);
    AlisaOps *ops = make_checked_ops(&parameters);
    assert_true(alisa_ops_scratch_bytes(ops) > 0);
    return ops;
}

/* With the parameters for devices of a type. Products of fewer than 32^3 multiplications go to
 * CLBlast's kernel for small ones. */
static AlisaOps *make_clblast_ops(AlisaDeviceType device_type, uint32_t gemmk) {
    AlisaError error;
    AlisaOps *ops;
    AlisaOpsParameters parameters;
    AlisaDeviceInfo info = *alisa_device_info(device);
    info.type = device_type;
    alisa_ops_parameters_in(&info, ALISA_LAYOUT_CLBLAST, &parameters);
    for (uint32_t type = 0; type < ALISA_OPS_TYPE_COUNT; type++) {
        const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, type};
        parameters.matmul[type].from = 1;
        parameters.matmul[type].clblast.indirect = 32;
        parameters.matmul[type].clblast.gemmk = gemmk;
        const char *wrong =
            alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), &info);
        if (wrong) fail_msg("%s", wrong);
    }
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    return ops;
}

static const uint32_t few_rows[] = {1, 2, 3, 8, 0};
static const uint32_t other_rows[] = {4, 5, 6, 7, 0};
static const uint32_t many_rows[] = {1, 9, 12, 13, 16, 20, 37, 130, 0};
static const uint32_t small_rows[] = {1, 3, 0};
static const uint32_t small_many_rows[] = {13, 0};

static void test_matvec_item(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 9);
    check_shapes(ops, ALL_TYPES, small ? small_rows : few_rows);
    if (!small) check_shapes(ops, SOME_TYPES, other_rows);
    check_worst(ops, 1);
    check_worst(ops, 3);
    alisa_ops_destroy(ops);
}

static void test_matvec_group(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_GROUP, 64, 9);
    check_shapes(ops, ALL_TYPES, small ? small_rows : few_rows);
    if (!small) check_shapes(ops, SOME_TYPES, other_rows);
    check_worst(ops, 1);
    check_worst(ops, 3);
    alisa_ops_destroy(ops);
}

static void test_matvec_group_sizes(void **state) {
    (void)state;
    static const uint32_t groups[] = {32, 256}, rows[] = {3, 0};
    for (uint32_t i = 0; i < (small ? 1 : 2); i++) {
        AlisaOps *ops = make_ops(ALISA_LAYOUT_GROUP, groups[i], 9);
        check_shapes(ops, SOME_TYPES, rows);
        alisa_ops_destroy(ops);
    }
}

/* The other way to add up, where the device has lanes that are the default. */
static void test_matvec_group_without_lanes(void **state) {
    (void)state;
    AlisaError error;
    AlisaOps *ops;
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), ALISA_LAYOUT_GROUP, &parameters);
    if (!parameters.matvec[ALISA_OPS_Q8_0].lanes) {
        print_message("the device has no lanes that add up by themselves\n");
        skip();
    }
    for (uint32_t type = 0; type < ALISA_OPS_TYPE_COUNT; type++)
        parameters.matvec[type].lanes = 0;
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    check_shapes(ops, ALL_TYPES, few_rows);
    alisa_ops_destroy(ops);
}

static void test_matmul_item(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 1);
    check_shapes(ops, ALL_TYPES, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

static void test_matmul_group(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_GROUP, 64, 1);
    check_shapes(ops, ALL_TYPES, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

/* The default, one tile of few rows by warps of every shape, and one of warps that share sums. */
static void test_matmul_matrix(void **state) {
    (void)state;
    static const AlisaMatmulParameters tiles[] = {
        {.tile_rows = 16,
         .tile_outputs = 32,
         .depth = 64,
         .warp_rows = 8,
         .warp_outputs = 32,
         .few_outputs = 16,
         .few_depth = 32,
         .few_parts = 1},
        {.tile_rows = 64,
         .tile_outputs = 128,
         .depth = 32,
         .warp_rows = 32,
         .warp_outputs = 32,
         .few_outputs = 16,
         .few_depth = 128,
         .few_parts = 2},
    };
    const AlisaDeviceInfo *info = alisa_device_info(device);
    if (!(info->capabilities & ALISA_CAPABILITY_PTX)) {
        print_message("the device has no matrix instructions\n");
        skip();
    }
    AlisaOps *ops = make_ops(ALISA_LAYOUT_MATRIX, 64, 1);
    check_shapes(ops, ALL_TYPES, many_rows);
    check_worst(ops, 13);
    check_worst(ops, 130);
    alisa_ops_destroy(ops);
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        AlisaError error;
        AlisaOpsParameters parameters;
        alisa_ops_parameters_in(info, ALISA_LAYOUT_GROUP, &parameters);
        const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, ALISA_OPS_Q8_0};
        for (uint32_t type = 0; type < ALISA_OPS_TYPE_COUNT; type++) {
            if (!alisa_matrix_multiplies(type, info)) continue;
            parameters.matmul[type] = tiles[i];
            parameters.matmul[type].layout = ALISA_LAYOUT_MATRIX;
            parameters.matmul[type].from = 1;
        }
        const char *wrong =
            alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), info);
        if (wrong) fail_msg("%s", wrong);
        require(alisa_ops_create(device, &parameters, &ops, &error), &error);
        check_shapes(ops, ALL_TYPES, many_rows);
        check_worst(ops, 37);
        alisa_ops_destroy(ops);
    }
}

static void test_matmul_clblast(void **state) {
    (void)state;
    if (!alisa_device_has_sgemm()) skip();
    AlisaOps *ops = make_clblast_ops(ALISA_DEVICE_CPU, 0);
    check_shapes(ops, ALL_TYPES, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

/* Through local memory; with columns in registers. */
static void test_matmul_clblast_on_gpus(void **state) {
    (void)state;
    static const uint32_t some_rows[] = {13, 130, 0};
    if (!alisa_device_has_sgemm() || small) skip();
    for (uint32_t gemmk = 0; gemmk < 2; gemmk++) {
        AlisaOps *ops = make_clblast_ops(ALISA_DEVICE_GPU, gemmk);
        check_shapes(ops, SOME_TYPES, some_rows);
        alisa_ops_destroy(ops);
    }
}

/* More of everything than CLBlast is given at a time. */
static void test_matmul_clblast_blocks(void **state) {
    (void)state;
    static const Case cases[] = {
        {ALISA_TENSOR_Q4_0, 2083, 1056, 3, ORACLE_WEIGHTS_RANDOM, true, 34, 3},
        {ALISA_TENSOR_F16, 2050, 519, 5, ORACLE_WEIGHTS_RANDOM, false, 6, 0},
        {ALISA_TENSOR_F32, 2050, 519, 5, ORACLE_WEIGHTS_RANDOM, true, 12, 1},
        {ALISA_TENSOR_Q8_0, 5, 544, 1030, ORACLE_WEIGHTS_RANDOM, false, 32, 3},
        {ALISA_TENSOR_F32, 7, 33, 520, ORACLE_WEIGHTS_RANDOM, true, 0, 0},
    };
    if (!alisa_device_has_sgemm() || small) skip();
    AlisaOps *ops = make_clblast_ops(alisa_device_info(device)->type, 0);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(ops, &cases[i]);
    alisa_ops_destroy(ops);
}

/* More rows than one matvec launch takes, when the parameters ask for it. */
static void test_matvec_many_rows(void **state) {
    (void)state;
    static const uint32_t rows[] = {9, 19, 0}; /* 5 + 4, 7 + 6 + 6 */
    if (small) return;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 33);
    check_shapes(ops, SOME_TYPES, rows);
    alisa_ops_destroy(ops);
}

static bool can_be_tested(AlisaLayout layout) {
    return !small || layout == ALISA_LAYOUT_GROUP; /* oclgrind crashes on vectors of vectors */
}

static const AlisaLayout byte_layouts[] = {ALISA_LAYOUT_ITEM, ALISA_LAYOUT_GROUP};
enum { BYTE_LAYOUTS = sizeof byte_layouts / sizeof *byte_layouts };

static void check_int8(AlisaLayout layout) {
    static const uint32_t rows[] = {1, 9, 19, 0}; /* 5 + 4, 7 + 6 + 6 */
    if (!can_be_tested(layout)) skip();
    int8 = true;
    AlisaOps *ops = make_int8_ops(layout, 9, 1, 2);
    check_worst(ops, 13); /* most rows first: see main */
    check_shapes(ops, ALL_TYPES, small ? small_many_rows : few_rows);
    if (small) check_shapes(ops, ALL_TYPES, small_rows);
    check_worst(ops, 1);
    check_worst(ops, 3);
    alisa_ops_destroy(ops);
    if (!small) {
        ops = make_int8_ops(layout, 1, 1, 2);
        check_shapes(ops, ALL_TYPES, many_rows);
        alisa_ops_destroy(ops);
        ops = make_int8_ops(layout, 33, 4, 3);
        check_shapes(ops, ALL_TYPES, rows);
        alisa_ops_destroy(ops);
    }
    int8 = false;
}

static void test_int8_item(void **state) {
    (void)state;
    check_int8(ALISA_LAYOUT_ITEM);
}

static void test_int8_group(void **state) {
    (void)state;
    check_int8(ALISA_LAYOUT_GROUP);
}

/* Tiles of other shapes than the default one, with steps of more than a block, and other groups. */
static void test_int8_tiles(void **state) {
    (void)state;
    static const AlisaMatmulParameters tiles[] = {
        {.tile_rows = 64, .tile_outputs = 32, .item_rows = 8, .item_outputs = 4, .depth = 64},
        {.tile_rows = 16, .tile_outputs = 64, .item_rows = 4, .item_outputs = 8, .depth = 32},
        {.tile_rows = 32, .tile_outputs = 48, .item_rows = 8, .item_outputs = 8, .depth = 128},
        {.tile_rows = 4, .tile_outputs = 4, .item_rows = 4, .item_outputs = 4, .depth = 8},
    };
    static const uint32_t groups[] = {32, 256, 1, 16};
    static const uint32_t rows[] = {2, 15, 33, 70, 0};
    if (small) skip();
    int8 = true;
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        for (uint32_t from = 1; from <= 16; from += 15) {
            AlisaOpsParameters parameters = int8_parameters(ALISA_LAYOUT_GROUP, from, 2, 4);
            for (uint32_t type = ALISA_OPS_Q8_0; type <= ALISA_OPS_Q4_0; type++) {
                AlisaMatmulParameters *matmul = &parameters.matmul[type];
                matmul->tile_rows = tiles[i].tile_rows;
                matmul->tile_outputs = tiles[i].tile_outputs;
                matmul->item_rows = tiles[i].item_rows;
                matmul->item_outputs = tiles[i].item_outputs;
                matmul->depth = tiles[i].depth;
                parameters.matvec[type].group = groups[i];
                parameters.matvec[type].lanes = 0;
            }
            AlisaOps *ops = make_checked_ops(&parameters);
            check_shapes(ops, ALL_TYPES, rows);
            alisa_ops_destroy(ops);
        }
    int8 = false;
}

/* More rows than fit in the scratch for activations, with matmul and with matvec. */
static void test_int8_scratch(void **state) {
    (void)state;
    static const Case cases[] = {
        {ALISA_TENSOR_Q4_0, 3, 3200, 2600, ORACLE_WEIGHTS_RANDOM, true, 34, 3},
        {ALISA_TENSOR_Q8_0, 2, 1 << 20, 8, ORACLE_WEIGHTS_RANDOM, false, 32, 0},
    };
    if (small) skip();
    int8 = true;
    for (size_t l = 0; l < BYTE_LAYOUTS; l++) {
        AlisaOps *ops = make_int8_ops(byte_layouts[l], 9, 2, 2);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            check_case(ops, &cases[i]);
        alisa_ops_destroy(ops);
    }
    int8 = false;
}

/* Rows with an infinity and with what is no number are no numbers; zeros, and what is next to
 * nothing, are 0; their neighbours are as they are. */
static void test_int8_no_numbers(void **state) {
    (void)state;
    enum { ROWS = 5, COLUMNS = 96, OUTPUTS = 35, INFINITE = 0, NOT_A_NUMBER = 2, NOTHING = 3 };
    static uint8_t weights[OUTPUTS * COLUMNS / 32 * 34];
    static float x[ROWS][COLUMNS], y[ROWS][OUTPUTS];
    AlisaError error;
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    for (uint32_t n = 0; n < OUTPUTS; n++)
        oracle_make_row(ALISA_TENSOR_Q8_0, ORACLE_WEIGHTS_RANDOM, COLUMNS, &random,
                        weights + n * (sizeof weights / OUTPUTS));
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t k = 0; k < COLUMNS; k++)
            x[r][k] = r == NOTHING ? (k % 3) * 1e-38f : alisa_random_normal(&random);
    x[INFINITE][40] = INFINITY;
    x[NOT_A_NUMBER][95] = NAN;
    AlisaBuffer w_buffer = upload(weights, sizeof weights), x_buffer = upload(x, sizeof x);
    AlisaBuffer y_buffer = upload(y, sizeof y);
    const AlisaMatrix matrix = {&w_buffer, 0, ALISA_TENSOR_Q8_0, OUTPUTS, COLUMNS};
    for (uint32_t i = 0; i < 2 * BYTE_LAYOUTS; i++) {
        if (!can_be_tested(byte_layouts[i / 2])) continue;
        AlisaOps *ops = make_int8_ops(byte_layouts[i / 2], i % 2 ? 9 : 1, 2, 2);
        require(alisa_ops_matmul(ops, &matrix, (AlisaVector){&x_buffer, 0}, ROWS,
                                 (AlisaVector){&y_buffer, 0}, false, &error),
                &error);
        require(alisa_buffer_read(device, &y_buffer, 0, y, sizeof y, &error), &error);
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t n = 0; n < OUTPUTS; n++) {
                bool number = r != INFINITE && r != NOT_A_NUMBER;
                assert_int_equal(isfinite(y[r][n]) != 0, number);
                assert_true(r != NOTHING || y[r][n] == 0.0f);
            }
        alisa_ops_destroy(ops);
    }
    alisa_buffer_destroy(&w_buffer);
    alisa_buffer_destroy(&x_buffer);
    alisa_buffer_destroy(&y_buffer);
}

static void test_refusals(void **state) {
    (void)state;
    AlisaError error;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 9);
    float zeros[64] = {0};
    AlisaBuffer buffer = upload(zeros, sizeof zeros);
    const AlisaVector vector = {&buffer, 0};
    static const AlisaMatrix refused[] = {
        {.type = ALISA_TENSOR_F32, .rows = 9, .columns = 8},              /* past the end */
        {.type = ALISA_TENSOR_F32, .rows = 1, .columns = 4, .offset = 2}, /* misaligned */
        {.type = ALISA_TENSOR_Q8_0, .rows = 1, .columns = 40},            /* broken block */
        {.type = 12, .rows = 1, .columns = 32},                           /* Q4_K */
        {.type = ALISA_TENSOR_F32, .rows = 0, .columns = 8},
        {.type = ALISA_TENSOR_F16, .rows = UINT32_MAX, .columns = UINT32_MAX},
    };
    for (uint32_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        AlisaMatrix matrix = refused[i];
        matrix.buffer = &buffer;
        assert_int_equal(alisa_ops_matmul(ops, &matrix, vector, 1, vector, false, &error),
                         ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "matmul: "));
    }
    const AlisaMatrix matrix = {&buffer, 0, ALISA_TENSOR_F32, 4, 16};
    assert_int_equal(alisa_ops_matmul(ops, &matrix, vector, 5, vector, false, &error),
                     ALISA_ERROR_ARGUMENT);
    alisa_buffer_destroy(&buffer);
    alisa_ops_destroy(ops);
}

static int open_device(void **state) {
    (void)state;
    AlisaError error;
    const char *wanted = getenv("ALISA_TEST_SMALL");
    small = wanted && strcmp(wanted, "1") == 0;
    if (alisa_device_open(NULL, &device, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    return 0;
}

static int close_device(void **state) {
    (void)state;
    alisa_device_save_programs(device);
    alisa_device_close(device);
    return 0;
}

int main(void) {
    /* CLBlast and scratch for activations first: oclgrind takes what a kernel wrote for
     * uninitialised where the buffer has the place of a smaller one that was there before. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_clblast),
        cmocka_unit_test(test_int8_group),
        cmocka_unit_test(test_matmul_clblast_on_gpus),
        cmocka_unit_test(test_matmul_clblast_blocks),
        cmocka_unit_test(test_matvec_item),
        cmocka_unit_test(test_matvec_group),
        cmocka_unit_test(test_matvec_group_sizes),
        cmocka_unit_test(test_matvec_group_without_lanes),
        cmocka_unit_test(test_matvec_many_rows),
        cmocka_unit_test(test_matmul_item),
        cmocka_unit_test(test_matmul_group),
        cmocka_unit_test(test_matmul_matrix),
        cmocka_unit_test(test_int8_item),
        cmocka_unit_test(test_int8_tiles),
        cmocka_unit_test(test_int8_scratch),
        cmocka_unit_test(test_int8_no_numbers),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
