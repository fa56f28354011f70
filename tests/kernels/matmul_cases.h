/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products against their oracle: what the tests of the matrix product share. ALISA_TEST_SMALL=1
 * keeps to small shapes (for oclgrind, which is a hundred times slower).
 */
#ifndef TESTS_KERNELS_MATMUL_CASES_H
#define TESTS_KERNELS_MATMUL_CASES_H

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
#include "results.h"
#include "weights.h"

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
static bool int16; /* whether the operations under test have activations of 16 bits */

/* A type for each format on the device. One of each kind of storage is first, for tests that do not
 * need the others: each type is a program to build. The first five are the flat ones and those with
 * codes of 8 and of 4 bits without more; the others go the same ways with other pieces, and are
 * tested with fewer numbers of rows. */
static uint32_t all_types[64] = {ALISA_WEIGHT_Q8_0, ALISA_WEIGHT_F32};
enum { SOME_TYPES = 2, CORE_TYPES = 5 };
static uint32_t type_count = SOME_TYPES; /* until open_device has listed the others */

/* Whether activations of 8 bits are multiplied by it. */
static inline bool has_codes(uint32_t type) {
    AlisaFormat format;
    return alisa_repack_format(type, &format) && alisa_format_info(format)->has_codes;
}

/* Whether there is no need for the type: its format is listed, or it has none. */
static inline bool has_format(uint32_t type) {
    AlisaFormat format, listed;
    if (!alisa_repack_format(type, &format)) return true;
    for (uint32_t i = 0; i < type_count; i++)
        if (alisa_repack_format(all_types[i], &listed) && listed == format) return true;
    return false;
}

/* Whether small runs take the type: those that are alone in how their codes, scales or minima are
 * read. */
static inline bool is_in_small(uint32_t type) {
    static const uint32_t types[] = {ALISA_WEIGHT_F16,   ALISA_WEIGHT_BF16, ALISA_WEIGHT_Q4_0,
                                     ALISA_WEIGHT_Q5_1,  ALISA_WEIGHT_Q2_K, ALISA_WEIGHT_Q6_K,
                                     ALISA_WEIGHT_IQ4_XS};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == type) return true;
    return false;
}

static inline void list_types(void) {
    const AlisaWeightTypeInfo *info;
    for (size_t i = 0; (info = alisa_weight_type_at(i)); i++) {
        if (has_format(info->id) || (small && !is_in_small(info->id))) continue;
        assert_true(type_count < sizeof all_types / sizeof *all_types);
        all_types[type_count++] = info->id;
    }
}

static inline void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static inline AlisaBuffer upload(const void *data, uint64_t size) {
    AlisaError error;
    AlisaBuffer buffer = {0};
    require(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
            &error);
    require(alisa_buffer_write(device, &buffer, 0, data, size, &error), &error);
    return buffer;
}

