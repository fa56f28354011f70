/*
 * Rotation and KV store against their oracle: heads rotated wholly, partly and not at all, both
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
#include "base/random.h"
#include "oracle/attention.h"

enum { GUARD = 13, SPARE_SLOTS = 3 };
static const float guard = -1234.0f; /* the same as a half */

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
    {2, 2, 256, 128, 4, ALISA_KV_F16, ALISA_KV_F16},
};

/* Floats on the host, and a buffer of them (or of their halves) on the device. */
typedef struct Array {
    uint64_t count;
    float *before;
    AlisaBuffer buffer;
    AlisaKvType type;
} Array;

static void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

static void upload(Array *array) {
    AlisaError error;
    uint64_t width = array->type == ALISA_KV_F16 ? sizeof(uint16_t) : sizeof(float);
    uint16_t *halves = malloc(array->count * sizeof *halves);
    assert_non_null(halves);
    for (uint64_t i = 0; i < array->count; i++)
        halves[i] = alisa_half_from_float(array->before[i]);
    require(alisa_buffer_create(device, array->count * width, ALISA_BUFFER_READ_WRITE, "test",
                                &array->buffer, &error),
            &error);
    const void *data = array->type == ALISA_KV_F16 ? (void *)halves : (void *)array->before;
    require(alisa_buffer_write(device, &array->buffer, 0, data, array->count * width, &error),
            &error);
    free(halves);
}

/* GUARD guards, then `inside` random numbers, then guards. */
static Array make_array(AlisaRandom *random, uint64_t inside) {
    Array array = {.count = inside + 2 * GUARD, .type = ALISA_KV_F32};
    array.before = malloc(array.count * sizeof(float));
    assert_non_null(array.before);
    for (uint64_t i = 0; i < array.count; i++)
        array.before[i] = i < GUARD || i >= GUARD + inside ? guard : alisa_random_normal(random);
    upload(&array);
    return array;
}

static Array make_cache(uint64_t count, AlisaKvType type) {
    Array array = {.count = count, .type = type};
    array.before = malloc(count * sizeof(float));
    assert_non_null(array.before);
    for (uint64_t i = 0; i < count; i++)
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
    float *values = malloc(array->count * sizeof *values);
    uint16_t *halves = malloc(array->count * sizeof *halves);
    assert_non_null(values);
    assert_non_null(halves);
    bool half = array->type == ALISA_KV_F16;
    uint64_t width = half ? sizeof *halves : sizeof *values;
    void *to = half ? (void *)halves : (void *)values;
    require(alisa_buffer_read(device, &array->buffer, 0, to, array->count * width, &error), &error);
    for (uint64_t i = 0; half && i < array->count; i++)
        values[i] = alisa_half_to_float(halves[i]);
    free(halves);
    return values;
}

/* Bound of storing `value`: half a unit in the last place of a half is 2^-11 of it, or 2^-25. */
static double storage_bound(AlisaKvType type, double value) {
    return type == ALISA_KV_F16 ? fabs(value) * 0x1p-11 + 0x1p-25 : 0;
}

/* Heads `first`.. of `got` against rotated (rotation not NULL) heads of x. */
static void check_heads(const Case *c, const char *what, const float *x, const float *rotation,
                        uint32_t heads, AlisaKvType type, const float *got) {
    double expected[256], bounds[256];
    for (uint32_t h = 0; h < heads; h++) {
        oracle_rope(x + (uint64_t)h * c->head_dim, rotation, c->head_dim,
                    rotation ? c->rope_dim : 0, expected, bounds);
        for (uint32_t d = 0; d < c->head_dim; d++) {
            double bound = bounds[d] + storage_bound(type, expected[d]) * 1.001;
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
    Array keys = make_cache((uint64_t)slot_count * kv_row, c->key_type);
    Array values = make_cache((uint64_t)slot_count * kv_row, c->value_type);
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
    AlisaAttentionShape shape = {c->head_count, c->kv_head_count, c->head_dim,  c->rope_dim,
                                 1.0f,          c->key_type,      c->value_type};
    require(alisa_attention_create(ops, &shape, c->rows, 16, &attention, &error), &error);
    require(alisa_attention_store(attention, (AlisaVector){&q.buffer, GUARD},
                                  (AlisaVector){&k.buffer, GUARD}, (AlisaVector){&v.buffer, GUARD},
                                  &rotations.buffer, &slot_buffer, c->rows, &keys.buffer,
                                  &values.buffer, &error),
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
    alisa_device_save_programs(device);
    alisa_ops_destroy(ops);
    alisa_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_store)};
    return cmocka_run_group_tests_name("attention_store", tests, open_device, close_device);
}
