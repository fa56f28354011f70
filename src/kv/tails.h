/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of kv/blocks.h on the device: halves of unfinished blocks, ranges of sealed ones (the
 * params), lists, and the blocks that a step moves.
 */
#ifndef ALISA_KV_TAILS_H
#define ALISA_KV_TAILS_H

#include "device/kernel.h"
#include "kv/blocks.h"
#include "kv/kv.h"

/* The buffers of one layer. Params are half[param row][2][kv_head][head_dim], and zeroed buffers
 * for a side whose type has no blocks; tails are [sequence][ALISA_KV_BLOCK] rows. */
typedef struct AlisaKvTailLayer {
    AlisaBuffer key_params;
    AlisaBuffer value_params;
    AlisaBuffer key_tail;
    AlisaBuffer value_tail;
} AlisaKvTailLayer;

/* AlisaKvMoves on the device. */
typedef struct AlisaKvMoveBuffers {
    AlisaBuffer tokens;
    AlisaBuffer slots;
    AlisaBuffer param_rows;
} AlisaKvMoveBuffers;

typedef struct AlisaKvTails {
    AlisaKvBlocks blocks;
    uint32_t layer_count;
    AlisaKvTailLayer *layers; /* [layer_count] those that keep all tokens, then those that keep the
                                 newest only */
    AlisaBuffer key_fresh;    /* [row_capacity] rows, used by one layer after the other */
    AlisaBuffer value_fresh;
    AlisaBuffer slots;      /* AlisaKvBlocks.slots */
    AlisaBuffer param_rows; /* AlisaKvBlocks.param_rows */
    AlisaKvMoveBuffers seal;
    AlisaKvMoveBuffers unseal;
    /* What the step's lists and moves are in layers that keep the newest tokens only. */
    AlisaBuffer window_lists;
    AlisaBuffer window_seals;
    AlisaBuffer window_unseals;
    AlisaKernel *resolve;
} AlisaKvTails;

/* Whether the type of K or that of V has blocks. */
bool alisa_kv_tails_needed(const AlisaKvShape *shape);
/* Bytes that tails take on the device, for steps of at most `rows` rows. */
uint64_t alisa_kv_tails_bytes(const AlisaKvShape *shape, uint32_t rows);

AlisaStatus alisa_kv_tails_create(AlisaDevice *device, const AlisaKvShape *shape, uint32_t rows,
                                  AlisaKvTails **tails, AlisaError *error);
void alisa_kv_tails_destroy(AlisaKvTails *tails);

/* Launches slots[i] = pages[lists[i]] for the first `count` entries, and leaves entries ~t as they
 * are: the lists of kv/blocks.h, which are made as if all tokens were on the device, become lists
 * of the slots that a layer of a tiered cache has them in. */
AlisaStatus alisa_kv_tails_resolve(const AlisaKvTails *tails, const AlisaBuffer *lists,
                                   const AlisaBuffer *pages, uint64_t count,
                                   const AlisaBuffer *slots, AlisaError *error);

/* Launches what fills window_lists, window_seals and window_unseals for the planned step, by the
 * pages of layers that keep the newest tokens only. */
AlisaStatus alisa_kv_tails_resolve_window(const AlisaKvTails *tails, const AlisaBuffer *pages,
                                          AlisaError *error);

/* Copies to the device all that the planned step has changed; *bytes says how many bytes that was.
 */
AlisaStatus alisa_kv_tails_upload(AlisaDevice *device, AlisaKvTails *tails, uint64_t *bytes,
                                  AlisaError *error);

#endif
