/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device from discovery to use: found, tried, tested.
 */
#include <stdio.h>
#include <stdlib.h>

#include "device/device.h"
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
