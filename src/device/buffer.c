/* SPDX-License-Identifier: Apache-2.0 */
#include "device/buffer.h"

#include <unistd.h>

#include "base/clock.h"
#include "device/internal.h"
#include "device/queue.h"

/* Copies go in pieces: some drivers stage a whole write in memory of their own. */
#define COPY_PIECE (64u << 20)

/* Bytes that every kernel's widest load of a slice's beginning may ask for. */
#define LEAST_ALIGNMENT 128

static AlisaStatus check_size(AlisaDevice *device, uint64_t size, const char *what,
                              AlisaError *error) {
    cl_device_id id = device->candidate.id;
    /* Asked each time: some drivers answer with what is free now. */
    uint64_t largest = alisa_opencl_device_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, UINT64_MAX);
    if (size <= largest && size <= SIZE_MAX) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "%s needs %llu bytes, but %s allows %llu bytes in one buffer (and has "
                           "%llu in all): use a smaller model, context or batch",
                           what, (unsigned long long)size, device->candidate.info.name,
                           (unsigned long long)largest,
                           (unsigned long long)device->candidate.info.global_memory);
}

static AlisaStatus fail_to_create(AlisaDevice *device, cl_int code, uint64_t size, const char *what,
                                  AlisaError *error) {
    return alisa_opencl_fail(error, code, "clCreateBuffer",
                             "%s of %llu bytes on %s, which has %llu bytes in all", what,
                             (unsigned long long)size, device->candidate.info.name,
                             (unsigned long long)device->candidate.info.global_memory);
}

AlisaStatus alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                const char *what, AlisaBuffer *buffer, AlisaError *error) {
    *buffer = (AlisaBuffer){0};
    AlisaStatus status = check_size(device, size, what, error);
    if (status != ALISA_OK) return status;
    cl_mem_flags flags = use == ALISA_BUFFER_READ_ONLY ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE;
    cl_int code;
    /* OpenCL has no buffers of 0 bytes. */
    cl_mem memory = clCreateBuffer(device->context, flags, size ? size : 1, NULL, &code);
    if (!memory) return fail_to_create(device, code, size, what, error);
    *buffer = (AlisaBuffer){memory, size, false};
    return ALISA_OK;
}

/* The buffer in place, or NULL where the device or the driver will not have it. */
static cl_mem use_in_place(AlisaDevice *device, const void *data, uint64_t size) {
    if (!(device->candidate.info.capabilities & ALISA_CAPABILITY_UNIFIED_MEMORY)) return NULL;
    if (size == 0 || (uintptr_t)data % (uintptr_t)sysconf(_SC_PAGESIZE) != 0) return NULL;
    cl_int code;
    cl_mem memory = clCreateBuffer(device->context, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, size,
                                   (void *)data, &code);
    if (!memory) {
        alisa_log_write(&device->log, ALISA_LOG_DEBUG,
                        "clCreateBuffer with CL_MEM_USE_HOST_PTR failed with %s: copying",
                        alisa_opencl_code_name(code));
    }
    return memory;
}

AlisaStatus alisa_buffer_create_from(AlisaDevice *device, const void *data, uint64_t size,
                                     const char *what, AlisaBuffer *buffer, AlisaError *error) {
    *buffer = (AlisaBuffer){0};
    AlisaStatus status = check_size(device, size, what, error);
    if (status != ALISA_OK) return status;
    cl_mem memory = use_in_place(device, data, size);
    if (memory) {
        *buffer = (AlisaBuffer){memory, size, true};
        return ALISA_OK;
    }
    status = alisa_buffer_create(device, size, ALISA_BUFFER_READ_ONLY, what, buffer, error);
    for (uint64_t done = 0; done < size && status == ALISA_OK; done += COPY_PIECE) {
        uint64_t piece = size - done < COPY_PIECE ? size - done : COPY_PIECE;
        status = alisa_buffer_write(device, buffer, done, (const char *)data + done, piece, error);
        if (status != ALISA_OK) alisa_error_prefix(error, status, "%s", what);
    }
    if (status != ALISA_OK) alisa_buffer_destroy(buffer);
    return status;
}

