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
 * G: kv_head_count * head_dim, F: feed_forward_length of the layer, V: vocabulary_size. */
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

/* Before the first layer, and behind the last one. */
typedef struct AlisaOuterWeights {
    AlisaMatrix embedding;   /* [V][E] */
    AlisaVector output_norm; /* [E] */
    AlisaMatrix head;        /* [V][E] */
} AlisaOuterWeights;

/* Roles that have a field, and divisors of RoPE frequencies, which stay on the host. */
AlisaRoles alisa_field_roles(void);

/* The AlisaMatrix or AlisaVector of a role: of `layer` for roles of layers, of `outer` for others.
 * NULL for a role that has none. */
void *alisa_field_of(AlisaRole role, AlisaLayerWeights *layer, AlisaOuterWeights *outer);

#endif
