/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the rows of one kind are, on the device and on the host, and the launches that pack rows
 * and unpack them.
 */
#ifndef ALISA_KV_ROW_STORE_H
#define ALISA_KV_ROW_STORE_H

#include "device/kernel.h"
#include "kv/host_rows.h"
#include "kv/residency.h"

/* Memory for the rows of one kind: K and V, or layer inputs. A row has a part in `keys` and one in
 * `values`; layer inputs have one in `keys` only. */
typedef struct AlisaRowStore {
    uint32_t key_bytes;   /* bytes of a row's part in `keys` */
    uint32_t value_bytes; /* bytes of a row's part in `values`; 0: it has none */
    uint32_t arena_count;
    uint32_t layer_count;
    uint32_t context_length;
    AlisaBuffer *keys;   /* [arena_count] slots of key_bytes */
    AlisaBuffer *values; /* [arena_count] slots of value_bytes */
    AlisaBuffer *pages;  /* [layer_count] int32[sequence][context_length]: the slot of each token
                            that is on the device; entries of other tokens are out of date */
    AlisaHostRows host;
    uint32_t *arriving; /* [host slots] number of the offload that fills a slot */
    uint32_t **filling; /* [arena_count][device slots] number of the load that fills a slot */
    uint32_t unit;      /* bytes the kernels move at a time */
    uint32_t lanes;     /* work-items that share a row */
    AlisaKernel *gather, *scatter, *place;
} AlisaRowStore;

/* Numbers of 32 bits on the device. */
typedef struct AlisaPosted {
    const AlisaBuffer *buffer;
    uint64_t offset; /* of the first in the buffer, in numbers */
} AlisaPosted;

typedef struct AlisaRowStoreShape {
    AlisaResidencyShape residency;
    uint32_t key_bytes, value_bytes; /* as in AlisaRowStore */
    uint32_t row_group;              /* most work-items that move one row together; 0: one */
    const char *what;                /* name of the memory in errors: "KV cache" */
} AlisaRowStoreShape;

/* Bytes that a store takes on the device. */
uint64_t alisa_row_store_bytes(const AlisaRowStoreShape *shape);
AlisaStatus alisa_row_store_init(AlisaDevice *device, const AlisaRowStoreShape *shape,
                                 AlisaRowStore *store, AlisaError *error);
/* Frees the memory; a zeroed store is allowed. */
void alisa_row_store_finish(AlisaRowStore *store);

/* Rows of a batch, packed one after the other in a buffer: of each row first the part of `keys`,
 * then that of `values`. */
typedef struct AlisaPackedRows {
    const AlisaBuffer *buffer;
    uint64_t offset; /* bytes from the start of the buffer; a multiple of 16 */
    uint32_t count;
} AlisaPackedRows;

/* Launches the kernel that packs rows of an arena: those in the rows->count slots that `slots`
 * lists.
 */
AlisaStatus alisa_row_store_gather(const AlisaRowStore *store, uint32_t arena,
                                   const AlisaPosted *slots, const AlisaPackedRows *rows,
                                   AlisaError *error);
/* Launches the kernel that unpacks rows of a layer and enters their slots into its pages. `lists`
 * has the rows->count slots, then as many tokens, as sequence * context_length + position. */
AlisaStatus alisa_row_store_scatter(const AlisaRowStore *store, uint32_t layer,
                                    const AlisaPosted *lists, const AlisaPackedRows *rows,
                                    AlisaError *error);

#endif
