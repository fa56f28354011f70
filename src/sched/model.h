/*
 * What the scheduler needs to know of a model: its sizes, and what one token's K and V take.
 */
#ifndef ALISA_SCHED_MODEL_H
#define ALISA_SCHED_MODEL_H

#include "base/status.h"

typedef struct AlisaSchedModel {
    char name[64];
    uint32_t layer_count;
    uint32_t embedding_length;
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length;
    uint32_t feed_forward_matrices; /* 2: up, down; 3: gate, up, down */
    uint32_t vocabulary_size;
    uint32_t context_length;
    uint64_t parameter_count;
    uint64_t weight_bytes; /* of all parameters */
} AlisaSchedModel;

/* NULL, or what is wrong with the numbers. */
const char *alisa_sched_model_check(const AlisaSchedModel *model);

/* A published shape ("opt-6.7b"), its weights in FP16. */
AlisaStatus alisa_sched_model_find(const char *name, AlisaSchedModel *model, AlisaError *error);

/* Names of the published shapes, in order; NULL past the last one. */
const char *alisa_sched_model_name(size_t index);

/* Elements of one layer's matrices, and of the matrix that makes the logits. */
double alisa_sched_model_layer_elements(const AlisaSchedModel *model);
double alisa_sched_model_head_elements(const AlisaSchedModel *model);
double alisa_sched_model_element_bytes(const AlisaSchedModel *model);

/* Bytes for one token of one layer of one sequence, but for the last ones. */
typedef struct AlisaSchedKvBytes {
    double slot;   /* K and V as stored and moved */
    double key;    /* the keys' part of `slot` */
    double fixed;  /* what stays on the device for every token, wherever K and V are */
    double tail;   /* for each sequence and layer: the newest block, not yet quantised */
    double inputs; /* X, the layer's input in half precision */
    double copied; /* most bytes that go in one copy; 0: all that there is to copy */
} AlisaSchedKvBytes;

void alisa_sched_kv_bytes(const AlisaSchedModel *model, AlisaKvType key, AlisaKvType value,
                          AlisaSchedKvBytes *bytes);

#endif
