/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute queue, and the events it was made to wait for.
 */
#include "device/queue.h"

#include <stdlib.h>

#include "device/internal.h"

AlisaStatus alisa_opencl_mark(AlisaDevice *device, AlisaEvent *event, AlisaError *error) {
    *event = (AlisaEvent){0};
    const char *call = "clEnqueueMarkerWithWaitList";
    AlisaCompletion *made = alisa_completion_create(call, error);
    if (!made) return ALISA_ERROR_MEMORY;
    cl_int code = clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &made->event);
    if (code == CL_SUCCESS) {
        call = "clFlush"; /* without it other queues may wait for ever */
        code = clFlush(device->queue);
    }
    if (code != CL_SUCCESS) {
        alisa_completion_release(made);
        return alisa_opencl_fail(error, code, call, "%s", device->candidate.info.name);
    }
    event->event = made;
    return ALISA_OK;
}

/* Releases the completions that are done and well; the first failure is returned, and released. */
static AlisaStatus prune_awaited(AlisaDevice *device, AlisaError *error) {
    AlisaAwaited *awaited = &device->awaited;
    AlisaStatus status = ALISA_OK;
    size_t kept = 0;
    for (size_t i = 0; i < awaited->count; i++) {
        AlisaCompletion *item = awaited->items[i];
        cl_int state = alisa_completion_state(item);
        if (state > CL_COMPLETE || (state < 0 && status != ALISA_OK)) {
            awaited->items[kept++] = item;
            continue;
        }
        if (state < 0) {
            status = alisa_completion_fail(device, item, state, "a copy that launches waited for",
                                           error);
        }
        alisa_completion_release(item);
    }
    awaited->count = kept;
    return status;
}

static AlisaStatus add_awaited(AlisaDevice *device, AlisaCompletion *completion,
                               AlisaError *error) {
    AlisaAwaited *awaited = &device->awaited;
    if (awaited->count == awaited->capacity) {
        AlisaStatus status = prune_awaited(device, error);
        if (status != ALISA_OK) return status;
    }
    if (awaited->count == awaited->capacity) {
        size_t capacity = awaited->capacity ? awaited->capacity * 2 : 64;
        AlisaCompletion **larger = realloc(awaited->items, capacity * sizeof(void *));
        if (!larger) return alisa_error_set(error, ALISA_ERROR_MEMORY, "events: no host memory");
        awaited->items = larger;
        awaited->capacity = capacity;
    }
    awaited->items[awaited->count++] = alisa_completion_retain(completion);
    return ALISA_OK;
}

AlisaStatus alisa_awaited_check(AlisaDevice *device, AlisaError *error) {
    return device->awaited.count ? prune_awaited(device, error) : ALISA_OK;
}

void alisa_awaited_release(AlisaDevice *device) {
    AlisaAwaited *awaited = &device->awaited;
    for (size_t i = 0; i < awaited->count; i++)
        alisa_completion_release(awaited->items[i]);
    free(awaited->items);
    *awaited = (AlisaAwaited){0};
}

AlisaStatus alisa_opencl_wait_for(AlisaDevice *device, const AlisaEvent *event, AlisaError *error) {
    AlisaCompletion *completion = event->event;
    cl_int state = completion ? alisa_completion_state(completion) : CL_COMPLETE;
    if (state == CL_COMPLETE) return ALISA_OK;
    if (state < 0) {
        return alisa_completion_fail(device, completion, state, "a copy to be waited for", error);
    }
    AlisaStatus status = add_awaited(device, completion, error);
    if (status != ALISA_OK) return status;
    cl_int code = clEnqueueBarrierWithWaitList(device->queue, 1, &completion->event, NULL);
    if (code == CL_SUCCESS) return ALISA_OK;
    return alisa_opencl_fail(error, code, "clEnqueueBarrierWithWaitList", "%s",
                             device->candidate.info.name);
}

AlisaStatus alisa_opencl_flush(AlisaDevice *device, AlisaError *error) {
    cl_int code = clFlush(device->queue);
    if (code == CL_SUCCESS) return ALISA_OK;
    return alisa_opencl_fail(error, code, "clFlush", "%s", device->candidate.info.name);
}

AlisaStatus alisa_opencl_finish(AlisaDevice *device, AlisaError *error) {
    cl_int code = clFinish(device->queue);
    if (code == CL_SUCCESS) return alisa_awaited_check(device, error);
    return alisa_opencl_fail(error, code, "clFinish", "%s", device->candidate.info.name);
}
