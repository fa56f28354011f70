/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of tokens over two tiers of memory, the device's and the host's: brings together the table
 * of where rows are (residency.h) and the mechanism that moves them (staging.h).
 *
 * Calls and launches of a step, in this order:
 *   place     the step's new tokens, all layers at once; launches that store rows read row_slots
 *   of each layer:
 *     need      starts the loads of tokens that are missing
 *     arrive    before the launches that read the layer's rows
 *     end       after them
 *     offload, drop, forget, prefetch   as the policy has it
 *   refill    after the last layer: the next step's tokens then find free slots
 * While all tokens are on the device, need, arrive and prefetch cost nothing.
 * `need` of a layer may come before the end of the one before, so that loads and compute overlap.
 *
 * After a failure the caller abandons the rebuilds and truncates the sequences of the step; after
 * ALISA_ERROR_DEVICE it truncates all sequences to 0, since the contents of any slot may be lost.
 */
#ifndef ALISA_KV_TIERS_H
#define ALISA_KV_TIERS_H

#include "kv/staging.h"

typedef struct AlisaTiers AlisaTiers;

/* One `place` takes at most `max_rows` rows. `staging` may be shared, and must outlive the tiers.
 */
AlisaStatus alisa_tiers_create(AlisaDevice *device, const AlisaRowStoreShape *shape,
                               uint32_t max_rows, AlisaStaging *staging, AlisaTiers **tiers,
                               AlisaError *error);
void alisa_tiers_destroy(AlisaTiers *tiers);

typedef struct AlisaTokenRow {
    uint32_t sequence;
    uint32_t position;
} AlisaTokenRow;

/* Gives every row a device slot in every layer, and holds it until the end of each layer. */
AlisaStatus alisa_tiers_place(AlisaTiers *tiers, const AlisaTokenRow *rows, uint32_t count,
                              AlisaError *error);
/* int32[count]: the slots in a layer of the rows that were placed last. */
const AlisaBuffer *alisa_tiers_row_slots(const AlisaTiers *tiers, uint32_t layer);

/* As alisa_residency_need; the copies of its moves are under way on return. */
AlisaStatus alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                             size_t list_count, AlisaResidencyUse use, AlisaError *error);
/* Tokens of the last `need` that have device slots and whose rows the caller has to compute. Valid
 * until the next call. */
const AlisaMoves *alisa_tiers_rebuilds(const AlisaTiers *tiers);
/* Called after a failure: takes their device slots from the rebuilds of the last `need`, which may
 * not have been computed. */
void alisa_tiers_abandon(AlisaTiers *tiers);
/* Enters the slots of at most max_rows moves of a layer into its pages and into `row_slots`
 * (int32[count]; may be alisa_tiers_row_slots), for rows that the caller computes. */
AlisaStatus alisa_tiers_publish(AlisaTiers *tiers, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *row_slots, AlisaError *error);
/* As alisa_residency_prefetch; the copies of its moves are under way on return. */
AlisaStatus alisa_tiers_prefetch(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                 size_t list_count, AlisaError *error);
/* Makes later launches find the rows that the layer needs in their slots. */
AlisaStatus alisa_tiers_arrive(AlisaTiers *tiers, uint32_t layer, AlisaError *error);
/* As alisa_residency_end. */
void alisa_tiers_end(AlisaTiers *tiers, uint32_t layer);
/* Tokens first .. first + count - 1 of a sequence in a layer. */
typedef struct AlisaTokenRange {
    uint32_t layer;
    uint32_t sequence;
    uint32_t first;
    uint32_t count;
} AlisaTokenRange;

/* As alisa_residency_offload, for ranges of layers that share an arena: their rows travel together.
 */
AlisaStatus alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                size_t range_count, bool release, AlisaError *error);
/* As alisa_residency_drop and alisa_residency_forget. */
void alisa_tiers_drop(AlisaTiers *tiers, uint32_t layer, uint32_t sequence, uint32_t first,
                      uint32_t count);
void alisa_tiers_forget(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *list);
/* As alisa_residency_refill, for all arenas. */
AlisaStatus alisa_tiers_refill(AlisaTiers *tiers, AlisaError *error);
/* As alisa_residency_truncate. The tokens are gone in any case; a failure is that of a load that
 * was under way. */
AlisaStatus alisa_tiers_truncate(AlisaTiers *tiers, uint32_t sequence, uint32_t length,
                                 AlisaError *error);

const AlisaRowStore *alisa_tiers_store(const AlisaTiers *tiers);
const AlisaResidency *alisa_tiers_residency(const AlisaTiers *tiers);
/* Bytes that the tiers take on the device, without staging. */
uint64_t alisa_tiers_bytes(const AlisaTiers *tiers);
/* Bytes that tiers of that shape would take there. */
uint64_t alisa_tiers_bytes_of(const AlisaRowStoreShape *shape, uint32_t max_rows);

#endif
