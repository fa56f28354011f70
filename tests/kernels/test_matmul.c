/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product against its oracle: every weight type, layout and number of rows, shapes that
 * fit no tile, weights and activations chosen to hurt, offsets, and guards around the output.
 * ALISA_TEST_SMALL=1 keeps to small shapes (for oclgrind, which is a hundred times slower).
 */
#include "matmul_cases.h"
#include "ops/matrix_tile.h"
#include "skip.h"

/* from: rows from which matmul is taken; 1: always. */
static AlisaOps *make_ops(AlisaLayout layout, uint32_t group, uint32_t from) {
    AlisaError error;
    AlisaOps *ops;
    AlisaOpsParameters parameters;
    float_parameters(alisa_device_info(device), layout, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
        parameters.matvec[type].group = group;
        parameters.matmul[type].from = from;
    }
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
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
    float_parameters(&info, ALISA_LAYOUT_CLBLAST, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
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

static void test_matvec_item(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 9);
    check_shapes(ops, type_count, small ? small_rows : few_rows);
    if (!small) check_shapes(ops, SOME_TYPES, other_rows);
    check_worst(ops, 1);
    check_worst(ops, 3);
    alisa_ops_destroy(ops);
}

static void test_matvec_group(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_GROUP, 64, 9);
    check_shapes(ops, type_count, small ? small_rows : few_rows);
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
    float_parameters(alisa_device_info(device), ALISA_LAYOUT_GROUP, &parameters);
    if (!parameters.matvec[ALISA_FORMAT_Q8_0].lanes)
        skip_because("the device has no lanes that add up by themselves");
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++)
        parameters.matvec[type].lanes = 0;
    require(alisa_ops_create(device, &parameters, &ops, &error), &error);
    check_shapes(ops, CORE_TYPES, few_rows);
    alisa_ops_destroy(ops);
}

static void test_matmul_item(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 1);
    check_shapes(ops, type_count, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

/* Sums in registers of every shape, of which the default is one: whole and last tiles. */
static void test_matmul_item_tiles(void **state) {
    (void)state;
    static const uint32_t tiles[][2] = {{12, 2}, {3, 2}, {1, 1}};
    static const uint32_t rows[] = {13, 24, 0}; /* a last tile that is shorter; none */
    if (small) skip_because(SMALL_SHAPES);
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        AlisaOpsParameters parameters;
        float_parameters(alisa_device_info(device), ALISA_LAYOUT_ITEM, &parameters);
        for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
            parameters.matmul[type].sum_rows = tiles[i][0];
            parameters.matmul[type].sum_vectors = tiles[i][1];
            parameters.matmul[type].from = 1;
        }
        AlisaOps *ops = make_checked_ops(&parameters);
        check_shapes(ops, SOME_TYPES, rows);
        alisa_ops_destroy(ops);
    }
}

static void test_matmul_group(void **state) {
    (void)state;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_GROUP, 64, 1);
    check_shapes(ops, type_count, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

/* So many outputs that tiles of few rows need not be the smallest, and those of many are whole or
 * halves. */
static void check_high(AlisaOps *ops, uint32_t rows) {
    for (uint32_t t = 0; t < type_count; t++) {
        uint32_t block = alisa_weight_type_info(all_types[t])->block_elements;
        const Case c = {.type = all_types[t],
                        .outputs = 64 * alisa_device_info(device)->compute_units + 5,
                        .columns = 96 % block ? block : 96,
                        .rows = rows,
                        .weights = ORACLE_WEIGHTS_RANDOM,
                        .x_offset = rows % 2};
        check_case(ops, &c);
    }
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
    if (!(info->capabilities & ALISA_CAPABILITY_PTX))
        skip_because("the device has no matrix instructions");
    AlisaOps *ops = make_ops(ALISA_LAYOUT_MATRIX, 64, 1);
    check_shapes(ops, type_count, many_rows);
    check_worst(ops, 13);
    check_worst(ops, 130);
    for (uint32_t rows = 12; rows <= 14; rows++)
        check_high(ops, rows);
    check_high(ops, 64);
    check_high(ops, 65);
    check_high(ops, 130);
    check_high(ops, 131);
    alisa_ops_destroy(ops);
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        AlisaError error;
        AlisaOpsParameters parameters;
        float_parameters(info, ALISA_LAYOUT_GROUP, &parameters);
        const AlisaParameterSet set = {ALISA_FAMILY_MATMUL, ALISA_FORMAT_Q8_0};
        for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
            if (!alisa_matrix_multiplies(type, info)) continue;
            parameters.matmul[type] = tiles[i];
            parameters.matmul[type].layout = ALISA_LAYOUT_MATRIX;
            parameters.matmul[type].from = 1;
        }
        const char *wrong =
            alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), info);
        if (wrong) fail_msg("%s", wrong);
        require(alisa_ops_create(device, &parameters, &ops, &error), &error);
        check_shapes(ops, type_count, many_rows);
        check_worst(ops, 37);
        alisa_ops_destroy(ops);
    }
}