static inline float *make_x(const Case *c, AlisaRandom *random) {
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
static inline void expect_int16(const Case *c, const uint8_t *weights, const float *x,
                                const float *add, double *sums, double *bounds) {
    uint64_t count = (uint64_t)c->rows * c->outputs;
    double *exact = malloc(count * sizeof *exact), *losses = malloc(count * sizeof *losses);
    assert_true(exact && losses);
    memcpy(exact, sums, count * sizeof *exact);
    oracle_matmul_int16(c->type, weights, c->outputs, c->columns, x, c->rows, add, sums, bounds,
                        losses);
    for (uint64_t i = 0; i < count; i++)
        assert_true(fabs(sums[i] - exact[i]) <= losses[i] * (1 + 1e-6) + 1e-12 * fabs(exact[i]));
    free(exact);
    free(losses);
}

static inline void check_result(const Case *c, const float *y, const double *sums,
                                const double *bounds) {
    uint64_t count = (uint64_t)c->rows * c->outputs;
    for (uint64_t i = 0; i < count; i++) {
        double off = fabs(y[GUARD + i] - sums[i]);
        if (!(off <= bounds[i])) {
            fail_msg("%s %ux%u, %u rows, weights %d, accumulate %d: y[%llu][%llu] is %g, not %g "
                     "+- %g",
                     alisa_weight_type_info(c->type)->name, c->outputs, c->columns, c->rows,
                     c->weights, c->accumulate, (unsigned long long)(i / c->outputs),
                     (unsigned long long)(i % c->outputs), y[GUARD + i], sums[i], bounds[i]);
        }
    }
    for (uint64_t i = 0; i < GUARD; i++) {
        assert_true(y[i] == guard);
        assert_true(y[GUARD + count + i] == guard);
    }
}

static inline void check_case(AlisaOps *ops, const Case *c) {
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, c->type * 1000003u + c->outputs * 101 + c->columns + c->rows);

    uint64_t row_bytes = alisa_weight_type_row_bytes(c->type, c->columns);
    uint64_t count = (uint64_t)c->rows * c->outputs, x_count = (uint64_t)c->rows * c->columns;
    uint8_t *weights = malloc(c->outputs * row_bytes);
    float *x = make_x(c, &random), *y = malloc((count + 2 * GUARD) * sizeof *y);
    double *sums = malloc(count * sizeof *sums), *bounds = malloc(count * sizeof *bounds);
    assert_true(weights && y && sums && bounds);
    for (uint32_t n = 0; n < c->outputs; n++)
        oracle_make_row(c->type, c->weights, c->columns, &random, weights + n * row_bytes);
    for (uint64_t i = 0; i < count + 2 * GUARD; i++) {
        bool outside = i < GUARD || i >= GUARD + count;
        y[i] = outside ? guard : c->accumulate ? 3 * alisa_random_normal(&random) : NAN;
    }
    oracle_matmul(c->type, weights, c->outputs, c->columns, x + c->x_offset, c->rows,
                  c->accumulate ? y + GUARD : NULL, sums, bounds);
    if (int16)
        expect_int16(c, weights, x + c->x_offset, c->accumulate ? y + GUARD : NULL, sums, bounds);

    AlisaBuffer w_buffer;
    AlisaMatrix matrix;
    require(upload_weights(device, c->type, weights, c->outputs, c->columns, c->weight_offset,
                           &w_buffer, &matrix, &error),
            &error);
    AlisaBuffer x_buffer = upload(x, (c->x_offset + x_count) * sizeof *x);
    AlisaBuffer y_buffer = upload(y, (count + 2 * GUARD) * sizeof *y);
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

static inline void report_product(uint32_t type) {
    AlisaFormat format;
    assert_true(alisa_repack_format(type, &format));
    result_found("product %s %s", alisa_format_info(format)->name, int16 ? "bytes" : "floats");
}

/* The first `count` types over odd shapes and numbers of rows; each row count on one shape
 * where nothing is aligned and on one where everything is. */
static inline void check_shapes(AlisaOps *ops, uint32_t count, const uint32_t *row_counts) {
    static const struct {
        uint32_t outputs, columns;
    } shapes[] = {{1, 32}, {3, 64},    {33, 96},  {64, 64},  {35, 100},
                  {70, 7}, {130, 352}, {65, 544}, {35, 256}, {67, 768}};
    for (uint32_t t = 0; t < count; t++) {
        if (int16 && !has_codes(all_types[t])) continue;
        for (uint32_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            uint32_t outputs = shapes[s].outputs, columns = shapes[s].columns;
            if (columns % alisa_weight_type_info(all_types[t])->block_elements) continue;
            if (small && (outputs > 35 || columns > 64) && columns != 7) continue;
            for (const uint32_t *rows = row_counts; *rows; rows++) {
                bool is_core = t < CORE_TYPES, even = (s + *rows) % 2 || !is_core;
                if (!is_core && *rows != 1 && *rows != 3 && *rows != 13) continue;
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
        report_product(all_types[t]);
    }
}

static inline void check_worst(AlisaOps *ops, uint32_t rows) {
    for (uint32_t t = 0; t < type_count; t++) {
        if (int16 && !has_codes(all_types[t])) continue;
        for (int kind = 1; kind < ORACLE_WEIGHTS_COUNT; kind++) {
            uint32_t least = alisa_weight_type_info(all_types[t])->block_elements;
            uint32_t columns = !small ? 512 : least > 64 ? least : 64;
            const Case c = {all_types[t], small ? 5 : 40, columns, rows, kind, false, 64, 0};
            check_case(ops, &c);
        }
    }
}

/* Defaults in a layout, but activations are floats, which products of codes may not have by
 * default. */
static inline void float_parameters(const AlisaDeviceInfo *info, AlisaLayout layout,
                                    AlisaOpsParameters *parameters) {
    alisa_ops_parameters_in(info, layout, parameters);
    for (uint32_t format = 0; format < ALISA_FORMAT_COUNT; format++) {
        parameters->matvec[format].activations = ALISA_ACTIVATIONS_FLOAT;
        parameters->matmul[format].activations = ALISA_ACTIVATIONS_FLOAT;
    }
}

static inline AlisaOps *make_checked_ops(const AlisaOpsParameters *wanted) {
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

static const uint32_t few_rows[] = {1, 2, 3, 8, 0};
static const uint32_t other_rows[] = {4, 5, 6, 7, 0};
static const uint32_t many_rows[] = {1, 9, 12, 13, 16, 20, 37, 130, 0};
static const uint32_t small_rows[] = {1, 3, 0};
static const uint32_t small_many_rows[] = {13, 0};

static inline int open_device(void **state) {
    (void)state;
    AlisaError error;
    small = getenv("ALISA_TEST_SMALL") != NULL;
    list_types();
    if (alisa_device_open(NULL, &device, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    return 0;
}

static inline int close_device(void **state) {
    (void)state;
    alisa_opencl_save_programs(device);
    alisa_device_close(device);
    return 0;
}

#endif
