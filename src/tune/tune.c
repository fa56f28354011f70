/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "tune/crossover.h"
#include "tune/search.h"
#include "tune/store.h"

/* By effort: seconds where no budget is given, and the least use of the formats of weights that are
 * searched for. */
static const struct {
    const char *name;
    double seconds;
    AlisaFormatUse least;
} efforts[ALISA_TUNE_EFFORT_COUNT] = {
    [ALISA_TUNE_QUICK] = {"quick", 28.0, ALISA_FORMAT_MOST},
    [ALISA_TUNE_NORMAL] = {"normal", 480.0, ALISA_FORMAT_OFTEN},
    [ALISA_TUNE_FULL] = {"full", 36000.0, ALISA_FORMAT_SELDOM},
};

/* Shares of the time: a set with more parameters and cases needs more. */
static const double shares[ALISA_FAMILY_COUNT] = {
    [ALISA_FAMILY_MATVEC] = 3.0,  [ALISA_FAMILY_MATMUL] = 4.0, [ALISA_FAMILY_DECODE] = 4.0,
    [ALISA_FAMILY_PREFILL] = 2.0, [ALISA_FAMILY_SELECT] = 2.0, [ALISA_FAMILY_ROW] = 1.0,
    [ALISA_FAMILY_STORE] = 0.5,   [ALISA_FAMILY_SEAL] = 0.5,   [ALISA_FAMILY_MOVE] = 0.5,
};

const char *alisa_tuner_effort_name(AlisaTuneEffort effort) {
    return (unsigned)effort < ALISA_TUNE_EFFORT_COUNT ? efforts[effort].name : NULL;
}

double alisa_tuner_effort_seconds(AlisaTuneEffort effort) {
    return (unsigned)effort < ALISA_TUNE_EFFORT_COUNT ? efforts[effort].seconds : 0.0;
}

/* ---- What is known ------------------------------------------------------------------------- */

static AlisaStatus make_key(AlisaDevice *device, AlisaTuneKey *key, AlisaError *error) {
    char hash[ALISA_CACHE_HASH_SIZE];
    AlisaStatus status = alisa_tuner_kernels_hash(hash, error);
    if (status == ALISA_OK) alisa_tuner_key_init(key, alisa_opencl_info(device), hash);
    return status;
}

void alisa_tuner_advise(AlisaDevice *device) {
    const AlisaDeviceInfo *info = alisa_opencl_info(device);
    AlisaCache cache;
    uint8_t *said = NULL;
    size_t size;
    char about[512];
    const AlisaLog silent = {0}; /* whoever opened the device has said if nothing can be kept */
    alisa_cache_open(&cache, alisa_opencl_cache_folder(device), &silent);
    snprintf(about, sizeof about, "%s, %s, %s", info->platform, info->name, info->driver);
    bool again = !cache.folder || alisa_cache_read(&cache, "advice", about, &said, &size);
    if (!again) {
        alisa_cache_write(&cache, "advice", about, "said", 4);
        /* Where that cannot be kept it would be said every time. */
        if (alisa_cache_read(&cache, "advice", about, &said, &size))
            alisa_log_write(alisa_opencl_log(device), ALISA_LOG_WARNING,
                            "%s runs with parameters for any device: `alisa tune` finds its own",
                            info->name);
    }
    free(said);
    alisa_cache_close(&cache);
}

bool alisa_tuner_parameters(AlisaDevice *device, AlisaOpsParameters *parameters) {
    const AlisaDeviceInfo *info = alisa_opencl_info(device);
    const AlisaLog *log = alisa_opencl_log(device);
    AlisaTuneKey key;
    AlisaTuneEntry entry = {0};
    AlisaTuningMatch match = ALISA_TUNING_NONE;
    AlisaError error;
    alisa_ops_parameters_defaults(info, parameters);
    AlisaStatus status = make_key(device, &key, &error);
    if (status == ALISA_OK)
        status = alisa_tuner_store_find(alisa_opencl_cache_folder(device), &key, log, &entry,
                                        &match, &error);
    if (status != ALISA_OK) {
        alisa_log_write(log, ALISA_LOG_WARNING, "tuned parameters are not used: %s", error.message);
    } else if (match != ALISA_TUNING_NONE) {
        uint32_t taken = alisa_tuner_apply(entry.parameters, entry.name, info, log, parameters);
        alisa_log_write(log, ALISA_LOG_DEBUG, "tuning: %u sets of parameters of %s", taken,
                        entry.name);
    }
    alisa_tuner_entry_finish(&entry);
    return match != ALISA_TUNING_NONE;
}

/* ---- The search ---------------------------------------------------------------------------- */

/* One search for all sets of a device. */
typedef struct Tuner {
    AlisaDevice *device;
    const AlisaTuneOptions *options;
    AlisaTuneSearch search;
    AlisaOpsParameters parameters;
    AlisaParameterSet *sets;
    uint32_t set_count, done;
    double share_done, share_now, share_all;
    uint64_t begun; /* of the set at hand */
    double allowed; /* its seconds */
    char what[64];  /* for progress */
} Tuner;

