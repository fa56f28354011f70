/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of the same activations in one launch: to the bit what launches of their own compute,
 * and launches of their own where one cannot do.
 */
#include "kernels/on_device.h"

#include "ops/ops_internal.h"
#include "oracle/quant.h"
#include "skip.h"
#include "weights.h"

enum { MOST = ALISA_OPS_PRODUCTS, OFFSET = 3, GUARD = 19 };

typedef struct Weights {
    uint32_t type, outputs;
} Weights;

static AlisaOps *ops_of(AlisaLayout layout, AlisaActivations activations, uint32_t several) {
    AlisaError error;
    AlisaOps *made;
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT; type++) {
        bool has_codes = alisa_format_info(type)->has_codes;
        parameters.matvec[type].activations = has_codes ? activations : ALISA_ACTIVATIONS_FLOAT;
        parameters.matvec[type].group = 64;
        parameters.matvec[type].single = 2;
        parameters.matvec[type].several = several;
        parameters.matvec[type].rows = 6;
        parameters.matmul[type].from = 9;
    }
    require(alisa_ops_create(device, &parameters, &made, &error), &error);
    return made;
}

static AlisaMatrix make_matrix(const Weights *weights, uint32_t columns, AlisaRandom *random,
                               AlisaBuffer *buffer) {
    uint64_t row_bytes = alisa_weight_type_row_bytes(weights->type, columns);
    uint8_t *bytes = malloc(row_bytes * weights->outputs);
    assert_non_null(bytes);
    for (uint32_t n = 0; n < weights->outputs; n++)
        oracle_make_row(weights->type, ORACLE_WEIGHTS_RANDOM, columns, random,
                        bytes + n * row_bytes);
    AlisaError error;
    AlisaMatrix matrix;
    require(upload_weights(device, weights->type, bytes, weights->outputs, columns, 0, buffer,
                           &matrix, &error),
            &error);
    free(bytes);
    return matrix;
}

static float *read_floats(const AlisaBuffer *buffer) {
    AlisaError error;
    float *floats = malloc(buffer->size);
    assert_non_null(floats);
    require(alisa_buffer_read(device, buffer, 0, floats, buffer->size, &error), &error);
    return floats;
}

/* Which of several products go together: none, neighbours of one type, all. */
typedef enum Together { NONE, PAIRS, ALL } Together;

/* All y lie in one buffer, a guard before each. */
static void check_each(AlisaOps *made, const Weights *weights, uint32_t count, uint32_t columns,
                       uint32_t rows, uint32_t x_offset, Together together) {
    AlisaError error;
    AlisaRandom random;
    AlisaBuffer buffers[MOST];
    AlisaProduct products[MOST], alone[MOST];
    alisa_random_seed(&random, rows * 100 + columns);
    uint64_t x_count = x_offset + (uint64_t)rows * columns, y_count = GUARD;
    float *x = malloc(x_count * sizeof *x);
    assert_non_null(x);
    for (uint64_t i = 0; i < x_count; i++)
        x[i] = alisa_random_normal(&random);
    AlisaBuffer x_buffer = upload(x, x_count * sizeof *x);
    for (uint32_t i = 0; i < count; i++) {
        products[i].weights = make_matrix(&weights[i], columns, &random, &buffers[i]);
        products[i].y.offset = y_count;
        y_count += (uint64_t)rows * weights[i].outputs + GUARD;
    }
    float *before = malloc(y_count * sizeof *before);
    assert_non_null(before);
    for (uint64_t i = 0; i < y_count; i++)
        before[i] = -7.25f;
    AlisaBuffer y = upload(before, y_count * sizeof *before),
                y_alone = upload(before, y_count * sizeof *before);
    const AlisaVector at = {&x_buffer, x_offset};
    for (uint32_t i = 0; i < count; i++) {
        alone[i] = products[i];
        products[i].y.buffer = &y;
        alone[i].y.buffer = &y_alone;
    }
    assert_int_equal(alisa_ops_matvec_together(made, products, count, at, rows), together == ALL);
    for (uint32_t i = 0; i + 1 < count; i++)
        assert_int_equal(alisa_ops_matvec_together(made, &products[i], 2, at, rows),
                         together == ALL ||
                             (together == PAIRS && weights[i].type == weights[i + 1].type));
    /* First, so that activations which it forgot to round are not there from the others. */
    require(alisa_ops_matmul_each(made, products, count, at, rows, &error), &error);
    for (uint32_t i = 0; i < count; i++)
        require(alisa_ops_matmul(made, &alone[i].weights, at, rows, alone[i].y, false, &error),
                &error);
    float *got = read_floats(&y), *wanted = read_floats(&y_alone);
    assert_memory_equal(got, wanted, y_count * sizeof *got);
    assert_true(got[GUARD] != before[GUARD]);
    assert_true(got[y_count - GUARD - 1] != before[0] && got[y_count - GUARD] == before[0]);
    free(x);
    free(before);
    free(got);
    free(wanted);
    for (uint32_t i = 0; i < count; i++)
        release(&buffers[i]);
    release(&x_buffer);
    release(&y);
    release(&y_alone);
}

