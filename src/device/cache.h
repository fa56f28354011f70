/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: a folder of small files, each of them one entry, with what was computed once for a key
 * (compiled programs, results of trials and self-tests).
 *
 * An entry is found by the hash of its key and holds the whole key and a checksum, so that a
 * corrupt, truncated or foreign file reads as "no entry". An entry is written at once or not at
 * all, so processes may share the folder.
 */
#ifndef ALISA_DEVICE_CACHE_H
#define ALISA_DEVICE_CACHE_H

#include "base/status.h"

#define ALISA_CACHE_HASH_SIZE 33 /* 128 bits in hex, terminated */

typedef struct AlisaCache {
    char *folder; /* NULL: the cache keeps nothing */
    AlisaLog log;
    bool unwritable; /* a write failed, which the log was told: no other is tried */
} AlisaCache;

/* Chooses the folder: `cache_dir`, or if that is NULL the first of $ALISA_CACHE,
 * $XDG_CACHE_HOME/alisa and $HOME/.cache/alisa that is set. If there is none, or it is "", the
 * cache keeps nothing. Touches no file. */
void alisa_cache_open(AlisaCache *cache, const char *cache_dir, const AlisaLog *log);
/* Frees the name of the folder; a zeroed cache is allowed. */
void alisa_cache_close(AlisaCache *cache);

/* Reads entry `key` of `kind` ("program"); the caller frees *payload. False if there is no such
 * entry. */
bool alisa_cache_read(const AlisaCache *cache, const char *kind, const char *key, uint8_t **payload,
                      size_t *size);
/* Writes an entry, and creates the folder if need be. A failure is a warning in the log, once. */
void alisa_cache_write(AlisaCache *cache, const char *kind, const char *key, const void *payload,
                       size_t size);

/* Removes an entry, if it is there. */
void alisa_cache_remove(const AlisaCache *cache, const char *kind, const char *key);

/* Writes a hash of `size` bytes, as 32 hexadecimal digits. */
void alisa_cache_hash(const void *data, size_t size, char hash[ALISA_CACHE_HASH_SIZE]);

#endif
