/*
 * Events, asynchronous copies and pinned memory.
 */
#include <stdlib.h>
#include <unistd.h>

#include "device/internal.h"

static const char *const copy_call[] = {
    [ALISA_TO_DEVICE] = "clEnqueueWriteBuffer",
    [ALISA_TO_HOST] = "clEnqueueReadBuffer",
};

/* ---- Completions --------------------------------------------------------------------------- */

AlisaCompletion *alisa_completion_create(const char *call, AlisaError *error) {
    AlisaCompletion *made = alisa_allocate_zeroed(1, sizeof *made, "event", error);
    if (!made) return NULL;
    atomic_init(&made->references, 1);
    atomic_init(&made->failure, CL_SUCCESS);
    made->call = call;
    return made;
}

AlisaCompletion *alisa_completion_retain(AlisaCompletion *completion) {
    if (completion) atomic_fetch_add(&completion->references, 1);
    return completion;
}

void alisa_completion_release(AlisaCompletion *completion) {
    if (!completion || atomic_fetch_sub(&completion->references, 1) != 1) return;
    if (completion->event) clReleaseEvent(completion->event);
    free(completion);
}

cl_int alisa_completion_state(const AlisaCompletion *completion) {
    cl_int state;
    cl_int code = clGetEventInfo(completion->event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state,
                                 &state, NULL);
    if (code != CL_SUCCESS) return code;
    int failure = atomic_load(&completion->failure);
    return state == CL_COMPLETE && failure ? failure : state;
}

cl_int alisa_completion_wait(const AlisaCompletion *completion) {
    cl_int code = clWaitForEvents(1, &completion->event);
    cl_int state = alisa_completion_state(completion);
    if (state <= CL_COMPLETE) return state; /* says more than the code of the wait */
    /* A driver may return without waiting: PoCL's "basic" device does. */
    return code == CL_SUCCESS ? CL_INVALID_EVENT : code;
}

static AlisaStatus report_failure(AlisaDevice *device, const AlisaCompletion *completion,
                                  cl_int code, const char *what, AlisaError *error) {
    return alisa_opencl_fail(error, code, completion->call, "%s on %s", what,
                             device->candidate.info.name);
}

AlisaStatus alisa_event_wait(AlisaDevice *device, const AlisaEvent *event, const char *what,
                             AlisaError *error) {
    if (!event->event) return ALISA_OK;
    cl_int code = alisa_completion_wait(event->event);
    if (code == CL_COMPLETE) return ALISA_OK;
    return report_failure(device, event->event, code, what, error);
}

double alisa_event_seconds(const AlisaEvent *event) {
    const AlisaCompletion *completion = event->event;
    if (!completion || alisa_completion_state(completion) != CL_COMPLETE) return 0.0;
    if (completion->seconds > 0.0) return completion->seconds;
    cl_ulong start, end;
    cl_int code = clGetEventProfilingInfo(completion->event, CL_PROFILING_COMMAND_START,
                                          sizeof start, &start, NULL);
    if (code == CL_SUCCESS) {
        code = clGetEventProfilingInfo(completion->event, CL_PROFILING_COMMAND_END, sizeof end,
                                       &end, NULL);
    }
    return code == CL_SUCCESS && end > start ? (double)(end - start) * 1e-9 : 0.0;
}

void alisa_event_release(AlisaEvent *event) {
    alisa_completion_release(event->event);
    *event = (AlisaEvent){0};
}

/* ---- Order between the queues -------------------------------------------------------------- */

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

/* Drops what is done and well; the first failure is returned and dropped. */
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
            status = report_failure(device, item, state, "a copy that launches waited for", error);
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

void alisa_awaited_drop(AlisaDevice *device) {
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
        return report_failure(device, completion, state, "a copy to be waited for", error);
    }
    AlisaStatus status = add_awaited(device, completion, error);
    if (status != ALISA_OK) return status;
    cl_int code = clEnqueueBarrierWithWaitList(device->queue, 1, &completion->event, NULL);
    if (code == CL_SUCCESS) return ALISA_OK;
    return alisa_opencl_fail(error, code, "clEnqueueBarrierWithWaitList", "%s",
                             device->candidate.info.name);
}

/* ---- Copies -------------------------------------------------------------------------------- */

/* `after` may be NULL. *event is the caller's. */
static cl_int enqueue_copy(cl_command_queue queue, const AlisaCopy *copy, bool blocking,
                           const AlisaCompletion *after, cl_event *event) {
    cl_uint count = after ? 1 : 0;
    const cl_event *list = after ? &after->event : NULL;
    if (copy->direction == ALISA_TO_DEVICE) {
        return clEnqueueWriteBuffer(queue, copy->memory, blocking, copy->offset, copy->size,
                                    copy->data, count, list, event);
    }
    return clEnqueueReadBuffer(queue, copy->memory, blocking, copy->offset, copy->size, copy->data,
                               count, list, event);
}

cl_int alisa_copy_run(cl_command_queue queue, const AlisaCopy *copy) {
    AlisaCompletion done = {0};
    cl_int code = enqueue_copy(queue, copy, true, NULL, &done.event);
    if (code != CL_SUCCESS) return code;
    /* Some drivers return success for a copy that never ran, because the work before it failed. */
    code = alisa_completion_wait(&done);
    clReleaseEvent(done.event);
    return code;
}

