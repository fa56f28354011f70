/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/layer.h"

#include "engine/experts.h"

static const AlisaLayerWeights *weights_of(const AlisaStage *stage, uint32_t layer) {
    const AlisaShard *shard = stage->setup.shard;
    return alisa_weights_layer(shard->weights, shard->first_layer + layer);
}

const AlisaLayerShape *alisa_layer_shape(const AlisaStage *stage, uint32_t layer) {
    return &stage->setup.engine->shape.layers[stage->setup.shard->first_layer + layer];
}

bool alisa_layer_is_parallel(const AlisaStage *stage, uint32_t layer) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    return stage->setup.engine->shape.is_parallel ||
           (weights->attention_norm.buffer && !weights->feed_forward_norm.buffer);
}

const AlisaBuffer *alisa_layer_input(const AlisaStage *stage, uint32_t layer) {
    const AlisaScratch *scratch = &stage->scratch;
    return weights_of(stage, layer)->attention_norm.buffer ? &scratch->normed : &scratch->residual;
}

/* ---- Norms --------------------------------------------------------------------------------- */

static AlisaNormalisation norm_by(const AlisaStage *stage, AlisaVector weight, AlisaVector bias) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    return (AlisaNormalisation){.kind = shape->architecture->norm,
                                .epsilon = shape->norm_epsilon,
                                .weight = weight,
                                .bias = bias};
}

/* normed = norm(x); nothing where there is no weight. */
static AlisaStatus norm(AlisaStage *stage, const AlisaBuffer *x, AlisaVector weight,
                        AlisaVector bias, uint32_t rows, AlisaError *error) {
    const AlisaNormalisation how = norm_by(stage, weight, bias);
    if (!weight.buffer) return ALISA_OK;
    return alisa_ops_norm(stage->setup.shard->ops, &how, alisa_scratch_all(x), rows,
                          stage->setup.engine->shape.embedding_length,
                          alisa_scratch_all(&stage->scratch.normed), error);
}

AlisaStatus alisa_layer_norm(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    return norm(stage, &stage->scratch.residual, weights->attention_norm,
                weights->attention_norm_bias, rows, error);
}

/* Each head of queries or of keys is normed by itself, or all heads of a row are normed together.
 */
static AlisaStatus norm_heads(AlisaStage *stage, const AlisaBuffer *x, AlisaVector weight,
                              uint32_t heads, uint32_t rows, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    AlisaNormalisation how = norm_by(stage, weight, (AlisaVector){0});
    if (!weight.buffer) return ALISA_OK;
    uint32_t columns = shape->layers[0].head_dim;
    AlisaRoles roles = shape->architecture->required | shape->architecture->optional;
    if (roles & ALISA_ROLES(ALISA_ROLE_QUERY_NORM_ROW)) {
        columns *= heads;
    } else {
        how.weight_rows = roles & ALISA_ROLES(ALISA_ROLE_QUERY_NORM_EACH) ? heads : 1;
        rows *= heads;
    }
    return alisa_ops_norm(stage->setup.shard->ops, &how, alisa_scratch_all(x), rows, columns,
                          alisa_scratch_all(x), error);
}

/* ---- Attention ----------------------------------------------------------------------------- */

/* Biases of those of the products that have one. */
static AlisaStatus add_biases(AlisaStage *stage, const AlisaBiased *all, uint32_t count,
                              uint32_t rows, AlisaError *error) {
    AlisaBiased biased[3];
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++)
        if (all[i].bias.buffer) biased[found++] = all[i];
    if (found == 0) return ALISA_OK;
    return alisa_ops_add_bias_each(stage->setup.shard->ops, biased, found, rows, error);
}

