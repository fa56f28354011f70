/*
 * What a model is, read from the keys of its file: numbers only, no tensors, no device.
 */
#ifndef ALISA_MODEL_SHAPE_H
#define ALISA_MODEL_SHAPE_H

#include "gguf/gguf.h"

typedef enum AlisaRopeScaling {
    ALISA_ROPE_UNSCALED,
    ALISA_ROPE_LINEAR, /* positions divided by the factor */
    ALISA_ROPE_YARN    /* Peng et al., "YaRN: Efficient Context Window Extension", 2023 */
} AlisaRopeScaling;

typedef struct AlisaRope {
    uint32_t dim; /* leading elements of a head that are rotated; even */
    float base;
    AlisaRopeScaling scaling;
    float factor;
    float attention_factor;    /* YaRN: multiplies its own 1 + 0.1 ln(factor) */
    float beta_fast;           /* YaRN: turns in the original context above which nothing changes */
    float beta_slow;           /* YaRN: turns below which the frequency is interpolated */
    uint32_t original_context; /* YaRN: positions the model was first trained on */
} AlisaRope;

typedef struct AlisaShape {
    char architecture[64];
    uint32_t vocabulary_size;
    uint32_t context_length;
    uint32_t embedding_length;
    uint32_t layer_count;
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length;
    float norm_epsilon;
    AlisaRope rope;
} AlisaShape;

/* Reads and checks the keys of a file that holds weights. An architecture this version does not run
 * is ALISA_ERROR_UNSUPPORTED, with the ones it does. */
AlisaStatus alisa_shape_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error);

/* Fills frequencies[i], i < rope->dim / 2, with the angle in radians that one position adds to pair
 * i, scaling included; `divisors` (rope_freqs of Llama 3.1) may be NULL. Returns the factor that
 * multiplies every cosine and sine. */
float alisa_rope_frequencies(const AlisaRope *rope, const float *divisors, double *frequencies);

/* rotations[2i], rotations[2i+1] = factor * cos, sin of position * frequencies[i], i < pairs. */
void alisa_rope_rotations(const double *frequencies, uint32_t pairs, float factor,
                          uint32_t position, float *rotations);

#endif
