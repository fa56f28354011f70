/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated link: what takes how long, what waits for what. Lower bounds of times are exact;
 * upper ones hold on a busy machine in one try of several; order is asserted wherever it tells. */
#include "device/link.h"
#include "unit/transfer_support.h"

#include <math.h>
#include <time.h>

#define MIB   1048576u
#define TRIES 5

static AlisaBuffer buffer; /* 4 MiB */
static AlisaPinned host;   /* two halves of 4 MiB: from, to */
static uint8_t *from, *to;

static int link_setup(void **state) {
    if (transfer_setup(state) != 0) return -1;
    buffer = buffer_of_size(4 * MIB);
    OK(alisa_pinned_create(device, 8 * MIB, "test", &host, &error));
    from = host.data;
    to = from + 4 * MIB;
    fill_random(from, MIB, 1);
    return 0;
}

static int link_teardown(void **state) {
    alisa_pinned_destroy(device, &host);
    alisa_buffer_destroy(&buffer);
    return transfer_teardown(state);
}

static int link_off(void **state) {
    (void)state;
    OK(alisa_opencl_emulate_link(device, NULL, &error));
    return 0;
}

/* A MiB takes `per_mib` seconds, each copy `latency` more. */
static void emulate(double per_mib, double latency) {
    const AlisaLink link = {MIB / per_mib, latency};
    OK(alisa_opencl_emulate_link(device, &link, &error));
}

static AlisaEvent write_mib(uint64_t at, uint64_t count) {
    AlisaEvent done;
    OK(alisa_transfer_write(device, &buffer, at * MIB, from + at * MIB, count * MIB, NULL, &done,
                            &error));
    return done;
}

static AlisaEvent read_mib(uint64_t at, uint64_t count) {
    AlisaEvent done;
    OK(alisa_transfer_read(device, &buffer, at * MIB, to + at * MIB, count * MIB, NULL, &done,
                           &error));
    return done;
}

static void wait_and_release(AlisaEvent *event) {
    OK(alisa_event_wait(device, event, "a copy", &error));
    alisa_event_release(event);
}

static bool is_done(const AlisaEvent *event) {
    return alisa_completion_state(event->event) == CL_COMPLETE;
}