static void test_matmul_clblast(void **state) {
    (void)state;
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    AlisaOps *ops = make_clblast_ops(ALISA_DEVICE_CPU, 0);
    check_shapes(ops, type_count, small ? small_many_rows : many_rows);
    check_worst(ops, 13);
    alisa_ops_destroy(ops);
}

/* Through local memory; with columns in registers. */
static void test_matmul_clblast_on_gpus(void **state) {
    (void)state;
    static const uint32_t some_rows[] = {13, 130, 0};
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    if (small) skip_because(SMALL_SHAPES);
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
        {ALISA_WEIGHT_Q4_0, 2083, 1056, 3, ORACLE_WEIGHTS_RANDOM, true, 34, 3},
        {ALISA_WEIGHT_F16, 2050, 519, 5, ORACLE_WEIGHTS_RANDOM, false, 6, 0},
        {ALISA_WEIGHT_F32, 2050, 519, 5, ORACLE_WEIGHTS_RANDOM, true, 12, 1},
        {ALISA_WEIGHT_Q8_0, 5, 544, 1030, ORACLE_WEIGHTS_RANDOM, false, 32, 3},
        {ALISA_WEIGHT_F32, 7, 33, 520, ORACLE_WEIGHTS_RANDOM, true, 0, 0},
    };
    if (!alisa_opencl_has_sgemm()) skip_because(NO_CLBLAST);
    if (small) skip_because(SMALL_SHAPES);
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

static void test_refusals(void **state) {
    (void)state;
    AlisaError error;
    AlisaOps *ops = make_ops(ALISA_LAYOUT_ITEM, 64, 9);
    float zeros[64] = {0};
    AlisaBuffer buffer = upload(zeros, sizeof zeros);
    const AlisaVector vector = {&buffer, 0};
    static const AlisaMatrix refused[] = {
        {.format = ALISA_FORMAT_F32, .rows = 9, .columns = 8},                /* past the end */
        {.format = ALISA_FORMAT_F32, .rows = 1, .columns = 4, .planes = {2}}, /* misaligned */
        {.format = ALISA_FORMAT_Q8_0, .rows = 1, .columns = 40},              /* broken block */
        {.format = ALISA_FORMAT_Q8_0, .rows = 1, .columns = 32, .planes = {0, 40}}, /* misaligned */
        {.format = ALISA_FORMAT_Q8_0, .rows = 1, .columns = 32, .planes = {0, 240}}, /* outside */
        {.format = ALISA_FORMAT_COUNT, .rows = 1, .columns = 32},
        {.format = ALISA_FORMAT_F32, .rows = 0, .columns = 8},
        {.format = ALISA_FORMAT_F16, .rows = UINT32_MAX, .columns = UINT32_MAX},
    };
    for (uint32_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        AlisaMatrix matrix = refused[i];
        matrix.buffer = &buffer;
        assert_int_equal(alisa_ops_matmul(ops, &matrix, vector, 1, vector, false, &error),
                         ALISA_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "matmul: "));
    }
    const AlisaMatrix matrix = alisa_matrix_at(&buffer, 0, ALISA_FORMAT_F32, 4, 16);
    assert_int_equal(alisa_ops_matmul(ops, &matrix, vector, 5, vector, false, &error),
                     ALISA_ERROR_ARGUMENT);
    alisa_buffer_destroy(&buffer);
    alisa_ops_destroy(ops);
}

int main(void) {
    /* CLBlast first: oclgrind takes floats that a kernel wrote for uninitialised where the buffer
     * has the place of a smaller one that was there before. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_clblast),
        cmocka_unit_test(test_matmul_clblast_on_gpus),
        cmocka_unit_test(test_matmul_clblast_blocks),
        cmocka_unit_test(test_matvec_item),
        cmocka_unit_test(test_matvec_group),
        cmocka_unit_test(test_matvec_group_sizes),
        cmocka_unit_test(test_matvec_group_without_lanes),
        cmocka_unit_test(test_matvec_many_rows),
        cmocka_unit_test(test_matmul_item),
        cmocka_unit_test(test_matmul_item_tiles),
        cmocka_unit_test(test_matmul_group),
        cmocka_unit_test(test_matmul_matrix),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