/* Asked between trials: shows how far the search is. */
static bool interrupted(void *user) {
    const Tuner *tuner = user;
    const AlisaTuneOptions *options = tuner->options;
    double spent = (double)(alisa_clock_now() - tuner->begun) * 1e-9;
    double part = tuner->allowed > 0.0 && spent < tuner->allowed ? spent / tuner->allowed : 0.99;
    double share = (tuner->share_done + part * tuner->share_now) / tuner->share_all;
    if (options->progress.update)
        options->progress.update(options->progress.user, tuner->what, (uint64_t)(share * 999.0),
                                 1000);
    return options->interrupt && options->interrupt(options->interrupt_user);
}

/* Whether `kernel` is the set's name or that of its family. */
static bool is_named(const AlisaParameterSet *set, const char *kernel) {
    char name[32];
    alisa_parameter_set_name(set, name);
    return strcmp(name, kernel) == 0 || strcmp(alisa_family_info(set->family)->name, kernel) == 0;
}

static AlisaStatus list_sets(Tuner *tuner, AlisaError *error) {
    const char *kernel = tuner->options->kernel;
    AlisaFormatUse least = efforts[tuner->options->effort].least;
    char names[256] = "";
    AlisaParameterSet set;
    size_t all = 0;
    while (alisa_parameter_set(all, &set))
        all++;
    tuner->sets = alisa_allocate(all, sizeof *tuner->sets, "tuning", error);
    if (!tuner->sets) return ALISA_ERROR_MEMORY;
    for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
        const AlisaFamilyInfo *family = alisa_family_info(set.family);
        size_t used = strlen(names);
        if (set.format == 0)
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", family->name);
        if (kernel ? !is_named(&set, kernel)
                   : family->by_format && alisa_format_info(set.format)->use < least)
            continue;
        tuner->sets[tuner->set_count++] = set;
        tuner->share_all += shares[set.family];
    }
    if (tuner->set_count > 0) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "there is no kernel family \"%s\": use one of %s, of the first two also "
                           "with a weight type (matvec.q8_0)",
                           kernel, names);
}

static void report(const Tuner *tuner, const AlisaParameterSet *set, const AlisaTuneGain *gain) {
    if (!tuner->options->report) return;
    char name[32], text[256];
    alisa_parameter_set_name(set, name);
    alisa_tuner_describe_values(&tuner->parameters, set, text);
    const AlisaTuneReport made = {.set = name,
                                  .parameters = text,
                                  .changed = gain->changed,
                                  .speedup = gain->changed ? gain->speedup : 1.0};
    tuner->options->report(tuner->options->report_user, &made);
}

/* A set that the device cannot do at all is left as it is; what loses the device ends the search.
 */
static bool leaves_others(AlisaStatus status) {
    return status == ALISA_ERROR_DEVICE || status == ALISA_ERROR_MEMORY;
}

static AlisaStatus interrupted_in(const char *what, AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_INTERRUPTED,
                           "interrupted while %s: the same command goes on from there", what);
}

static AlisaStatus search_all(Tuner *tuner, AlisaError *error) {
    const AlisaTuneOptions *options = tuner->options;
    double budget = options->time_budget > 0.0 ? options->time_budget
                                               : alisa_tuner_effort_seconds(options->effort);
    uint64_t begun = alisa_clock_now();
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < tuner->set_count && status == ALISA_OK; i++) {
        const AlisaParameterSet *set = &tuner->sets[i];
        AlisaTuneGain gain;
        char name[32];
        alisa_parameter_set_name(set, name);
        snprintf(tuner->what, sizeof tuner->what, "tuning %s", name);
        tuner->begun = alisa_clock_now();
        tuner->share_now = shares[set->family];
        double left = budget - (double)(tuner->begun - begun) * 1e-9;
        tuner->allowed = left * tuner->share_now / (tuner->share_all - tuner->share_done);
        if (tuner->allowed < 0.0) tuner->allowed = 0.0;
        status = alisa_tuner_search(&tuner->search, set, tuner->allowed, &tuner->parameters, &gain,
                                    error);
        bool stopped = options->interrupt && options->interrupt(options->interrupt_user);
        if (status == ALISA_ERROR_INTERRUPTED || (status == ALISA_OK && stopped))
            status = interrupted_in(tuner->what, error);
        tuner->share_done += tuner->share_now;
        if (leaves_others(status)) {
            alisa_log_write(&tuner->search.log, ALISA_LOG_WARNING, "%s is left as it is: %s", name,
                            error ? error->message : alisa_error_name(status));
            status = ALISA_OK;
            continue;
        }
        if (status == ALISA_OK) report(tuner, set, &gain);
    }
    if (options->progress.update)
        options->progress.update(options->progress.user, tuner->what, 1000, 1000);
    return status;
}

