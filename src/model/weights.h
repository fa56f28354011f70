/*
 * The tensors of a file bound to named, shape-checked fields, and those fields placed on a device.
 */
#ifndef ALISA_MODEL_WEIGHTS_H
#define ALISA_MODEL_WEIGHTS_H

#include "model/shape.h"
#include "ops/ops.h"

/* Shapes are [outputs][inputs] for matrices. E: embedding_length, H: head_count * head_dim,
 * G: kv_head_count * head_dim, F: feed_forward_length, V: vocabulary_size. */
typedef struct AlisaLayerWeights {
    AlisaVector attention_norm;    /* [E] */
    AlisaMatrix query;             /* [H][E] */
    AlisaMatrix key;               /* [G][E] */
    AlisaMatrix value;             /* [G][E] */
    AlisaMatrix attention_output;  /* [E][H] */
    AlisaVector feed_forward_norm; /* [E] */
    AlisaMatrix gate;              /* [F][E] */
    AlisaMatrix up;                /* [F][E] */
    AlisaMatrix down;              /* [E][F] */
} AlisaLayerWeights;

typedef struct AlisaWeights AlisaWeights;

/* Vocabulary size by the embedding table of the file; 0 when it has none. */
uint32_t alisa_weights_vocabulary(const AlisaGguf *gguf);

/* Binds and places. The file must outlive the weights (they may use its map in place). A tensor
 * that is missing, of another shape, of a type without kernels, or that no field is for (it would
 * change the result): an error that names it. More than `device_memory` bytes: ALISA_ERROR_MEMORY.
 */
AlisaStatus alisa_weights_create(const AlisaGguf *gguf, const AlisaShape *shape,
                                 AlisaDevice *device, uint64_t device_memory,
                                 const AlisaProgress *progress, AlisaWeights **weights,
                                 AlisaError *error);
void alisa_weights_destroy(AlisaWeights *weights);

uint64_t alisa_weights_bytes(const AlisaWeights *weights);
const AlisaLayerWeights *alisa_weights_layer(const AlisaWeights *weights, uint32_t layer);
const AlisaMatrix *alisa_weights_embedding(const AlisaWeights *weights); /* [V][E] */
AlisaVector alisa_weights_output_norm(const AlisaWeights *weights);      /* [E] */
const AlisaMatrix *alisa_weights_head(const AlisaWeights *weights);      /* [V][E]; may be tied */
/* Divisors of the RoPE frequencies, rope.dim / 2 floats on the host; NULL when the file has none.
 */
const float *alisa_weights_rope_divisors(const AlisaWeights *weights);

#endif
