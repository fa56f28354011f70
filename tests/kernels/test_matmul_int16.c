/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with activations of 16 bits against their oracle, in both layouts that have them. A
 * program of its own: oclgrind takes what a kernel wrote for uninitialised where a buffer has the
 * place of a smaller one that was there before.
 */
#include "matmul_cases.h"
#include "skip.h"

static AlisaOpsParameters int16_parameters(AlisaLayout layout, uint32_t from, uint32_t single,
                                           uint32_t several) {
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
        if (!alisa_format_info(type)->has_codes) continue;
        parameters.matvec[type].activations = ALISA_ACTIVATIONS_INT16;
        parameters.matvec[type].single = single;
        parameters.matvec[type].several = several;
        parameters.matmul[type].activations = ALISA_ACTIVATIONS_INT16;
        parameters.matmul[type].from = from;
        /* Products of more than one part of the columns. */
        if (layout == ALISA_LAYOUT_ITEM) parameters.matmul[type].depth = 64;
    }
    return parameters;
}

static AlisaOps *make_int16_ops(AlisaLayout layout, uint32_t from, uint32_t single,
                                uint32_t several) {
    const AlisaOpsParameters parameters = int16_parameters(layout, from, single, several);
    AlisaOps *ops = make_checked_ops(&parameters);
    assert_true(alisa_ops_scratch_bytes(ops) > 0);
    return ops;
}

static bool can_be_tested(AlisaLayout layout) {
    return layout == ALISA_LAYOUT_GROUP || !ONLY_GROUP;
}

static const AlisaLayout byte_layouts[] = {ALISA_LAYOUT_ITEM, ALISA_LAYOUT_GROUP};
enum { BYTE_LAYOUTS = sizeof byte_layouts / sizeof *byte_layouts };

static void check_int16(AlisaLayout layout) {
    static const uint32_t rows[] = {1, 9, 19, 0}; /* 5 + 4, 7 + 6 + 6 */
    static const uint32_t few_and_many_rows[] = {1, 2, 3, 8, 13, 0};
    if (!can_be_tested(layout)) skip_because(ONLY_GROUP_WANTED);
    int16 = true;
    AlisaOps *ops = make_int16_ops(layout, 9, 1, 2);
    check_worst(ops, 13); /* most rows first: see above */
    check_shapes(ops, type_count, small ? small_many_rows : few_and_many_rows);
    if (small) check_shapes(ops, type_count, small_rows);
    check_worst(ops, 1);
    check_worst(ops, 3);
    alisa_ops_destroy(ops);
    if (!small) {
        ops = make_int16_ops(layout, 1, 1, 2);
        check_shapes(ops, CORE_TYPES, many_rows);
        alisa_ops_destroy(ops);
        ops = make_int16_ops(layout, 33, 4, 3);
        check_shapes(ops, CORE_TYPES, rows);
        alisa_ops_destroy(ops);
    }
    int16 = false;
}

static void test_int16_item(void **state) {
    (void)state;
    check_int16(ALISA_LAYOUT_ITEM);
}

static void test_int16_group(void **state) {
    (void)state;
    check_int16(ALISA_LAYOUT_GROUP);
}

/* Tiles of other shapes than the default one, with steps of more than a block, and other groups. */
static void test_int16_tiles(void **state) {
    (void)state;
    static const AlisaMatmulParameters tiles[] = {
        {.tile_rows = 64, .tile_outputs = 32, .item_rows = 8, .item_outputs = 4, .depth = 64},
        {.tile_rows = 16, .tile_outputs = 64, .item_rows = 4, .item_outputs = 8, .depth = 32},
        {.tile_rows = 32, .tile_outputs = 48, .item_rows = 8, .item_outputs = 8, .depth = 128},
        {.tile_rows = 4, .tile_outputs = 4, .item_rows = 4, .item_outputs = 4, .depth = 8},
    };
    static const uint32_t groups[] = {32, 256, 1, 16};
    static const uint32_t rows[] = {2, 15, 33, 70, 0};
    if (small) skip_because(SMALL_SHAPES);
    int16 = true;
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        for (uint32_t from = 1; from <= 16; from += 15) {
            AlisaOpsParameters parameters = int16_parameters(ALISA_LAYOUT_GROUP, from, 2, 4);
            for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
                if (!alisa_format_info(type)->has_codes) continue;
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
            check_shapes(ops, CORE_TYPES, rows);
            alisa_ops_destroy(ops);
        }
    int16 = false;
}

/* As test_matmul_item_tiles. */
static void test_int16_item_tiles(void **state) {
    (void)state;
    static const uint32_t tiles[][2] = {{12, 2}, {3, 1}};
    static const uint32_t rows[] = {13, 24, 0};
    if (small) skip_because(SMALL_SHAPES);
    int16 = true;
    for (uint32_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        AlisaOpsParameters parameters = int16_parameters(ALISA_LAYOUT_ITEM, 1, 1, 2);
        for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
            if (!alisa_format_info(type)->has_codes) continue;
            parameters.matmul[type].sum_rows = tiles[i][0];
            parameters.matmul[type].sum_vectors = tiles[i][1];
        }
        AlisaOps *ops = make_checked_ops(&parameters);
        check_shapes(ops, CORE_TYPES, rows);
        alisa_ops_destroy(ops);
    }
    int16 = false;
}

