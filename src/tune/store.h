/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of tuned parameters: an entry, which is one JSON file, for each device. Entries are
 * looked up by how near their device is to the one at hand, among those of the user's folder
 * (`tuning` in the cache folder) and those of platforms/devices that the library carries.
 *
 * The store does not know what parameters mean: an entry hands out its JSON object {set:
 * {parameter: number or word}}, and alisa_tuner_apply checks it, since it may have been found on
 * another device.
 */
#ifndef ALISA_TUNE_STORE_H
#define ALISA_TUNE_STORE_H

#include <jansson.h>

#include "alisa/device.h"
#include "device/cache.h"
#include "device/probe.h"

/* What tells one device, driver and state of the kernels from another. All text is printable ASCII.
 */
typedef struct AlisaTuneKey {
    AlisaDeviceType type;
    uint32_t vendor_id;
    uint32_t compute_units;
    char platform[128];
    char vendor[128];
    char device[128];      /* name of the device */
    char board[128];       /* name of the board; "": not known */
    char architecture[64]; /* "gfx1100", told by an extension or recognised in the names; "": not
                              known */
    char driver[128];
    char kernels[ALISA_CACHE_HASH_SIZE]; /* hash of all kernel sources */
} AlisaTuneKey;

/* Hashes all kernel sources, of which those in $ALISA_KERNEL_DIR come from there. */
AlisaStatus alisa_tuner_kernels_hash(char hash[ALISA_CACHE_HASH_SIZE], AlisaError *error);

/* Makes the key of a device from what the device says of itself and the hash of the kernels; a key
 * with the hash "" matches no other exactly. Pure. */
void alisa_tuner_key_init(AlisaTuneKey *key, const AlisaDeviceInfo *info, const char *kernels);

/* How near the device of an entry is to `device`. Pure. The answer serves to choose parameters to
 * start from; what a device can do is never derived from names. */
AlisaTuningMatch alisa_tuner_key_match(const AlisaTuneKey *device, const AlisaTuneKey *entry);

/* One file of the store. */
typedef struct AlisaTuneEntry {
    char name[128]; /* name of the file without ".json"; of a built-in entry "VENDOR/DEVICE" */
    bool built_in;  /* the library carries it */
    AlisaTuneKey key;
    AlisaTuningMatch serves;    /* devices with a farther match than this are not served; at most
                                   ALISA_TUNING_STALE; ALISA_TUNING_NONE: there is no such limit */
    char date[32];              /* of the search: "2026-01-31" or "2026-01-31T12:00:00Z" */
    char version[32];           /* of the program that searched */
    char effort[32];            /* of the search: "quick" */
    AlisaDeviceProfile profile; /* all 0: it was not measured */
    json_t *parameters;         /* {set: {parameter: number or word}}; owned */
} AlisaTuneEntry;

/* Makes an entry without parameters, with the date of now and this version, that serves devices of
 * the same vendor. */
AlisaStatus alisa_tuner_entry_init(AlisaTuneEntry *entry, const AlisaTuneKey *key,
                                   const char *effort, AlisaError *error);
/* Releases the parameters; a zeroed entry is allowed. */
void alisa_tuner_entry_finish(AlisaTuneEntry *entry);

/* Reads an entry from its JSON, in which `name` and `built_in` are not. Errors and warnings call
 * the text `origin`. Unknown fields are warnings. A text that is not a complete entry of this
 * format and version is ALISA_ERROR_FORMAT and leaves *entry zeroed. */
AlisaStatus alisa_tuner_entry_parse(const char *text, size_t size, const char *origin,
                                    const AlisaLog *log, AlisaTuneEntry *entry, AlisaError *error);
/* Writes an entry as JSON, without `name` and `built_in`. The caller frees the text; NULL, with
 * *error filled, if memory does not suffice. */
char *alisa_tuner_entry_format(const AlisaTuneEntry *entry, AlisaError *error);

/* The index of the best of `count` entries that serve a device, with its match in *match; `count`
 * and ALISA_TUNING_NONE if no entry does. The best is the one with the nearest match; among equals
 * a user's own, then among those of the same vendor the one whose architecture begins most alike,
 * then the one with the closest number of compute units, the newest, the first by name. So the
 * order of the entries does not matter. Pure. */
size_t alisa_tuner_store_choose(const AlisaTuneKey *device, const AlisaTuneEntry *entries,
                                size_t count, AlisaTuningMatch *match);

/* In the functions below `folder` is the cache folder (alisa_opencl_cache_folder); NULL: the store
 * has built-in entries only. */

/* Finds the best entry for a device. If none serves it, the status is ALISA_OK, *entry is zeroed
 * and *match is ALISA_TUNING_NONE. Files that cannot be used are warnings. */
AlisaStatus alisa_tuner_store_find(const char *folder, const AlisaTuneKey *device,
                                   const AlisaLog *log, AlisaTuneEntry *entry,
                                   AlisaTuningMatch *match, AlisaError *error);
/* Writes an entry to the user's folder, in place of one of the same device and driver, and sets its
 * name. On failure the entry that was there stays. */
AlisaStatus alisa_tuner_store_write(const char *folder, AlisaTuneEntry *entry, AlisaError *error);
/* Writes an entry to the file `path`. */
AlisaStatus alisa_tuner_store_export(const AlisaTuneEntry *entry, const char *path,
                                     AlisaError *error);
/* Reads an entry from a file ("-": standard input) into *entry, checks it and writes it to the
 * user's folder. On failure *entry is zeroed. */
AlisaStatus alisa_tuner_store_import(const char *folder, const char *path, const AlisaLog *log,
                                     AlisaTuneEntry *entry, AlisaError *error);

/* Writes which entry is in use and why, as text: "built-in entry 'PoCL/znver5', same architecture"
 * or "none: defaults; ...". */
void alisa_tuner_describe(const char *name, bool built_in, AlisaTuningMatch match, char text[256]);

#endif
