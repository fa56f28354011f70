/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a device's kernels: finding known ones, and searching for better ones.
 */
#ifndef ALISA_TUNE_TUNE_H
#define ALISA_TUNE_TUNE_H

#include <jansson.h>

#include "alisa/bench.h"
#include "alisa/tune.h"
#include "ops/parameters.h"

/* Puts the values of `object`, an entry's {set: {parameter: number or word}}, into *parameters and
 * returns how many sets were taken. A set with an unknown name is left out. A set whose values are
 * impossible for the device stays as it is, with a warning that names `origin`. */
uint32_t alisa_tuner_apply(const json_t *object, const char *origin, const AlisaDeviceInfo *info,
                           const AlisaLog *log, AlisaOpsParameters *parameters);
/* Makes the object {parameter: number or word} of one set, with the parameters that matter in its
 * layout. The caller releases it; NULL if memory does not suffice. */
json_t *alisa_tuner_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set);

/* Writes the values of one set as text: "layout=item single=2 ...". */
void alisa_tuner_describe_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set,
                                 char text[256]);

/* Fills *parameters with the device's defaults, and over them the values of the best entry of the
 * store that serves the device. False if no entry does. */
bool alisa_tuner_parameters(AlisaDevice *device, AlisaOpsParameters *parameters);
/* As alisa_tune_effort_name, alisa_tune_effort_seconds and alisa_tune of the public header. */
const char *alisa_tuner_effort_name(AlisaTuneEffort effort);
double alisa_tuner_effort_seconds(AlisaTuneEffort effort);
AlisaStatus alisa_tuner_run(AlisaDevice *device, const AlisaTuneOptions *options,
                            AlisaError *error);

/* As alisa_tune_export, alisa_tune_import and alisa_tune_journal_path of the public header. */
AlisaStatus alisa_tuner_export(AlisaDevice *device, const char *path, AlisaError *error);
AlisaStatus alisa_tuner_import(const AlisaDeviceOptions *options, const char *path, char name[128],
                               AlisaError *error);
AlisaStatus alisa_tuner_journal_path(const char *selector, const char *cache_dir, char **path,
                                     AlisaError *error);

/* As alisa_bench_kernels of the public header. */
AlisaStatus alisa_suite_run(AlisaDevice *device, const AlisaBenchOptions *bench, AlisaError *error);

/* Tells the log, once for a device and driver, that tuning would make the device faster. */
void alisa_tuner_advise(AlisaDevice *device);

#endif
