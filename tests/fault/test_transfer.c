/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies whose OpenCL calls, allocations and threads fail, each in turn: an error that says so,
 * nothing leaked, and a device that works on. The linker turns the calls of the library into the
 * __wrap_ functions below (see tests/CMakeLists.txt).
 */
#include "unit/transfer_support.h"

#include <pthread.h>

/* ---- Faults -------------------------------------------------------------------------------- */

static atomic_int calls_left = -1; /* until the call that fails; negative: none will */
static const char *only;           /* NULL, or the one call that is counted */
static const char *failed;         /* the call that did */
static cl_event failing_event;     /* whose state is told as failed */

static bool fails(const char *call) {
    if (only && strcmp(only, call) != 0) return false;
    if (atomic_load(&calls_left) < 0 || atomic_fetch_sub(&calls_left, 1) != 0) return false;
    failed = call;
    return true;
}

static void fail_call(const char *call, int index) {
    only = call;
    failed = NULL;
    atomic_store(&calls_left, index);
}

static void fail_nothing(void) {
    atomic_store(&calls_left, -1);
}

#define WRAP(type, name, parameters, arguments, result)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        if (fails(#name)) return result;                                                           \
        return __real_##name arguments;                                                            \
    }
#define WRAP_CODE(name, parameters, arguments)                                                     \
    WRAP(cl_int, name, parameters, arguments, CL_OUT_OF_RESOURCES)
#define WRAP_HANDLE(type, name, parameters, arguments)                                             \
    WRAP(type, name, parameters, arguments, (*code = CL_OUT_OF_RESOURCES, NULL))

WRAP_HANDLE(cl_mem, clCreateBuffer,
            (cl_context context, cl_mem_flags flags, size_t size, void *memory, cl_int *code),
            (context, flags, size, memory, code))
WRAP_HANDLE(cl_event, clCreateUserEvent, (cl_context context, cl_int *code), (context, code))
WRAP_HANDLE(void *, clEnqueueMapBuffer,
            (cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
             size_t offset, size_t size, cl_uint count, const cl_event *list, cl_event *event,
             cl_int *code),
            (queue, memory, blocking, flags, offset, size, count, list, event, code))
WRAP_CODE(clEnqueueWriteBuffer,
          (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t size,
           const void *data, cl_uint count, const cl_event *list, cl_event *event),
          (queue, memory, blocking, offset, size, data, count, list, event))
WRAP_CODE(clEnqueueReadBuffer,
          (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t size,
           void *data, cl_uint count, const cl_event *list, cl_event *event),
          (queue, memory, blocking, offset, size, data, count, list, event))
WRAP_CODE(clEnqueueMarkerWithWaitList,
          (cl_command_queue queue, cl_uint count, const cl_event *list, cl_event *event),
          (queue, count, list, event))
WRAP_CODE(clEnqueueBarrierWithWaitList,
          (cl_command_queue queue, cl_uint count, const cl_event *list, cl_event *event),
          (queue, count, list, event))
WRAP_CODE(clFlush, (cl_command_queue queue), (queue))
WRAP_CODE(clFinish, (cl_command_queue queue), (queue))
WRAP_CODE(clWaitForEvents, (cl_uint count, const cl_event *list), (count, list))
WRAP_CODE(clRetainMemObject, (cl_mem memory), (memory))
WRAP(void *, alisa_allocate, (size_t count, size_t size, const char *what, AlisaError *into),
     (count, size, what, into),
     (alisa_error_set(into, ALISA_ERROR_MEMORY, "alisa_allocate failed"), NULL))
WRAP(void *, alisa_allocate_zeroed, (size_t count, size_t size, const char *what, AlisaError *into),
     (count, size, what, into),
     (alisa_error_set(into, ALISA_ERROR_MEMORY, "alisa_allocate_zeroed failed"), NULL))
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*body)(void *), void *user),
     (thread, attributes, body, user), 11)

cl_int __real_clGetEventInfo(cl_event event, cl_event_info name, size_t size, void *value,
                             size_t *needed);
cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info name, size_t size, void *value,
                             size_t *needed);
cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info name, size_t size, void *value,
                             size_t *needed) {
    if (fails("clGetEventInfo")) return CL_OUT_OF_RESOURCES;
    cl_int code = __real_clGetEventInfo(event, name, size, value, needed);
    if (event == failing_event && *(cl_int *)value == CL_COMPLETE) {
        *(cl_int *)value = CL_OUT_OF_RESOURCES;
    }
    return code;
}

/* ---- A round of everything ----------------------------------------------------------------- */

static const AlisaLink quick_link = {1e9, 1e-5};

typedef struct Round {
    AlisaPinned host;
    AlisaBuffer buffer;
    AlisaEvent written, launched, read;
} Round;

/* Values go to the device by a transfer, are worked on, and come back by a transfer and by a
 * blocking read. */
