/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static AlisaStatus fail_io(AlisaError *error, const char *path, const char *doing) {
    return alisa_error_set(error, ALISA_ERROR_IO, "%s: cannot %s: %s", path, doing,
                           strerror(errno));
}

AlisaStatus alisa_disk_map_open(const char *path, AlisaDiskMap *map, AlisaError *error) {
    *map = (AlisaDiskMap){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_io(error, path, "open");

    AlisaStatus status = ALISA_OK;
    struct stat info;
    if (fstat(descriptor, &info) != 0) {
        status = fail_io(error, path, "stat");
    } else if (!S_ISREG(info.st_mode)) {
        status = alisa_error_set(error, ALISA_ERROR_IO, "%s: not a regular file", path);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED) {
            status = fail_io(error, path, "map");
        } else {
            map->data = data;
            map->size = (size_t)info.st_size;
        }
    }
    close(descriptor);
    return status;
}

void alisa_disk_map_close(AlisaDiskMap *map) {
    if (map->data) munmap((void *)map->data, map->size);
    *map = (AlisaDiskMap){0};
}

void alisa_disk_map_release(const AlisaDiskMap *map, size_t offset, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t begin = (offset + page - 1) / page * page, end = (offset + size) / page * page;
    if (begin < end) madvise((void *)(map->data + begin), end - begin, MADV_DONTNEED);
}

AlisaStatus alisa_disk_read(const char *path, uint8_t **data, size_t *size, AlisaError *error) {
    *data = NULL;
    *size = 0;
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (!file) return fail_io(error, path, "open");

    AlisaStatus status = ALISA_OK;
    uint8_t *buffer = NULL;
    size_t used = 0, capacity = 0;
    for (;;) {
        if (capacity - used < 2) {
            capacity = capacity ? capacity * 2 : 4096;
            uint8_t *larger = realloc(buffer, capacity);
            if (!larger) {
                status =
                    alisa_error_set(error, ALISA_ERROR_MEMORY,
                                    "%s: cannot allocate %zu bytes of host memory", path, capacity);
                goto done;
            }
            buffer = larger;
        }
        size_t got = fread(buffer + used, 1, capacity - used - 1, file);
        used += got;
        if (got == 0) break;
    }
    if (ferror(file)) {
        status = fail_io(error, path, "read");
        goto done;
    }
    buffer[used] = 0;
    *data = buffer;
    *size = used;
    buffer = NULL;
done:
    free(buffer);
    if (!standard_input) fclose(file);
    return status;
}

static bool write_all(int descriptor, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t wrote = write(descriptor, data, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        data += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* A pipe, a terminal, /dev/null: there is nothing to put a file in place of. */
static AlisaStatus write_through(const char *path, const void *data, size_t size,
                                 AlisaError *error) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_io(error, path, "open");
    AlisaStatus status =
        write_all(descriptor, data, size) ? ALISA_OK : fail_io(error, path, "write");
    if (close(descriptor) != 0 && status == ALISA_OK) status = fail_io(error, path, "write");
    return status;
}

/* A new file beside `path`, with the mode that the umask leaves of it; negative with errno. Not
 * mkstemp, whose files are the user's alone: to give them a mode later, the umask has to be asked
 * for, which changes it for all threads. Names that are taken are another writer's, or left behind.
 */
static int open_beside(const char *path, char temporary[PATH_MAX]) {
    for (unsigned i = 0; i < 10000; i++) {
        int length = snprintf(temporary, PATH_MAX, "%s.%ld.%u", path, (long)getpid(), i);
        if (length < 0 || length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST) return descriptor;
    }
    return -1;
}

AlisaStatus alisa_disk_write_atomic(const char *path, const void *data, size_t size,
                                    AlisaError *error) {
    char temporary[PATH_MAX];
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return write_through(path, data, size, error);
    int descriptor = open_beside(path, temporary);
    if (descriptor < 0) return fail_io(error, path, "create a temporary file beside it");

    AlisaStatus status = ALISA_OK;
    if (!write_all(descriptor, data, size) || fsync(descriptor) != 0) {
        status = fail_io(error, path, "write");
    }
    if (close(descriptor) != 0 && status == ALISA_OK) status = fail_io(error, path, "write");
    if (status == ALISA_OK && rename(temporary, path) != 0) {
        status = fail_io(error, path, "rename into place");
    }
    if (status != ALISA_OK) unlink(temporary);
    return status;
}

AlisaStatus alisa_folder_create(const char *path, AlisaError *error) {
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial) {
        return alisa_error_set(error, ALISA_ERROR_IO, "%s: not a usable folder name", path);
    }
    memcpy(partial, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (partial[i] != '/' && partial[i] != 0) continue;
        char kept = partial[i];
        partial[i] = 0;
        if (mkdir(partial, 0700) != 0 && errno != EEXIST) {
            return fail_io(error, partial, "create the folder");
        }
        partial[i] = kept;
    }
    return ALISA_OK;
}

AlisaStatus alisa_disk_lock(const char *path, const char *taken, AlisaDiskLock *lock,
                            AlisaError *error) {
    struct flock lock_all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    lock->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock->file >= 0 && fcntl(lock->file, F_SETLK, &lock_all) == 0) return ALISA_OK;
    int reason = errno;
    if (lock->file < 0 || (reason != EACCES && reason != EAGAIN)) {
        alisa_error_set(error, ALISA_ERROR_IO, "cannot lock %s: %s", path, strerror(reason));
    } else {
        struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        long owner = fcntl(lock->file, F_GETLK, &other) == 0 ? (long)other.l_pid : 0;
        alisa_error_set(error, ALISA_ERROR_IO, "%s (process %ld): wait for it, or end it", taken,
                        owner);
    }
    alisa_disk_unlock(lock);
    return ALISA_ERROR_IO;
}

void alisa_disk_unlock(AlisaDiskLock *lock) {
    if (lock->file >= 0) close(lock->file);
    lock->file = -1;
}
