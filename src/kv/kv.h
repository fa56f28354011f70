/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each token's K and V live. A slot holds the keys and values of one token of one layer; the
 * attention kernels read them through lists of slots. A layer's pages, on the device, are the slots
 * of all tokens of all sequences by position: the list of everything, and what lists of chosen
 * positions are translated by.
 *
 * A cache made with alisa_kv_create lies on the device as a whole: position p of sequence s is slot
 * s * context_length + p of every layer, the pages never change, and a step costs nothing here.
 *
 * A cache made with alisa_kv_create_tiered has fewer slots than tokens; the others are in the
 * host's memory, or are computed again from the inputs of their layers. Then a step is, with
 * t = alisa_kv_tiers(kv), x = alisa_kv_inputs(kv) (kv/tiers.h and kv/inputs.h say more):
 *
 *   alisa_tiers_place(t, rows, n)                 the step's tokens get slots in all layers
 *   alisa_inputs_place(x, rows', sources, n')     those whose layer inputs are to be kept
 *   for each layer L:
 *     alisa_tiers_need(t, L, lists, .., use)      what the layer attends to; loads start here. As
 *                                                 early as the lists are known: before layer L - 1
 *                                                 is launched, loads run beside it
 *     alisa_inputs_need(x, alisa_tiers_rebuilds(t))
 *     launch norm, q, k, v
 *     alisa_inputs_keep(x, L, normed)
 *     launch attention_store with alisa_tiers_row_slots(t, L)
 *     for each piece of at most max_rows rebuilds:
 *       alisa_tiers_publish(t, piece, .., slots)  their slots, for attention_store
 *       alisa_inputs_recall(x, piece, .., normed) floats
 *       launch k, v products and attention_store at their own positions
 *     alisa_inputs_end(x, L)
 *     alisa_tiers_arrive(t, L)                    launches from here on wait for the loads
 *     launch translation by alisa_kv_pages(kv, L) and attention
 *     alisa_tiers_end(t, L)
 *     alisa_tiers_offload / drop / forget         as the plan has it
 *     alisa_tiers_prefetch(t, L, next lists, ..)  once they are known
 *   alisa_tiers_refill(t)                         free slots for the next step's tokens
 *
 * Layers that attend to the newest tokens only (AlisaKvShape.window_layer_count) are beside all
 * that and counted by themselves: they always lie on the device, and position p of sequence s is
 * slot s * window_tokens + p % window_tokens of each, so that new tokens take the slots of those
 * that no row attends to any more.
 *
 * While all tokens are on the device, need, arrive and prefetch cost nothing. Rows of a prompt need
 * all their sequence's tokens (positions NULL). Rebuilds are valid until the next place, need,
 * prefetch, offload or refill of t, so `need` of the next layer comes after them.
 */
#ifndef ALISA_KV_KV_H
#define ALISA_KV_KV_H

#include "kv/inputs.h"
#include "kv/shape.h"

typedef struct AlisaKv AlisaKv;

/* Creates a cache that lies on the device. */
AlisaStatus alisa_kv_create(AlisaDevice *device, const AlisaKvShape *shape, AlisaKv **kv,
                            AlisaError *error);

/* Bytes that a tiered cache takes on the device beside its rows: pages, staging, lists. 0, with
 * *error set, if the cache cannot be made. */
uint64_t alisa_kv_tiered_overhead(AlisaDevice *device, const AlisaKvShape *shape,
                                  const AlisaKvMemory *memory, AlisaError *error);
/* All bytes that a tiered cache takes on the device; 0 with *error set likewise. */
uint64_t alisa_kv_tiered_bytes(AlisaDevice *device, const AlisaKvShape *shape,
                               const AlisaKvMemory *memory, AlisaError *error);
/* Creates a tiered cache. If its memory does not hold the rows of one step, fails with
 * ALISA_ERROR_MEMORY and a sentence that says what the step needs and what there is. */
AlisaStatus alisa_kv_create_tiered(AlisaDevice *device, const AlisaKvShape *shape,
                                   const AlisaKvMemory *memory, AlisaKv **kv, AlisaError *error);
void alisa_kv_destroy(AlisaKv *kv);

/* The tiers of K and V; NULL for a cache that lies on the device. */
AlisaTiers *alisa_kv_tiers(AlisaKv *kv);
/* The kept layer inputs; NULL if none are kept. */
AlisaInputs *alisa_kv_inputs(AlisaKv *kv);

/* Truncates a sequence: its tokens from position `length` on lose all they hold. They are gone in
 * any case; a failure is that of a load that was under way. */
AlisaStatus alisa_kv_truncate(AlisaKv *kv, uint32_t sequence, uint32_t length, AlisaError *error);
/* Truncates all sequences to 0 after a failure of the device, once nothing is under way. */
void alisa_kv_reset(AlisaKv *kv);

/* What a tiered cache holds and has moved, for reports; all zeros for a cache that lies on the
 * device.
 */
typedef struct AlisaKvUsage {
    uint64_t tokens[ALISA_TIER_COUNT]; /* rows of K and V by tier: tokens times layers */
    uint64_t inputs[ALISA_TIER_COUNT]; /* kept layer inputs by tier: tokens times layers */
    AlisaTraffic traffic;              /* since the cache was made */
} AlisaKvUsage;

/* Adds the copies that are done by now to the seconds that alisa_kv_usage tells. */
void alisa_kv_note_times(AlisaKv *kv);
void alisa_kv_usage(const AlisaKv *kv, AlisaKvUsage *usage);

/* The slots of a layer's keys and of its values: [slot][kv_head][head_dim]. */
const AlisaBuffer *alisa_kv_keys(const AlisaKv *kv, uint32_t layer);
const AlisaBuffer *alisa_kv_values(const AlisaKv *kv, uint32_t layer);
/* A layer's pages, int32[sequence][context_length]: the slot of each token; in a tiered cache, of
 * each that is on the device. */
const AlisaBuffer *alisa_kv_pages(const AlisaKv *kv, uint32_t layer);
/* The element of the pages at which a sequence starts. */
uint32_t alisa_kv_list_offset(const AlisaKv *kv, uint32_t sequence);
/* The slot of a position of a sequence in a cache that lies on the device. */
int32_t alisa_kv_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position);
/* Alike for layers that keep the newest tokens only, counted by themselves. The pages serve all of
 * them, and a position's slot holds its token until window_tokens later ones have come. */
const AlisaBuffer *alisa_kv_window_keys(const AlisaKv *kv, uint32_t layer);
const AlisaBuffer *alisa_kv_window_values(const AlisaKv *kv, uint32_t layer);
const AlisaBuffer *alisa_kv_window_pages(const AlisaKv *kv);
int32_t alisa_kv_window_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position);
/* All bytes that the cache takes on the device. */
uint64_t alisa_kv_bytes(const AlisaKv *kv);

#endif
