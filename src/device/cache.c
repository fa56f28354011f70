/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cache.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"

/* Raised when the layout of entries, or of a payload, changes. */
#define FORMAT_VERSION 1

/* File: this header, the key without its terminator, the payload. */
typedef struct EntryHeader {
    char magic[8];
    uint32_t version;
    uint32_t key_size;
    uint64_t payload_size;
    uint64_t checksum; /* xxh3 of key and payload */
} EntryHeader;

static const char entry_magic[8] = {'A', 'L', 'I', 'S', 'A', 'C', 'L', '\n'};

static char *join(const char *folder, const char *below) {
    size_t size = strlen(folder) + strlen(below) + 1;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s", folder, below);
    return path;
}

static char *choose_folder(const char *cache_dir) {
    if (!cache_dir) cache_dir = getenv("ALISA_CACHE");
    if (cache_dir) return *cache_dir ? join(cache_dir, "") : NULL;
    const char *base = getenv("XDG_CACHE_HOME");
    if (base && *base) return join(base, "/alisa");
    const char *home = getenv("HOME");
    return home && *home ? join(home, "/.cache/alisa") : NULL;
}

void alisa_cache_open(AlisaCache *cache, const char *cache_dir, const AlisaLog *log) {
    *cache = (AlisaCache){.folder = choose_folder(cache_dir), .log = *log};
}

void alisa_cache_close(AlisaCache *cache) {
    free(cache->folder);
    *cache = (AlisaCache){0};
}

void alisa_cache_hash(const void *data, size_t size, char hash[ALISA_CACHE_HASH_SIZE]) {
    XXH128_hash_t value = XXH3_128bits(data, size);
    snprintf(hash, ALISA_CACHE_HASH_SIZE, "%016llx%016llx", (unsigned long long)value.high64,
             (unsigned long long)value.low64);
}

static bool entry_path(const char *folder, const char *kind, const char *key, char *path,
                       size_t capacity) {
    char hash[ALISA_CACHE_HASH_SIZE];
    alisa_cache_hash(key, strlen(key), hash);
    int length = snprintf(path, capacity, "%s/%s-%s.bin", folder, kind, hash);
    return length > 0 && (size_t)length < capacity;
}

static uint64_t entry_checksum(const void *key, size_t key_size, const void *payload, size_t size) {
    return XXH3_64bits_withSeed(payload, size, XXH3_64bits(key, key_size));
}

/* Whether `file` is a sound entry for `key`; its payload starts at *offset. */
static bool check_entry(const uint8_t *file, size_t file_size, const char *key, size_t *offset) {
    EntryHeader header;
    size_t key_size = strlen(key);
    if (file_size < sizeof header + key_size) return false;
    memcpy(&header, file, sizeof header);
    if (memcmp(header.magic, entry_magic, sizeof entry_magic) != 0) return false;
    if (header.version != FORMAT_VERSION || header.key_size != key_size) return false;
    *offset = sizeof header + key_size;
    if (header.payload_size != file_size - *offset) return false;
    if (memcmp(file + sizeof header, key, key_size) != 0) return false;
    return header.checksum ==
           entry_checksum(key, key_size, file + *offset, (size_t)header.payload_size);
}

bool alisa_cache_read(const AlisaCache *cache, const char *kind, const char *key, uint8_t **payload,
                      size_t *size) {
    char path[PATH_MAX];
    *payload = NULL;
    *size = 0;
    if (!cache->folder || !entry_path(cache->folder, kind, key, path, sizeof path)) return false;
    uint8_t *file;
    size_t file_size, offset;
    if (alisa_disk_read(path, &file, &file_size, NULL) != ALISA_OK) return false;
    if (!check_entry(file, file_size, key, &offset)) {
        free(file);
        return false;
    }
    *size = file_size - offset;
    memmove(file, file + offset, *size);
    *payload = file;
    return true;
}

static AlisaStatus write_entry(const char *folder, const char *kind, const char *key,
                               const void *payload, size_t size, AlisaError *error) {
    char path[PATH_MAX];
    if (!entry_path(folder, kind, key, path, sizeof path)) {
        return alisa_error_set(error, ALISA_ERROR_IO, "%s: path too long", folder);
    }
    AlisaStatus status = alisa_folder_create(folder, error);
    if (status != ALISA_OK) return status;
    size_t key_size = strlen(key);
    EntryHeader header = {.version = FORMAT_VERSION,
                          .key_size = (uint32_t)key_size,
                          .payload_size = size,
                          .checksum = entry_checksum(key, key_size, payload, size)};
    memcpy(header.magic, entry_magic, sizeof entry_magic);
    uint8_t *file = alisa_allocate(1, sizeof header + key_size + size, "cache entry", error);
    if (!file) return ALISA_ERROR_MEMORY;
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, key, header.key_size);
    memcpy(file + sizeof header + key_size, payload, size);
    status = alisa_disk_write_atomic(path, file, sizeof header + key_size + size, error);
    free(file);
    return status;
}

void alisa_cache_write(AlisaCache *cache, const char *kind, const char *key, const void *payload,
                       size_t size) {
    if (!cache->folder || cache->unwritable) return;
    AlisaError error = {0};
    if (write_entry(cache->folder, kind, key, payload, size, &error) == ALISA_OK) return;
    cache->unwritable = true;
    alisa_log_write(&cache->log, ALISA_LOG_WARNING, "cache: %s; running uncached", error.message);
}

void alisa_cache_remove(const AlisaCache *cache, const char *kind, const char *key) {
    char path[PATH_MAX];
    if (cache->folder && entry_path(cache->folder, kind, key, path, sizeof path)) unlink(path);
}
