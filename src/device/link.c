/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated link: a thread for each direction takes copies in order, waits (asleep) for what
 * they come after, copies within the time the link takes, sleeps until that is over and completes
 * the copy's user event, for which the queues wait.
 *
 * The time of a copy starts when it could start and the link was free, not when its thread woke up,
 * so being woken late does not add up over copies that follow each other.
 */
#include "device/link.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/internal.h"

/* Longest sleep that closing the device has to wait for. */
#define NAP_NANOSECONDS 20000000u

/* Seconds a copy may take: keeps an absurdly slow link within the clock's numbers. */
#define LONGEST 1e6

typedef struct Job {
    struct Job *next;
    AlisaCopy copy;
    AlisaCompletion *after; /* NULL: may start at once */
    AlisaCompletion *done;
    uint64_t submitted;
} Job;

typedef struct Lane {
    AlisaEmulation *emulation;
    cl_command_queue queue; /* of the device, for the real copies */
    pthread_t thread;
    bool started;
    Job *first, **end; /* waiting to be taken */
    uint64_t free_at;  /* when the link is free again */
} Lane;

struct AlisaEmulation {
    AlisaDevice *device;
    AlisaLink link;
    pthread_mutex_t mutex; /* of the lanes and of `stopping` */
    pthread_cond_t changed;
    bool stopping;
    Lane lanes[ALISA_DIRECTIONS];
};

static double seconds_of(const AlisaLink *link, const AlisaCopy *copy) {
    return fmin(link->latency + (double)copy->size / link->bytes_per_second, LONGEST);
}

/* Takes the link from `ready` on, or from when it is free; returns the end. */
static uint64_t reserve(AlisaEmulation *emulation, const AlisaCopy *copy, uint64_t ready) {
    double seconds = seconds_of(&emulation->link, copy);
    Lane *lane = &emulation->lanes[copy->direction];
    pthread_mutex_lock(&emulation->mutex);
    uint64_t start = lane->free_at > ready ? lane->free_at : ready;
    uint64_t end = start + (uint64_t)llround(seconds * 1e9);
    lane->free_at = end;
    pthread_mutex_unlock(&emulation->mutex);
    return end;
}

uint64_t alisa_emulation_reserve(AlisaEmulation *emulation, const AlisaCopy *copy) {
    return reserve(emulation, copy, alisa_clock_now());
}

/* Waits for a job; NULL when there is none and the lane is to stop. */
static Job *take_job(Lane *lane) {
    AlisaEmulation *emulation = lane->emulation;
    pthread_mutex_lock(&emulation->mutex);
    while (!lane->first && !emulation->stopping)
        pthread_cond_wait(&emulation->changed, &emulation->mutex);
    Job *job = lane->first;
    if (job) {
        lane->first = job->next;
        if (!lane->first) lane->end = &lane->first;
    }
    pthread_mutex_unlock(&emulation->mutex);
    return job;
}

static bool is_stopping(AlisaEmulation *emulation) {
    pthread_mutex_lock(&emulation->mutex);
    bool stopping = emulation->stopping;
    pthread_mutex_unlock(&emulation->mutex);
    return stopping;
}

static void pace(AlisaEmulation *emulation, uint64_t end) {
    while (!is_stopping(emulation)) {
        uint64_t now = alisa_clock_now();
        if (now >= end) return;
        alisa_clock_sleep_until(end - now > NAP_NANOSECONDS ? now + NAP_NANOSECONDS : end);
    }
}

static cl_int run_job(Lane *lane, const Job *job) {
    uint64_t ready = job->submitted;
    if (job->after && alisa_completion_state(job->after) != CL_COMPLETE) {
        cl_int code = alisa_completion_wait(job->after);
        if (code != CL_SUCCESS) return code;
        ready = alisa_clock_now();
    }
    uint64_t end = reserve(lane->emulation, &job->copy, ready);
    cl_int code = alisa_copy_run(lane->queue, &job->copy);
    job->done->seconds = seconds_of(&lane->emulation->link, &job->copy);
    if (code == CL_SUCCESS) pace(lane->emulation, end);
    return code;
}

/* Queues hang in some drivers (PoCL 3.1) when an event they wait for fails, so it completes, and
 * the failure is told beside it. */
