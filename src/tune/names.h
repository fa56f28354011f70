/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vendor and architecture of a device, recognised in the words that drivers have for it. They serve
 * to choose parameters to start from, never to decide what a device can do. Pure.
 */
#ifndef ALISA_TUNE_NAMES_H
#define ALISA_TUNE_NAMES_H

#include "tune/store.h"

/* The short name of a vendor: "AMD", "Qualcomm". For a vendor that is not known, the words of its
 * driver. Never NULL. */
const char *alisa_tuner_vendor(const AlisaTuneKey *key);

/* Writes the architecture that `text`, one or more names of a device, stands for, as the vendor's
 * extension would name it; "" if it is not recognised. */
void alisa_tuner_architecture(const char *vendor, const char *text, char architecture[64]);

/* Writes the architecture of a key without the parts that do not matter for parameters, so that it
 * is the same for all members of a family of devices; "" if it is not known. */
void alisa_tuner_family(const AlisaTuneKey *key, char family[64]);

#endif