static const Weights of_types[][MOST] = {
    {{ALISA_WEIGHT_Q8_0, 33}, {ALISA_WEIGHT_Q8_0, 5}, {ALISA_WEIGHT_Q8_0, 64}},
    {{ALISA_WEIGHT_F16, 1}, {ALISA_WEIGHT_F16, 70}, {ALISA_WEIGHT_F16, 2}},
};

/* Each number of rows, and whether they are aligned, is a program to build. */
static void test_one_launch(void **state) {
    (void)state;
    AlisaOps *made = ops_of(ALISA_LAYOUT_GROUP, ALISA_ACTIVATIONS_FLOAT, 3);
    check_each(made, of_types[0], MOST, 96, 1, 0, ALL);
    check_each(made, of_types[1], MOST, 101, 2, OFFSET, ALL);
    for (uint32_t count = 1; count <= MOST && !small; count++) {
        check_each(made, of_types[0], count, 96, 1, 0, ALL);
        check_each(made, of_types[0], count, 544, 6, OFFSET, ALL);
    }
    alisa_ops_destroy(made);
}

/* Of several that are neighbours and of one format, and of one between others. */
static void test_rounded(void **state) {
    (void)state;
    static const Weights mixed[][MOST] = {
        {{ALISA_WEIGHT_Q4_0, 70}, {ALISA_WEIGHT_Q4_0, 5}, {ALISA_WEIGHT_Q6_K, 64}},
        {{ALISA_WEIGHT_Q6_K, 1}, {ALISA_WEIGHT_Q4_K, 33}, {ALISA_WEIGHT_Q4_K, 2}},
        {{ALISA_WEIGHT_Q5_K, 9}, {ALISA_WEIGHT_Q8_0, 31}, {ALISA_WEIGHT_Q5_K, 8}},
    };
    if (ONLY_GROUP) skip_because(ONLY_GROUP_WANTED);
    AlisaOps *made = ops_of(ALISA_LAYOUT_ITEM, ALISA_ACTIVATIONS_INT16, 2);
    for (uint32_t count = small ? MOST : 1; count <= MOST; count++) {
        check_each(made, of_types[0], count, 544, 1, OFFSET, ALL);
        check_each(made, of_types[0], count, 96, 6, 0, ALL);
    }
    if (small) goto done; /* the others are the tests of matmul */
    check_each(made, of_types[1], MOST, 96, 1, 0, NONE);
    check_each(made, of_types[0], MOST, 96, 8, 0, NONE);
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++)
        for (uint32_t rows = 1; rows <= 5; rows += 2)
            check_each(made, mixed[i], MOST, 256 * rows, rows, 0, PAIRS);
    alisa_ops_destroy(made);
    made = ops_of(ALISA_LAYOUT_GROUP, ALISA_ACTIVATIONS_INT16, 2);
    check_each(made, of_types[0], MOST, 96, 1, 0, NONE);
done:
    alisa_ops_destroy(made);
}

/* More rows than a launch takes; those that are matmul's; types, and devices, that do not go
 * together. */
static void test_launches_of_their_own(void **state) {
    (void)state;
    static const Weights mixed[MOST] = {
        {ALISA_WEIGHT_Q8_0, 33}, {ALISA_WEIGHT_Q4_0, 5}, {ALISA_WEIGHT_Q8_0, 64}};
    AlisaOps *made = ops_of(ALISA_LAYOUT_GROUP, ALISA_ACTIVATIONS_FLOAT, 3);
    check_each(made, mixed, MOST, 96, 1, 0, PAIRS);
    if (!small) {
        check_each(made, of_types[0], MOST, 96, 8, 0, NONE);
        check_each(made, of_types[0], MOST, 544, 9, 0, NONE);
    }
    alisa_ops_destroy(made);
    if (small) return; /* the others are the tests of matmul */
    made = ops_of(ALISA_LAYOUT_ITEM, ALISA_ACTIVATIONS_FLOAT, 3);
    check_each(made, of_types[0], MOST, 96, 1, 0, NONE);
    check_each(made, of_types[1], MOST, 96, 3, OFFSET, NONE);
    alisa_ops_destroy(made);
}

/* What is wrong with any of them is said, and nothing is computed. */
static void test_refused(void **state) {
    (void)state;
    AlisaError error;
    AlisaRandom random;
    AlisaBuffer weights[2];
    alisa_random_seed(&random, 1);
    AlisaOps *made = ops_of(ALISA_LAYOUT_GROUP, ALISA_ACTIVATIONS_FLOAT, 3);
    float zeros[64] = {0};
    AlisaBuffer x = upload(zeros, sizeof zeros), y = upload(zeros, sizeof zeros);
    const AlisaProduct products[] = {
        {make_matrix(&(Weights){ALISA_WEIGHT_Q8_0, 8}, 32, &random, &weights[0]), {&y, 0}},
        {make_matrix(&(Weights){ALISA_WEIGHT_Q8_0, 8}, 32, &random, &weights[1]), {&y, 57}}};
    assert_int_equal(alisa_ops_matmul_each(made, products, 2, (AlisaVector){&x, 0}, 1, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "matmul"));
    for (int i = 0; i < 2; i++)
        release(&weights[i]);
    release(&x);
    release(&y);
    alisa_ops_destroy(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_launch),
        cmocka_unit_test(test_rounded),
        cmocka_unit_test(test_launches_of_their_own),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
