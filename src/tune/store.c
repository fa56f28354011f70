/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where entries are, which is taken, and keeping them.
 */
#include "tune/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "tune/embedded.h"

/* Entries run to some KiB. */
#define LARGEST_ENTRY ((size_t)256 << 10)
#define SUFFIX        ".json"

/* ---- Choosing ------------------------------------------------------------------------------ */

static uint32_t distance(const AlisaTuneKey *device, const AlisaTuneEntry *entry) {
    uint32_t left = device->compute_units, right = entry->key.compute_units;
    return left > right ? left - right : right - left;
}

/* Vendors number generations: "gfx1031" is nearer to "gfx1030" than to "gfx906". */
static size_t common_start(const AlisaTuneKey *device, const AlisaTuneEntry *entry) {
    const char *left = device->architecture, *right = entry->key.architecture;
    size_t length = 0;
    while (left[length] && left[length] == right[length])
        length++;
    return length;
}

/* Whether `entry`, which is as near as `best`, is to be preferred. */
static bool is_better(const AlisaTuneKey *device, AlisaTuningMatch match,
                      const AlisaTuneEntry *entry, const AlisaTuneEntry *best) {
    if (entry->built_in != best->built_in) return best->built_in;
    if (match == ALISA_TUNING_VENDOR) {
        size_t mine = common_start(device, entry), other = common_start(device, best);
        if (mine != other) return mine > other;
    }
    uint32_t mine = distance(device, entry), other = distance(device, best);
    if (mine != other) return mine < other;
    int newer = strcmp(entry->date, best->date);
    if (newer != 0) return newer > 0;
    return strcmp(entry->name, best->name) < 0;
}

size_t alisa_tuner_store_choose(const AlisaTuneKey *device, const AlisaTuneEntry *entries,
                                size_t count, AlisaTuningMatch *match) {
    size_t best = count;
    *match = ALISA_TUNING_NONE;
    for (size_t i = 0; i < count; i++) {
        AlisaTuningMatch near = alisa_tuner_key_match(device, &entries[i].key);
        if (near < *match || near < entries[i].serves || near == ALISA_TUNING_NONE) continue;
        if (near == *match && !is_better(device, near, &entries[i], &entries[best])) continue;
        best = i;
        *match = near;
    }
    return best;
}

/* ---- Reading ------------------------------------------------------------------------------- */

typedef struct List {
    AlisaTuneEntry *items;
    size_t count, capacity;
} List;

static void finish_list(List *list) {
    for (size_t i = 0; i < list->count; i++)
        alisa_tuner_entry_finish(&list->items[i]);
    free(list->items);
}

/* Takes over an entry, and finishes it where it cannot. */
static AlisaStatus append(List *list, AlisaTuneEntry *entry, AlisaError *error) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        AlisaTuneEntry *larger = realloc(list->items, capacity * sizeof *larger);
        if (!larger) {
            alisa_tuner_entry_finish(entry);
            return alisa_error_set(error, ALISA_ERROR_MEMORY, "tuned parameters: no host memory");
        }
        list->items = larger;
        list->capacity = capacity;
    }
    list->items[list->count++] = *entry;
    return ALISA_OK;
}

/* A file's name, without its ending, as the name of its entry. */
static void set_name(AlisaTuneEntry *entry, const char *file) {
    size_t length = strlen(file) - strlen(SUFFIX);
    if (length >= sizeof entry->name) length = sizeof entry->name - 1;
    for (size_t i = 0; i < length; i++)
        entry->name[i] = (char)(isprint((unsigned char)file[i]) ? file[i] : '?');
    entry->name[length] = 0;
}

static AlisaStatus read_stream(FILE *stream, const char *path, const AlisaLog *log,
                               AlisaTuneEntry *entry, AlisaError *error) {
    char *text = alisa_allocate(LARGEST_ENTRY + 1, 1, "tuned parameters", error);
    if (!text) return ALISA_ERROR_MEMORY;
    errno = 0;
    size_t size = fread(text, 1, LARGEST_ENTRY + 1, stream);
    AlisaStatus status;
    if (ferror(stream)) {
        status =
            alisa_error_set(error, ALISA_ERROR_IO, "%s: cannot read: %s", path, strerror(errno));
    } else if (size > LARGEST_ENTRY) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT,
                                 "%s: larger than tuned parameters can be, which is %zu KiB", path,
                                 LARGEST_ENTRY >> 10);
    } else {
        status = alisa_tuner_entry_parse(text, size, path, log, entry, error);
    }
    free(text);
    return status;
}

