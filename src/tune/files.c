/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tuned parameters as files: to take along, to bring, and the journals of searches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "device/device.h"
#include "tune/store.h"
#include "tune/tune.h"

static AlisaStatus no_folder(AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "there is no folder to keep tuned parameters: set ALISA_CACHE");
}

AlisaStatus alisa_tuner_export(AlisaDevice *device, const char *path, AlisaError *error) {
    AlisaTuneKey key;
    AlisaTuneEntry entry = {0};
    AlisaOpsParameters parameters;
    AlisaParameterSet set;
    char hash[ALISA_CACHE_HASH_SIZE];
    AlisaStatus status = alisa_tuner_kernels_hash(hash, error);
    if (status != ALISA_OK) return status;
    alisa_tuner_key_init(&key, alisa_opencl_info(device), hash);
    status = alisa_tuner_entry_init(&entry, &key, "exported", error);
    if (status == ALISA_OK) status = alisa_opencl_measure(device, &entry.profile, error);
    alisa_tuner_parameters(device, &parameters);
    for (size_t i = 0; status == ALISA_OK && alisa_parameter_set(i, &set); i++) {
        char name[32];
        alisa_parameter_set_name(&set, name);
        json_object_set_new(entry.parameters, name, alisa_tuner_values(&parameters, &set));
    }
    if (status == ALISA_OK) status = alisa_tuner_store_export(&entry, path, error);
    alisa_tuner_entry_finish(&entry);
    return status;
}

AlisaStatus alisa_tuner_import(const AlisaDeviceOptions *options, const char *path, char name[128],
                               AlisaError *error) {
    AlisaCache cache;
    AlisaTuneEntry entry = {0};
    name[0] = 0;
    alisa_cache_open(&cache, options->cache_dir, &options->log);
    AlisaStatus status =
        cache.folder ? alisa_tuner_store_import(cache.folder, path, &options->log, &entry, error)
                     : no_folder(error);
    if (status == ALISA_OK) snprintf(name, 128, "%s", entry.name);
    alisa_tuner_entry_finish(&entry);
    alisa_cache_close(&cache);
    return status;
}

AlisaStatus alisa_tuner_journal_path(const char *selector, const char *cache_dir, char **path,
                                     AlisaError *error) {
    AlisaCache cache;
    AlisaLog log = {0};
    char hash[ALISA_CACHE_HASH_SIZE];
    *path = NULL;
    alisa_cache_open(&cache, cache_dir, &log);
    if (!cache.folder) return no_folder(error);
    const char *device = selector ? selector : "";
    alisa_cache_hash(device, strlen(device), hash);
    size_t size = strlen(cache.folder) + sizeof hash + 32;
    AlisaStatus status = ALISA_ERROR_MEMORY;
    char *made = alisa_allocate(size, 1, "path of a journal", error);
    if (made) {
        snprintf(made, size, "%s/tuning", cache.folder);
        status = alisa_folder_create(made, error);
        snprintf(made, size, "%s/tuning/search-%.16s.journal", cache.folder, hash);
    }
    if (status == ALISA_OK) {
        *path = made;
    } else {
        free(made);
    }
    alisa_cache_close(&cache);
    return status;
}
