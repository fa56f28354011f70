/*
 * Where the rows of one kind are, on the device and on the host, and the launches that pack rows
 * and unpack them.
 */
#ifndef ALISA_KV_ROW_STORE_H
#define ALISA_KV_ROW_STORE_H

#include "device/kernel.h"
#include "kv/host_rows.h"
#include "kv/residency.h"

/* Where the rows of one kind are (K and V, or layer inputs). */
typedef struct AlisaRowStore {
    uint32_t key_bytes;   /* of a row's part in `keys` */
    uint32_t value_bytes; /* in `values`; may be 0 */
    uint32_t arena_count;
    uint32_t layer_count;
    uint32_t context_length;
    AlisaBuffer *keys;   /* [arena_count] slots of key_bytes */
    AlisaBuffer *values; /* [arena_count] slots of value_bytes */
    AlisaBuffer *pages;  /* [layer_count] int32[sequence][context_length]: slot of each token that
                            is on the device; what it says of others is out of date */
    AlisaHostRows host;
    uint32_t *arriving; /* [host slots] number of the offload that fills it */
    uint32_t **filling; /* [arena_count][device slots] number of the load that fills it */
    uint32_t unit;      /* bytes the kernels move at a time */
    uint32_t lanes;     /* work-items that share a row */
    AlisaKernel *gather, *scatter, *place;
} AlisaRowStore;

/* Numbers on the device: `offset` of them lie before in the buffer. */
typedef struct AlisaPosted {
    const AlisaBuffer *buffer;
    uint64_t offset;
} AlisaPosted;

typedef struct AlisaRowStoreShape {
    AlisaResidencyShape residency;
    uint32_t key_bytes, value_bytes;
    uint32_t row_group; /* most work-items that share a row; 0: one */
    const char *what;   /* "KV cache" */
} AlisaRowStoreShape;

/* Bytes on the device. */
uint64_t alisa_row_store_bytes(const AlisaRowStoreShape *shape);
AlisaStatus alisa_row_store_init(AlisaDevice *device, const AlisaRowStoreShape *shape,
                                 AlisaRowStore *store, AlisaError *error);
/* Takes a zeroed store. */
void alisa_row_store_finish(AlisaRowStore *store);

/* Rows of a batch one after the other in a buffer, a row's part in `values` behind that in `keys`;
 * the offset is a multiple of 16. */
typedef struct AlisaPackedRows {
    const AlisaBuffer *buffer;
    uint64_t offset; /* bytes */
    uint32_t count;
} AlisaPackedRows;

/* Launches that pack the rows in int32[count] slots of an arena, and that unpack rows of a layer:
 * `lists` are their slots, then their tokens, which get these slots in the layer's pages. */
AlisaStatus alisa_row_store_gather(const AlisaRowStore *store, uint32_t arena,
                                   const AlisaPosted *slots, const AlisaPackedRows *rows,
                                   AlisaError *error);
AlisaStatus alisa_row_store_scatter(const AlisaRowStore *store, uint32_t layer,
                                    const AlisaPosted *lists, const AlisaPackedRows *rows,
                                    AlisaError *error);

#endif
