/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what was measured with a device, kept in its cache. A record is found again as long as
 * device, driver, the source of all kernels, the emulated link and the record's key are the same.
 */
#ifndef ALISA_DEVICE_RECORD_H
#define ALISA_DEVICE_RECORD_H

#include "base/status.h"

/* Reads a record of `size` bytes. `kind` says what it is ("rates"); `key`, of at most
 * ALISA_RECORD_KEY_SIZE bytes, is text with all else that it depends on. False if there is no such
 * record of that size. */
bool alisa_record_read(AlisaDevice *device, const char *kind, const char *key, void *record,
                       size_t size);
/* Keeps a record in place of any with the same key. */
void alisa_record_write(AlisaDevice *device, const char *kind, const char *key, const void *record,
                        size_t size);
/* Removes a record, if it is there. */
void alisa_record_remove(AlisaDevice *device, const char *kind, const char *key);

#define ALISA_RECORD_KEY_SIZE 1024

#endif
