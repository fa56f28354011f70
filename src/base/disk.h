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

AlisaStatus alisa_disk_map_open(const char *path, AlisaDiskMap *map, AlisaError *error);
/* Takes a zeroed map. */
void alisa_disk_map_close(AlisaDiskMap *map);
/* Bytes of the map are not read again for a while: the memory under the pages that lie wholly among
 * them may go to others. They are read from the file when they are. */
void alisa_disk_map_release(const AlisaDiskMap *map, size_t offset, size_t size);

/* Whole file in a malloc'ed buffer with a terminating 0 past its end. "-" reads standard input. */
AlisaStatus alisa_disk_read(const char *path, uint8_t **data, size_t *size, AlisaError *error);

/* Writes through a temporary file in the same folder and renames it into place: a reader sees the
 * old file or the whole new one, also with two writers at once or a full disk (the temporary goes).
 * The file has the mode that the umask gives new ones, whatever the old one had.
 * What is no regular file (a pipe, /dev/null) is written to as it is.
 */
AlisaStatus alisa_disk_write_atomic(const char *path, const void *data, size_t size,
                                    AlisaError *error);

/* Held by one process at a time, until it is given back or the process ends. */
typedef struct AlisaDiskLock {
    int file;
} AlisaDiskLock;

/* The file is made where it is not there. Held by another: ALISA_ERROR_IO with the sentence
 * `taken` and that process; a file that cannot be made or locked likewise, with the reason. */
AlisaStatus alisa_disk_lock(const char *path, const char *taken, AlisaDiskLock *lock,
                            AlisaError *error);
void alisa_disk_unlock(AlisaDiskLock *lock);

/* Creates a folder and its parents (mode 0700 for those it makes). */
AlisaStatus alisa_folder_create(const char *path, AlisaError *error);

#endif