/* More rows than fit in the scratch for activations, with matmul and with matvec. */
static void test_int16_scratch(void **state) {
    (void)state;
    static const Case cases[] = {
        {ALISA_WEIGHT_Q4_0, 3, 3200, 2600, ORACLE_WEIGHTS_RANDOM, true, 34, 3},
        {ALISA_WEIGHT_Q8_0, 2, 1 << 20, 8, ORACLE_WEIGHTS_RANDOM, false, 32, 0},
    };
    if (small) skip_because(SMALL_SHAPES);
    int16 = true;
    for (size_t l = 0; l < BYTE_LAYOUTS; l++) {
        AlisaOps *ops = make_int16_ops(byte_layouts[l], 9, 2, 2);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            check_case(ops, &cases[i]);
        alisa_ops_destroy(ops);
    }
    int16 = false;
}

/* Rows with an infinity and with what is no number are no numbers; zeros, and what is next to
 * nothing, are 0; their neighbours are as they are. */
static void test_int16_no_numbers(void **state) {
    (void)state;
    enum { ROWS = 5, COLUMNS = 96, OUTPUTS = 35, INFINITE = 0, NOT_A_NUMBER = 2, NOTHING = 3 };
    static uint8_t weights[OUTPUTS * COLUMNS / 32 * 34];
    static float x[ROWS][COLUMNS], y[ROWS][OUTPUTS];
    AlisaError error;
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    for (uint32_t n = 0; n < OUTPUTS; n++)
        oracle_make_row(ALISA_WEIGHT_Q8_0, ORACLE_WEIGHTS_RANDOM, COLUMNS, &random,
                        weights + n * (sizeof weights / OUTPUTS));
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t k = 0; k < COLUMNS; k++)
            x[r][k] = r == NOTHING ? (k % 3) * 1e-38f : alisa_random_normal(&random);
    x[INFINITE][40] = INFINITY;
    x[NOT_A_NUMBER][95] = NAN;
    AlisaBuffer w_buffer, x_buffer = upload(x, sizeof x), y_buffer = upload(y, sizeof y);
    AlisaMatrix matrix;
    require(upload_weights(device, ALISA_WEIGHT_Q8_0, weights, OUTPUTS, COLUMNS, 0, &w_buffer,
                           &matrix, &error),
            &error);
    for (uint32_t i = 0; i < 2 * BYTE_LAYOUTS; i++) {
        if (!can_be_tested(byte_layouts[i / 2])) continue;
        AlisaOps *ops = make_int16_ops(byte_layouts[i / 2], i % 2 ? 9 : 1, 2, 2);
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

/* Fewer rows a launch of matvec leave it what it had of narrow matrices, which the product for many
 * rows is slow at; only that one has int16 here. */
static void test_few_rows_of_narrow_matrices(void **state) {
    (void)state;
    AlisaOpsParameters parameters = int16_parameters(ALISA_LAYOUT_ITEM, 33, 1, 2);
    parameters.matvec[ALISA_FORMAT_Q8_0].activations = ALISA_ACTIVATIONS_FLOAT;
    const AlisaMatrix narrow = {.format = ALISA_FORMAT_Q8_0, .rows = 64, .columns = 256};
    const AlisaMatrix wide = {.format = ALISA_FORMAT_Q8_0, .rows = 64, .columns = 1024};
    for (uint32_t at_once = 4; at_once <= 12; at_once += 4) {
        parameters.matvec[ALISA_FORMAT_Q8_0].rows = at_once;
        AlisaOps *ops = make_checked_ops(&parameters);
        uint32_t few = at_once < 8 ? 8 : at_once;
        assert_int_equal(alisa_ops_matmul_activations(ops, &narrow, few), ALISA_ACTIVATIONS_FLOAT);
        assert_int_equal(alisa_ops_matmul_activations(ops, &narrow, few + 1),
                         ALISA_ACTIVATIONS_INT16);
        assert_int_equal(alisa_ops_matmul_activations(ops, &wide, 32), ALISA_ACTIVATIONS_FLOAT);
        assert_int_equal(alisa_ops_matmul_activations(ops, &wide, 33), ALISA_ACTIVATIONS_INT16);
        alisa_ops_destroy(ops);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int16_group),
        cmocka_unit_test(test_int16_item),
        cmocka_unit_test(test_int16_tiles),
        cmocka_unit_test(test_int16_scratch),
        cmocka_unit_test(test_int16_item_tiles),
        cmocka_unit_test(test_int16_no_numbers),
        cmocka_unit_test(test_few_rows_of_narrow_matrices),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
