/* SPDX-License-Identifier: Apache-2.0 */
/* Copies on queues of their own, their order against launches, events and pinned memory. */
#include "unit/transfer_support.h"

static void test_round_trips(void **state) {
    (void)state;
    /* Neither aligned nor a multiple of a page. */
    static const struct {
        uint64_t offset, size;
    } runs[] = {{0, 4 * WORDS}, {0, 1}, {3, 5}, {4093, 4099}, {4 * WORDS - 1, 1}};
    AlisaBuffer buffer = buffer_of_size(4 * WORDS);
    AlisaPinned pinned;
    OK(alisa_pinned_create(device, 4 * WORDS, "test", &pinned, &error));
    assert_true((uintptr_t)pinned.data % 64 == 0);
    static uint8_t expected[4 * WORDS], plain[4 * WORDS];
    fill_random(expected, WORDS, 1);
    OK(alisa_buffer_write(device, &buffer, 0, expected, sizeof expected, &error));
    for (size_t i = 0; i < 2 * sizeof runs / sizeof *runs; i++) {
        uint64_t offset = runs[i / 2].offset, size = runs[i / 2].size;
        uint8_t *memory = i % 2 ? pinned.data : plain;
        AlisaEvent written, read;
        fill_random(memory, WORDS, 2 + i);
        memcpy(expected + offset, memory, size);
        OK(alisa_transfer_write(device, &buffer, offset, memory, size, NULL, &written, &error));
        OK(alisa_event_wait(device, &written, "write", &error));
        memset(memory, 0x77, 4 * WORDS);
        OK(alisa_transfer_read(device, &buffer, 0, memory, 4 * WORDS, &written, &read, &error));
        OK(alisa_event_wait(device, &read, "read", &error));
        assert_memory_equal(memory, expected, sizeof expected);
        alisa_event_release(&written);
        alisa_event_release(&read);
        assert_null(read.event);
    }
    alisa_pinned_destroy(device, &pinned);
    assert_null(pinned.data);
    alisa_pinned_destroy(device, &pinned);
    alisa_buffer_destroy(&buffer);
}

static void test_order_by_events_alone(void **state) {
    (void)state;
    check_order_by_events();
}

/* A copy that waits holds up neither launches nor copies the other way. */
static void test_waiting_copy_blocks_nothing_else(void **state) {
    (void)state;
    AlisaBuffer worked = buffer_of_size(4 * WORDS), other = buffer_of_size(4 * WORDS);
    static uint32_t values[WORDS], results[WORDS], copied[WORDS];
    fill_random(values, WORDS, 4);
    OK(alisa_buffer_write(device, &worked, 0, values, sizeof values, &error));
    AlisaEvent gate = closed_gate(), read, written;
    OK(alisa_transfer_read(device, &other, 0, copied, sizeof copied, &gate, &read, &error));
    OK(alisa_transfer_write(device, &other, 0, values, sizeof values, NULL, &written, &error));
    OK(alisa_event_wait(device, &written, "write", &error));
    churn(&worked, WORDS, 100);
    OK(alisa_buffer_read(device, &worked, 0, results, sizeof results, &error));
    assert_int_equal(results[5], churned(values[5], 100));
    assert_int_equal(copied[5], 0);
    /* And launches wait for the copy that waits. */
    OK(alisa_opencl_wait_for(device, &read, &error));
    churn(&worked, WORDS, 1);
    AlisaEvent launched;
    OK(alisa_opencl_mark(device, &launched, &error));
    assert_true(alisa_completion_state(launched.event) > CL_COMPLETE);
    open_gate(&gate);
    OK(alisa_event_wait(device, &launched, "launch", &error));
    assert_int_equal(alisa_completion_state(read.event), CL_COMPLETE);
    assert_memory_equal(copied, values, sizeof values);
    AlisaEvent *const events[] = {&gate, &read, &written, &launched};
    for (int i = 0; i < 4; i++)
        alisa_event_release(events[i]);
    alisa_buffer_destroy(&worked);
    alisa_buffer_destroy(&other);
}

static void test_refusals_and_empty_copies(void **state) {
    (void)state;
    AlisaBuffer buffer = buffer_of_size(64), none = {0};
    uint8_t data[64] = {1};
    AlisaEvent event = {&event}, mark;
    assert_int_equal(alisa_transfer_write(device, &buffer, 60, data, 5, NULL, &event, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "5 bytes at 60 are outside a buffer of 64"));
    assert_null(event.event);
    assert_int_equal(
        alisa_transfer_read(device, &buffer, UINT64_MAX, data, 2, NULL, &event, &error),
        ALISA_ERROR_ARGUMENT);
    assert_int_equal(alisa_transfer_read(device, &none, 0, data, 2, NULL, &event, &error),
                     ALISA_ERROR_ARGUMENT);
    OK(alisa_transfer_write(device, &buffer, 64, data, 0, NULL, &event, &error));
    OK(alisa_event_wait(device, &event, "nothing", &error));
    OK(alisa_opencl_wait_for(device, &event, &error));
    alisa_event_release(&event);
    /* Nothing to copy is done when what it comes after is. */
    AlisaBuffer slow = buffer_of_size(4 * WORDS);
    static uint32_t values[WORDS], results[WORDS];
    fill_random(values, WORDS, 5);
    OK(alisa_buffer_write(device, &slow, 0, values, sizeof values, &error));
    churn(&slow, WORDS, 20000);
    OK(alisa_opencl_mark(device, &mark, &error));
    OK(alisa_transfer_read(device, &buffer, 0, data, 0, &mark, &event, &error));
    alisa_event_release(&mark);
    AlisaEvent read;
    OK(alisa_transfer_read(device, &slow, 0, results, sizeof results, &event, &read, &error));
    OK(alisa_event_wait(device, &read, "read", &error));
    assert_int_equal(results[7], churned(values[7], 20000));
    alisa_event_release(&read);
    alisa_event_release(&event);
    alisa_event_release(&event);
    alisa_buffer_destroy(&slow);
    alisa_buffer_destroy(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_order_by_events_alone),
        cmocka_unit_test(test_waiting_copy_blocks_nothing_else),
        cmocka_unit_test(test_refusals_and_empty_copies),
    };
    return cmocka_run_group_tests(tests, transfer_setup, transfer_teardown);
}
