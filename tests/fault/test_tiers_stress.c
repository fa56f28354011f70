/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions over two tiers in the least memory they take, down to four slots of a token each, with
 * copies that take a random time: whatever comes first, each policy gives the logits of the same
 * attention with everything on the device, bit for bit, and its tokens are where they are said to
 * be after every step.
 */
#include <CL/cl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "alisa/bench.h"
#include "base/clock.h"
#include "base/random.h"
#include "device/link.h"
#include "device/transfer.h"
#include "fault/tiers_session.h"

/* ---- Delays -------------------------------------------------------------------------------- */

static AlisaRandom chance;
static pthread_mutex_t chance_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool delaying;
static atomic_int delayed; /* copies that are waiting for their gate */
static atomic_ulong delays;

enum { MOST_DELAY = 400000 /* ns */ };

/* Nanoseconds; of half of the copies 0. */
static uint64_t draw_delay(void) {
    pthread_mutex_lock(&chance_mutex);
    uint64_t delay = 0;
    if (delaying && alisa_random_below(&chance, 2) == 0)
        delay = alisa_random_below(&chance, MOST_DELAY);
    pthread_mutex_unlock(&chance_mutex);
    if (delay > 0) atomic_fetch_add(&delays, 1);
    return delay;
}

typedef struct Gate {
    cl_event event;
    uint64_t opens_at;
} Gate;

static void *open_late(void *user) {
    Gate gate = *(Gate *)user;
    free(user);
    alisa_clock_sleep_until(gate.opens_at);
    clSetUserEventStatus(gate.event, CL_COMPLETE);
    clReleaseEvent(gate.event);
    atomic_fetch_sub(&delayed, 1);
    return NULL;
}

/* Events to wait for: those of the caller, and a gate that opens after `delay`. */
typedef struct WaitList {
    cl_event events[4];
    cl_uint count;
} WaitList;

static WaitList wait_longer(cl_command_queue queue, cl_uint count, const cl_event *events,
                            uint64_t delay) {
    WaitList list = {.count = count + 1};
    cl_context context;
    pthread_t thread;
    Gate *gate = malloc(sizeof *gate);
    assert_true(gate && count < 4);
    if (count > 0) memcpy(list.events, events, count * sizeof *events);
    assert_int_equal(
        clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL),
        CL_SUCCESS);
    *gate = (Gate){clCreateUserEvent(context, NULL), alisa_clock_now() + delay};
    assert_non_null(gate->event);
    clRetainEvent(gate->event);
    list.events[count] = gate->event;
    atomic_fetch_add(&delayed, 1);
    assert_int_equal(pthread_create(&thread, NULL, open_late, gate), 0);
    pthread_detach(thread);
    return list;
}

/* A copy that blocks is late itself; another one waits, beside what it was to wait for, for a gate.
 */
#define DELAY(name, pointer)                                                                       \
    cl_int __real_##name(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,   \
                         size_t size, pointer data, cl_uint count, const cl_event *events,         \
                         cl_event *event);                                                         \
    cl_int __wrap_##name(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,   \
                         size_t size, pointer data, cl_uint count, const cl_event *events,         \
                         cl_event *event);                                                         \
    cl_int __wrap_##name(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,   \
                         size_t size, pointer data, cl_uint count, const cl_event *events,         \
                         cl_event *event) {                                                        \
        uint64_t delay = draw_delay();                                                             \
        if (delay == 0 || blocking) {                                                              \
            alisa_clock_sleep_until(alisa_clock_now() + delay);                                    \
            return __real_##name(queue, memory, blocking, offset, size, data, count, events,       \
                                 event);                                                           \
        }                                                                                          \
        WaitList list = wait_longer(queue, count, events, delay);                                  \
        cl_int code = __real_##name(queue, memory, blocking, offset, size, data, list.count,       \
                                    list.events, event);                                           \
        clReleaseEvent(list.events[list.count - 1]);                                               \
        return code;                                                                               \
    }

DELAY(clEnqueueWriteBuffer, const void *)
DELAY(clEnqueueReadBuffer, void *)

static void begin_delays(uint64_t seed) {
    alisa_random_seed(&chance, seed);
    delaying = true;
}

static void end_delays(void) {
    delaying = false;
    while (atomic_load(&delayed) > 0)
        alisa_clock_sleep_until(alisa_clock_now() + 100000);
}

/* ---- Ways ---------------------------------------------------------------------------------- */

#define DENSE   ALISA_SELECT_DENSE, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER
#define SWA     ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER
#define HEADS   ALISA_SELECT_SWA, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_KV_HEAD
#define QUERY   ALISA_SELECT_SWA, ALISA_SELECT_SCORES_QUERY, ALISA_SELECT_LISTS_LAYER
#define QHEADS  ALISA_SELECT_SWA, ALISA_SELECT_SCORES_QUERY, ALISA_SELECT_LISTS_KV_HEAD
#define SUMS    ALISA_SELECT_SWA, ALISA_SELECT_SCORES_DENSE, ALISA_SELECT_LISTS_LAYER
#define H2O     ALISA_SELECT_H2O, ALISA_SELECT_SCORES_SPARSE, ALISA_SELECT_LISTS_LAYER
#define OVERLAP ALISA_SCHEDULE_OVERLAP
#define PAPER   ALISA_SCHEDULE_PAPER

