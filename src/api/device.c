/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "device/device.h"

#include "alisa/tune.h"
#include "tune/store.h"

void alisa_device_options_defaults(AlisaDeviceOptions *options) {
    *options = (AlisaDeviceOptions){0};
}

AlisaStatus alisa_device_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                              AlisaError *error) {
    AlisaDeviceOptions defaults;
    alisa_device_options_defaults(&defaults);
    return alisa_opencl_open(options ? options : &defaults, device, error);
}

void alisa_device_close(AlisaDevice *device) {
    alisa_opencl_close(device);
}

const AlisaDeviceInfo *alisa_device_info(const AlisaDevice *device) {
    return alisa_opencl_info(device);
}

void alisa_device_tuning_describe(const AlisaDeviceInfo *info, char text[256]) {
    alisa_tuner_describe(info->tuning, info->tuning_built_in, info->tuning_match, text);
}

void alisa_devices_free(AlisaDeviceInfo *infos) {
    free(infos);
}

static AlisaStatus find_tuning(const char *folder, const char *kernels, AlisaDeviceInfo *info,
                               AlisaError *error) {
    AlisaTuneKey key;
    AlisaTuneEntry entry;
    alisa_tuner_key_init(&key, info, kernels);
    AlisaStatus status =
        alisa_tuner_store_find(folder, &key, NULL, &entry, &info->tuning_match, error);
    if (status != ALISA_OK) return status;
    snprintf(info->tuning, sizeof info->tuning, "%s", entry.name);
    info->tuning_built_in = entry.built_in;
    alisa_tuner_entry_finish(&entry);
    return ALISA_OK;
}

AlisaStatus alisa_devices_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error) {
    AlisaStatus status = alisa_opencl_list(infos, count, error);
    if (status != ALISA_OK) return status;
    /* Kernels that cannot be read are named when they are needed; no entry is exact for them. */
    char kernels[ALISA_CACHE_HASH_SIZE];
    alisa_tuner_kernels_hash(kernels, NULL);
    AlisaCache cache;
    alisa_cache_open(&cache, NULL, &(AlisaLog){0});
    for (size_t i = 0; i < *count && status == ALISA_OK; i++) {
        AlisaDeviceInfo *info = &(*infos)[i];
        if (info->usable) status = find_tuning(cache.folder, kernels, info, error);
    }
    alisa_cache_close(&cache);
    if (status != ALISA_OK) {
        free(*infos);
        *infos = NULL;
        *count = 0;
    }
    return status;
}
