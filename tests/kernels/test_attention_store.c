/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation and KV store against their oracle: heads rotated wholly, partly and not at all, the
 * storage types, permuted slots. Slots that no row names, and what surrounds q, keep their bytes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attn/attention.h"
#include "base/half.h"
#include "base/kv_type.h"
#include "base/random.h"
#include "oracle/attention.h"
#include "oracle/kv.h"

enum { GUARD = 13, SPARE_SLOTS = 3 };
static const float guard = -1016.0f; /* the same as a half, and 127 steps of 8 in q8_0 */

static AlisaDevice *device;
static AlisaOps *ops;

typedef struct Case {
    uint32_t head_count, kv_head_count, head_dim, rope_dim, rows;
    AlisaKvType key_type, value_type;
} Case;

static const Case cases[] = {
    {1, 1, 8, 8, 1, ALISA_KV_F16, ALISA_KV_F16},     {3, 1, 16, 10, 7, ALISA_KV_F32, ALISA_KV_F16},
    {4, 4, 24, 0, 5, ALISA_KV_F16, ALISA_KV_F32},    {32, 4, 64, 64, 3, ALISA_KV_F16, ALISA_KV_F16},
    {8, 8, 80, 20, 2, ALISA_KV_F32, ALISA_KV_F32},   {7, 1, 40, 38, 9, ALISA_KV_F16, ALISA_KV_F16},
    {2, 2, 256, 128, 4, ALISA_KV_F16, ALISA_KV_F16}, {6, 3, 32, 14, 5, ALISA_KV_Q8_0, ALISA_KV_F32},
    {8, 2, 96, 96, 9, ALISA_KV_Q8_0, ALISA_KV_Q8_0},
};

/* Rows of floats on the host, and a buffer of them in a storage type on the device. */
typedef struct Array {
    uint64_t count;
    uint32_t width; /* of a row */
    float *before;
    AlisaBuffer buffer;
    AlisaKvType type;
} Array;

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static void encode(const Array *array, const float *x, void *row) {
    uint16_t *halves = row;
    if (array->type == ALISA_KV_F32) memcpy(row, x, array->width * sizeof *x);
    if (array->type == ALISA_KV_Q8_0) oracle_q8_0_store(x, array->width, row);
    for (uint32_t i = 0; array->type == ALISA_KV_F16 && i < array->width; i++)
        halves[i] = alisa_half_from_float(x[i]);
}

static void decode(const Array *array, const void *row, float *x) {
    const uint16_t *halves = row;
    if (array->type == ALISA_KV_F32) memcpy(x, row, array->width * sizeof *x);
    if (array->type == ALISA_KV_Q8_0) oracle_q8_0_load(row, array->width, x);
    for (uint32_t i = 0; array->type == ALISA_KV_F16 && i < array->width; i++)
        x[i] = alisa_half_to_float(halves[i]);
}

static void upload(Array *array) {
    AlisaError error;
    uint64_t row_bytes = alisa_kv_type_row_bytes(array->type, array->width);
    uint64_t rows = array->count / array->width, size = rows * row_bytes;
    char *stored = malloc(size);
    assert_non_null(stored);
    for (uint64_t row = 0; row < rows; row++)
        encode(array, array->before + row * array->width, stored + row * row_bytes);
    require(
        alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &array->buffer, &error),
        &error);
    require(alisa_buffer_write(device, &array->buffer, 0, stored, size, &error), &error);
    free(stored);
}

/* GUARD guards, then `inside` random numbers, then guards. */
static Array make_array(AlisaRandom *random, uint64_t inside) {
    Array array = {.count = inside + 2 * GUARD, .width = 1, .type = ALISA_KV_F32};
    array.before = malloc(array.count * sizeof(float));
    assert_non_null(array.before);
    for (uint64_t i = 0; i < array.count; i++)
        array.before[i] = i < GUARD || i >= GUARD + inside ? guard : alisa_random_normal(random);
    upload(&array);
    return array;
}

static Array make_cache(uint64_t rows, uint32_t width, AlisaKvType type) {
    Array array = {.count = rows * width, .width = width, .type = type};
    array.before = malloc(array.count * sizeof(float));
    assert_non_null(array.before);
    for (uint64_t i = 0; i < array.count; i++)
        array.before[i] = guard;
    upload(&array);
    return array;
}

static void destroy_array(Array *array) {
    alisa_buffer_destroy(&array->buffer);
    free(array->before);
}

/* The array as it is now, in floats; freed by the caller. */
static float *download(const Array *array) {
    AlisaError error;
    uint64_t row_bytes = alisa_kv_type_row_bytes(array->type, array->width);
    uint64_t rows = array->count / array->width;
    float *values = malloc(array->count * sizeof *values);
    char *stored = malloc(rows * row_bytes);
    assert_non_null(values);
    assert_non_null(stored);
    require(alisa_buffer_read(device, &array->buffer, 0, stored, rows * row_bytes, &error), &error);
    for (uint64_t row = 0; row < rows; row++)
        decode(array, stored + row * row_bytes, values + row * array->width);
    free(stored);
    return values;
}

