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

#include "kv/row_store.h"

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
