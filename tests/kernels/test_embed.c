/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table against the oracle's dequantiser: exact, whatever the type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops/ops.h"
#include "oracle/quant.h"
#include "weights.h"

enum { TOKENS = 50, ROWS = 6, GUARD = 5, MAX_COLUMNS = 544 };
static const float guard = -12345.5f;
static const int32_t tokens[ROWS] = {49, 0, 7, 7, 13, 48};

static AlisaDevice *device;
static AlisaOps *ops;

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

static void check_table(uint32_t type, OracleWeights kind, uint32_t columns, uint32_t offset) {
    static float y[ROWS * MAX_COLUMNS + 2 * GUARD];
    static float expected[MAX_COLUMNS];
    AlisaRandom random;
    AlisaError error;
    alisa_random_seed(&random, type + columns);
    uint64_t row_bytes = alisa_weight_type_row_bytes(type, columns),
             count = ROWS * (uint64_t)columns;
    uint8_t *table = malloc(TOKENS * row_bytes);
    assert_non_null(table);
    for (uint32_t n = 0; n < TOKENS; n++)
        oracle_make_row(type, kind, columns, &random, table + n * row_bytes);
    for (uint64_t i = 0; i < count + 2 * GUARD; i++)
        y[i] = guard;

    AlisaBuffer table_buffer;
    AlisaMatrix matrix;
    require(upload_weights(device, type, table, TOKENS, columns, offset, &table_buffer, &matrix,
                           &error),
            &error);
    AlisaBuffer token_buffer = upload(tokens, sizeof tokens);
    AlisaBuffer y_buffer = upload(y, (count + 2 * GUARD) * sizeof *y);
    require(
        alisa_ops_embed(ops, &matrix, &token_buffer, ROWS, (AlisaVector){&y_buffer, GUARD}, &error),
        &error);
    require(alisa_buffer_read(device, &y_buffer, 0, y, (count + 2 * GUARD) * sizeof *y, &error),
            &error);
    for (uint32_t r = 0; r < ROWS; r++) {
        alisa_weight_type_dequantise(type, table + tokens[r] * row_bytes, columns, expected);
        for (uint32_t k = 0; k < columns; k++)
            if (y[GUARD + r * columns + k] != expected[k])
                fail_msg("%s x %u, weights %d: y[%u][%u] is %g, not %g",
                         alisa_weight_type_info(type)->name, columns, kind, r, k,
                         y[GUARD + r * columns + k], expected[k]);
    }
    for (uint64_t i = 0; i < GUARD; i++) {
        assert_true(y[i] == guard);
        assert_true(y[GUARD + count + i] == guard);
    }
    alisa_buffer_destroy(&table_buffer);
    alisa_buffer_destroy(&token_buffer);
    alisa_buffer_destroy(&y_buffer);
    free(table);
}

static void test_embed(void **state) {
    (void)state;
    const AlisaWeightTypeInfo *type;
    static const uint32_t columns[] = {32, 64, 100, 7, MAX_COLUMNS};
    for (size_t t = 0; (type = alisa_weight_type_at(t)); t++)
        for (uint32_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            if (!alisa_weight_type_is_computed(type->id) || columns[c] % type->block_elements)
                continue;
            for (int kind = 0; kind < ORACLE_WEIGHTS_COUNT; kind++)
                check_table(type->id, kind, columns[c], kind % 2 ? 32 : type->id ? 2 : 4);
        }
}

static int open_device(void **state) {
    (void)state;
    AlisaError error;
    if (alisa_device_open(NULL, &device, &error) || alisa_ops_create(device, NULL, &ops, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    return 0;
}

static int close_device(void **state) {
    (void)state;
    alisa_ops_destroy(ops);
    alisa_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_embed)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
