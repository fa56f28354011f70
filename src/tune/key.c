/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of devices, and how near two of them are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/embedded.h"
#include "device/source.h"
#include "tune/names.h"

/* Hashes a file at a time: the hash of what came before, the file's name, the hash of its text. */
AlisaStatus alisa_tuner_kernels_hash(char hash[ALISA_CACHE_HASH_SIZE], AlisaError *error) {
    hash[0] = 0;
    for (size_t i = 0; i < alisa_embedded_file_count; i++) {
        const char *name = alisa_embedded_files[i].name;
        char *text, sum[ALISA_CACHE_HASH_SIZE], line[512];
        size_t size;
        AlisaStatus status = alisa_source_resolve(name, &text, &size, error);
        if (status != ALISA_OK) {
            hash[0] = 0;
            return status;
        }
        alisa_cache_hash(text, size, sum);
        free(text);
        snprintf(line, sizeof line, "%s %s %s", hash, name, sum);
        alisa_cache_hash(line, strlen(line), hash);
    }
    return ALISA_OK;
}

/* Some drivers' words have bytes that no file of text should. */
static void copy_words(char *to, size_t capacity, const char *from) {
    size_t length = 0;
    for (; from[length] && length < capacity - 1; length++)
        to[length] = (char)(from[length] >= ' ' && from[length] <= '~' ? from[length] : '?');
    to[length] = 0;
}

void alisa_tuner_key_init(AlisaTuneKey *key, const AlisaDeviceInfo *info, const char *kernels) {
    *key = (AlisaTuneKey){
        .type = info->type, .vendor_id = info->vendor_id, .compute_units = info->compute_units};
    copy_words(key->platform, sizeof key->platform, info->platform);
    copy_words(key->vendor, sizeof key->vendor, info->vendor);
    copy_words(key->device, sizeof key->device, info->name);
    copy_words(key->board, sizeof key->board, info->board);
    copy_words(key->architecture, sizeof key->architecture, info->architecture);
    copy_words(key->driver, sizeof key->driver, info->driver);
    copy_words(key->kernels, sizeof key->kernels, kernels);
    if (key->architecture[0]) return;
    /* Adreno's drivers tell the model with the version at times. */
    char names[512];
    snprintf(names, sizeof names, "%s\n%s\n%s\n%s", key->device, info->opencl_version,
             info->opencl_c_version, key->board);
    alisa_tuner_architecture(alisa_tuner_vendor(key), names, key->architecture);
}

static bool same(const char *left, const char *right) {
    return strcmp(left, right) == 0;
}

/* Equal, or not known of one of them. */
static bool agree(const char *left, const char *right) {
    return !*left || !*right || same(left, right);
}

/* Names are not enough: boards may carry those of other boards, and drivers leave models out. */
static bool same_device(const AlisaTuneKey *device, const AlisaTuneKey *entry) {
    return same(device->device, entry->device) && device->compute_units == entry->compute_units &&
           agree(device->platform, entry->platform) && agree(device->board, entry->board) &&
           agree(device->architecture, entry->architecture);
}

AlisaTuningMatch alisa_tuner_key_match(const AlisaTuneKey *device, const AlisaTuneKey *entry) {
    if (device->type != entry->type) return ALISA_TUNING_NONE;
    if (same_device(device, entry)) {
        bool exact = same(device->driver, entry->driver) && device->kernels[0] &&
                     same(device->kernels, entry->kernels);
        return exact ? ALISA_TUNING_EXACT : ALISA_TUNING_STALE;
    }
    char families[2][64];
    alisa_tuner_family(device, families[0]);
    alisa_tuner_family(entry, families[1]);
    if (families[0][0] && same(families[0], families[1])) return ALISA_TUNING_ARCHITECTURE;
    const char *vendor = alisa_tuner_vendor(device);
    if (*vendor && same(vendor, alisa_tuner_vendor(entry))) return ALISA_TUNING_VENDOR;
    return ALISA_TUNING_TYPE;
}
