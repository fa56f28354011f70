/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products of a layer, all that it does to each row alone, of the one kind of layer that
 * alisa_architecture_missing lets pass: RMS norms before, a gate with SiLU, one part after the
 * other. Rows are those of the step in hand, in the scratch of the stage; `layer` counts from the
 * stage's first. What rows do to each other is in engine/attend.h.
 */
#ifndef ALISA_ENGINE_LAYER_H
#define ALISA_ENGINE_LAYER_H

#include "engine/stage.h"

/* Which products of a layer's input. */
typedef enum AlisaLayerProducts {
    ALISA_LAYER_QUERY_KEY_VALUE,
    ALISA_LAYER_KEY_VALUE /* of rows whose attention is not wanted */
} AlisaLayerProducts;

/* normed = norm(residual), the input of the layer's attention. */
AlisaStatus alisa_layer_norm(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* query, key, value = normed Wq, normed Wk, normed Wv. */
AlisaStatus alisa_layer_project(AlisaStage *stage, uint32_t layer, AlisaLayerProducts which,
                                uint32_t rows, AlisaError *error);
/* residual += attended Wo. */
AlisaStatus alisa_layer_output(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* gate, up = normed Wgate, normed Wup. */
AlisaStatus alisa_layer_expand(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error);
/* residual += gate Wdown. */
AlisaStatus alisa_layer_contract(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                 AlisaError *error);
/* residual += feed forward of norm(residual): expand, activate, contract. */
AlisaStatus alisa_layer_feed_forward(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                     AlisaError *error);

/* logits = norm(residual) Whead for the step's rows that want them; with likeliest_only the choices
 * too. Of the last stage. */
AlisaStatus alisa_layer_head(AlisaStage *stage, AlisaError *error);

#endif
