/*
 * The shape of a KV cache, and the memory it is given.
 */
#ifndef ALISA_KV_SHAPE_H
#define ALISA_KV_SHAPE_H

#include "base/kv_type.h"

typedef struct AlisaKvShape {
    uint32_t layer_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t sequence_count;
    uint32_t context_length; /* tokens a sequence can hold */
    AlisaKvType key_type;
    AlisaKvType value_type;
} AlisaKvShape;

/* Bytes of one side of a token in one layer: its K or its V, whichever `type` is of. */
uint64_t alisa_kv_row_bytes(const AlisaKvShape *shape, AlisaKvType type);
/* Bytes of K and V for one token over all layers. */
uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape);

/* Memory of a cache over two tiers. */
typedef struct AlisaKvMemory {
    uint64_t device_bytes; /* for the rows of slots */
    uint64_t host_bytes;
    uint32_t max_rows;           /* of a step (-ub) */
    uint32_t row_group;          /* most work-items that share a row that is moved; 0: one */
    uint32_t input_columns;      /* elements of a layer's input; 0: none are kept */
    uint64_t input_device_bytes; /* for inputs, beside the other two */
    uint64_t input_host_bytes;
} AlisaKvMemory;

#endif
