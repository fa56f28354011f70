/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What blocks of weights mean: on blocks written by hand from the file format, and on those of
 * every type beside what Python's package `gguf` makes of them (make_weights.py).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/weight_type.h"
#include "results.h"

static void test_flat(void **state) {
    (void)state;
    const float wide[2] = {1.5f, -2e-40f};
    static const uint8_t halves[] = {0x00, 0x3e, 0x01, 0x80, 0x00, 0x7c};
    static const uint8_t bfloats[] = {0xc0, 0x3f, 0x80, 0xff};
    float values[3];
    alisa_weight_type_dequantise(ALISA_WEIGHT_F32, (const uint8_t *)wide, 2, values);
    assert_memory_equal(values, wide, sizeof wide);
    result_found("exact F32");
    alisa_weight_type_dequantise(ALISA_WEIGHT_F16, halves, 3, values);
    assert_true(values[0] == 1.5f && values[1] == -0x1p-24f && values[2] == INFINITY);
    alisa_weight_type_dequantise(ALISA_WEIGHT_BF16, bfloats, 2, values);
    assert_true(values[0] == 1.5f && values[1] == -INFINITY);
}

/* Two blocks: scales 0.5 and -2. */
static void test_q8_0(void **state) {
    (void)state;
    uint8_t row[68] = {0x00, 0x38};
    float values[64];
    for (int i = 0; i < 32; i++)
        row[2 + i] = row[36 + i] = (uint8_t)(i * 8 - 128);
    row[35] = 0xc0;
    alisa_weight_type_dequantise(ALISA_WEIGHT_Q8_0, row, 64, values);
    for (int i = 0; i < 32; i++) {
        assert_true(values[i] == 0.5f * (float)(i * 8 - 128));
        assert_true(values[32 + i] == -2.0f * (float)(i * 8 - 128));
    }
}

/* Low nibbles are the first 16 weights, high ones the others. */
static void test_q4_0(void **state) {
    (void)state;
    uint8_t row[36] = {0x00, 0x38};
    float values[64];
    for (int i = 0; i < 16; i++)
        row[2 + i] = row[20 + i] = (uint8_t)(i | (15 - i) << 4);
    row[19] = 0xc0;
    alisa_weight_type_dequantise(ALISA_WEIGHT_Q4_0, row, 64, values);
    for (int i = 0; i < 16; i++) {
        assert_true(values[i] == 0.5f * (float)(i - 8) && values[16 + i] == 0.5f * (float)(7 - i));
        assert_true(values[32 + i] == -2.0f * (float)(i - 8));
        assert_true(values[48 + i] == -2.0f * (float)(7 - i));
    }
}

static void read_numbers(FILE *file, void *numbers, size_t size) {
    assert_int_equal(fread(numbers, 1, size, file), size);
}

static void check_type(FILE *file, const uint32_t header[4]) {
    const AlisaWeightTypeInfo *type = alisa_weight_type_info(header[0]);
    assert_true(type && alisa_weight_type_is_computed(type->id));
    assert_int_equal(type->block_bytes, header[1]);
    assert_int_equal(type->block_elements, header[2]);
    uint32_t count = header[2] * header[3];
    uint8_t *blocks = malloc(header[1] * header[3]);
    float *expected = malloc(sizeof(float) * count), *values = malloc(sizeof(float) * count);
    assert_true(blocks && expected && values);
    read_numbers(file, blocks, header[1] * header[3]);
    read_numbers(file, expected, sizeof(float) * count);
    alisa_weight_type_dequantise(type->id, blocks, count, values);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&values[i], &expected[i], sizeof *values) != 0 &&
            !(isnan(values[i]) && isnan(expected[i])))
            fail_msg("%s: weight %u of block %u is %a, not %a", type->name,
                     i % type->block_elements, i / type->block_elements, values[i], expected[i]);
    free(blocks);
    free(expected);
    free(values);
    result_found("exact %s", type->name);
}

/* Bit for bit; every type that is computed with is there, but F32. */
static void test_every_type(void **state) {
    (void)state;
    FILE *file = fopen(TESTS_DIR "/unit/data/weights.bin", "rb");
    assert_non_null(file);
    uint32_t header[4], types = 0, computed = 0;
    for (; fread(header, sizeof header, 1, file) == 1; types++)
        check_type(file, header);
    fclose(file);
    for (uint32_t id = 0; id < 1000; id++)
        computed += alisa_weight_type_is_computed(id);
    assert_int_equal(types + 1, computed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_type),
                                       cmocka_unit_test(test_flat), cmocka_unit_test(test_q8_0),
                                       cmocka_unit_test(test_q4_0)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