static const TiersWay ways[] = {
    {"accelerate", ALISA_POLICY_ACCELERATE, ALISA_KV_F16, DENSE, OVERLAP},
    {"flexgen", ALISA_POLICY_FLEXGEN, ALISA_KV_F16, DENSE, OVERLAP},
    {"flexgen, f32", ALISA_POLICY_FLEXGEN, ALISA_KV_F32, DENSE, PAPER},
    {"alisa, dense", ALISA_POLICY_ALISA, ALISA_KV_F16, DENSE, OVERLAP},
    {"alisa", ALISA_POLICY_ALISA, ALISA_KV_F16, SWA, OVERLAP},
    {"alisa in sequence", ALISA_POLICY_ALISA, ALISA_KV_F16, SWA, PAPER},
    {"alisa by head", ALISA_POLICY_ALISA, ALISA_KV_F16, HEADS, OVERLAP},
    {"alisa, q8_0", ALISA_POLICY_ALISA, ALISA_KV_Q8_0, SWA, OVERLAP},
    {"alisa, query", ALISA_POLICY_ALISA, ALISA_KV_F16, QUERY, OVERLAP},
    {"alisa, query by head", ALISA_POLICY_ALISA, ALISA_KV_F16, QHEADS, PAPER},
    {"alisa, dense sums", ALISA_POLICY_ALISA, ALISA_KV_F16, SUMS, OVERLAP},
    {"h2o", ALISA_POLICY_H2O, ALISA_KV_F16, H2O, OVERLAP},
    {"vllm", ALISA_POLICY_VLLM, ALISA_KV_F16, DENSE, OVERLAP},
};

static const TiersWay ways_of_blocks[] = {
    {"accelerate, i8", ALISA_POLICY_ACCELERATE, ALISA_KV_I8, DENSE, OVERLAP},
    {"flexgen, i8", ALISA_POLICY_FLEXGEN, ALISA_KV_I8, DENSE, OVERLAP},
    {"alisa, i8", ALISA_POLICY_ALISA, ALISA_KV_I8, SWA, OVERLAP},
    {"alisa by head, i8", ALISA_POLICY_ALISA, ALISA_KV_I8, HEADS, PAPER},
    {"alisa, query, i8", ALISA_POLICY_ALISA, ALISA_KV_I8, QUERY, OVERLAP},
    {"h2o, i8", ALISA_POLICY_H2O, ALISA_KV_I8, H2O, OVERLAP},
};

/* Lists of two tokens, rows one by one. */
static const TiersText few_slots = {
    .prompt = 2, .steps = 12, .cut = 9, .micro_batch = 1, .sparsity = 0.99};
static const TiersText some_slots = {
    .prompt = 21, .steps = 16, .cut = 13, .micro_batch = 4, .sparsity = 0.7};
/* The cut is into a block that is sealed already. */
static const TiersText blocks = {
    .prompt = 70, .steps = 62, .cut = 100, .micro_batch = 16, .sparsity = 0.8};

static void check_way(const TiersWay *way, const TiersText *text, uint32_t seeds) {
    float *expected = tiers_run_on_device(way, text);
    double share = tiers_least_share(way, text);
    uint64_t moved = 0;
    uint32_t slots = 0;
    for (uint32_t seed = 0; seed < seeds; seed++) {
        AlisaSession *session;
        AlisaError error;
        AlisaPlacementUse use;
        size_t done;
        float *logits = tiers_logits(text);
        support_must(tiers_create(way, text, share, &session, &error), &error);
        slots = alisa_residency_free_device_slots(
            alisa_tiers_residency(alisa_kv_tiers(session->stages[0].kv)), 0);
        begin_delays(1000 * seed + 17);
        support_must(tiers_run(session, way, text, logits, &done, &error), &error);
        alisa_session_placement(session, &use);
        alisa_session_destroy(session);
        end_delays();
        moved += use.bytes_to_device;
        tiers_expect_rows(way->name, logits, expected, done);
        free(logits);
    }
    print_message("%s: %u slots, %.1f KiB to the device\n", way->name, slots,
                  (double)moved / seeds / 1024);
    if (way->policy != ALISA_POLICY_H2O && moved == 0) fail_msg("%s: nothing moved", way->name);
    free(expected);
}

static void tokens_one_by_one(void **state) {
    const TiersText *text = *state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        check_way(&ways[i], text, 2);
}

static void tokens_by_blocks(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways_of_blocks / sizeof *ways_of_blocks; i++)
        check_way(&ways_of_blocks[i], &blocks, 1);
}

/* The same on a link with a thread for each direction, whose copies are late in their threads. */
static void on_an_emulated_link(void **state) {
    (void)state;
    AlisaError error;
    const AlisaLink quick = {1e9, 1e-5};
    support_must(alisa_opencl_emulate_link(support_device, &quick, &error), &error);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i += 2)
        check_way(&ways[i], &few_slots, 1);
    support_must(alisa_opencl_emulate_link(support_device, NULL, &error), &error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(tokens_one_by_one, (void *)&few_slots),
        cmocka_unit_test_prestate(tokens_one_by_one, (void *)&some_slots),
        cmocka_unit_test(tokens_by_blocks),
        cmocka_unit_test(on_an_emulated_link),
    };
    if (tiers_open() != 0) return 1;
    int failed = cmocka_run_group_tests_name("stress of tiers", tests, NULL, NULL);
    tiers_close();
    return failed;
}