AlisaStatus alisa_layer_project(AlisaStage *stage, uint32_t layer, AlisaLayerProducts which,
                                const AlisaBuffer *input, uint32_t rows, AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    const AlisaLayerShape *shape = alisa_layer_shape(stage, layer);
    const AlisaScratch *scratch = &stage->scratch;
    AlisaVector query = alisa_scratch_all(&scratch->query);
    AlisaVector key = alisa_scratch_all(&scratch->key), value = alisa_scratch_all(&scratch->value);
    const AlisaProduct products[] = {
        {weights->query, query}, {weights->key, key}, {weights->value, value}};
    const AlisaBiased biased[] = {{query, weights->query_bias, weights->query.rows},
                                  {key, weights->key_bias, weights->key.rows},
                                  {value, weights->value_bias, weights->value.rows}};
    uint32_t first = which == ALISA_LAYER_KEY_VALUE;
    AlisaStatus status = alisa_ops_matmul_each(stage->setup.shard->ops, products + first, 3 - first,
                                               alisa_scratch_all(input), rows, error);
    if (status == ALISA_OK) status = add_biases(stage, biased + first, 3 - first, rows, error);
    if (status == ALISA_OK && first == 0)
        status =
            norm_heads(stage, &scratch->query, weights->query_norm, shape->head_count, rows, error);
    if (status != ALISA_OK) return status;
    return norm_heads(stage, &scratch->key, weights->key_norm, shape->kv_head_count, rows, error);
}

/* Where a block writes what it adds to the residual stream. */
typedef struct Target {
    AlisaVector y;
    bool accumulate; /* y is the residual stream itself; otherwise more becomes of y before it is
                        added */
} Target;

static Target target_of(const AlisaStage *stage, AlisaVector post_norm) {
    bool direct = !post_norm.buffer && stage->setup.engine->shape.residual_scale == 1.0f;
    const AlisaScratch *scratch = &stage->scratch;
    return (Target){alisa_scratch_all(direct ? &scratch->residual : &scratch->normed), direct};
}

/* residual += norm or scale of what the block wrote, unless it wrote it there. */
static AlisaStatus finish_block(AlisaStage *stage, const Target *target, AlisaVector post_norm,
                                uint32_t rows, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    AlisaOps *ops = stage->setup.shard->ops;
    AlisaVector residual = alisa_scratch_all(&stage->scratch.residual);
    if (target->accumulate) return ALISA_OK;
    if (!post_norm.buffer)
        return alisa_ops_add(ops, target->y, shape->residual_scale, rows, shape->embedding_length,
                             residual, error);
    AlisaNormalisation how = norm_by(stage, post_norm, (AlisaVector){0});
    how.accumulate = true;
    return alisa_ops_norm(ops, &how, target->y, rows, shape->embedding_length, residual, error);
}

/* The product by which a block ends, and its bias. */
static AlisaStatus end_block(AlisaStage *stage, const AlisaMatrix *matrix, AlisaVector bias,
                             const AlisaBuffer *x, const Target *target, uint32_t rows,
                             AlisaError *error) {
    const AlisaBiased biased = {target->y, bias, stage->setup.engine->shape.embedding_length};
    AlisaStatus status = alisa_ops_matmul(stage->setup.shard->ops, matrix, alisa_scratch_all(x),
                                          rows, target->y, target->accumulate, error);
    return status == ALISA_OK ? add_biases(stage, &biased, 1, rows, error) : status;
}

AlisaStatus alisa_layer_output(AlisaStage *stage, uint32_t layer, uint32_t rows,
                               AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    Target target = target_of(stage, weights->attention_post_norm);
    AlisaStatus status =
        end_block(stage, &weights->attention_output, weights->attention_output_bias,
                  &stage->scratch.attended, &target, rows, error);
    if (status != ALISA_OK) return status;
    return finish_block(stage, &target, weights->attention_post_norm, rows, error);
}

/* ---- Feed forward -------------------------------------------------------------------------- */

AlisaStatus alisa_layer_expand(AlisaStage *stage, uint32_t layer, uint32_t rows,
                               AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    const AlisaScratch *scratch = &stage->scratch;
    bool is_gated = weights->gate.buffer,
         is_normed = weights->attention_norm.buffer || weights->feed_forward_norm.buffer;
    const AlisaBuffer *x = is_normed ? &scratch->normed : &scratch->residual;
    if (alisa_experts_in(weights)) return alisa_experts_expand(stage, weights, x, rows, error);
    const AlisaProduct products[] = {
        {is_gated ? weights->gate : weights->up, alisa_scratch_all(&scratch->gate)},
        {weights->up, alisa_scratch_all(&scratch->up)}};
    return alisa_ops_matmul_each(stage->setup.shard->ops, products, is_gated ? 2 : 1,
                                 alisa_scratch_all(x), rows, error);
}

