/*
 * A folder of small files, each one entry: what was computed once for a key (compiled programs, the
 * results of trials and self-tests).
 *
 * An entry is found by the hash of its key and holds the whole key and a checksum, so that a
 * corrupt, truncated or foreign file reads as "no entry". Writers are atomic: processes may share
 * the folder.
 */
#ifndef ALISA_DEVICE_CACHE_H
#define ALISA_DEVICE_CACHE_H

#include "base/status.h"

#define ALISA_CACHE_HASH_SIZE 33 /* 128 bits in hex, terminated */

typedef struct AlisaCache {
    char *folder; /* NULL: nothing is kept */
    AlisaLog log;
    bool unwritable; /* a write failed: said once, not tried again */
} AlisaCache;

/* Uses the folder `cache_dir`, or, where that is NULL, $ALISA_CACHE, $XDG_CACHE_HOME/alisa or
 * $HOME/.cache/alisa, whichever is set first. "" or none: nothing is kept. Touches no file. */
void alisa_cache_open(AlisaCache *cache, const char *cache_dir, const AlisaLog *log);
/* Takes a zeroed cache. */
void alisa_cache_close(AlisaCache *cache);

/* The payload of entry `key` of `kind` ("program"), malloc'ed. False where there is none. */
bool alisa_cache_read(const AlisaCache *cache, const char *kind, const char *key, uint8_t **payload,
                      size_t *size);
/* Keeps an entry, creating the folder if need be. Failing is a warning, once. */
void alisa_cache_write(AlisaCache *cache, const char *kind, const char *key, const void *payload,
                       size_t size);

/* Takes an entry out, if it is there. */
void alisa_cache_remove(const AlisaCache *cache, const char *kind, const char *key);

void alisa_cache_hash(const void *data, size_t size, char hash[ALISA_CACHE_HASH_SIZE]);

#endif
