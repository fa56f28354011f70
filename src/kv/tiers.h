/*
 * Rows of tokens over two tiers of memory: the table of where they are (residency.h) and the
 * mechanism that moves them (staging.h), together.
 *
 * Calls and launches of a step, in this order:
 *   place     the step's new tokens, all layers at once; launches that store rows read row_slots
 *   of each layer:
 *     need      starts the loads that are missing
 *     arrive    before the launches that read the layer's rows
 *     end       after them
 *     offload, drop, forget, prefetch   as the policy has it
 *   refill    after the last layer: the next step's tokens then find free slots
 * While all tokens are on the device, need, arrive and prefetch cost nothing.
 * `need` of a layer may come before the end of the one before, so that loads and compute overlap.
 *
 * After a failure rebuilds are to be abandoned and the sequences of the step truncated; after
 * ALISA_ERROR_DEVICE all of them to 0, since the contents of any slot may be lost.
 */
#ifndef ALISA_KV_TIERS_H
#define ALISA_KV_TIERS_H

#include "kv/staging.h"

typedef struct AlisaTiers AlisaTiers;

/* `max_rows`: of one `place`. `staging` is shared, and must outlive the tiers. */
AlisaStatus alisa_tiers_create(AlisaDevice *device, const AlisaRowStoreShape *shape,
                               uint32_t max_rows, AlisaStaging *staging, AlisaTiers **tiers,
                               AlisaError *error);
void alisa_tiers_destroy(AlisaTiers *tiers);

typedef struct AlisaTokenRow {
    uint32_t sequence;
    uint32_t position;
} AlisaTokenRow;

/* Gives every row a device slot in every layer, until the layers' ends. */
AlisaStatus alisa_tiers_place(AlisaTiers *tiers, const AlisaTokenRow *rows, uint32_t count,
                              AlisaError *error);
/* int32[count]: slots of the rows placed last. */
const AlisaBuffer *alisa_tiers_row_slots(const AlisaTiers *tiers, uint32_t layer);

/* As in residency.h, with the moves under way when they return. */
AlisaStatus alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                             size_t list_count, AlisaResidencyUse use, AlisaError *error);
/* Tokens of the last `need` whose rows the caller is to compute: they have slots. Valid until the
 * next call. */
const AlisaMoves *alisa_tiers_rebuilds(const AlisaTiers *tiers);
/* After a failure: those that may not have been computed lose their slots. */
void alisa_tiers_abandon(AlisaTiers *tiers);
/* Enters slots into a layer's pages, and into row_slots (int32[count], may be row_slots of place):
 * for rows that the caller computes. At most max_rows. */
AlisaStatus alisa_tiers_publish(AlisaTiers *tiers, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *row_slots, AlisaError *error);
AlisaStatus alisa_tiers_prefetch(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                 size_t list_count, AlisaError *error);
AlisaStatus alisa_tiers_arrive(AlisaTiers *tiers, uint32_t layer, AlisaError *error);
void alisa_tiers_end(AlisaTiers *tiers, uint32_t layer);
/* Tokens first .. first + count - 1. */
typedef struct AlisaTokenRange {
    uint32_t layer;
    uint32_t sequence;
    uint32_t first;
    uint32_t count;
} AlisaTokenRange;

/* Of layers that share an arena: they travel together. */
AlisaStatus alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                size_t range_count, bool release, AlisaError *error);
void alisa_tiers_drop(AlisaTiers *tiers, uint32_t layer, uint32_t sequence, uint32_t first,
                      uint32_t count);
void alisa_tiers_forget(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *list);
AlisaStatus alisa_tiers_refill(AlisaTiers *tiers, AlisaError *error);
/* The tokens are gone in any case; a failure is that of a load under way. */
AlisaStatus alisa_tiers_truncate(AlisaTiers *tiers, uint32_t sequence, uint32_t length,
                                 AlisaError *error);

const AlisaRowStore *alisa_tiers_store(const AlisaTiers *tiers);
const AlisaResidency *alisa_tiers_residency(const AlisaTiers *tiers);
/* On the device, without staging. */
uint64_t alisa_tiers_bytes(const AlisaTiers *tiers);
uint64_t alisa_tiers_bytes_of(const AlisaRowStoreShape *shape, uint32_t max_rows);

#endif
