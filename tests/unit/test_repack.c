/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repacking against the table of weight types: every weight keeps its value to the last bit.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/weight_type.h"
#include "ops/repack.h"
#include "results.h"
#include "unit/planes.h"

enum { ROWS = 37, UNTOUCHED = 0xa5 };

/* Scales that are hard to keep: zeros, subnormals, the largest, infinities, no numbers, and those
 * with a payload; with both signs. */
static const uint16_t scales[] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x7c00,
                                  0xfc00, 0x7e00, 0x7c01, 0xffff, 0x3c00, 0xb555, 0x2a6b, 0x0200};

static void fill_blocks(const AlisaWeightTypeInfo *type, uint8_t *blocks, uint64_t count,
                        AlisaRandom *random) {
    for (uint64_t b = 0; b < count; b++, blocks += type->block_bytes) {
        for (uint32_t i = 0; i < type->block_bytes; i++)
            blocks[i] = (uint8_t)alisa_random_next(random);
        uint16_t scale = scales[b % (sizeof scales / sizeof *scales)];
        if (!type->coding || b % 3 == 0) continue;
        /* Where most types have a scale: at the beginning or at the end. */
        memcpy(blocks, &scale, sizeof scale);
        memcpy(blocks + type->block_bytes - sizeof scale, &scale, sizeof scale);
    }
}

static void check(const AlisaWeightTypeInfo *type, uint64_t columns) {
    AlisaFormat format;
    AlisaRandom random;
    uint64_t starts[ALISA_FORMAT_PLANES];
    uint8_t *planes[ALISA_FORMAT_PLANES];
    assert_true(alisa_repack_format(type->id, &format));
    const AlisaFormatInfo *info = alisa_format_info(format);
    uint64_t row_bytes = alisa_weight_type_row_bytes(type->id, columns);
    uint64_t size = alisa_format_layout(info, ROWS, columns, starts);
    uint8_t *blocks = malloc(ROWS * row_bytes), *bytes = malloc(size);
    float *expected = malloc(columns * sizeof *expected);
    assert_true(blocks && bytes && expected);
    alisa_random_seed(&random, type->id + columns);
    fill_blocks(type, blocks, ROWS * columns / type->block_elements, &random);
    memset(bytes, UNTOUCHED, size);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        planes[i] = bytes + starts[i];
    alisa_repack_rows(type->id, blocks, ROWS, columns, planes);
    uint64_t end = 0;
    for (uint64_t row = 0; row < ROWS; row++) {
        const uint8_t *here[ALISA_FORMAT_PLANES];
        for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++) {
            uint64_t stride = alisa_format_stride(info, i, columns);
            assert_true(info->is_flat || (starts[i] % 16 == 0 && stride % 16 == 0));
            here[i] = planes[i] + row * stride;
            if (stride) end = (uint64_t)(here[i] + stride - bytes);
        }
        alisa_weight_type_dequantise(type->id, blocks + row * row_bytes, columns, expected);
        for (uint64_t k = 0; k < columns; k++) {
            float value = planes_value(type, format, here, k);
            if (!(isnan(value) && isnan(expected[k])))
                assert_memory_equal(&value, &expected[k], sizeof value);
        }
    }
    assert_true(end <= size && size <= end + 128);
    for (uint64_t i = end; i < size; i++)
        assert_int_equal(bytes[i], UNTOUCHED);
    free(blocks);
    free(bytes);
    free(expected);
}

/* The type, its bits a weight, its format, and the bits a weight of that. */
static void report(const AlisaWeightTypeInfo *type) {
    enum { COLUMNS = 4096 }; /* rows without padding */
    AlisaFormat format;
    uint64_t bytes = 0;
    assert_true(alisa_repack_format(type->id, &format));
    const AlisaFormatInfo *info = alisa_format_info(format);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        bytes += alisa_format_stride(info, i, COLUMNS);
    assert_true(alisa_format_bits(info) == 8.0 * (double)bytes / COLUMNS);
    result_found("repacked %s %g %s %g", type->name, 8.0 * type->block_bytes / type->block_elements,
                 info->name, alisa_format_bits(info));
}

static void test_exact(void **state) {
    (void)state;
    static const uint64_t columns[] = {32, 96, 256, 288, 5632, 7, 33};
    for (uint32_t id = 0; id < 1000; id++)
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            const AlisaWeightTypeInfo *type = alisa_weight_type_info(id);
            if (alisa_weight_type_is_computed(id) && columns[c] % type->block_elements == 0)
                check(type, columns[c]);
        }
    for (uint32_t id = 0; id < 1000; id++)
        if (alisa_weight_type_is_computed(id)) report(alisa_weight_type_info(id));
}

/* A type has a format if it is computed with, and only then. */
static void test_every_type(void **state) {
    (void)state;
    AlisaFormat format;
    for (uint32_t id = 0; id < 1000; id++)
        assert_int_equal(alisa_repack_format(id, &format), alisa_weight_type_is_computed(id));
}

/* Rows in the middle are a matrix, too; nothing outside a buffer is. */
static void test_views(void **state) {
    (void)state;
    uint64_t starts[ALISA_FORMAT_PLANES];
    for (uint32_t f = 0; f < ALISA_FORMAT_COUNT; f++) {
        const AlisaFormatInfo *info = alisa_format_info(f);
        AlisaBuffer buffer = {.size = 48 + alisa_format_layout(info, 100, 256, starts)};
        const AlisaMatrix whole = alisa_matrix_at(&buffer, 48, f, 100, 256);
        AlisaMatrix part = alisa_matrix_rows(&whole, 90, 10);
        assert_true(alisa_matrix_is_inside(&whole) && alisa_matrix_is_inside(&part));
        assert_int_equal(part.planes[0], 48 + 90 * alisa_format_stride(info, 0, 256));
        part.rows++;
        assert_false(alisa_matrix_is_inside(&part));
        part = whole;
        part.planes[0] += 1;
        assert_false(alisa_matrix_is_inside(&part));
        buffer.size--;
        assert_false(alisa_matrix_is_inside(&whole));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact),
                                       cmocka_unit_test(test_every_type),
                                       cmocka_unit_test(test_views)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
