/*
 * The parameters of a device's kernels: those that are known of it, and finding better ones.
 */
#ifndef ALISA_TUNE_TUNE_H
#define ALISA_TUNE_TUNE_H

#include <jansson.h>

#include "alisa/bench.h"
#include "alisa/tune.h"
#include "ops/parameters.h"

/* Sets what an entry's object of {set: {parameter: number or word}} says. A set that is not known
 * here is left out; one that names something impossible for the device leaves that set as it is,
 * with a warning that names `origin`. Returns the number of sets that were taken. */
uint32_t alisa_tuner_apply(const json_t *object, const char *origin, const AlisaDeviceInfo *info,
                           const AlisaLog *log, AlisaOpsParameters *parameters);
/* The object of one set: what matters in its layout. NULL where memory does not suffice. */
json_t *alisa_tuner_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set);

/* "layout=item single=2 ..." */
void alisa_tuner_describe_values(const AlisaOpsParameters *parameters, const AlisaParameterSet *set,
                                 char text[256]);

/* The defaults of the device, or what the best entry of the store makes of them. False: there is
 * none that fits. */
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

/* Says in the log, once for a device and driver, that it would be faster tuned. */
void alisa_tuner_advise(AlisaDevice *device);

#endif
