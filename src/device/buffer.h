/*
 * Memory on the device, and copies in order with the launches.
 */
#ifndef ALISA_DEVICE_BUFFER_H
#define ALISA_DEVICE_BUFFER_H

#include "base/status.h"

/* Memory on the device. `memory` is a cl_mem; a zeroed buffer is a NULL pointer to a kernel. */
typedef struct AlisaBuffer {
    void *memory;
    uint64_t size;   /* bytes usable from the start */
    bool host_owned; /* uses memory of the host in place (it must outlive the buffer) */
} AlisaBuffer;

typedef enum AlisaBufferUse {
    ALISA_BUFFER_READ_WRITE, /* scratch, KV */
    ALISA_BUFFER_READ_ONLY,  /* weights */
} AlisaBufferUse;

/* Contents are undefined. Larger than the device's largest allocation, or refused by the driver:
 * ALISA_ERROR_MEMORY with bytes needed and available and `what` named. */
AlisaStatus alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Read-only buffer over host memory: in place on a device that shares it (`data` page-aligned, and
 * it must outlive the buffer), a copy otherwise or when the driver refuses. */
AlisaStatus alisa_buffer_create_from(AlisaDevice *device, const void *data, uint64_t size,
                                     const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Takes a zeroed buffer. */
void alisa_buffer_destroy(AlisaBuffer *buffer);

/* Bytes that the offset of a slice is a multiple of. */
uint64_t alisa_buffer_slice_alignment(const AlisaDevice *device);
/* `size` bytes of a buffer from byte `offset` on, as a buffer of its own over the same memory, to
 * be destroyed like any other and before its parent. Slices that are used at once do not overlap.
 */
AlisaStatus alisa_buffer_slice(AlisaDevice *device, const AlisaBuffer *parent, uint64_t offset,
                               uint64_t size, AlisaBuffer *slice, AlisaError *error);

/* In order with the launches of the compute queue. Write copies `data` before it returns or blocks
 * until it is read; read blocks until the data is there (and so until all launches before it
 * ended). */
AlisaStatus alisa_buffer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                               const void *data, uint64_t size, AlisaError *error);
/* The same without waiting: `data` must stay as it is until a launch or mark made later is done.
 * For the small lists that launches work from: an emulated link lets it pass. */
AlisaStatus alisa_buffer_write_later(AlisaDevice *device, const AlisaBuffer *buffer,
                                     uint64_t offset, const void *data, uint64_t size,
                                     AlisaError *error);
AlisaStatus alisa_buffer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                              void *data, uint64_t size, AlisaError *error);

#endif
