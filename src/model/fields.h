/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrices and vectors of a model by name, and which role of a tensor each of them is for: the
 * one table of what the engine computes with. base/architecture.h asks it what a row lacks.
 */
#ifndef ALISA_MODEL_FIELDS_H
#define ALISA_MODEL_FIELDS_H

#include "base/architecture.h"
#include "ops/ops.h"

/* Shapes are [outputs][inputs] for matrices. E: embedding_length, H: head_count * head_dim,
 * G: kv_head_count * head_dim, F: feed_forward_length of the layer, V: vocabulary_size, P: rows of
 * the table of positions. The buffer of a matrix or vector that the model has not is NULL. */
typedef struct AlisaLayerWeights {
    AlisaVector attention_norm;      /* [E] */
    AlisaVector attention_norm_bias; /* [E] */
    /* [E]: where a file has them, they are attention's, and those above the feed-forward block's.
     * alisa_weights_layer has moved them to where they belong. */
    AlisaVector attention_norm_2, attention_norm_2_bias;
    AlisaMatrix query;                  /* [H][E] */
    AlisaMatrix key;                    /* [G][E] */
    AlisaMatrix value;                  /* [G][E] */
    AlisaVector query_bias;             /* [H] */
    AlisaVector key_bias;               /* [G] */
    AlisaVector value_bias;             /* [G] */
    AlisaVector query_norm;             /* [head_dim] or [H] */
    AlisaVector key_norm;               /* [head_dim] or [G] */
    AlisaVector sinks;                  /* [head_count] */
    AlisaMatrix attention_output;       /* [E][H] */
    AlisaVector attention_output_bias;  /* [E] */
    AlisaVector attention_post_norm;    /* [E] */
    AlisaVector feed_forward_norm;      /* [E] */
    AlisaVector feed_forward_norm_bias; /* [E] */
    AlisaMatrix gate;                   /* [F][E] */
    AlisaMatrix up;                     /* [F][E] */
    AlisaMatrix down;                   /* [E][F] */
    AlisaVector gate_bias;              /* [F] */
    AlisaVector up_bias;                /* [F] */
    AlisaVector down_bias;              /* [E] */
    AlisaVector feed_forward_post_norm; /* [E] */
    /* Of layers with X experts, each with rows of its own: C is expert_forward, S shared_forward.
     */
    AlisaMatrix router;           /* [X][E] */
    AlisaVector router_bias;      /* [X] */
    AlisaMatrix expert_gate;      /* [X][C][E] */
    AlisaMatrix expert_up;        /* [X][C][E] */
    AlisaMatrix expert_down;      /* [X][E][C] */
    AlisaVector expert_gate_bias; /* [X][C] */
    AlisaVector expert_up_bias;   /* [X][C] */
    AlisaVector expert_down_bias; /* [X][E] */
    AlisaMatrix shared_router;    /* [1][E] */
    AlisaMatrix shared_gate;      /* [S][E] */
    AlisaMatrix shared_up;        /* [S][E] */
    AlisaMatrix shared_down;      /* [E][S] */
} AlisaLayerWeights;

/* Before the first layer, and behind the last one. */
typedef struct AlisaOuterWeights {
    AlisaMatrix embedding;        /* [V][E] */
    AlisaMatrix positions;        /* [P][E] */
    float *rope_divisors;         /* [rope dim / 2] on the host */
    float *rope_long;             /* likewise, in contexts past the original one */
    float *rope_short;            /* likewise, in others */
    AlisaVector output_norm;      /* [E] */
    AlisaVector output_norm_bias; /* [E] */
    AlisaMatrix head;             /* [V][E] */
    AlisaVector head_bias;        /* [V] */
} AlisaOuterWeights;

typedef enum AlisaFieldKind {
    ALISA_FIELD_MATRIX, /* AlisaMatrix */
    ALISA_FIELD_VECTOR, /* AlisaVector */
    ALISA_FIELD_HOST    /* float *, owned by the weights */
} AlisaFieldKind;

typedef struct AlisaField {
    AlisaRole role;
    AlisaFieldKind kind;
    bool is_turned; /* RoPE turns its outputs, or what they are multiplied with */
    size_t offset;  /* in AlisaLayerWeights for roles of layers, in AlisaOuterWeights for others */
} AlisaField;

/* Roles that have a field. */
AlisaRoles alisa_field_roles(void);
/* NULL for a role that has none. */
const AlisaField *alisa_field_of(AlisaRole role);

#endif
