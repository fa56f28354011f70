/*
 * A device from opening to closing, and its queues.
 */
#include <stdio.h>
#include <stdlib.h>

#include "device/internal.h"
#include "device/selection.h"

AlisaStatus alisa_opencl_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error) {
    *infos = NULL;
    *count = 0;
    AlisaCandidate *candidates;
    size_t found;
    AlisaStatus status = alisa_discovery_scan(&candidates, &found, error);
    if (status != ALISA_OK) return status;
    AlisaDeviceInfo *list = alisa_allocate(found, sizeof *list, "device list", error);
    if (!list) {
        free(candidates);
        return ALISA_ERROR_MEMORY;
    }
    AlisaCache cache;
    alisa_cache_open(&cache, NULL, &(AlisaLog){0});
    for (size_t i = 0; i < found; i++) {
        AlisaError refusal = {0};
        AlisaDeviceInfo *info = &candidates[i].info;
        if (info->usable && alisa_capability_find(&candidates[i], &cache, &refusal) != ALISA_OK) {
            info->usable = false;
            snprintf(info->reason, sizeof info->reason, "%.*s", (int)sizeof info->reason - 1,
                     refusal.message);
        }
        if (info->usable) alisa_probe_recall(&candidates[i], &cache);
        list[i] = *info;
    }
    alisa_cache_close(&cache);
    free(candidates);
    *infos = list;
    *count = found;
    return ALISA_OK;
}

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

/* Finds the device that `selector` asks for. */
static AlisaStatus choose(const char *selector, AlisaCandidate *chosen, AlisaError *error) {
    AlisaCandidate *candidates;
    size_t count, position;
    AlisaStatus status = alisa_discovery_scan(&candidates, &count, error);
    if (status != ALISA_OK) return status;
    AlisaDeviceInfo *infos = alisa_allocate(count, sizeof *infos, "device list", error);
    if (infos) {
        for (size_t i = 0; i < count; i++)
            infos[i] = candidates[i].info;
        status = alisa_selection_choose(infos, count, selector, &position, error);
        if (status == ALISA_OK) *chosen = candidates[position];
    } else {
        status = ALISA_ERROR_MEMORY;
    }
    free(infos);
    free(candidates);
    return status;
}

AlisaStatus alisa_opencl_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                              AlisaError *error) {
    *device = NULL;
    AlisaCandidate candidate;
    AlisaStatus status = choose(options->selector, &candidate, error);
    if (status != ALISA_OK) return status;
    AlisaDevice *made;
    status = alisa_opencl_open_bare(&candidate, options->cache_dir, &options->log, &made, error);
    if (status != ALISA_OK) return status;
    status = alisa_capability_find(&made->candidate, &made->cache, error);
    if (status == ALISA_OK) status = alisa_selftest_run(&made->candidate, &made->cache, error);
    if (status != ALISA_OK) {
        alisa_opencl_close(made);
        return status;
    }
    *device = made;
    return ALISA_OK;
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
    alisa_awaited_drop(device);
    alisa_program_destroy_all(device);
    alisa_sgemm_forget(device);
    if (device->queue) clReleaseCommandQueue(device->queue);
    if (device->context) clReleaseContext(device->context);
    alisa_cache_close(&device->cache);
    free(device);
}

const AlisaDeviceInfo *alisa_opencl_info(const AlisaDevice *device) {
    return &device->candidate.info;
}

const char *alisa_opencl_language(const AlisaDevice *device, uint32_t capabilities) {
    return alisa_capability_language(&device->candidate, capabilities);
}

const char *alisa_opencl_cache_folder(const AlisaDevice *device) {
    return device->cache.folder;
}

const AlisaLog *alisa_opencl_log(const AlisaDevice *device) {
    return &device->log;
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
