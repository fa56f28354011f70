/* SPDX-License-Identifier: Apache-2.0 */
#include "device/pinned.h"

#include <stdlib.h>
#include <unistd.h>

#include "device/internal.h"

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
