/*
 * Moving rows between the slots of the device and those of the host, many at a time: a batch is
 * packed into one contiguous run, crosses in one transfer with one event, and is unpacked on the
 * other side. Several batches of each direction may be under way, each in a part of the staging
 * memory of its own; compute, both directions of the link and the host's copies go on at once.
 *
 * The order of things: slots of the device are touched by launches only, so by the compute queue in
 * the order of the calls here and of the caller's own launches. A load started here is unpacked,
 * and so may be read by launches, after alisa_staging_arrive. Host slots are read and written by
 * the calling thread: a load of a row whose offload is under way waits for it.
 */
#ifndef ALISA_KV_STAGING_H
#define ALISA_KV_STAGING_H

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

/* Bytes since the beginning, and batches they went in. */
typedef struct AlisaTraffic {
    uint64_t bytes_to_device, bytes_to_host;
    uint64_t batches_to_device, batches_to_host;
    double seconds; /* that copies held the link, of both directions together */
} AlisaTraffic;

typedef struct AlisaStaging AlisaStaging;

/* `bytes`: of staging memory for each direction, on both sides. */
AlisaStatus alisa_staging_create(AlisaDevice *device, uint64_t bytes, AlisaStaging **staging,
                                 AlisaError *error);
/* Bytes that one made with `bytes` takes on the device. */
uint64_t alisa_staging_bytes_of(uint64_t bytes);
/* And most bytes that it moves in one copy. */
uint64_t alisa_staging_part_of(uint64_t bytes);
/* Waits for what is under way, whether it succeeds or not. */
void alisa_staging_destroy(AlisaStaging *staging);
/* Forgets what is under way, once it has ended: what is in the slots is no longer known. */
void alisa_staging_reset(AlisaStaging *staging);
uint64_t alisa_staging_bytes(const AlisaStaging *staging); /* on the device */

/* Copies the rows out of their device slots, as they are after the launches so far; later launches
 * may overwrite them. All moves belong to the same arena. */
AlisaStatus alisa_staging_offload(AlisaStaging *staging, AlisaRowStore *store,
                                  const AlisaMoves *moves, AlisaError *error);
/* Starts to bring rows to the device. All moves belong to the same layer. */
AlisaStatus alisa_staging_load(AlisaStaging *staging, AlisaRowStore *store, const AlisaMoves *moves,
                               AlisaError *error);
/* Later launches find the layer's rows, of all loads started so far, in their slots and pages. */
AlisaStatus alisa_staging_arrive(AlisaStaging *staging, const AlisaRowStore *store, uint32_t layer,
                                 AlisaError *error);

/* The same for all layers. */
AlisaStatus alisa_staging_arrive_all(AlisaStaging *staging, const AlisaRowStore *store,
                                     AlisaError *error);
/* Loads into the slot that were started for a token which has lost it since are done before later
 * launches: to be called before the slot is written by a launch of the caller's. */
AlisaStatus alisa_staging_settle(AlisaStaging *staging, const AlisaRowStore *store, uint32_t arena,
                                 int32_t slot, AlisaError *error);

/* Brings `count` numbers to the device, for launches made before the eighth post from now. */
AlisaStatus alisa_staging_post(AlisaStaging *staging, const int32_t *numbers, size_t count,
                               AlisaPosted *posted, AlisaError *error);
/* Most numbers of one post. */
size_t alisa_staging_post_limit(const AlisaStaging *staging);

/* Counts the seconds of copies that are done by now. */
void alisa_staging_note_times(AlisaStaging *staging);
const AlisaTraffic *alisa_staging_traffic(const AlisaStaging *staging);

#endif
