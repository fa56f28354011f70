/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a KV cache over two tiers is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kv/fit.h"

/* 12 layers of 768 half elements: 3072 bytes a row; 4 sequences of 640 tokens: 90 MiB in all. */
static const AlisaKvShape shape = {.layer_count = 12,
                                   .kv_head_count = 12,
                                   .head_dim = 64,
                                   .sequence_count = 4,
                                   .context_length = 640,
                                   .key_type = ALISA_KV_F16,
                                   .value_type = ALISA_KV_F16};
enum { MIB = 1 << 20, ROW = 3072 };

static AlisaKvFit fit(const AlisaKvMemory *memory, uint64_t largest) {
    AlisaKvFit made;
    AlisaError error;
    assert_int_equal(alisa_kv_fit(&shape, memory, largest, &made, &error), ALISA_OK);
    return made;
}

static void test_slots_follow_memory(void **state) {
    (void)state;
    AlisaKvMemory memory = {.device_bytes = 30 * MIB, .host_bytes = 40 * MIB, .max_rows = 64};
    AlisaKvFit made = fit(&memory, 1024 * MIB);
    assert_int_equal(made.rows.arena_count, 1);
    assert_int_equal(made.rows.device_slots, 30 * MIB / ROW);
    assert_int_equal(made.rows.host_slots, 40 * MIB / ROW);
    assert_int_equal(made.rows.reserve, 4 * 12);
    assert_int_equal(made.inputs.device_slots, 0);

    /* Never more slots than tokens. */
    memory.device_bytes = memory.host_bytes = 1024ull * MIB;
    made = fit(&memory, 1024 * MIB);
    assert_int_equal(made.rows.device_slots, 12 * 4 * 640);
    assert_int_equal(made.rows.host_slots, 12 * 4 * 640);

    /* Nor does a step have more rows, however many there may be. */
    memory.max_rows = 4096;
    assert_int_equal(fit(&memory, 1024 * MIB).rows.device_slots, 12 * 4 * 640);
    memory.max_rows = 64;

    /* Keys or values of an arena are one buffer. */
    made = fit(&memory, 10 * MIB);
    assert_int_equal(made.rows.arena_count, 6);
    assert_int_equal(made.rows.device_slots, 2 * 4 * 640);
    assert_true((uint64_t)made.rows.device_slots * ROW / 2 <= 10 * MIB);

    /* Not even one layer is one: then not all of it fits. */
    made = fit(&memory, 1 * MIB);
    assert_int_equal(made.rows.arena_count, 12);
    assert_int_equal(made.rows.device_slots, 1 * MIB / (ROW / 2));
}

static void test_inputs_have_slots_of_their_own(void **state) {
    (void)state;
    const AlisaKvMemory memory = {.device_bytes = 30 * MIB,
                                  .max_rows = 64,
                                  .input_columns = 768,
                                  .input_device_bytes = 6 * MIB,
                                  .input_host_bytes = 3 * MIB};
    AlisaKvFit made = fit(&memory, 1024 * MIB);
    assert_int_equal(made.rows.host_slots, 0);
    assert_int_equal(made.inputs.device_slots, 6 * MIB / 1536);
    assert_int_equal(made.inputs.host_slots, 3 * MIB / 1536);
}

static void test_too_little_for_a_step(void **state) {
    (void)state;
    AlisaKvFit made;
    AlisaError error;
    AlisaKvMemory memory = {.device_bytes = 2 * MIB, .max_rows = 512};
    AlisaStatus status = alisa_kv_fit(&shape, &memory, 1024 * MIB, &made, &error);
    assert_int_equal(status, ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "a step of 512 rows (-ub)"));
    assert_non_null(strstr(error.message, "needs 18.00 MiB"));
    assert_non_null(strstr(error.message, "there are 2.00 MiB"));
    assert_non_null(strstr(error.message, "--device-mem"));
    /* Just enough. */
    memory.max_rows = 2 * MIB / ROW / 12;
    fit(&memory, 1024 * MIB);
    /* Steps may have fewer rows, but not fewer than one beside what it attends to. */
    memory.read_rows = 2 * MIB / ROW - 12;
    fit(&memory, 1024 * MIB);
    memory.read_rows++;
    status = alisa_kv_fit(&shape, &memory, 1024 * MIB, &made, &error);
    assert_int_equal(status, ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "attends to up to 671 others"));
    assert_non_null(strstr(error.message, "lower -c"));
    /* A block of tokens gets its slots at once. */
    memory.least_rows = 32;
    memory.read_rows = 2 * MIB / ROW - 32 * 12;
    fit(&memory, 1024 * MIB);
    memory.read_rows++;
    status = alisa_kv_fit(&shape, &memory, 1024 * MIB, &made, &error);
    assert_int_equal(status, ALISA_ERROR_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_follow_memory),
        cmocka_unit_test(test_inputs_have_slots_of_their_own),
        cmocka_unit_test(test_too_little_for_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