/* Bound of storing element d of a head: half a unit in the last place of a half is 2^-11 of it, or
 * 2^-25; q8_0 is off by half a step, the step being 1 / 127 of the group's largest rounded up to a
 * half. */
static double storage_bound(AlisaKvType type, const double *head, uint32_t d) {
    double largest = 0;
    if (type == ALISA_KV_F16) return fabs(head[d]) * 0x1p-11 + 0x1p-25;
    if (type != ALISA_KV_Q8_0) return 0;
    for (uint32_t i = d / 32 * 32; i < d / 32 * 32 + 32; i++)
        largest = fmax(largest, fabs(head[i]));
    return (largest / 127 * (1 + 0x1p-10) + 0x1p-24) / 2;
}

/* Heads `first`.. of `got` against rotated (rotation not NULL) heads of x. */
static void check_heads(const Case *c, const char *what, const float *x, const float *rotation,
                        uint32_t heads, AlisaKvType type, const float *got) {
    double expected[256], bounds[256];
    for (uint32_t h = 0; h < heads; h++) {
        oracle_rope(x + (uint64_t)h * c->head_dim, rotation, c->head_dim,
                    rotation ? c->rope_dim : 0, expected, bounds);
        for (uint32_t d = 0; d < c->head_dim; d++) {
            double bound = bounds[d] + storage_bound(type, expected, d) * 1.001;
            if (!(fabs(got[(uint64_t)h * c->head_dim + d] - expected[d]) <= bound))
                fail_msg(
                    "%s, head_dim %u, rope_dim %u: head %u, element %u is %.9g, not %.9g +- %g",
                    what, c->head_dim, c->rope_dim, h, d, got[(uint64_t)h * c->head_dim + d],
                    expected[d], bound);
        }
    }
}

static void check_case(const Case *c) {
    AlisaRandom random;
    AlisaError error;
    AlisaAttention *attention;
    alisa_random_seed(&random, c->head_dim);
    uint32_t q_row = c->head_count * c->head_dim, kv_row = c->kv_head_count * c->head_dim;
    uint32_t slot_count = c->rows + SPARE_SLOTS;
    Array q = make_array(&random, (uint64_t)c->rows * q_row);
    Array k = make_array(&random, (uint64_t)c->rows * kv_row);
    Array v = make_array(&random, (uint64_t)c->rows * kv_row);
    Array keys = make_cache(slot_count, kv_row, c->key_type);
    Array values = make_cache(slot_count, kv_row, c->value_type);
    Array rotations = make_array(&random, (uint64_t)c->rows * c->rope_dim);
    for (uint64_t i = 0; i + 1 < (uint64_t)c->rows * c->rope_dim; i += 2) {
        float angle = 3 * alisa_random_normal(&random);
        rotations.before[i] = 1.07f * cosf(angle); /* with an attention factor */
        rotations.before[i + 1] = 1.07f * sinf(angle);
    }
    require(alisa_buffer_write(device, &rotations.buffer, 0, rotations.before,
                               rotations.count * sizeof(float), &error),
            &error);
    int32_t slots[16];
    for (uint32_t r = 0; r < c->rows; r++) /* 11 has no common factor with the number of slots */
        slots[r] = (int32_t)((11 * r + 2) % slot_count);
    AlisaBuffer slot_buffer = {0};
    require(alisa_buffer_create(device, sizeof slots, ALISA_BUFFER_READ_WRITE, "test", &slot_buffer,
                                &error),
            &error);
    require(alisa_buffer_write(device, &slot_buffer, 0, slots, c->rows * sizeof *slots, &error),
            &error);
    AlisaAttentionShape shape = {.head_count = c->head_count,
                                 .kv_head_count = c->kv_head_count,
                                 .head_dim = c->head_dim,
                                 .rope_dim = c->rope_dim,
                                 .scale = 1.0f,
                                 .key_type = c->key_type,
                                 .value_type = c->value_type};
    require(alisa_attention_create(ops, &shape, c->rows, 16, &attention, &error), &error);
    require(alisa_attention_store(attention, (AlisaVector){&q.buffer, GUARD},
                                  (AlisaVector){&k.buffer, GUARD}, (AlisaVector){&v.buffer, GUARD},
                                  &rotations.buffer, &slot_buffer, c->rows, &keys.buffer,
                                  &values.buffer, NULL, &error),
            &error);

    float *turned = download(&q), *stored_keys = download(&keys),
          *stored_values = download(&values);
    bool *named = calloc(slot_count, sizeof *named);
    assert_non_null(named);
    for (uint32_t r = 0; r < c->rows; r++) {
        const float *rotation = rotations.before + (uint64_t)r * c->rope_dim;
        uint64_t at = (uint64_t)slots[r] * kv_row;
        assert_false(named[slots[r]]);
        named[slots[r]] = true;
        check_heads(c, "q", q.before + GUARD + (uint64_t)r * q_row, rotation, c->head_count,
                    ALISA_KV_F32, turned + GUARD + (uint64_t)r * q_row);
        check_heads(c, "keys", k.before + GUARD + (uint64_t)r * kv_row, rotation, c->kv_head_count,
                    c->key_type, stored_keys + at);
        check_heads(c, "values", v.before + GUARD + (uint64_t)r * kv_row, NULL, c->kv_head_count,
                    c->value_type, stored_values + at);
    }
    for (uint64_t i = 0; i < (uint64_t)slot_count * kv_row; i++)
        if (!named[i / kv_row]) assert_true(stored_keys[i] == guard && stored_values[i] == guard);
    for (uint32_t i = 0; i < GUARD; i++)
        assert_true(turned[i] == guard && turned[q.count - 1 - i] == guard);
    free(turned);
    free(stored_keys);
    free(stored_values);
    free(named);
    alisa_attention_destroy(attention);
    alisa_buffer_destroy(&slot_buffer);
    Array *arrays[] = {&q, &k, &v, &keys, &values, &rotations};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        destroy_array(arrays[i]);
}

