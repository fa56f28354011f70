/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/layer.h"

static const AlisaLayerWeights *weights_of(const AlisaStage *stage, uint32_t layer) {
    const AlisaShard *shard = stage->setup.shard;
    return alisa_weights_layer(shard->weights, shard->first_layer + layer);
}

static AlisaStatus norm(AlisaStage *stage, const AlisaBuffer *x, AlisaVector weight, uint32_t rows,
                        AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    return alisa_ops_rms_norm(stage->setup.shard->ops, alisa_scratch_all(x), weight,
                              shape->norm_epsilon, rows, shape->embedding_length,
                              alisa_scratch_all(&stage->scratch.normed), error);
}

AlisaStatus alisa_layer_norm(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error) {
    return norm(stage, &stage->scratch.residual, weights_of(stage, layer)->attention_norm, rows,
                error);
}

AlisaStatus alisa_layer_project(AlisaStage *stage, uint32_t layer, AlisaLayerProducts which,
                                uint32_t rows, AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaProduct products[] = {{weights->query, alisa_scratch_all(&scratch->query)},
                                     {weights->key, alisa_scratch_all(&scratch->key)},
                                     {weights->value, alisa_scratch_all(&scratch->value)}};
    uint32_t first = which == ALISA_LAYER_KEY_VALUE;
    return alisa_ops_matmul_each(stage->setup.shard->ops, products + first, 3 - first,
                                 alisa_scratch_all(&scratch->normed), rows, error);
}

AlisaStatus alisa_layer_output(AlisaStage *stage, uint32_t layer, uint32_t rows,
                               AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    return alisa_ops_matmul(stage->setup.shard->ops, &weights_of(stage, layer)->attention_output,
                            alisa_scratch_all(&scratch->attended), rows,
                            alisa_scratch_all(&scratch->residual), true, error);
}

AlisaStatus alisa_layer_expand(AlisaStage *stage, uint32_t layer, uint32_t rows,
                               AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaProduct products[] = {{weights->gate, alisa_scratch_all(&scratch->gate)},
                                     {weights->up, alisa_scratch_all(&scratch->up)}};
    return alisa_ops_matmul_each(stage->setup.shard->ops, products, 2,
                                 alisa_scratch_all(&scratch->normed), rows, error);
}

AlisaStatus alisa_layer_contract(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                 AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    return alisa_ops_matmul(stage->setup.shard->ops, &weights_of(stage, layer)->down,
                            alisa_scratch_all(&scratch->gate), rows,
                            alisa_scratch_all(&scratch->residual), true, error);
}

AlisaStatus alisa_layer_feed_forward(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                     AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    AlisaStatus status =
        norm(stage, &scratch->residual, weights_of(stage, layer)->feed_forward_norm, rows, error);
    if (status == ALISA_OK) status = alisa_layer_expand(stage, layer, rows, error);
    if (status == ALISA_OK)
        status = alisa_ops_silu_product(stage->setup.shard->ops, alisa_scratch_all(&scratch->gate),
                                        alisa_scratch_all(&scratch->up), rows,
                                        weights_of(stage, layer)->gate.rows,
                                        alisa_scratch_all(&scratch->gate), error);
    return status == ALISA_OK ? alisa_layer_contract(stage, layer, rows, error) : status;
}

AlisaStatus alisa_layer_head(AlisaStage *stage, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaShard *shard = stage->setup.shard;
    const AlisaScratch *scratch = &stage->scratch;
    /* The head is the largest matrix of a small model: only the wanted rows meet it. */
    uint32_t wanted = stage->rows.logit_count;
    AlisaStatus status = alisa_ops_gather_rows(
        shard->ops, alisa_scratch_all(&scratch->residual), &stage->rows.parts[ALISA_ROWS_LOGITS],
        wanted, shape->embedding_length, alisa_scratch_all(&scratch->normed), error);
    if (status == ALISA_OK)
        status =
            norm(stage, &scratch->normed, alisa_weights_output_norm(shard->weights), wanted, error);
    if (status == ALISA_OK)
        status = alisa_ops_matmul(shard->ops, alisa_weights_head(shard->weights),
                                  alisa_scratch_all(&scratch->normed), wanted,
                                  alisa_scratch_all(&scratch->logits), false, error);
    if (status != ALISA_OK || !stage->setup.options->likeliest_only) return status;
    return alisa_ops_likeliest(shard->ops, alisa_scratch_all(&scratch->logits), wanted,
                               shape->vocabulary_size, &scratch->choices, error);
}
