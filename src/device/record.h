/*
 * What was measured with a device, kept in its cache for the next time: it is found again while
 * device, driver, all kernels, the emulated link and the key are the same.
 */
#ifndef ALISA_DEVICE_RECORD_H
#define ALISA_DEVICE_RECORD_H

#include "base/status.h"

/* kind: of record ("rates"). key: lines of what else it depends on, at most
 * ALISA_RECORD_KEY_SIZE bytes. False where there is none of `size` bytes. */
bool alisa_record_read(AlisaDevice *device, const char *kind, const char *key, void *record,
                       size_t size);
void alisa_record_write(AlisaDevice *device, const char *kind, const char *key, const void *record,
                        size_t size);
void alisa_record_remove(AlisaDevice *device, const char *kind, const char *key);

#define ALISA_RECORD_KEY_SIZE 1024

#endif
