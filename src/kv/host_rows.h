/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots for rows in the memory of the host, in pinned chunks.
 */
#ifndef ALISA_KV_HOST_ROWS_H
#define ALISA_KV_HOST_ROWS_H

#include "device/transfer.h"

typedef struct AlisaHostRows {
    AlisaDevice *device;
    AlisaPinned *chunks; /* [chunk_count] */
    uint32_t chunk_count;
    uint32_t chunk_rows;   /* slots of each chunk but the last, which may have fewer */
    uint32_t row_bytes;    /* of a slot */
    uint32_t thread_count; /* threads that copy a large batch */
} AlisaHostRows;

AlisaStatus alisa_host_rows_init(AlisaDevice *device, uint32_t row_count, uint32_t row_bytes,
                                 AlisaHostRows *rows, AlisaError *error);
/* Frees the memory; zeroed rows are allowed. */
void alisa_host_rows_finish(AlisaHostRows *rows);

/* Copies the row in slots[i] to place i of `packed`, for i < count. Slots that follow each other
 * are copied as one run. */
void alisa_host_rows_gather(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                            void *packed);
/* Copies the row in place i of `packed` to slots[i], for i < count. */
void alisa_host_rows_scatter(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                             const void *packed);

#endif
