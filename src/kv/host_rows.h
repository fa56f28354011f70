/*
 * Rows in the memory of the host: slots of row_bytes each, in pinned chunks.
 */
#ifndef ALISA_KV_HOST_ROWS_H
#define ALISA_KV_HOST_ROWS_H

#include "device/transfer.h"

typedef struct AlisaHostRows {
    AlisaDevice *device;
    AlisaPinned *chunks; /* [chunk_count] */
    uint32_t chunk_count;
    uint32_t chunk_rows;
    uint32_t row_bytes;
    uint32_t thread_count; /* that copy a large batch */
} AlisaHostRows;

AlisaStatus alisa_host_rows_init(AlisaDevice *device, uint32_t row_count, uint32_t row_bytes,
                                 AlisaHostRows *rows, AlisaError *error);
/* Takes zeroed rows. */
void alisa_host_rows_finish(AlisaHostRows *rows);

/* packed[i] = row slots[i], and the reverse. Slots that follow each other are copied as one. */
void alisa_host_rows_gather(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                            void *packed);
void alisa_host_rows_scatter(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                             const void *packed);

#endif
