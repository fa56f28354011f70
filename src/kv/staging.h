/* SPDX-License-Identifier: Apache-2.0 */
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

/* What was moved since the staging was made. */
typedef struct AlisaTraffic {
    uint64_t bytes_to_device, bytes_to_host;     /* of rows */
    uint64_t batches_to_device, batches_to_host; /* copies that carried them */
    double seconds; /* for which copies held the link, both directions added up */
} AlisaTraffic;

typedef struct AlisaStaging AlisaStaging;

/* Creates staging memory of `bytes` for each direction, on the device and on the host. */
AlisaStatus alisa_staging_create(AlisaDevice *device, uint64_t bytes, AlisaStaging **staging,
                                 AlisaError *error);
/* Bytes that a staging made with `bytes` takes on the device. */
uint64_t alisa_staging_bytes_of(uint64_t bytes);
/* The most bytes that a staging made with `bytes` moves in one copy. */
uint64_t alisa_staging_part_of(uint64_t bytes);
/* Waits for the copies that are under way, whether they succeed or not, and frees everything. */
void alisa_staging_destroy(AlisaStaging *staging);
/* Waits for the copies that are under way and abandons their batches: the contents of the slots
 * they were for are unknown then. */
void alisa_staging_reset(AlisaStaging *staging);
/* Bytes that the staging takes on the device. */
uint64_t alisa_staging_bytes(const AlisaStaging *staging);

/* Starts to copy rows to the host, as they are after the launches so far; later launches may
 * overwrite their device slots. All moves are of layers of the same arena. */
AlisaStatus alisa_staging_offload(AlisaStaging *staging, AlisaRowStore *store,
                                  const AlisaMoves *moves, AlisaError *error);
/* Starts to copy rows to the device. All moves are of the same layer. */
AlisaStatus alisa_staging_load(AlisaStaging *staging, AlisaRowStore *store, const AlisaMoves *moves,
                               AlisaError *error);
/* Makes later launches find the rows of all loads of the layer started so far, in their slots and
 * in the layer's pages. */
AlisaStatus alisa_staging_arrive(AlisaStaging *staging, const AlisaRowStore *store, uint32_t layer,
                                 AlisaError *error);

/* As alisa_staging_arrive, for all layers. */
AlisaStatus alisa_staging_arrive_all(AlisaStaging *staging, const AlisaRowStore *store,
                                     AlisaError *error);
/* Makes sure that loads into the slot, started for a token that has given it up since, are done
 * before later launches. Called before a launch of the caller's writes the slot. */
AlisaStatus alisa_staging_settle(AlisaStaging *staging, const AlisaRowStore *store, uint32_t arena,
                                 int32_t slot, AlisaError *error);

/* Copies `count` numbers to the device. They stay there for launches made before the eighth post
 * from this one. */
AlisaStatus alisa_staging_post(AlisaStaging *staging, const int32_t *numbers, size_t count,
                               AlisaPosted *posted, AlisaError *error);
/* The most numbers of one post. */
size_t alisa_staging_post_limit(const AlisaStaging *staging);

/* Adds the copies that are done by now to the traffic's seconds. */
void alisa_staging_note_times(AlisaStaging *staging);
const AlisaTraffic *alisa_staging_traffic(const AlisaStaging *staging);

#endif