static void test_bad_links_are_refused(void **state) {
    (void)state;
    static const AlisaLink bad[] = {{-1, 0}, {1, -1}, {(double)NAN, 0}, {1, (double)INFINITY}};
    const AlisaLink good = {1e9, 1e-5};
    OK(alisa_opencl_emulate_link(device, &good, &error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(alisa_opencl_emulate_link(device, &bad[i], &error), ALISA_ERROR_ARGUMENT);
    }
    assert_true(alisa_opencl_emulated_link(device).bytes_per_second == 1e9);
    OK(alisa_opencl_emulate_link(device, NULL, &error));
    assert_true(alisa_opencl_emulated_link(device).bytes_per_second == 0);
}

/* Latency and rate both count, copies of a direction take turns, and the data arrives. */
static void test_copies_take_their_time_in_turn(void **state) {
    (void)state;
    double best = 1e9;
    for (int try = 0; try < TRIES && best > 0.3; try++) {
        emulate(0.010, 0.005);
        uint64_t start = alisa_clock_now();
        AlisaEvent done[4];
        for (uint64_t i = 0; i < 4; i++)
            done[i] = write_mib(i, 1);
        OK(alisa_event_wait(device, &done[3], "the last", &error));
        double seconds = seconds_since(start);
        if (seconds < 4 * 0.015) fail_msg("4 copies of 15 ms took %.1f ms", seconds * 1e3);
        if (seconds < best) best = seconds;
        for (int i = 0; i < 4; i++) {
            assert_true(is_done(&done[i]));
            alisa_event_release(&done[i]);
        }
        OK(alisa_opencl_emulate_link(device, NULL, &error));
        AlisaEvent read = read_mib(0, 4);
        wait_and_release(&read);
        assert_memory_equal(from, to, 4 * MIB);
    }
    if (best > 0.3) fail_msg("4 copies of 15 ms take %.1f ms", best * 1e3);
}

static void test_directions_do_not_wait_for_each_other(void **state) {
    (void)state;
    double best = 1e9;
    emulate(0.030, 0);
    for (int try = 0; try < TRIES && best > 0.100; try++) {
        uint64_t start = alisa_clock_now();
        AlisaEvent up = write_mib(0, 2), down = read_mib(2, 2);
        wait_and_release(&up);
        wait_and_release(&down);
        double seconds = seconds_since(start);
        if (seconds < 0.060) fail_msg("copies of 60 ms took %.1f ms", seconds * 1e3);
        if (seconds < best) best = seconds;
    }
    if (best > 0.100) fail_msg("60 ms up beside 60 ms down take %.1f ms", best * 1e3);
}

/* Rounds of churn on `work` that take about `seconds`. */
static uint32_t calibrate(const AlisaBuffer *work, double seconds) {
    uint32_t rounds = 1000;
    for (;;) {
        uint64_t start = alisa_clock_now();
        churn(work, WORDS, rounds);
        OK(alisa_opencl_finish(device, &error));
        double taken = seconds_since(start);
        if (taken > seconds / 4) return (uint32_t)(rounds * seconds / taken);
        rounds *= 2;
    }
}

static void test_compute_and_copies_overlap(void **state) {
    (void)state;
    AlisaBuffer work = buffer_of_size(4 * WORDS);
    churn(&work, WORDS, 1);
    double best = 1e9;
    for (int try = 0; try < TRIES && best > 0.8; try++) {
        uint32_t rounds = calibrate(&work, 0.060);
        uint64_t start = alisa_clock_now();
        churn(&work, WORDS, rounds);
        OK(alisa_opencl_finish(device, &error));
        double alone = seconds_since(start);
        emulate(alone / 4, 0); /* 4 MiB take as long */
        start = alisa_clock_now();
        AlisaEvent copy = write_mib(0, 4);
        churn(&work, WORDS, rounds);
        OK(alisa_opencl_finish(device, &error));
        wait_and_release(&copy);
        double share = seconds_since(start) / (2 * alone);
        if (share < best) best = share;
    }
    if (best > 0.8) fail_msg("both together take %.2f of one after the other", best);

    /* Launches run while a copy is under way, and copies while launches are. */
    emulate(0.1, 0);
    AlisaEvent copy = write_mib(0, 4);
    churn(&work, WORDS, 1);
    OK(alisa_opencl_finish(device, &error));
    assert_false(is_done(&copy));
    OK(alisa_opencl_emulate_link(device, NULL, &error)); /* ends what was started, at once */
    assert_true(is_done(&copy));
    alisa_event_release(&copy);

    emulate(0.002, 0);
    uint32_t rounds = calibrate(&work, 0.005);
    for (int i = 0; i < 100; i++)
        churn(&work, WORDS, rounds);
    AlisaEvent launched;
    OK(alisa_opencl_mark(device, &launched, &error));
    copy = write_mib(0, 1);
    wait_and_release(&copy);
    assert_false(is_done(&launched));
    wait_and_release(&launched);
    alisa_buffer_destroy(&work);
}

/* Blocking copies are paced and share the link with the others. */
static void test_blocking_copies_are_paced(void **state) {
    (void)state;
    emulate(0.020, 0.004);
    uint64_t start = alisa_clock_now();
    OK(alisa_buffer_write(device, &buffer, 0, from, MIB, &error));
    double seconds = seconds_since(start);
    if (seconds < 0.024) fail_msg("a write of 24 ms took %.1f ms", seconds * 1e3);
    start = alisa_clock_now();
    OK(alisa_buffer_read(device, &buffer, 0, to, MIB, &error));
    seconds = seconds_since(start);
    if (seconds < 0.024) fail_msg("a read of 24 ms took %.1f ms", seconds * 1e3);
    assert_memory_equal(from, to, MIB);
    start = alisa_clock_now();
    uint32_t word = 1;
    OK(alisa_buffer_write(device, &buffer, 0, &word, sizeof word, &error));
    seconds = seconds_since(start);
    if (seconds < 0.004) fail_msg("a small write of 4 ms took %.1f ms", seconds * 1e3);

    start = alisa_clock_now();
    AlisaEvent before = write_mib(0, 2);
    OK(alisa_buffer_write(device, &buffer, 2 * MIB, from, MIB, &error));
    wait_and_release(&before);
    seconds = seconds_since(start);
    if (seconds < 0.068) fail_msg("two writes, 68 ms together, took %.1f ms", seconds * 1e3);
}

static void test_waiting_copy_leaves_the_link_free(void **state) {
    (void)state;
    emulate(0.001, 0);
    AlisaBuffer work = buffer_of_size(4 * WORDS);
    static uint32_t values[WORDS], results[WORDS];
    fill_random(values, WORDS, 2);
    AlisaEvent gate = closed_gate(), moved, launched;
    OK(alisa_transfer_write(device, &work, 0, values, sizeof values, &gate, &moved, &error));
    OK(alisa_buffer_write(device, &buffer, 0, from, MIB, &error));
    OK(alisa_buffer_read(device, &buffer, 0, to, MIB, &error));
    assert_memory_equal(from, to, MIB);
    OK(alisa_opencl_wait_for(device, &moved, &error));
    churn(&work, WORDS, 100);
    OK(alisa_opencl_mark(device, &launched, &error));
    assert_false(is_done(&launched));
    assert_false(is_done(&moved));
    open_gate(&gate);
    wait_and_release(&launched);
    assert_true(is_done(&moved));
    OK(alisa_buffer_read(device, &work, 0, results, sizeof results, &error));
    for (size_t i = 0; i < WORDS; i += 61)
        assert_int_equal(results[i], churned(values[i], 100));
    alisa_event_release(&gate);
    alisa_event_release(&moved);
    alisa_buffer_destroy(&work);
}

static void test_order_by_events_alone(void **state) {
    (void)state;
    emulate(0.002, 20e-6);
    check_order_by_events();
}

static void test_waiting_needs_no_core(void **state) {
    (void)state;
    emulate(0.1, 0);
    struct timespec before, after;
    AlisaEvent up = write_mib(0, 4), down = read_mib(0, 4);
    alisa_clock_sleep_until(alisa_clock_now() + 20000000); /* the real copies */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    wait_and_release(&up);
    wait_and_release(&down);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double used =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
    if (used > 0.05) fail_msg("waiting for 0.4 s used a core for %.3f s", used);
}

/* Closing ends the pacing, not the copies; launches that wait for them run. */
static void test_closing_with_copies_under_way(void **state) {
    (void)state;
    AlisaDevice *kept = device;
    OK(alisa_device_open(NULL, &device, &error));
    const AlisaLink slow = {1e9, 100.0};
    OK(alisa_opencl_emulate_link(device, &slow, &error));
    AlisaBuffer work = buffer_of_size(4 * WORDS);
    static uint32_t values[WORDS], results[WORDS];
    fill_random(values, WORDS, 3);
    AlisaEvent first, second, launched, back;
    OK(alisa_transfer_write(device, &work, 0, values, 8, NULL, &first, &error));
    OK(alisa_transfer_write(device, &work, 8, values + 2, sizeof values - 8, NULL, &second,
                            &error));
    OK(alisa_opencl_wait_for(device, &second, &error));
    churn(&work, WORDS, 10);
    OK(alisa_opencl_mark(device, &launched, &error));
    OK(alisa_transfer_read(device, &work, 0, results, sizeof results, &launched, &back, &error));
    AlisaEvent *const events[] = {&first, &second, &launched, &back};
    for (int i = 0; i < 4; i++)
        alisa_event_release(events[i]);
    alisa_buffer_destroy(&work);
    uint64_t start = alisa_clock_now();
    alisa_device_close(device);
    device = kept;
    assert_true(seconds_since(start) < 50);
    for (size_t i = 0; i < WORDS; i += 61)
        assert_int_equal(results[i], churned(values[i], 10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_links_are_refused),
        cmocka_unit_test_teardown(test_copies_take_their_time_in_turn, link_off),
        cmocka_unit_test_teardown(test_directions_do_not_wait_for_each_other, link_off),
        cmocka_unit_test_teardown(test_compute_and_copies_overlap, link_off),
        cmocka_unit_test_teardown(test_blocking_copies_are_paced, link_off),
        cmocka_unit_test_teardown(test_waiting_copy_leaves_the_link_free, link_off),
        cmocka_unit_test_teardown(test_order_by_events_alone, link_off),
        cmocka_unit_test_teardown(test_waiting_needs_no_core, link_off),
        cmocka_unit_test(test_closing_with_copies_under_way),
    };
    return cmocka_run_group_tests(tests, link_setup, link_teardown);
}
