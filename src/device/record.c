/* SPDX-License-Identifier: Apache-2.0 */
#include "device/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/internal.h"
#include "device/link.h"
#include "device/source.h"

enum { FULL_KEY_SIZE = ALISA_RECORD_KEY_SIZE + 1400 };

/* False where the kernels cannot be read: then nothing is known, or kept. */
static bool format_key(const AlisaDevice *device, const char *key, char full[FULL_KEY_SIZE]) {
    char hash[ALISA_CACHE_HASH_SIZE];
    if (alisa_source_hash(hash, NULL) != ALISA_OK) return false;
    const AlisaLink link = alisa_opencl_emulated_link(device);
    int length = snprintf(full, FULL_KEY_SIZE, "%skernels %s\nlink %.17g %.17g\n%s",
                          device->identity, hash, link.bytes_per_second, link.latency, key);
    return length > 0 && length < FULL_KEY_SIZE;
}

bool alisa_record_read(AlisaDevice *device, const char *kind, const char *key, void *record,
                       size_t size) {
    char full[FULL_KEY_SIZE];
    uint8_t *payload;
    size_t found;
    if (!format_key(device, key, full)) return false;
    if (!alisa_cache_read(&device->cache, kind, full, &payload, &found)) return false;
    if (found == size) memcpy(record, payload, size);
    free(payload);
    return found == size;
}

void alisa_record_write(AlisaDevice *device, const char *kind, const char *key, const void *record,
                        size_t size) {
    char full[FULL_KEY_SIZE];
    if (format_key(device, key, full)) alisa_cache_write(&device->cache, kind, full, record, size);
}

void alisa_record_remove(AlisaDevice *device, const char *kind, const char *key) {
    char full[FULL_KEY_SIZE];
    if (format_key(device, key, full)) alisa_cache_remove(&device->cache, kind, full);
}
