/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of copies beside the compute queue: a device, a kernel that takes as long as it is
 * told and whose results are known, and random bytes.
 */
#ifndef ALISA_TESTS_UNIT_TRANSFER_SUPPORT_H
#define ALISA_TESTS_UNIT_TRANSFER_SUPPORT_H

#include "device/device.h"
#include "device/link.h"
#include "device/transfer.h"
#include "fault/test_device.h"

#include "base/clock.h"
#include "base/random.h"
#include "device/internal.h"

#define WORDS 4096 /* of the buffers that kernels work on */

static const char transfer_kernel_text[] =
    "__kernel void churn(__global uint *x, uint rounds) {\n"
    "    uint value = x[get_global_id(0)];\n"
    "    for (uint i = 0; i < rounds; i++) value = value * 1664525u + 1013904223u;\n"
    "    x[get_global_id(0)] = value;\n"
    "}\n";

static char folder[256];
static AlisaDevice *device;
static AlisaError error;

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != ALISA_OK) fail_msg("%s: %s", #call, error.message);                          \
    } while (0)

static inline int transfer_setup(void **state) {
    (void)state;
    make_folder(folder, sizeof folder);
    write_text(folder, "churn.cl", transfer_kernel_text);
    setenv("ALISA_KERNEL_DIR", folder, 1);
    if (alisa_device_open(NULL, &device, &error) == ALISA_OK) return 0;
    print_message("cannot open a device: %s\n", error.message);
    return -1;
}

static inline int transfer_teardown(void **state) {
    (void)state;
    alisa_device_close(device);
    remove_folder(folder);
    return 0;
}

static inline AlisaBuffer buffer_of_size(uint64_t size) {
    AlisaBuffer buffer;
    OK(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &buffer, &error));
    return buffer;
}

/* Enqueues `rounds` steps of the generator on each of `count` (a multiple of 16) words. */
static inline void churn(const AlisaBuffer *buffer, size_t count, uint32_t rounds) {
    AlisaKernel *kernel;
    OK(alisa_kernel_get(device, "churn.cl", "churn", "", &kernel, &error));
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(buffer), ALISA_ARG(rounds)};
    const AlisaLaunch launch = {{count, 1, 1}, {16, 1, 1}};
    OK(alisa_kernel_launch(kernel, &launch, arguments, 2, &error));
}

static inline uint32_t churned(uint32_t value, uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; i++)
        value = value * 1664525u + 1013904223u;
    return value;
}

static inline void fill_random(void *data, size_t words, uint64_t seed) {
    AlisaRandom random;
    alisa_random_seed(&random, seed);
    for (size_t i = 0; i < words; i++)
        ((uint32_t *)data)[i] = (uint32_t)alisa_random_next(&random);
}

/* An event that is done when the test says so. */
static inline AlisaEvent closed_gate(void) {
    AlisaCompletion *made = alisa_completion_create("gate", &error);
    assert_non_null(made);
    made->event = clCreateUserEvent(device->context, NULL);
    assert_non_null(made->event);
    return (AlisaEvent){made};
}

static inline void open_gate(AlisaEvent *gate) {
    AlisaCompletion *made = gate->event;
    assert_int_equal(clSetUserEventStatus(made->event, CL_COMPLETE), CL_SUCCESS);
}

/* Two buffers in turn, as a prefetch uses them: each round's copies start while the launches of the
 * round before run, and all order is by events. */
static inline void check_order_by_events(void) {
    enum { ROUNDS = 40, STEPS = 2000 };
    AlisaBuffer buffers[2] = {buffer_of_size(4 * WORDS), buffer_of_size(4 * WORDS)};
    AlisaPinned in, out;
    OK(alisa_pinned_create(device, 4 * WORDS * ROUNDS, "in", &in, &error));
    OK(alisa_pinned_create(device, 4 * WORDS * ROUNDS, "out", &out, &error));
    uint32_t *from = in.data, *to = out.data;
    fill_random(from, WORDS * ROUNDS, 3);
    memset(to, 0, 4 * WORDS * ROUNDS);
    AlisaEvent copied_out[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        AlisaBuffer *buffer = &buffers[i % 2];
        AlisaEvent written, launched;
        OK(alisa_transfer_write(device, buffer, 0, from + i * WORDS, 4 * WORDS,
                                i >= 2 ? &copied_out[i - 2] : NULL, &written, &error));
        OK(alisa_opencl_wait_for(device, &written, &error));
        churn(buffer, WORDS, STEPS + (uint32_t)i);
        OK(alisa_opencl_mark(device, &launched, &error));
        OK(alisa_transfer_read(device, buffer, 0, to + i * WORDS, 4 * WORDS, &launched,
                               &copied_out[i], &error));
        alisa_event_release(&written);
        alisa_event_release(&launched);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        OK(alisa_event_wait(device, &copied_out[i], "read", &error));
        alisa_event_release(&copied_out[i]);
        for (size_t j = i; j < WORDS; j += 97) {
            assert_int_equal(to[i * WORDS + j], churned(from[i * WORDS + j], STEPS + (uint32_t)i));
        }
    }
    OK(alisa_opencl_finish(device, &error));
    assert_int_equal(device->awaited.count, 0);
    alisa_pinned_destroy(device, &in);
    alisa_pinned_destroy(device, &out);
    for (int i = 0; i < 2; i++)
        alisa_buffer_destroy(&buffers[i]);
}

static inline double seconds_since(uint64_t start) {
    return (double)(alisa_clock_now() - start) * 1e-9;
}

#endif
