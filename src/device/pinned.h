/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host memory from and to which the device copies at full speed.
 */
#ifndef ALISA_DEVICE_PINNED_H
#define ALISA_DEVICE_PINNED_H

#include "base/status.h"

/* Host memory from and to which the device copies at full speed. */
typedef struct AlisaPinned {
    void *memory;  /* cl_mem; NULL if it is not pinned */
    void *data;    /* the bytes, aligned for every vector type */
    uint64_t size; /* bytes */
    bool pinned;   /* false: the driver gave no pinned memory, and this is ordinary memory */
} AlisaPinned;

/* Creates pinned memory with undefined contents. Where the driver refuses, ordinary memory is taken
 * instead, which the log says once per device; ALISA_ERROR_MEMORY if the host has none either.
 * `what` names the memory in both. */
AlisaStatus alisa_pinned_create(AlisaDevice *device, uint64_t size, const char *what,
                                AlisaPinned *pinned, AlisaError *error);
/* Frees the memory and zeroes *pinned; zeroed memory is allowed. No copy from or to it may be under
 * way. */
void alisa_pinned_destroy(AlisaDevice *device, AlisaPinned *pinned);

#endif
