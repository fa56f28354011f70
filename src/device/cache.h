/*
 * A folder of small files, each one entry: what was computed once for a key (compiled programs, the
 * results of trials and self-tests).
 *
 * An entry is found by the hash of its key and holds the whole key and a checksum, so that a corrupt,
 * truncated or foreign file reads as "no entry". Writers are atomic: processes may share the folder.
 */
#ifndef ALISA_DEVICE_CACHE_H
#define ALISA_DEVICE_CACHE_H

#include "base/status.h"

#define ALISA_CACHE_HASH_SIZE 33 /* 128 bits in hex, terminated */

/* The folder that AlisaDeviceOptions.cache_dir and the environment ask for, malloc'ed: `cache_dir`,
 * else $ALISA_CACHE, $XDG_CACHE_HOME/alisa, $HOME/.cache/alisa. NULL: no caching, because the first
 * that is set is "" or none is. */
char *alisa_cache_folder(const char *cache_dir);

void alisa_cache_hash(const void *data, size_t size, char hash[ALISA_CACHE_HASH_SIZE]);
/* Hash of a kernel's name and a local size. */
uint64_t alisa_cache_variant(const char *kernel, const size_t local[3]);

/* The payload of entry `key` of `kind` ("program"), malloc'ed. False where there is none. A NULL
 * folder has no entries. */
bool alisa_cache_read(const char *folder, const char *kind, const char *key, uint8_t **payload,
                      size_t *size);
/* Creates the folder if need be. Does nothing with a NULL folder. */
AlisaStatus alisa_cache_write(const char *folder, const char *kind, const char *key,
                              const void *payload, size_t size, AlisaError *error);

/* Says that nothing is cached, and why. */
void alisa_cache_warn(const AlisaLog *log, const AlisaError *error);

#endif
