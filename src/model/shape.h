/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model is, read from the keys of its file: numbers only, no tensors, no device.
 */
#ifndef ALISA_MODEL_SHAPE_H
#define ALISA_MODEL_SHAPE_H

#include "base/architecture.h"
#include "base/complaints.h"
#include "gguf/gguf.h"

typedef enum AlisaRopeScaling {
    ALISA_ROPE_LINEAR, /* positions divided by the factor, which is 1 where nothing is scaled */
    ALISA_ROPE_YARN,   /* Peng et al., "YaRN: Efficient Context Window Extension", 2023 */
    ALISA_ROPE_STILL   /* nothing is turned */
} AlisaRopeScaling;

typedef struct AlisaRope {
    uint32_t dim; /* leading elements of a head that are rotated; even */
    float base;
    AlisaRopeScaling scaling;
    float factor;
    float attention_factor; /* multiplies cosines and sines; with YaRN beside 1 + 0.1 ln(factor) */
    float beta_fast;        /* YaRN: turns in the original context above which nothing changes */
    float beta_slow;        /* YaRN: turns below which the frequency is interpolated */
    bool exact_ramp; /* YaRN: the pairs where its ramp begins and ends are not rounded to whole ones
                      */
    uint32_t original_context; /* positions the model was first trained on */
} AlisaRope;

/* Experts of a layer; all layers have the same. */
typedef struct AlisaExpertShape {
    uint32_t count;          /* 0: layers have one feed-forward block */
    uint32_t used;           /* that each token takes */
    uint32_t forward;        /* elements between the matrices of an expert */
    uint32_t shared_forward; /* likewise of the expert that every token takes; 0: there is none */
} AlisaExpertShape;

enum { ALISA_ROPE_LIMIT = 2 }; /* different ones in a model */

typedef struct AlisaLayerShape {
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length; /* of what a token meets: of all experts that it takes */
    uint32_t sliding_window; /* newest tokens, its own included, that a row attends to; 0: all */
    uint32_t rope;           /* which of AlisaShape.ropes turns queries and keys */
} AlisaLayerShape;

typedef struct AlisaShape {
    const AlisaArchitecture *architecture;
    uint32_t vocabulary_size;
    uint32_t context_length; /* positions the model was trained on */
    uint32_t embedding_length;
    uint32_t layer_count;
    AlisaLayerShape *layers; /* [layer_count]; all have the heads and the head size of the first */
    AlisaExpertShape experts;
    float norm_epsilon;
    float attention_scale;             /* multiplies the products of queries and keys */
    float attention_soft_cap;          /* c: scores x become c tanh(x/c); 0: they stay */
    float embedding_scale;             /* multiplies a token's vector; 1: it stays */
    float residual_scale;              /* multiplies what a block adds to the stream; usually 1 */
    float logit_scale;                 /* multiplies logits, before their soft cap; usually 1 */
    float logit_soft_cap;              /* c: logits x become c tanh(x/c); 0: they stay */
    bool is_parallel;                  /* both blocks of a layer see its input */
    AlisaRope ropes[ALISA_ROPE_LIMIT]; /* [rope_count], at least one; all have the same dim */
    uint32_t rope_count;
} AlisaShape;

/* Reads and checks the keys of a file that holds weights. An architecture, or a key that changes
 * the result, which this version does not compute is ALISA_ERROR_UNSUPPORTED with a sentence that
 * names it; with complaints (NULL: none) all that do not keep it from reading on are told, in this
 * order. vocabulary_size is left 0: no key says it (alisa_weights_vocabulary). The caller ends a
 * shape that was read with alisa_shape_finish; copies of the struct share its layers. */
AlisaStatus alisa_shape_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaComplaints *complaints,
                             AlisaError *error);
/* A zeroed shape is allowed. */
void alisa_shape_finish(AlisaShape *shape);

/* The longest feed_forward_length of the layers. */
uint32_t alisa_shape_feed_forward(const AlisaShape *shape);
/* Sizes that the tensors of a layer have, and those beside the layers. */
AlisaSizes alisa_shape_sizes(const AlisaShape *shape, uint32_t layer);

/* Fills frequencies[i], i < rope->dim / 2, with the angle in radians that one position adds to pair
 * i, scaling included; `divisors` of them (Llama 3.1, LongRoPE) may be NULL. Returns the factor
 * that multiplies every cosine and sine. */
float alisa_rope_frequencies(const AlisaRope *rope, const float *divisors, double *frequencies);

/* rotations[2i], rotations[2i+1] = factor * cos, sin of position * frequencies[i], i < pairs. */
void alisa_rope_rotations(const double *frequencies, uint32_t pairs, float factor,
                          uint32_t position, float *rotations);

#endif
