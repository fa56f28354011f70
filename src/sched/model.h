/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of a model that predictions need, and the bytes of one token's K and V.
 */
#ifndef ALISA_SCHED_MODEL_H
#define ALISA_SCHED_MODEL_H

#include "base/status.h"

typedef struct AlisaSchedModel {
    char name[64];
    uint32_t layer_count;
    uint32_t window_layer_count; /* of those, layers that keep the newest tokens only; usually 0 */
    uint32_t embedding_length;
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length;
    uint32_t feed_forward_matrices; /* 2: up, down; 3: gate, up, down */
    uint32_t vocabulary_size;       /* 0: these layers are not the last ones, and have no head */
    uint32_t context_length;
    uint64_t parameter_count;
    uint64_t weight_bytes;      /* bytes of all parameters */
    uint64_t host_weight_bytes; /* of those, bytes that stay in host memory; usually 0 */
} AlisaSchedModel;

/* Bytes of the parameters that are on the device. */
uint64_t alisa_sched_model_device_bytes(const AlisaSchedModel *model);

/* Layers whose K and V grow with the context. */
uint32_t alisa_sched_model_kv_layers(const AlisaSchedModel *model);

/* NULL, or a sentence about what is wrong with the numbers. */
const char *alisa_sched_model_check(const AlisaSchedModel *model);

/* Finds a published shape ("opt-6.7b"); its weights count as FP16. */
AlisaStatus alisa_sched_model_find(const char *name, AlisaSchedModel *model, AlisaError *error);

/* Elements of all matrices of one layer. */
double alisa_sched_model_layer_elements(const AlisaSchedModel *model);
/* Elements of the matrix that makes the logits. */
double alisa_sched_model_head_elements(const AlisaSchedModel *model);
/* Bytes of a weight, on average. */
double alisa_sched_model_element_bytes(const AlisaSchedModel *model);

/* Bytes of one token of one sequence in one layer; two fields are of something else, and say so. */
typedef struct AlisaSchedKvBytes {
    double slot;   /* K and V as stored and moved */
    double key;    /* the keys' part of `slot` */
    double fixed;  /* stays on the device for every token, wherever its K and V are */
    double tail;   /* bytes of the tails of a sequence in a layer, not of a token */
    double inputs; /* the layer input, in half precision */
    double copied; /* the most bytes of one copy, not of a token; 0: no such limit */
} AlisaSchedKvBytes;

void alisa_sched_kv_bytes(const AlisaSchedModel *model, AlisaKvType key, AlisaKvType value,
                          AlisaSchedKvBytes *bytes);

#endif
