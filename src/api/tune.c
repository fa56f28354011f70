/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/tune.h"

#include "tune/journal.h"

double alisa_tune_effort_seconds(AlisaTuneEffort effort) {
    return alisa_tuner_effort_seconds(effort);
}

void alisa_tune_options_defaults(AlisaTuneOptions *options) {
    *options = (AlisaTuneOptions){.effort = ALISA_TUNE_NORMAL};
}

AlisaStatus alisa_tune(AlisaDevice *device, const AlisaTuneOptions *options, AlisaError *error) {
    return alisa_tuner_run(device, options, error);
}

AlisaStatus alisa_tune_journal_note(const char *journal, AlisaTuneEnding ending,
                                    AlisaError *error) {
    return alisa_tuner_journal_note(journal, ending, error);
}

AlisaStatus alisa_tune_journal_path(const char *selector, const char *cache_dir, char **path,
                                    AlisaError *error) {
    return alisa_tuner_journal_path(selector, cache_dir, path, error);
}

AlisaStatus alisa_tune_export(AlisaDevice *device, const char *path, AlisaError *error) {
    return alisa_tuner_export(device, path, error);
}

AlisaStatus alisa_tune_import(const AlisaDeviceOptions *options, const char *path, char name[128],
                              AlisaError *error) {
    return alisa_tuner_import(options, path, name, error);
}
