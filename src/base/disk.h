/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: read-only maps, whole reads, atomic writes.
 */
#ifndef ALISA_BASE_DISK_H
#define ALISA_BASE_DISK_H

#include "base/status.h"

/* A regular file mapped read-only. `data` is page-aligned, NULL for an empty file. */
typedef struct AlisaDiskMap {
    const uint8_t *data;
    size_t size;
} AlisaDiskMap;

/* Maps the regular file `path`; a failure is ALISA_ERROR_IO that names it. */
AlisaStatus alisa_disk_map_open(const char *path, AlisaDiskMap *map, AlisaError *error);
/* Unmaps the file; a zeroed map is allowed. */
void alisa_disk_map_close(AlisaDiskMap *map);
/* Bytes of the map are not read again for a while: the memory under the pages that lie wholly among
 * them may go to others. They are read from the file when they are. */
void alisa_disk_map_release(const AlisaDiskMap *map, size_t offset, size_t size);

/* Reads all of a file into a malloc'ed buffer with a 0 past its end. The path "-" is standard
 * input. */
AlisaStatus alisa_disk_read(const char *path, uint8_t **data, size_t *size, AlisaError *error);

/* Writes a temporary file in the same folder and renames it into place: a reader sees either the
 * old file or all of the new one, also with two writers at once. Where writing fails, say on a full
 * disk, the temporary file is removed and the old one stays. The new file has the mode that the
 * umask gives. A `path` that is no regular file (a pipe, /dev/null) is written to directly. */
AlisaStatus alisa_disk_write_atomic(const char *path, const void *data, size_t size,
                                    AlisaError *error);

/* A lock that one process at a time holds, until it unlocks it or ends. */
typedef struct AlisaDiskLock {
    int file; /* descriptor of the locked file */
} AlisaDiskLock;

/* Locks the file `path`, which is created if it does not exist. If another process holds the lock,
 * fails with ALISA_ERROR_IO and the sentence `taken`, which is given that process; if the file
 * cannot be created or locked, with ALISA_ERROR_IO and the reason. */
AlisaStatus alisa_disk_lock(const char *path, const char *taken, AlisaDiskLock *lock,
                            AlisaError *error);
void alisa_disk_unlock(AlisaDiskLock *lock);

/* Creates a folder and its parents (mode 0700 for those it makes). */
AlisaStatus alisa_folder_create(const char *path, AlisaError *error);

#endif