/* "-" is standard input. */
static AlisaStatus read_file(const char *path, const AlisaLog *log, AlisaTuneEntry *entry,
                             AlisaError *error) {
    *entry = (AlisaTuneEntry){0};
    if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", log, entry, error);
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        return alisa_error_set(error, ALISA_ERROR_IO, "%s: cannot open: %s", path, strerror(errno));
    }
    AlisaStatus status = read_stream(stream, path, log, entry, error);
    fclose(stream);
    return status;
}

/* ---- The user's folder --------------------------------------------------------------------- */

/* folder/tuning, or folder/tuning/name where there is one. */
static AlisaStatus make_path(const char *folder, const char *name, char path[PATH_MAX],
                             AlisaError *error) {
    int length =
        snprintf(path, PATH_MAX, "%s/tuning%s%s", folder, name ? "/" : "", name ? name : "");
    if (length > 0 && length < PATH_MAX) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_IO, "%s: path too long", folder);
}

/* Files that are being written have another ending. */
static int is_entry(const struct dirent *file) {
    size_t length = strlen(file->d_name), ending = strlen(SUFFIX);
    return file->d_name[0] != '.' && length > ending &&
           strcmp(file->d_name + length - ending, SUFFIX) == 0;
}

/* Adds the entry of a file; one that cannot be used is a warning. */
static AlisaStatus add_file(const char *folder, const char *name, const AlisaLog *log, List *list,
                            AlisaError *error) {
    char path[PATH_MAX];
    struct stat info;
    AlisaError refusal = {0};
    AlisaTuneEntry entry;
    AlisaStatus status = make_path(folder, name, path, &refusal);
    if (status == ALISA_OK && stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        status = alisa_error_set(&refusal, ALISA_ERROR_IO, "%s: not a regular file", path);
    }
    if (status == ALISA_OK) status = read_file(path, log, &entry, &refusal);
    if (status == ALISA_OK) {
        set_name(&entry, name);
        return append(list, &entry, error);
    }
    alisa_log_write(log, ALISA_LOG_WARNING, "tuning: %s; skipped", refusal.message);
    return ALISA_OK;
}

static AlisaStatus load_folder(const char *folder, const AlisaLog *log, List *list,
                               AlisaError *error) {
    char path[PATH_MAX];
    struct dirent **files;
    AlisaStatus status = make_path(folder, NULL, path, error);
    if (status != ALISA_OK) return status;
    int count = scandir(path, &files, is_entry, alphasort);
    if (count < 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            alisa_log_write(log, ALISA_LOG_WARNING, "tuning: %s: cannot open: %s", path,
                            strerror(errno));
        }
        return ALISA_OK;
    }
    for (int i = 0; i < count; i++) {
        if (status == ALISA_OK) status = add_file(folder, files[i]->d_name, log, list, error);
        free(files[i]);
    }
    free(files);
    return status;
}

static AlisaStatus load_built_in(const AlisaLog *log, List *list, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < alisa_tuner_file_count && status == ALISA_OK; i++) {
        const AlisaEmbeddedFile *file = &alisa_tuner_files[i];
        AlisaError refusal = {0};
        AlisaTuneEntry entry;
        if (alisa_tuner_entry_parse(file->text, file->size, file->name, log, &entry, &refusal) !=
            ALISA_OK) {
            alisa_log_write(log, ALISA_LOG_WARNING, "tuning: built-in %s; skipped",
                            refusal.message);
            continue;
        }
        set_name(&entry, file->name);
        entry.built_in = true;
        status = append(list, &entry, error);
    }
    return status;
}

