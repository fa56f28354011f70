/* SPDX-License-Identifier: Apache-2.0 */
#include "device/transfer.h"

#include "device/internal.h"

static AlisaStatus start_copy(AlisaDevice *device, const AlisaCopy *copy, AlisaCompletion *after,
                              AlisaCompletion *done, AlisaError *error) {
    if (device->emulation) {
        return alisa_emulation_start_copy(device->emulation, copy, after, done, error);
    }
    cl_command_queue queue = device->transfers[copy->direction];
    cl_int code = alisa_copy_enqueue(queue, copy, false, after, &done->event);
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
    if (state < 0)
        return alisa_completion_fail(device, before, state, "the work before a copy", error);
    if (copy->size == 0) {
        done->event = alisa_completion_retain(before);
        return ALISA_OK;
    }
    if (state == CL_COMPLETE) before = NULL;
    AlisaCompletion *made = alisa_completion_create(alisa_copy_call(copy->direction), error);
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