static AlisaStatus activate(AlisaStage *stage, uint32_t layer, uint32_t rows, AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    AlisaVector gate = alisa_scratch_all(&stage->scratch.gate);
    AlisaActivated what = {.activation = stage->setup.engine->shape.architecture->activation,
                           .x = gate,
                           .x_bias = weights->up_bias};
    if (weights->gate.buffer) {
        what.x_bias = weights->gate_bias;
        what.up = alisa_scratch_all(&stage->scratch.up);
        what.up_bias = weights->up_bias;
    }
    return alisa_ops_activate(stage->setup.shard->ops, &what, rows, weights->up.rows, gate, error);
}

AlisaStatus alisa_layer_feed_forward(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                     AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    AlisaStatus status = norm(stage, &stage->scratch.residual, weights->feed_forward_norm,
                              weights->feed_forward_norm_bias, rows, error);
    if (status == ALISA_OK) status = alisa_layer_expand(stage, layer, rows, error);
    if (status != ALISA_OK || alisa_experts_in(weights)) return status;
    return activate(stage, layer, rows, error);
}

AlisaStatus alisa_layer_contract(AlisaStage *stage, uint32_t layer, uint32_t rows,
                                 AlisaError *error) {
    const AlisaLayerWeights *weights = weights_of(stage, layer);
    Target target = target_of(stage, weights->feed_forward_post_norm);
    AlisaStatus status =
        alisa_experts_in(weights)
            ? alisa_experts_contract(stage, weights, rows, target.y, target.accumulate, error)
            : end_block(stage, &weights->down, weights->down_bias, &stage->scratch.gate, &target,
                        rows, error);
    if (status != ALISA_OK) return status;
    return finish_block(stage, &target, weights->feed_forward_post_norm, rows, error);
}

/* ---- Head ---------------------------------------------------------------------------------- */

static AlisaStatus finish_logits(AlisaStage *stage, uint32_t rows, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    AlisaVector logits = alisa_scratch_all(&stage->scratch.logits);
    const AlisaBiased biased = {logits, alisa_weights_outer(stage->setup.shard->weights)->head_bias,
                                shape->vocabulary_size};
    AlisaStatus status = add_biases(stage, &biased, 1, rows, error);
    if (shape->logit_scale == 1.0f && shape->logit_soft_cap == 0.0f) return status;
    if (status != ALISA_OK) return status;
    return alisa_ops_scale(stage->setup.shard->ops, logits, shape->logit_scale,
                           shape->logit_soft_cap, rows, shape->vocabulary_size, error);
}

AlisaStatus alisa_layer_head(AlisaStage *stage, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaShard *shard = stage->setup.shard;
    const AlisaOuterWeights *weights = alisa_weights_outer(shard->weights);
    const AlisaScratch *scratch = &stage->scratch;
    /* The head is the largest matrix of a small model: only the wanted rows meet it. */
    uint32_t wanted = stage->rows.logit_count;
    AlisaStatus status = alisa_ops_gather_rows(
        shard->ops, alisa_scratch_all(&scratch->residual), &stage->rows.parts[ALISA_ROWS_LOGITS],
        wanted, shape->embedding_length, alisa_scratch_all(&scratch->normed), error);
    if (status == ALISA_OK)
        status = norm(stage, &scratch->normed, weights->output_norm, weights->output_norm_bias,
                      wanted, error);
    if (status == ALISA_OK)
        status = alisa_ops_matmul(shard->ops, &weights->head, alisa_scratch_all(&scratch->normed),
                                  wanted, alisa_scratch_all(&scratch->logits), false, error);
    if (status == ALISA_OK) status = finish_logits(stage, wanted, error);
    if (status != ALISA_OK || !stage->setup.options->likeliest_only) return status;
    return alisa_ops_likeliest(shard->ops, alisa_scratch_all(&scratch->logits), wanted,
                               shape->vocabulary_size, &scratch->choices, error);
}