/* Of the weight types whose products were searched. */
static AlisaStatus find_crossovers(Tuner *tuner, AlisaError *error) {
    const AlisaTuneOptions *options = tuner->options;
    uint32_t types = 0;
    for (uint32_t i = 0; i < tuner->set_count; i++)
        if (alisa_family_info(tuner->sets[i].family)->by_format)
            types |= 1u << tuner->sets[i].format;
    for (uint32_t type = 0; type < ALISA_FORMAT_COUNT && options->crossover; type++) {
        if (!(types >> type & 1)) continue;
        AlisaTuneCrossover crossover = {.type = alisa_format_info(type)->name};
        snprintf(tuner->what, sizeof tuner->what, "comparing products of %s", crossover.type);
        AlisaStatus status =
            alisa_tuner_find_crossover(&tuner->search, type, &tuner->parameters, &crossover, error);
        if (status == ALISA_ERROR_INTERRUPTED) return interrupted_in(tuner->what, error);
        if (status == ALISA_OK) {
            options->crossover(options->report_user, &crossover);
        } else if (leaves_others(status)) {
            alisa_log_write(&tuner->search.log, ALISA_LOG_WARNING,
                            "products of %s are not compared: %s", crossover.type,
                            error ? error->message : alisa_error_name(status));
        } else {
            return status;
        }
    }
    return ALISA_OK;
}

/* What the journal's measurements belong to. */
static void describe(const AlisaTuneKey *key, AlisaTuneEffort effort, char text[512]) {
    snprintf(text, 512, "%s, %s, %s, %u units, kernels %s, %s", key->platform, key->device,
             key->driver, key->compute_units, key->kernels, efforts[effort].name);
}

/* What is in use of every set: an entry is whole whatever was searched for. */
static void fill_entry(const Tuner *tuner, json_t *values) {
    AlisaParameterSet set;
    for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
        char name[32];
        alisa_parameter_set_name(&set, name);
        json_object_set_new(values, name, alisa_tuner_values(&tuner->parameters, &set));
    }
}

/* One search of a device at a time; this also finds a folder that cannot be written before minutes
 * are spent. */
static AlisaStatus lock_device(const char *folder, const char *about, AlisaDiskLock *lock,
                               AlisaError *error) {
    char hash[ALISA_CACHE_HASH_SIZE];
    size_t size = strlen(folder) + sizeof hash + 32;
    char *path = alisa_allocate(size, 1, "path of a lock", error);
    if (!path) return ALISA_ERROR_MEMORY;
    snprintf(path, size, "%s/tuning", folder);
    AlisaStatus status = alisa_folder_create(path, error);
    alisa_cache_hash(about, strlen(about), hash);
    snprintf(path, size, "%s/tuning/%.16s.lock", folder, hash);
    if (status == ALISA_OK)
        status =
            alisa_disk_lock(path, "another alisa tune is searching for this device", lock, error);
    free(path);
    return status;
}

static AlisaStatus search_locked(Tuner *tuner, const AlisaTuneKey *key, const char *folder,
                                 const char *about, AlisaError *error) {
    const AlisaTuneOptions *options = tuner->options;
    AlisaTuneEntry entry = {0};
    AlisaTuneJournal *journal = NULL;
    AlisaStatus status = alisa_tuner_entry_init(&entry, key, efforts[options->effort].name, error);
    if (status == ALISA_OK)
        status = alisa_opencl_measure_anew(tuner->device, &entry.profile, error);
    if (status == ALISA_OK)
        status = alisa_tuner_journal_open(options->journal, about, &journal, error);
    if (status == ALISA_OK) {
        tuner->search = (AlisaTuneSearch){.device = tuner->device,
                                          .journal = journal,
                                          .effort = options->effort,
                                          .seed = 1,
                                          .interrupt = interrupted,
                                          .interrupt_user = tuner,
                                          .log = *alisa_opencl_log(tuner->device)};
        status = search_all(tuner, error);
        if (status == ALISA_OK) status = find_crossovers(tuner, error);
    }
    if (status == ALISA_OK) {
        fill_entry(tuner, entry.parameters);
        status = alisa_tuner_store_write(folder, &entry, error);
    }
    alisa_tuner_journal_close(journal);
    if (status == ALISA_OK && options->journal) remove(options->journal);
    alisa_tuner_entry_finish(&entry);
    return status;
}

AlisaStatus alisa_tuner_run(AlisaDevice *device, const AlisaTuneOptions *options,
                            AlisaError *error) {
    AlisaTuneKey key;
    Tuner tuner = {.device = device, .options = options};
    char about[512];
    AlisaDiskLock lock;
    const char *folder = alisa_opencl_cache_folder(device);
    if (!folder)
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "there is no folder to keep what tuning finds: set ALISA_CACHE");
    AlisaStatus status = make_key(device, &key, error);
    if (status == ALISA_OK) status = list_sets(&tuner, error);
    if (status == ALISA_OK) {
        describe(&key, options->effort, about);
        status = lock_device(folder, about, &lock, error);
    }
    if (status == ALISA_OK) {
        alisa_tuner_parameters(device, &tuner.parameters);
        status = search_locked(&tuner, &key, folder, about, error);
        alisa_disk_unlock(&lock);
    }
    free(tuner.sets);
    return status;
}
