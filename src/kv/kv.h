/*
 * Where each token's K and V live. A cache is a pool of slots; a slot holds one token's keys and
 * values of every layer. Each sequence has a list of slots, in the order of its tokens, on the
 * device: the attention kernels read K and V through it.
 *
 * Everything lives on the device, and every sequence owns the slots it may need: position p of
 * sequence s is slot s * context_length + p, so the lists never change.
 */
#ifndef ALISA_KV_KV_H
#define ALISA_KV_KV_H

#include "device/device.h"

typedef struct AlisaKvShape {
    uint32_t layer_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t sequence_count;
    uint32_t context_length; /* tokens a sequence can hold */
    AlisaKvType key_type;
    AlisaKvType value_type;
} AlisaKvShape;

/* Bytes of K and V for one token over all layers. */
uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape);

typedef struct AlisaKv AlisaKv;

AlisaStatus alisa_kv_create(AlisaDevice *device, const AlisaKvShape *shape, AlisaKv **kv,
                            AlisaError *error);
void alisa_kv_destroy(AlisaKv *kv);

const AlisaBuffer *alisa_kv_keys(const AlisaKv *kv, uint32_t layer); /* [slot][kv_head][head_dim] */
const AlisaBuffer *alisa_kv_values(const AlisaKv *kv,
                                   uint32_t layer);   /* [slot][kv_head][head_dim] */
const AlisaBuffer *alisa_kv_slots(const AlisaKv *kv); /* int32: every sequence's list */
/* Where the list of a sequence starts in alisa_kv_slots. */
uint32_t alisa_kv_list_offset(const AlisaKv *kv, uint32_t sequence);
/* Slot of a position of a sequence. */
int32_t alisa_kv_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position);
uint64_t alisa_kv_bytes(const AlisaKv *kv);

#endif
