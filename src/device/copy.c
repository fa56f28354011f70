/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One copy of a contiguous run, on any queue.
 */
#include "device/internal.h"

static const char *const copy_call[] = {
    [ALISA_TO_DEVICE] = "clEnqueueWriteBuffer",
    [ALISA_TO_HOST] = "clEnqueueReadBuffer",
};

const char *alisa_copy_call(AlisaDirection direction) {
    return copy_call[direction];
}

cl_int alisa_copy_enqueue(cl_command_queue queue, const AlisaCopy *copy, bool blocking,
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
    cl_int code = alisa_copy_enqueue(queue, copy, true, NULL, &done.event);
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
