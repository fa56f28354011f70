/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device is made of: its context, its queues, and all that is released with it.
 */
#include "device/device.h"

#include <stdlib.h>

#include "device/internal.h"

AlisaStatus alisa_opencl_open_bare(const AlisaCandidate *candidate, const char *cache_dir,
                                   const AlisaLog *log, AlisaDevice **device, AlisaError *error) {
    *device = NULL;
    AlisaDevice *made = alisa_allocate_zeroed(1, sizeof *made, "device", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status;
    made->candidate = *candidate;
    made->log = *log;
    alisa_cache_open(&made->cache, cache_dir, log);
    alisa_discovery_identity(candidate, made->identity, sizeof made->identity);
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)candidate->platform, 0};
    cl_int code;
    made->context = clCreateContext(properties, 1, &candidate->id, NULL, NULL, &code);
    if (!made->context) {
        status = alisa_opencl_fail(error, code, "clCreateContext", "%s (driver %s)",
                                   candidate->info.name, candidate->info.driver);
        goto fail;
    }
    cl_command_queue *const queues[] = {&made->queue, &made->transfers[ALISA_TO_DEVICE],
                                        &made->transfers[ALISA_TO_HOST]};
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++) {
        /* Copies are timed, to compare with what was predicted. */
        cl_command_queue_properties timed =
            queues[i] == &made->queue ? 0 : CL_QUEUE_PROFILING_ENABLE;
        *queues[i] = clCreateCommandQueue(made->context, candidate->id, timed, &code);
        if (*queues[i]) continue;
        status = alisa_opencl_fail(error, code, "clCreateCommandQueue", "%s (driver %s)",
                                   candidate->info.name, candidate->info.driver);
        goto fail;
    }
    *device = made;
    return ALISA_OK;
fail:
    alisa_opencl_close(made);
    return status;
}

void alisa_opencl_close(AlisaDevice *device) {
    if (!device) return;
    alisa_emulation_destroy(device->emulation); /* launches may wait for its copies */
    if (device->queue) clFinish(device->queue);
    for (int i = 0; i < ALISA_DIRECTIONS; i++) {
        if (!device->transfers[i]) continue;
        clFinish(device->transfers[i]);
        clReleaseCommandQueue(device->transfers[i]);
    }
    alisa_awaited_release(device);
    alisa_program_destroy_all(device);
    alisa_sgemm_release(device);
    if (device->queue) clReleaseCommandQueue(device->queue);
    if (device->context) clReleaseContext(device->context);
    alisa_cache_close(&device->cache);
    free(device);
}

const AlisaDeviceInfo *alisa_opencl_info(const AlisaDevice *device) {
    return &device->candidate.info;
}

const char *alisa_opencl_cache_folder(const AlisaDevice *device) {
    return device->cache.folder;
}

const AlisaLog *alisa_opencl_log(const AlisaDevice *device) {
    return &device->log;
}