AlisaStatus alisa_copy_fail(AlisaDevice *device, const AlisaCopy *copy, cl_int code,
                            AlisaError *error) {
    return alisa_opencl_fail(
        error, code, copy_call[copy->direction], "%llu bytes %s %s", (unsigned long long)copy->size,
        copy->direction == ALISA_TO_DEVICE ? "to" : "from", device->candidate.info.name);
}

static AlisaStatus start_copy(AlisaDevice *device, const AlisaCopy *copy, AlisaCompletion *after,
                              AlisaCompletion *done, AlisaError *error) {
    if (device->emulation) {
        return alisa_emulation_start_copy(device->emulation, copy, after, done, error);
    }
    cl_command_queue queue = device->transfers[copy->direction];
    cl_int code = enqueue_copy(queue, copy, false, after, &done->event);
    if (code != CL_SUCCESS) return alisa_copy_fail(device, copy, code, error);
    code = clFlush(queue);
    if (code == CL_SUCCESS) return ALISA_OK;
    clFinish(queue); /* the caller may free the data after a failure */
    return alisa_opencl_fail(error, code, "clFlush", "%s", device->candidate.info.name);
}

static AlisaStatus transfer(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                            const AlisaCopy *copy, const AlisaEvent *after, AlisaEvent *done,
                            AlisaError *error) {
    *done = (AlisaEvent){0};
    AlisaCompletion *before = after ? after->event : NULL;
    AlisaStatus status = alisa_buffer_check_range(buffer, offset, copy->size, error);
    if (status != ALISA_OK) return status;
    cl_int state = before ? alisa_completion_state(before) : CL_COMPLETE;
    if (state < 0) return report_failure(device, before, state, "the work before a copy", error);
    if (copy->size == 0) {
        done->event = alisa_completion_retain(before);
        return ALISA_OK;
    }
    if (state == CL_COMPLETE) before = NULL;
    AlisaCompletion *made = alisa_completion_create(copy_call[copy->direction], error);
    if (!made) return ALISA_ERROR_MEMORY;
    status = start_copy(device, copy, before, made, error);
    if (status == ALISA_OK) {
        done->event = made;
    } else {
        alisa_completion_release(made);
    }
    return status;
}

AlisaStatus alisa_transfer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                 const void *data, uint64_t size, const AlisaEvent *after,
                                 AlisaEvent *done, AlisaError *error) {
    const AlisaCopy copy = {ALISA_TO_DEVICE, buffer->memory, (size_t)offset, (size_t)size,
                            (void *)data};
    return transfer(device, buffer, offset, &copy, after, done, error);
}

AlisaStatus alisa_transfer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                void *data, uint64_t size, const AlisaEvent *after,
                                AlisaEvent *done, AlisaError *error) {
    const AlisaCopy copy = {ALISA_TO_HOST, buffer->memory, (size_t)offset, (size_t)size, data};
    return transfer(device, buffer, offset, &copy, after, done, error);
}

/* ---- Pinned memory ------------------------------------------------------------------------- */

/* Mapped for as long as it exists: that is what makes a driver copy from and to it directly. */
static cl_int create_pinned(AlisaDevice *device, AlisaPinned *pinned, const char **call) {
    cl_int code;
    cl_command_queue queue = device->transfers[ALISA_TO_DEVICE];
    *call = "clCreateBuffer";
    cl_mem memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                   (size_t)pinned->size, NULL, &code);
    if (!memory) return code;
    *call = "clEnqueueMapBuffer";
    void *data = clEnqueueMapBuffer(queue, memory, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                    (size_t)pinned->size, 0, NULL, NULL, &code);
    if (!data) {
        clReleaseMemObject(memory);
        return code;
    }
    pinned->memory = memory;
    pinned->data = data;
    pinned->pinned = true;
    return CL_SUCCESS;
}

AlisaStatus alisa_pinned_create(AlisaDevice *device, uint64_t size, const char *what,
                                AlisaPinned *pinned, AlisaError *error) {
    *pinned = (AlisaPinned){0};
    if (size > SIZE_MAX) {
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "%s of %llu bytes: past the host's reach",
                               what, (unsigned long long)size);
    }
    pinned->size = size ? size : 1; /* OpenCL has no buffers of 0 bytes */
    const char *call;
    cl_int code = create_pinned(device, pinned, &call);
    if (code == CL_SUCCESS) return ALISA_OK;
    if (!device->unpinned_said) {
        device->unpinned_said = true;
        alisa_log_write(&device->log, ALISA_LOG_WARNING,
                        "%s: no pinned memory for %s of %llu bytes (%s failed with %s): using "
                        "ordinary memory, copies may be slower",
                        device->candidate.info.name, what, (unsigned long long)size, call,
                        alisa_opencl_code_name(code));
    }
    void *data = NULL;
    if (posix_memalign(&data, (size_t)sysconf(_SC_PAGESIZE), (size_t)pinned->size)) {
        *pinned = (AlisaPinned){0};
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "%s: no host memory for %llu bytes", what,
                               (unsigned long long)size);
    }
    pinned->data = data;
    return ALISA_OK;
}

void alisa_pinned_destroy(AlisaDevice *device, AlisaPinned *pinned) {
    if (pinned->pinned) {
        cl_command_queue queue = device->transfers[ALISA_TO_DEVICE];
        clEnqueueUnmapMemObject(queue, pinned->memory, pinned->data, 0, NULL, NULL);
        clFinish(queue);
        clReleaseMemObject(pinned->memory);
    } else {
        free(pinned->data);
    }
    *pinned = (AlisaPinned){0};
}