static AlisaStatus run_round(Round *round, const AlisaLink *link, uint32_t steps) {
    *round = (Round){0};
    const uint64_t size = 4 * WORDS;
    const AlisaLaunch launch = {{WORDS, 1, 1}, {16, 1, 1}};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&round->buffer), ALISA_ARG(steps)};
    AlisaKernel *kernel;
    AlisaStatus status = alisa_opencl_emulate_link(device, link, &error);
    if (status == ALISA_OK) {
        status = alisa_kernel_get(device, "churn.cl", "churn", "", &kernel, &error);
    }
    if (status == ALISA_OK) {
        status = alisa_pinned_create(device, 3 * size, "test", &round->host, &error);
    }
    if (status == ALISA_OK) {
        status = alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "test", &round->buffer,
                                     &error);
    }
    if (status != ALISA_OK) return status;
    uint32_t *from = round->host.data;
    fill_random(from, WORDS, steps);
    memset(from + WORDS, 0, 2 * size);
    status =
        alisa_transfer_write(device, &round->buffer, 0, from, size, NULL, &round->written, &error);
    if (status == ALISA_OK) status = alisa_opencl_wait_for(device, &round->written, &error);
    if (status == ALISA_OK) status = alisa_kernel_launch(kernel, &launch, arguments, 2, &error);
    if (status == ALISA_OK) status = alisa_opencl_mark(device, &round->launched, &error);
    if (status == ALISA_OK) {
        status = alisa_transfer_read(device, &round->buffer, 0, from + WORDS, size,
                                     &round->launched, &round->read, &error);
    }
    if (status == ALISA_OK) {
        status = alisa_buffer_read(device, &round->buffer, 0, from + 2 * WORDS, size, &error);
    }
    if (status == ALISA_OK) status = alisa_event_wait(device, &round->read, "round", &error);
    return status;
}

/* Memory may go only when no copy can touch it: of two waits one is not made to fail. */
static void end_round(Round *round) {
    AlisaEvent *const events[] = {&round->written, &round->launched, &round->read};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++)
            (void)alisa_event_wait(device, events[i], "end", NULL);
        alisa_event_release(events[i]);
    }
    (void)alisa_opencl_finish(device, NULL);
    alisa_buffer_destroy(&round->buffer);
    alisa_pinned_destroy(device, &round->host);
}

static void check_round(const Round *round, uint32_t steps) {
    const uint32_t *from = round->host.data;
    for (size_t i = 0; i < WORDS; i += 61) {
        assert_int_equal(from[WORDS + i], churned(from[i], steps));
        assert_int_equal(from[2 * WORDS + i], churned(from[i], steps));
    }
}

static void run_sound_round(const AlisaLink *link, uint32_t steps) {
    Round round;
    OK(run_round(&round, link, steps));
    check_round(&round, steps);
    end_round(&round);
}

static void fail_each_call(const AlisaLink *link) {
    run_sound_round(link, 1);
    int index = 0;
    for (;; index++) {
        Round round;
        error.message[0] = 0;
        fail_call(NULL, index);
        AlisaStatus status = run_round(&round, link, 100 + (uint32_t)index);
        bool reached = atomic_load(&calls_left) < 0;
        if (status == ALISA_OK) {
            fail_nothing();
            check_round(&round, 100 + (uint32_t)index);
        } else {
            assert_true(reached);
            if (!strchr(error.message, ' ')) fail_msg("%s: \"%s\"", failed, error.message);
        }
        end_round(&round);
        fail_nothing();
        (void)alisa_opencl_finish(device, NULL); /* what end_round did not get to hear */
        if (!reached) break;
        run_sound_round(link, 1000 + (uint32_t)index);
    }
    assert_true(index >= 12);
    OK(alisa_opencl_emulate_link(device, NULL, &error));
}

static void test_each_call_fails_once(void **state) {
    (void)state;
    fail_each_call(NULL);
}

static void test_each_call_fails_once_on_an_emulated_link(void **state) {
    (void)state;
    fail_each_call(&quick_link);
}

/* ---- Failures that come late --------------------------------------------------------------- */

static void assert_says(const char *part) {
    if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
}

