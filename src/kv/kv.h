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
 * While all tokens are on the device, need, arrive and prefetch cost nothing. Rows of a prompt need
 * all their sequence's tokens (positions NULL). Rebuilds are valid until the next place, need,
 * prefetch, offload or refill of t, so `need` of the next layer comes after them.
 */
#ifndef ALISA_KV_KV_H
#define ALISA_KV_KV_H

#include "kv/inputs.h"
#include "kv/shape.h"

typedef struct AlisaKv AlisaKv;

AlisaStatus alisa_kv_create(AlisaDevice *device, const AlisaKvShape *shape, AlisaKv **kv,
                            AlisaError *error);

/* Bytes on the device beside those of rows: page tables, staging, lists; 0 with an error set where
 * the cache cannot be made. */
uint64_t alisa_kv_tiered_overhead(AlisaDevice *device, const AlisaKvShape *shape,
                                  const AlisaKvMemory *memory, AlisaError *error);
/* Too little memory for one step: ALISA_ERROR_MEMORY that says how much is missing, and where. */
AlisaStatus alisa_kv_create_tiered(AlisaDevice *device, const AlisaKvShape *shape,
                                   const AlisaKvMemory *memory, AlisaKv **kv, AlisaError *error);
void alisa_kv_destroy(AlisaKv *kv);

AlisaTiers *alisa_kv_tiers(AlisaKv *kv);   /* NULL: everything is on the device */
AlisaInputs *alisa_kv_inputs(AlisaKv *kv); /* NULL: none are kept */

/* Takes back what a sequence holds from position `length` on. Failing: a load under way did. */
AlisaStatus alisa_kv_truncate(AlisaKv *kv, uint32_t sequence, uint32_t length, AlisaError *error);
/* After a failure of the device: forgets all tokens, once nothing is under way. */
void alisa_kv_reset(AlisaKv *kv);

/* For reports: tokens (times layers) by tier, and what moved so far. All zeros where everything is
 * on the device. */
typedef struct AlisaKvUsage {
    uint64_t tokens[ALISA_TIER_COUNT];
    uint64_t inputs[ALISA_TIER_COUNT]; /* kept layer inputs */
    AlisaTraffic traffic;
} AlisaKvUsage;

/* traffic.seconds: of copies that were done at the last alisa_kv_note_times. */
void alisa_kv_note_times(AlisaKv *kv);
void alisa_kv_usage(const AlisaKv *kv, AlisaKvUsage *usage);

const AlisaBuffer *alisa_kv_keys(const AlisaKv *kv, uint32_t layer); /* [slot][kv_head][head_dim] */
const AlisaBuffer *alisa_kv_values(const AlisaKv *kv,
                                   uint32_t layer); /* [slot][kv_head][head_dim] */
/* int32[sequence][context_length]: slots of a layer's tokens; in a tiered cache, of those on the
 * device. */
const AlisaBuffer *alisa_kv_pages(const AlisaKv *kv, uint32_t layer);
/* Where the list of a sequence starts in the pages. */
uint32_t alisa_kv_list_offset(const AlisaKv *kv, uint32_t sequence);
/* Slot of a position of a sequence in a cache that lies on the device. */
int32_t alisa_kv_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position);
uint64_t alisa_kv_bytes(const AlisaKv *kv); /* on the device, all of it */

#endif
