/*
 * The store of tuned parameters: one JSON file a device, looked up by how near its device is to the
 * one at hand. First in the user's folder (`tuning` in the cache folder), then among the files of
 * platforms/devices that the library carries.
 *
 * What parameters mean is their families' business: an entry hands out its JSON object of
 * {family: {parameter: whole number or word}}, and who uses it checks it, all the more where the
 * entry is of another device.
 */
#ifndef ALISA_TUNE_STORE_H
#define ALISA_TUNE_STORE_H

#include <jansson.h>

#include "device/cache.h"
#include "device/probe.h"

/* What tells one device, driver and set of kernels from another. Printable ASCII. */
typedef struct AlisaTuneKey {
    AlisaDeviceType type;
    uint32_t vendor_id;
    uint32_t compute_units;
    char platform[128];
    char vendor[128];
    char device[128];      /* its name */
    char board[128];       /* "": not known, as for the two below */
    char architecture[64]; /* by an extension, or else recognised in the names: "gfx1100" */
    char driver[128];
    char kernels[ALISA_CACHE_HASH_SIZE];
} AlisaTuneKey;

/* Hash of all kernel sources, those of $ALISA_KERNEL_DIR where it has them. */
AlisaStatus alisa_tuner_kernels_hash(char hash[ALISA_CACHE_HASH_SIZE], AlisaError *error);

/* The key of a device as it lists itself, with the hash of the kernels ("" fits no other). Pure. */
void alisa_tuner_key_init(AlisaTuneKey *key, const AlisaDeviceInfo *info, const char *kernels);

/* How near the device of an entry is to `device`. Pure, and only for choosing parameters to start
 * from: what a device can do is never derived from names. */
AlisaTuningMatch alisa_tuner_key_match(const AlisaTuneKey *device, const AlisaTuneKey *entry);

typedef struct AlisaTuneEntry {
    char name[128]; /* its file without ".json"; of a built-in one: "VENDOR/DEVICE" */
    bool built_in;
    AlisaTuneKey key;
    AlisaTuningMatch serves; /* none that is farther, at most STALE; NONE: any */
    char date[32];           /* "2026-01-31" or "2026-01-31T12:00:00Z" */
    char version[32];
    char effort[32];
    AlisaDeviceProfile profile; /* all 0: not measured */
    json_t *parameters;         /* an object of objects of integers and strings; owned */
} AlisaTuneEntry;

/* An entry of now and this version without parameters, for devices of the same vendor. */
AlisaStatus alisa_tuner_entry_init(AlisaTuneEntry *entry, const AlisaTuneKey *key,
                                   const char *effort, AlisaError *error);
/* Takes a zeroed entry. */
void alisa_tuner_entry_finish(AlisaTuneEntry *entry);

/* Reads and writes the JSON of an entry; `name` and `built_in` are not in it. `origin` is what
 * errors and warnings call the text. Unknown fields are warnings; a text that is no whole entry of
 * this format and version is ALISA_ERROR_FORMAT and leaves *entry zeroed. The text that is made is
 * malloc'ed and terminated; NULL with *error filled where memory does not suffice. */
AlisaStatus alisa_tuner_entry_parse(const char *text, size_t size, const char *origin,
                                    const AlisaLog *log, AlisaTuneEntry *entry, AlisaError *error);
char *alisa_tuner_entry_format(const AlisaTuneEntry *entry, AlisaError *error);

/* Index of the best of `count` entries that serve a device, and why; `count` and ALISA_TUNING_NONE
 * where none does. The nearest match wins, then the user's own, of the same vendor the one whose
 * architecture begins most alike, then the closest number of compute units, the newest, the first
 * by name: the order of entries does not matter. Pure. */
size_t alisa_tuner_store_choose(const AlisaTuneKey *device, const AlisaTuneEntry *entries,
                                size_t count, AlisaTuningMatch *match);

/* `folder` below is the cache folder (alisa_opencl_cache_folder), NULL where nothing is kept. */

/* The best entry for a device; no entry is ALISA_OK too: zeroed, with ALISA_TUNING_NONE. Files that
 * cannot be used are warnings. */
AlisaStatus alisa_tuner_store_find(const char *folder, const AlisaTuneKey *device,
                                   const AlisaLog *log, AlisaTuneEntry *entry,
                                   AlisaTuningMatch *match, AlisaError *error);
/* Puts an entry into the user's folder, in place of one of the same device and driver, and names
 * it. On failure what was there stays. */
AlisaStatus alisa_tuner_store_write(const char *folder, AlisaTuneEntry *entry, AlisaError *error);
/* Writes an entry to a file of the user's choice. */
AlisaStatus alisa_tuner_store_export(const AlisaTuneEntry *entry, const char *path,
                                     AlisaError *error);
/* Reads an entry from a file ("-": standard input), checks it and puts it into the user's folder.
 * *entry is what was read; zeroed on failure. */
AlisaStatus alisa_tuner_store_import(const char *folder, const char *path, const AlisaLog *log,
                                     AlisaTuneEntry *entry, AlisaError *error);

/* "built-in entry 'PoCL/znver5', same architecture"; "none: defaults; ..." */
void alisa_tuner_describe(const char *name, bool built_in, AlisaTuningMatch match, char text[256]);

#endif
