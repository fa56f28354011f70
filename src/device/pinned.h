/*
 * Host memory from and to which the device copies at full speed.
 */
#ifndef ALISA_DEVICE_PINNED_H
#define ALISA_DEVICE_PINNED_H

#include "base/status.h"

/* Host memory from and to which the device copies at full speed. */
typedef struct AlisaPinned {
    void *memory; /* cl_mem; NULL where not pinned */
    void *data;   /* aligned for every vector type; contents undefined at first */
    uint64_t size;
    bool pinned; /* false: the driver gave none, this is ordinary memory */
} AlisaPinned;

/* Falls back to ordinary memory where the driver refuses, and says so in the log once per device.
 * ALISA_ERROR_MEMORY where the host has none either. */
AlisaStatus alisa_pinned_create(AlisaDevice *device, uint64_t size, const char *what,
                                AlisaPinned *pinned, AlisaError *error);
/* Takes zeroed memory. No copy from or to it may be under way. */
void alisa_pinned_destroy(AlisaDevice *device, AlisaPinned *pinned);

#endif
