/*
 * What drivers' words for a device say of its vendor and architecture. Good for choosing parameters
 * to start from, never for deciding what a device can do. Pure.
 */
#ifndef ALISA_TUNE_NAMES_H
#define ALISA_TUNE_NAMES_H

#include "tune/store.h"

/* "AMD", "Qualcomm"; the vendor's own words where they are not known. Never NULL. */
const char *alisa_tuner_vendor(const AlisaTuneKey *key);

/* The architecture that `text`, one or more names, stands for, in the words of the vendors'
 * extensions; "" where it is not recognised. */
void alisa_tuner_architecture(const char *vendor, const char *text, char architecture[64]);

/* The architecture of a key, without what does not matter for parameters: the same for all members
 * of a family; "" where it is not known. */
void alisa_tuner_family(const AlisaTuneKey *key, char family[64]);

#endif
