/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completions, which events point to.
 */
#include "device/event.h"

#include <stdlib.h>

#include "device/internal.h"

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

AlisaStatus alisa_completion_fail(AlisaDevice *device, const AlisaCompletion *completion,
                                  cl_int code, const char *what, AlisaError *error) {
    return alisa_opencl_fail(error, code, completion->call, "%s on %s", what,
                             device->candidate.info.name);
}

AlisaStatus alisa_event_wait(AlisaDevice *device, const AlisaEvent *event, const char *what,
                             AlisaError *error) {
    if (!event->event) return ALISA_OK;
    cl_int code = alisa_completion_wait(event->event);
    if (code == CL_COMPLETE) return ALISA_OK;
    return alisa_completion_fail(device, event->event, code, what, error);
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