AlisaStatus alisa_tuner_store_find(const char *folder, const AlisaTuneKey *device,
                                   const AlisaLog *log, AlisaTuneEntry *entry,
                                   AlisaTuningMatch *match, AlisaError *error) {
    *entry = (AlisaTuneEntry){0};
    *match = ALISA_TUNING_NONE;
    List list = {0};
    AlisaStatus status = folder ? load_folder(folder, log, &list, error) : ALISA_OK;
    if (status == ALISA_OK) status = load_built_in(log, &list, error);
    if (status == ALISA_OK) {
        size_t best = alisa_tuner_store_choose(device, list.items, list.count, match);
        if (best < list.count) {
            *entry = list.items[best];
            list.items[best] = (AlisaTuneEntry){0};
        }
    }
    finish_list(&list);
    return status;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* "amd-radeon-rx-7900-xtx-48-" and what tells its device and driver from others: entries of the
 * same two replace each other, whatever kernels they are for. */
static void make_file_name(const AlisaTuneKey *key, char name[128]) {
    char all[1024], hash[ALISA_CACHE_HASH_SIZE], words[64];
    const char *from = key->board[0] ? key->board : key->device;
    size_t length = 0;
    for (; *from && length < sizeof words - 1; from++) {
        if (isalnum((unsigned char)*from)) {
            words[length++] = (char)tolower((unsigned char)*from);
        } else if (length > 0 && words[length - 1] != '-') {
            words[length++] = '-';
        }
    }
    while (length > 0 && words[length - 1] == '-')
        length--;
    words[length] = 0;
    snprintf(all, sizeof all, "%d\n%u\n%s\n%s\n%s\n%s\n%s\n%s\n", (int)key->type,
             (unsigned)key->vendor_id, key->vendor, key->platform, key->device, key->board,
             key->architecture, key->driver);
    alisa_cache_hash(all, strlen(all), hash);
    snprintf(name, 128, "%s-%u-%.12s%s", length ? words : "device", (unsigned)key->compute_units,
             hash, SUFFIX);
}

static AlisaStatus write_text(const AlisaTuneEntry *entry, const char *path, AlisaError *error) {
    AlisaError local;
    if (!error) error = &local;
    char *text = alisa_tuner_entry_format(entry, error);
    if (!text) return error->status;
    AlisaStatus status = alisa_disk_write_atomic(path, text, strlen(text), error);
    free(text);
    return status;
}

AlisaStatus alisa_tuner_store_write(const char *folder, AlisaTuneEntry *entry, AlisaError *error) {
    char name[128], path[PATH_MAX];
    if (!folder) {
        return alisa_error_set(error, ALISA_ERROR_IO,
                               "tuned parameters cannot be kept without a cache folder: set "
                               "ALISA_CACHE to one");
    }
    AlisaStatus status = make_path(folder, NULL, path, error);
    if (status == ALISA_OK) status = alisa_folder_create(path, error);
    make_file_name(&entry->key, name);
    if (status == ALISA_OK) status = make_path(folder, name, path, error);
    if (status == ALISA_OK) status = write_text(entry, path, error);
    if (status != ALISA_OK) {
        return alisa_error_prefix(error, status, "tuned parameters are not kept");
    }
    set_name(entry, name);
    entry->built_in = false;
    return ALISA_OK;
}

AlisaStatus alisa_tuner_store_export(const AlisaTuneEntry *entry, const char *path,
                                     AlisaError *error) {
    return write_text(entry, path, error);
}

AlisaStatus alisa_tuner_store_import(const char *folder, const char *path, const AlisaLog *log,
                                     AlisaTuneEntry *entry, AlisaError *error) {
    AlisaStatus status = read_file(path, log, entry, error);
    if (status != ALISA_OK) return status;
    status = alisa_tuner_store_write(folder, entry, error);
    if (status != ALISA_OK) alisa_tuner_entry_finish(entry);
    return status;
}

/* ---- Words --------------------------------------------------------------------------------- */

void alisa_tuner_describe(const char *name, bool built_in, AlisaTuningMatch match, char text[256]) {
    static const char *const reasons[] = {
        [ALISA_TUNING_TYPE] = "same kind of device",
        [ALISA_TUNING_VENDOR] = "same vendor",
        [ALISA_TUNING_ARCHITECTURE] = "same architecture",
        [ALISA_TUNING_STALE] = "stale: of another driver or other kernels; `alisa tune` renews it",
        [ALISA_TUNING_EXACT] = "of this device and driver",
    };
    if (match == ALISA_TUNING_NONE) {
        snprintf(text, 256, "none: defaults; `alisa tune` would help");
    } else {
        snprintf(text, 256, "%s entry '%.127s', %s", built_in ? "built-in" : "own", name,
                 reasons[match]);
    }
}
