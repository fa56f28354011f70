/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory on the device, and copies in order with the launches.
 */
#ifndef ALISA_DEVICE_BUFFER_H
#define ALISA_DEVICE_BUFFER_H

#include "base/status.h"

/* Memory on the device. To a kernel a zeroed buffer is a NULL pointer. */
typedef struct AlisaBuffer {
    void *memory;    /* cl_mem */
    uint64_t size;   /* bytes */
    bool host_owned; /* the bytes are the host's, used in place: they must outlive the buffer */
} AlisaBuffer;

typedef enum AlisaBufferUse {
    ALISA_BUFFER_READ_WRITE, /* kernels read and write it: scratch, KV */
    ALISA_BUFFER_READ_ONLY,  /* kernels only read it: weights */
} AlisaBufferUse;

/* Creates a buffer with undefined contents. A buffer larger than the device allows, or one that the
 * driver refuses, is ALISA_ERROR_MEMORY with a sentence that names `what`, the bytes it needs and
 * the bytes there are. */
AlisaStatus alisa_buffer_create(AlisaDevice *device, uint64_t size, AlisaBufferUse use,
                                const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Creates a read-only buffer with the `size` bytes of `data`. A device that shares the host's
 * memory uses them in place if `data` is page-aligned and the driver agrees, and then they must
 * outlive the buffer; otherwise they are copied. */
AlisaStatus alisa_buffer_create_from(AlisaDevice *device, const void *data, uint64_t size,
                                     const char *what, AlisaBuffer *buffer, AlisaError *error);
/* Releases the memory and zeroes *buffer; a zeroed buffer is allowed. */
void alisa_buffer_destroy(AlisaBuffer *buffer);

/* Bytes; the offset of a slice must be a multiple of them. */
uint64_t alisa_buffer_slice_alignment(const AlisaDevice *device);
/* `size` bytes of a buffer from byte `offset` on, as a buffer of its own over the same memory, to
 * be destroyed like any other and before its parent. Slices that are used at once do not overlap.
 */
AlisaStatus alisa_buffer_slice(AlisaDevice *device, const AlisaBuffer *parent, uint64_t offset,
                               uint64_t size, AlisaBuffer *slice, AlisaError *error);

/* Copies `data` into the buffer, after all launches so far and before those to come. `data` may be
 * changed once the call returns. */
AlisaStatus alisa_buffer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                               const void *data, uint64_t size, AlisaError *error);
/* As alisa_buffer_write, without waiting: `data` must stay as it is until a launch or mark made
 * later is done. Meant for the small lists that launches work from: an emulated link does not slow
 * it down. */
AlisaStatus alisa_buffer_write_later(AlisaDevice *device, const AlisaBuffer *buffer,
                                     uint64_t offset, const void *data, uint64_t size,
                                     AlisaError *error);
/* Copies from the buffer into `data`, once all launches so far have ended, and waits for it. */
AlisaStatus alisa_buffer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                              void *data, uint64_t size, AlisaError *error);

#endif