/* Launches waited for the copy: besides whoever waits for the event, the next read is told. */
static void test_late_failure_is_told(void **state) {
    const AlisaLink *link = *state;
    static uint32_t values[WORDS];
    fill_random(values, WORDS, 1);
    AlisaBuffer buffer = buffer_of_size(4 * WORDS);
    OK(alisa_opencl_emulate_link(device, link, &error));
    AlisaEvent gate = closed_gate(), written, after;
    OK(alisa_transfer_write(device, &buffer, 0, values, sizeof values, &gate, &written, &error));
    OK(alisa_opencl_wait_for(device, &written, &error));
    if (link) {
        fail_call("clEnqueueWriteBuffer", 0);
    } else {
        failing_event = ((AlisaCompletion *)written.event)->event;
    }
    churn(&buffer, WORDS, 10);
    OK(alisa_transfer_read(device, &buffer, 0, values, 4, &written, &after, &error));
    open_gate(&gate);
    assert_int_equal(alisa_event_wait(device, &written, "the prefetch of layer 3", &error),
                     ALISA_ERROR_DEVICE);
    assert_says("the prefetch of layer 3 on ");
    assert_says("clEnqueueWriteBuffer failed with CL_OUT_OF_RESOURCES (-5)");
    assert_int_equal(alisa_buffer_read(device, &buffer, 0, values, 4, &error), ALISA_ERROR_DEVICE);
    assert_says("that launches waited for");
    if (link) { /* a copy after one that failed fails */
        assert_int_equal(alisa_event_wait(device, &after, "the store of layer 3", &error),
                         ALISA_ERROR_DEVICE);
        assert_says("the store of layer 3 on ");
    }
    /* So does what is asked for from now on. */
    AlisaEvent next;
    assert_int_equal(alisa_transfer_read(device, &buffer, 0, values, 4, &written, &next, &error),
                     ALISA_ERROR_DEVICE);
    assert_null(next.event);
    assert_int_equal(alisa_opencl_wait_for(device, &written, &error), ALISA_ERROR_DEVICE);
    failing_event = NULL;
    fail_nothing();
    (void)alisa_event_wait(device, &after, "end", NULL);
    AlisaEvent *const events[] = {&gate, &written, &after};
    for (int i = 0; i < 3; i++)
        alisa_event_release(events[i]);
    alisa_buffer_destroy(&buffer);
    run_sound_round(link, 7);
    OK(alisa_opencl_emulate_link(device, NULL, &error));
}

/* ---- Memory that cannot be pinned ---------------------------------------------------------- */

static void test_unpinned_memory_is_said_once(void **state) {
    (void)state;
    ChildReport told = {0};
    device->log = (AlisaLog){report_log, &told};
    device->unpinned_said = false;
    static const char *const calls[] = {"clCreateBuffer", "clEnqueueMapBuffer"};
    for (int i = 0; i < 2; i++) {
        AlisaPinned pinned;
        fail_call(calls[i], 0);
        OK(alisa_pinned_create(device, 4 * WORDS, "host arena", &pinned, &error));
        assert_non_null(failed);
        assert_false(pinned.pinned);
        AlisaBuffer buffer = buffer_of_size(4 * WORDS);
        AlisaEvent written;
        uint32_t back[4];
        fill_random(pinned.data, WORDS, 5);
        OK(alisa_transfer_write(device, &buffer, 0, pinned.data, 4 * WORDS, NULL, &written,
                                &error));
        OK(alisa_event_wait(device, &written, "write", &error));
        OK(alisa_buffer_read(device, &buffer, 64, back, sizeof back, &error));
        assert_memory_equal(back, (uint8_t *)pinned.data + 64, sizeof back);
        alisa_event_release(&written);
        alisa_buffer_destroy(&buffer);
        alisa_pinned_destroy(device, &pinned);
    }
    assert_int_equal(told.warnings, 1);
    assert_non_null(strstr(told.last_warning, "no pinned memory for host arena of 16384 bytes"));
    device->log = (AlisaLog){0};
}

/* ---- Few workers --------------------------------------------------------------------------- */

/* Launches that wait for copies must not hold the workers that copy. */
static void with_one_worker(ChildReport *report) {
    (void)report;
    setenv("OCL_ICD_VENDORS", "pocl.icd", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    alarm(120);
    if (transfer_setup(NULL) != 0) _exit(1);
    check_order_by_events();
    OK(alisa_opencl_emulate_link(device, &quick_link, &error));
    check_order_by_events();
    transfer_teardown(NULL);
}

static void test_one_worker(void **state) {
    (void)state;
    if (access("/etc/OpenCL/vendors/pocl.icd", F_OK) != 0) {
        print_message("skipped: PoCL is not installed\n");
        skip();
    }
    ChildReport *report = make_report();
    run_child(with_one_worker, report);
    free_report(report);
}

int main(void) {
    alarm(300); /* a copy that is never done would wait for ever */
    /* In a child, before this process calls OpenCL. */
    const struct CMUnitTest alone[] = {cmocka_unit_test(test_one_worker)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_fails_once),
        cmocka_unit_test(test_each_call_fails_once_on_an_emulated_link),
        cmocka_unit_test_prestate(test_late_failure_is_told, NULL),
        cmocka_unit_test_prestate(test_late_failure_is_told, (void *)&quick_link),
        cmocka_unit_test(test_unpinned_memory_is_said_once),
    };
    int failures = cmocka_run_group_tests(alone, NULL, NULL);
    return failures + cmocka_run_group_tests(tests, transfer_setup, transfer_teardown);
}
