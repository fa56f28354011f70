/*
 * The parameters of a device's kernels: those that are known of it, and finding better ones.
 */
#ifndef ALISA_TUNE_TUNE_H
#define ALISA_TUNE_TUNE_H

#include <jansson.h>

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
/* Says in the log, once for a device and driver, that it would be faster tuned. */
void alisa_tuner_advise(AlisaDevice *device);

#endif
