/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One program with products of two formats: every body is included twice under two prefixes
 * (tests/kernels/cl/two_formats.cl), and what streams weights is checked against the oracle.
 */
#include "matmul_cases.h"

enum { ROWS = 2, OUTPUTS = 37, COLUMNS = 544 };

static const char *const bodies[] = {"matvec_item", "matvec_group", "matvec_int16", "matvec_dot",
                                     "matmul_item", "matmul_group", "matmul_int16", "matmul_dot",
                                     "matmul_half", "embed",        "dequantise"};

static const struct {
    uint32_t type;
    const char *prefix;
} formats[] = {{ALISA_WEIGHT_Q8_0, "q8_"}, {ALISA_WEIGHT_Q4_0, "q4_"}};

static AlisaKernel *get(size_t body, size_t format) {
    AlisaError error;
    AlisaKernel *kernel;
    char options[32], name[64];
    snprintf(options, sizeof options, "-DBODY=%zu", body);
    snprintf(name, sizeof name, "%s%s", formats[format].prefix, bodies[body]);
    require(alisa_kernel_get(device, "two_formats.cl", name, options, &kernel, &error), &error);
    return kernel;
}

static void test_every_body(void **state) {
    (void)state;
    for (size_t body = 0; body < sizeof bodies / sizeof *bodies; body++)
        assert_ptr_not_equal(get(body, 0), get(body, 1));
}

/* Products of the same activations with both formats, by kernels of one program. */
static void check_product(size_t body, uint32_t group) {
    for (size_t f = 0; f < 2; f++) {
        AlisaError error;
        AlisaRandom random;
        AlisaBuffer w_buffer;
        AlisaMatrix matrix;
        static uint8_t weights[OUTPUTS * COLUMNS / 32 * 34];
        static float x[ROWS * COLUMNS], y[ROWS * OUTPUTS];
        static double sums[ROWS * OUTPUTS], bounds[ROWS * OUTPUTS];
        uint64_t row_bytes = alisa_weight_type_row_bytes(formats[f].type, COLUMNS), none = 0;
        alisa_random_seed(&random, f + 1);
        for (uint32_t n = 0; n < OUTPUTS; n++)
            oracle_make_row(formats[f].type, ORACLE_WEIGHTS_RANDOM, COLUMNS, &random,
                            weights + n * row_bytes);
        for (uint32_t i = 0; i < ROWS * COLUMNS; i++)
            x[i] = alisa_random_normal(&random);
        require(upload_weights(device, formats[f].type, weights, OUTPUTS, COLUMNS, 0, &w_buffer,
                               &matrix, &error),
                &error);
        AlisaBuffer x_buffer = upload(x, sizeof x), y_buffer = upload(y, sizeof y);
        uint32_t outputs = OUTPUTS, columns = COLUMNS, accumulate = 0, run = 8, side = 2;
        const AlisaArgument arguments[] = {
            ALISA_ARG_BUFFER(&w_buffer), ALISA_ARG(matrix.planes),
            ALISA_ARG_BUFFER(&x_buffer), ALISA_ARG(none),
            ALISA_ARG_BUFFER(&y_buffer), ALISA_ARG(none),
            ALISA_ARG(outputs),          ALISA_ARG(columns),
            ALISA_ARG(accumulate),       ALISA_ARG(run),
        };
        AlisaLaunch launch = {{(OUTPUTS + run - 1) / run, 1, 1}, {1, 1, 1}};
        if (group)
            launch = (AlisaLaunch){{(OUTPUTS + side - 1) / side * group, 1, 1}, {group, 1, 1}};
        require(alisa_kernel_launch(get(body, f), &launch, arguments, group ? 9 : 10, &error),
                &error);
        require(alisa_buffer_read(device, &y_buffer, 0, y, sizeof y, &error), &error);
        oracle_matmul(formats[f].type, weights, OUTPUTS, COLUMNS, x, ROWS, NULL, sums, bounds);
        for (uint32_t i = 0; i < ROWS * OUTPUTS; i++)
            if (!(fabs(y[i] - sums[i]) <= bounds[i]))
                fail_msg("%s%s: y[%u] is %g, not %g", formats[f].prefix, bodies[body], i, y[i],
                         sums[i]);
        alisa_buffer_destroy(&w_buffer);
        alisa_buffer_destroy(&x_buffer);
        alisa_buffer_destroy(&y_buffer);
    }
}

static void test_products(void **state) {
    (void)state;
    check_product(0, 0);
    check_product(1, 32);
}

static int open_with_program(void **state) {
    setenv("ALISA_KERNEL_DIR", TESTS_DIR "/kernels/cl", 1);
    return open_device(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_body),
                                       cmocka_unit_test(test_products)};
    return cmocka_run_group_tests(tests, open_with_program, close_device);
}