static void complete_job(Job *job, cl_int failure) {
    atomic_store(&job->done->failure, failure);
    clSetUserEventStatus(job->done->event, CL_COMPLETE);
    alisa_completion_release(job->done);
    alisa_completion_release(job->after);
    clReleaseMemObject(job->copy.memory);
    free(job);
}

static void *run_lane(void *user) {
    Lane *lane = user;
    for (Job *job; (job = take_job(lane));)
        complete_job(job, run_job(lane, job));
    return NULL;
}

AlisaStatus alisa_emulation_start_copy(AlisaEmulation *emulation, const AlisaCopy *copy,
                                       AlisaCompletion *after, AlisaCompletion *done,
                                       AlisaError *error) {
    AlisaDevice *device = emulation->device;
    Job *job = alisa_allocate(1, sizeof *job, "copy", error);
    if (!job) return ALISA_ERROR_MEMORY;
    cl_int code;
    const char *call = "clCreateUserEvent";
    done->event = clCreateUserEvent(device->context, &code);
    if (done->event) {
        call = "clRetainMemObject";
        code = clRetainMemObject(copy->memory);
    }
    if (code != CL_SUCCESS) {
        free(job);
        return alisa_opencl_fail(error, code, call, "a copy on %s", device->candidate.info.name);
    }
    *job = (Job){.copy = *copy,
                 .after = alisa_completion_retain(after),
                 .done = alisa_completion_retain(done),
                 .submitted = alisa_clock_now()};
    Lane *lane = &emulation->lanes[copy->direction];
    pthread_mutex_lock(&emulation->mutex);
    *lane->end = job;
    lane->end = &job->next;
    pthread_cond_broadcast(&emulation->changed);
    pthread_mutex_unlock(&emulation->mutex);
    return ALISA_OK;
}

void alisa_emulation_destroy(AlisaEmulation *emulation) {
    if (!emulation) return;
    pthread_mutex_lock(&emulation->mutex);
    emulation->stopping = true;
    pthread_cond_broadcast(&emulation->changed);
    pthread_mutex_unlock(&emulation->mutex);
    for (int i = 0; i < ALISA_DIRECTIONS; i++) {
        if (emulation->lanes[i].started) pthread_join(emulation->lanes[i].thread, NULL);
    }
    pthread_cond_destroy(&emulation->changed);
    pthread_mutex_destroy(&emulation->mutex);
    free(emulation);
}

static AlisaStatus create(AlisaDevice *device, const AlisaLink *link, AlisaEmulation **emulation,
                          AlisaError *error) {
    AlisaEmulation *made = alisa_allocate_zeroed(1, sizeof *made, "emulated link", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->link = *link;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    for (int i = 0; i < ALISA_DIRECTIONS; i++) {
        Lane *lane = &made->lanes[i];
        lane->emulation = made;
        lane->queue = device->transfers[i];
        lane->end = &lane->first;
        int code = pthread_create(&lane->thread, NULL, run_lane, lane);
        if (code != 0) {
            alisa_emulation_destroy(made);
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "emulated link: the system gives no thread (%s)",
                                   strerror(code));
        }
        lane->started = true;
    }
    *emulation = made;
    return ALISA_OK;
}

AlisaStatus alisa_opencl_emulate_link(AlisaDevice *device, const AlisaLink *link,
                                      AlisaError *error) {
    static const AlisaLink none;
    if (!link) link = &none;
    if (!(link->bytes_per_second >= 0 && isfinite(link->bytes_per_second) && link->latency >= 0 &&
          isfinite(link->latency))) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "a link of %g bytes a second and a latency of %g seconds: both must "
                               "be finite and not negative",
                               link->bytes_per_second, link->latency);
    }
    AlisaEmulation *made = NULL;
    if (link->bytes_per_second > 0) {
        AlisaStatus status = create(device, link, &made, error);
        if (status != ALISA_OK) return status;
    }
    alisa_emulation_destroy(device->emulation);
    device->emulation = made;
    return ALISA_OK;
}

AlisaLink alisa_opencl_emulated_link(const AlisaDevice *device) {
    return device->emulation ? device->emulation->link : (AlisaLink){0};
}