static void test_store(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i]);
}

/* Groups of q8_0 that are all zero, tiny, of one sign, huge, and beyond the largest half times 127:
 * finite comes back finite, and NaN as NaN in its whole group. One is halfway between codes: the
 * even one is taken, however the device divides. */
static void test_extreme_groups(void **state) {
    (void)state;
    enum { WIDTH = 256, GROUP = 32, HALFWAY = WIDTH - 2 * GROUP };
    AlisaError error;
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    static const float sizes[WIDTH / GROUP] = {0, 1e-8f, 1e-6f, 3, 60000, 3e7f, 0, 1};
    const float step = 0x1.db4p-3f; /* a half */
    Array q = make_array(&random, WIDTH), x = make_array(&random, WIDTH);
    for (uint32_t i = 0; i < WIDTH; i++)
        x.before[GUARD + i] = sizes[i / GROUP] * (0.5f + (float)(i % GROUP) / GROUP / 2);
    for (uint32_t i = 0; i < GROUP; i++)
        x.before[GUARD + HALFWAY + i] = step * (i == 0 ? 127.0f : 4.0f * (float)i - 64.5f);
    x.before[GUARD + WIDTH - 3] = NAN;
    require(alisa_buffer_write(device, &x.buffer, 0, x.before, x.count * sizeof(float), &error),
            &error);
    Array keys = make_cache(1, WIDTH, ALISA_KV_Q8_0), values = make_cache(1, WIDTH, ALISA_KV_Q8_0);
    Array rotations = make_array(&random, 1);
    int32_t slot = 0;
    AlisaBuffer slots = {0};
    require(
        alisa_buffer_create(device, sizeof slot, ALISA_BUFFER_READ_WRITE, "test", &slots, &error),
        &error);
    require(alisa_buffer_write(device, &slots, 0, &slot, sizeof slot, &error), &error);
    AlisaAttentionShape shape = {.head_count = 1,
                                 .kv_head_count = 1,
                                 .head_dim = WIDTH,
                                 .scale = 1.0f,
                                 .key_type = ALISA_KV_Q8_0,
                                 .value_type = ALISA_KV_Q8_0};
    AlisaAttention *attention;
    require(alisa_attention_create(ops, &shape, 1, 16, &attention, &error), &error);
    require(alisa_attention_store(attention, (AlisaVector){&q.buffer, GUARD},
                                  (AlisaVector){&x.buffer, GUARD}, (AlisaVector){&x.buffer, GUARD},
                                  &rotations.buffer, &slots, 1, &keys.buffer, &values.buffer, NULL,
                                  &error),
            &error);
    Array *caches[] = {&keys, &values};
    for (int side = 0; side < 2; side++) {
        float *got = download(caches[side]);
        for (uint32_t i = 1; i < GROUP; i++)
            assert_true(got[HALFWAY + i] == step * (4.0f * (float)i - 64.0f));
        for (uint32_t i = 0; i < HALFWAY; i++) {
            double given = x.before[GUARD + i], largest = sizes[i / GROUP];
            double wanted = fmin(given, 127 * 65504.0);
            double bound = (largest / 127 * (1 + 0x1p-10) + 0x1p-24) / 2 * 1.001;
            if (!(fabs(got[i] - wanted) <= bound))
                fail_msg("element %u: %g, not %g +- %g", i, (double)got[i], wanted, bound);
        }
        for (uint32_t i = WIDTH - GROUP; i < WIDTH; i++)
            assert_true(isnan(got[i]));
        free(got);
    }
    alisa_attention_destroy(attention);
    alisa_buffer_destroy(&slots);
    Array *arrays[] = {&q, &x, &keys, &values, &rotations};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        destroy_array(arrays[i]);
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
    alisa_opencl_save_programs(device);
    alisa_ops_destroy(ops);
    alisa_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_store),
                                       cmocka_unit_test(test_extreme_groups)};
    return cmocka_run_group_tests_name("attention_store", tests, open_device, close_device);
}
