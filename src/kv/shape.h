/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a KV cache, and the memory it is given.
 */
#ifndef ALISA_KV_SHAPE_H
#define ALISA_KV_SHAPE_H

#include "base/kv_type.h"

typedef struct AlisaKvShape {
    uint32_t layer_count; /* layers that keep all tokens */
    uint32_t
        window_layer_count; /* further layers, which keep the newest tokens of a sequence only */
    uint32_t window_tokens; /* how many those are; 0 without such layers */
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t sequence_count;
    uint32_t context_length; /* tokens a sequence can hold */
    AlisaKvType key_type;
    AlisaKvType value_type;
} AlisaKvShape;

/* Bytes of the K, or of the V, of one token in one layer, as `type` stores it. */
uint64_t alisa_kv_row_bytes(const AlisaKvShape *shape, AlisaKvType type);
/* Bytes of K and V for one token in one layer. */
uint64_t alisa_kv_layer_bytes(const AlisaKvShape *shape);
/* Bytes of K and V for one token over all layers that keep all tokens. */
uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape);
/* Bytes of K and V, and of their slots, in all layers that keep the newest tokens only. */
uint64_t alisa_kv_window_bytes(const AlisaKvShape *shape);

/* What a tiered cache is given. */
typedef struct AlisaKvMemory {
    uint64_t device_bytes;       /* memory on the device for rows of K and V */
    uint64_t host_bytes;         /* memory on the host for rows of K and V */
    uint32_t max_rows;           /* most rows of a step (-ub) */
    uint32_t least_rows;         /* tokens of a sequence that get slots together; 0: one by one */
    uint32_t read_rows;          /* most older tokens that a row attends to in a layer */
    uint32_t row_group;          /* most work-items that move one row together; 0: one */
    uint32_t input_columns;      /* elements of a layer input; 0: none are kept */
    uint64_t input_device_bytes; /* memory on the device for layer inputs, in addition */
    uint64_t input_host_bytes;   /* memory on the host for layer inputs, in addition */
} AlisaKvMemory;

#endif
