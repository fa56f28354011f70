/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer, all that it does to each row alone. What a model has of norms, biases, gates and scales
 * is in its weights and in its shape, and which of these a layer computes follows from that. Rows
 * are those of the step in hand, in the scratch of the stage; `layer` counts from the stage's
 * first. What rows do to each other is in engine/attend.h.
 */
#ifndef ALISA_ENGINE_LAYER_H
#define ALISA_ENGINE_LAYER_H

#include "engine/stage.h"

/* Which products of a layer's input. */
typedef enum AlisaLayerProducts {
    ALISA_LAYER_QUERY_KEY_VALUE,
    ALISA_LAYER_KEY_VALUE /* of rows whose attention is not wanted */
} AlisaLayerProducts;

const AlisaLayerShape *alisa_layer_shape(const AlisaStage *stage, uint32_t layer);
/* Both blocks of the layer see its input. */
bool alisa_layer_is_parallel(const AlisaStage *stage, uint32_t layer);
/* What queries, keys and values are computed from: normed, or without a norm before attention the
 * residual stream itself. */
const AlisaBuffer *alisa_layer_input(const AlisaStage *stage, uint32_t layer);

/* normed = norm(residual), if there is a norm before attention. */
AlisaStatus alisa_layer_norm(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* query, key, value = input Wq, input Wk, input Wv, with their biases and the norms of heads. */
AlisaStatus alisa_layer_project(AlisaStage *stage, uint32_t layer, AlisaLayerProducts which,
                                const AlisaBuffer *input, uint32_t rows, AlisaError *error);
/* residual += attended Wo, with its bias, norm and scale. Overwrites normed. */
AlisaStatus alisa_layer_output(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* gate, up = x Wgate, x Wup, where x is what the feed-forward block reads; without a gate
 * gate = x Wup. A layer with experts chooses them here, and activates. */
AlisaStatus alisa_layer_expand(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* The feed-forward block up to its activation: norm, expand, activate. In parallel layers it comes
 * before attention, which overwrites what it reads, in others behind alisa_layer_output. */
AlisaStatus alisa_layer_feed_forward(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                     AlisaError *error);
/* residual += gate Wdown, with its bias, norm and scale. Overwrites normed. */
AlisaStatus alisa_layer_contract(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                 AlisaError *error);

/* logits = norm(residual) Whead, with their bias, scale and cap, for the step's rows that want
 * them; with likeliest_only the choices too. Of the last stage. */
AlisaStatus alisa_layer_head(AlisaStage *stage, AlisaError *error);

#endif
