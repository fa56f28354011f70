/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the tests of attention, selection and index: the device, opened once for all tests of a
 * program, and buffers on it. ALISA_TEST_SMALL=1 asks for small shapes (for oclgrind).
 */
#ifndef ALISA_TESTS_ON_DEVICE_H
#define ALISA_TESTS_ON_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attn/plan.h"
#include "base/half.h"
#include "base/kv_type.h"
#include "oracle/kv.h"

static AlisaDevice *device;
static AlisaOps *ops;
static bool small;

/* With small shapes everything lives to the end: oclgrind takes what a kernel writes to a buffer
 * for uninitialised when the buffer has got the number of one that was released. */
enum { MOST_KEPT = 4096 };
static AlisaBuffer kept_buffers[MOST_KEPT];
static AlisaAttention *kept_attentions[MOST_KEPT];
static size_t kept_buffer_count, kept_attention_count;

static inline void release(AlisaBuffer *buffer) {
    if (small && kept_buffer_count < MOST_KEPT)
        kept_buffers[kept_buffer_count++] = *buffer;
    else
        alisa_buffer_destroy(buffer);
}

static inline void release_attention(AlisaAttention *attention) {
    if (small && kept_attention_count < MOST_KEPT)
        kept_attentions[kept_attention_count++] = attention;
    else
        alisa_attention_destroy(attention);
}

static inline void require(AlisaStatus status, const AlisaError *error) {
    if (status) fail_msg("%s", error->message);
}

/* `group` 0: the default. */
static inline void make_plan(AlisaLayout layout, uint32_t group, const AlisaAttentionShape *shape,
                             uint32_t max_rows, uint32_t max_count, AlisaAttentionPlan *plan) {
    AlisaOpsParameters parameters;
    alisa_ops_parameters_in(alisa_device_info(device), layout, &parameters);
    parameters.decode.group = group;
    alisa_attention_plan_make(alisa_device_info(device), &parameters, shape, max_rows, max_count,
                              plan);
}

static inline void *allocate(uint64_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static inline AlisaBuffer upload(const void *data, uint64_t size) {
    AlisaError error;
    AlisaBuffer buffer = {0};
    require(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error),
            &error);
    require(alisa_buffer_write(device, &buffer, 0, data, size, &error), &error);
    return buffer;
}

/* Uploads a cache of rows of `width` in its storage type and rounds `cache` to it. */
static inline AlisaBuffer upload_cache(float *cache, uint64_t rows, uint32_t width,
                                       AlisaKvType type) {
    uint64_t count = rows * width, row_bytes = alisa_kv_type_row_bytes(type, width);
    if (type == ALISA_KV_F32) return upload(cache, count * sizeof *cache);
    if (type == ALISA_KV_Q8_0) {
        char *stored = allocate(rows, row_bytes);
        for (uint64_t row = 0; row < rows; row++) {
            oracle_q8_0_store(cache + row * width, width, stored + row * row_bytes);
            oracle_q8_0_load(stored + row * row_bytes, width, cache + row * width);
        }
        AlisaBuffer buffer = upload(stored, rows * row_bytes);
        free(stored);
        return buffer;
    }
    uint16_t *halves = allocate(count, sizeof *halves);
    for (uint64_t i = 0; i < count; i++) {
        halves[i] = alisa_half_from_float(cache[i]);
        cache[i] = alisa_half_to_float(halves[i]);
    }
    AlisaBuffer buffer = upload(halves, count * sizeof *halves);
    free(halves);
    return buffer;
}

/* cmocka group set-up and tear-down. */
static inline int open_device(void **state) {
    (void)state;
    AlisaError error;
    if (alisa_device_open(NULL, &device, &error) || alisa_ops_create(device, NULL, &ops, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    small = getenv("ALISA_TEST_SMALL") != NULL;
    return 0;
}

static inline int close_device(void **state) {
    (void)state;
    for (size_t i = 0; i < kept_attention_count; i++)
        alisa_attention_destroy(kept_attentions[i]);
    for (size_t i = 0; i < kept_buffer_count; i++)
        alisa_buffer_destroy(&kept_buffers[i]);
    alisa_opencl_save_programs(device);
    alisa_ops_destroy(ops);
    alisa_device_close(device);
    return 0;
}

#endif
