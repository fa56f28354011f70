/*
 * The device's side of kv/blocks.h: the halves of unfinished blocks, the ranges of sealed ones, the
 * lists, and what a step moves.
 */
#ifndef ALISA_KV_TAILS_H
#define ALISA_KV_TAILS_H

#include "device/kernel.h"
#include "kv/blocks.h"
#include "kv/kv.h"

/* Of one layer. Params: half[param row][2][kv_head][head_dim], for a side with blocks only; tails:
 * [sequence][ALISA_KV_BLOCK] rows. */
typedef struct AlisaKvTailLayer {
    AlisaBuffer key_params;
    AlisaBuffer value_params;
    AlisaBuffer key_tail;
    AlisaBuffer value_tail;
} AlisaKvTailLayer;

typedef struct AlisaKvMoveBuffers {
    AlisaBuffer tokens;
    AlisaBuffer slots;
    AlisaBuffer param_rows;
} AlisaKvMoveBuffers;

typedef struct AlisaKvTails {
    AlisaKvBlocks blocks;
    uint32_t layer_count;
    AlisaKvTailLayer *layers; /* [layer_count] */
    AlisaBuffer key_fresh;    /* [row_capacity] rows, for every layer in its turn */
    AlisaBuffer value_fresh;
    AlisaBuffer slots; /* the lists */
    AlisaBuffer param_rows;
    AlisaKvMoveBuffers seal;
    AlisaKvMoveBuffers unseal;
    AlisaKernel *resolve;
} AlisaKvTails;

/* Whether a side of the cache has blocks. */
bool alisa_kv_tails_needed(const AlisaKvShape *shape);
/* Device bytes for sequences of that context; `rows`: of a step. */
uint64_t alisa_kv_tails_bytes(const AlisaKvShape *shape, uint32_t rows);

AlisaStatus alisa_kv_tails_create(AlisaDevice *device, const AlisaKvShape *shape, uint32_t rows,
                                  AlisaKvTails **tails, AlisaError *error);
void alisa_kv_tails_destroy(AlisaKvTails *tails);

/* slots[i] = pages[lists[i]] for the first `count` entries, those of tails as they are: where a
 * layer of a cache over two tiers has what a list names as if all were on the device. */
AlisaStatus alisa_kv_tails_resolve(const AlisaKvTails *tails, const AlisaBuffer *lists,
                                   const AlisaBuffer *pages, uint64_t count,
                                   const AlisaBuffer *slots, AlisaError *error);

/* Copies to the device what the planned step has changed; *bytes: how many. */
AlisaStatus alisa_kv_tails_upload(AlisaDevice *device, AlisaKvTails *tails, uint64_t *bytes,
                                  AlisaError *error);

#endif