uint64_t alisa_buffer_slice_alignment(const AlisaDevice *device) {
    uint64_t bits = alisa_opencl_device_number(device->candidate.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN,
                                               8 * LEAST_ALIGNMENT);
    return bits / 8 > LEAST_ALIGNMENT ? bits / 8 : LEAST_ALIGNMENT;
}

AlisaStatus alisa_buffer_slice(AlisaDevice *device, const AlisaBuffer *parent, uint64_t offset,
                               uint64_t size, AlisaBuffer *slice, AlisaError *error) {
    const cl_buffer_region region = {(size_t)offset, (size_t)size};
    *slice = (AlisaBuffer){0};
    cl_int code;
    cl_mem memory =
        clCreateSubBuffer(parent->memory, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (!memory) {
        return alisa_opencl_fail(error, code, "clCreateSubBuffer",
                                 "bytes %llu to %llu of a buffer of %llu on %s",
                                 (unsigned long long)offset, (unsigned long long)(offset + size),
                                 (unsigned long long)parent->size, device->candidate.info.name);
    }
    *slice = (AlisaBuffer){memory, size, false};
    return ALISA_OK;
}

void alisa_buffer_destroy(AlisaBuffer *buffer) {
    if (buffer->memory) clReleaseMemObject(buffer->memory);
    *buffer = (AlisaBuffer){0};
}

AlisaStatus alisa_buffer_check_range(const AlisaBuffer *buffer, uint64_t offset, uint64_t size,
                                     AlisaError *error) {
    if (buffer->memory && offset <= buffer->size && size <= buffer->size - offset) return ALISA_OK;
    return alisa_error_set(
        error, ALISA_ERROR_ARGUMENT, "%llu bytes at %llu are outside a buffer of %llu",
        (unsigned long long)size, (unsigned long long)offset, (unsigned long long)buffer->size);
}

/* On the compute queue; blocks. */
static AlisaStatus copy_now(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                            const AlisaCopy *copy, AlisaError *error) {
    if (copy->size == 0) return ALISA_OK;
    AlisaStatus status = alisa_buffer_check_range(buffer, offset, copy->size, error);
    if (status != ALISA_OK) return status;
    uint64_t end = 0;
    if (device->emulation) {
        /* The copy is ready when the launches before it ended. */
        status = alisa_opencl_finish(device, error);
        if (status != ALISA_OK) return status;
        end = alisa_emulation_reserve(device->emulation, copy);
    }
    cl_int code = alisa_copy_run(device->queue, copy);
    if (code != CL_SUCCESS) return alisa_copy_fail(device, copy, code, error);
    if (device->emulation) alisa_clock_sleep_until(end);
    return ALISA_OK;
}

AlisaStatus alisa_buffer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                               const void *data, uint64_t size, AlisaError *error) {
    const AlisaCopy copy = {ALISA_TO_DEVICE, buffer->memory, (size_t)offset, (size_t)size,
                            (void *)data};
    return copy_now(device, buffer, offset, &copy, error);
}

AlisaStatus alisa_buffer_write_later(AlisaDevice *device, const AlisaBuffer *buffer,
                                     uint64_t offset, const void *data, uint64_t size,
                                     AlisaError *error) {
    if (size == 0) return ALISA_OK;
    AlisaStatus status = alisa_buffer_check_range(buffer, offset, size, error);
    if (status != ALISA_OK) return status;
    cl_int code = clEnqueueWriteBuffer(device->queue, buffer->memory, CL_FALSE, (size_t)offset,
                                       (size_t)size, data, 0, NULL, NULL);
    if (code == CL_SUCCESS) return ALISA_OK;
    return alisa_opencl_fail(error, code, "clEnqueueWriteBuffer", "writing %llu bytes to %s",
                             (unsigned long long)size, device->candidate.info.name);
}

AlisaStatus alisa_buffer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                              void *data, uint64_t size, AlisaError *error) {
    const AlisaCopy copy = {ALISA_TO_HOST, buffer->memory, (size_t)offset, (size_t)size, data};
    AlisaStatus status = copy_now(device, buffer, offset, &copy, error);
    return status == ALISA_OK ? alisa_awaited_check(device, error) : status;
}
