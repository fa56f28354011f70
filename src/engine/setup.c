/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/setup.h"

#include "kv/tails.h"

/* ---- Options ------------------------------------------------------------------------------- */

void alisa_setup_placement_defaults(AlisaPlacementOptions *placement) {
    *placement =
        (AlisaPlacementOptions){.recompute = true, .inputs_share = -1.0, .host_share = -1.0};
}

AlisaSetupOptions alisa_setup_options(const AlisaSessionOptions *given) {
    AlisaSetupOptions options = {.sequence_count = given->sequence_count,
                                 .context_length = given->context_length,
                                 .micro_batch = given->micro_batch,
                                 .logit_rows = given->logit_rows,
                                 .key_type = given->key_type,
                                 .value_type = given->value_type,
                                 .likeliest_only = given->likeliest_only,
                                 .record_steps = given->record_steps,
                                 .count_lists = given->count_lists,
                                 .interrupt = given->interrupt,
                                 .interrupt_user = given->interrupt_user};
    alisa_selector_options_defaults(&options.attention);
    alisa_setup_placement_defaults(&options.placement);
    if (given->attention) options.attention = *given->attention;
    if (given->placement) options.placement = *given->placement;
    return options;
}

void alisa_setup_tell(const AlisaSetupOptions *options, AlisaSessionOptions *told) {
    *told = (AlisaSessionOptions){.sequence_count = options->sequence_count,
                                  .context_length = options->context_length,
                                  .micro_batch = options->micro_batch,
                                  .logit_rows = options->logit_rows,
                                  .key_type = options->key_type,
                                  .value_type = options->value_type,
                                  .attention = &options->attention,
                                  .placement = &options->placement,
                                  .likeliest_only = options->likeliest_only,
                                  .record_steps = options->record_steps,
                                  .count_lists = options->count_lists,
                                  .interrupt = options->interrupt,
                                  .interrupt_user = options->interrupt_user};
}

/* ---- Shapes -------------------------------------------------------------------------------- */

AlisaStageSetup alisa_setup_stage(const AlisaSessionSetup *setup, uint32_t stage) {
    return (AlisaStageSetup){setup->engine, &setup->shards[stage], &setup->options};
}

AlisaKvShape alisa_setup_kv_shape(const AlisaStageSetup *setup) {
    const AlisaLayerShape *layer = &setup->engine->shape.layers[setup->shard->first_layer];
    return (AlisaKvShape){.layer_count = setup->shard->layer_count,
                          .kv_head_count = layer->kv_head_count,
                          .head_dim = layer->head_dim,
                          .sequence_count = setup->options->sequence_count,
                          .context_length = setup->options->context_length,
                          .key_type = setup->options->key_type,
                          .value_type = setup->options->value_type};
}

AlisaAttentionShape alisa_setup_attention_shape(const AlisaStageSetup *setup) {
    const AlisaShape *shape = &setup->engine->shape;
    const AlisaLayerShape *layer = &shape->layers[setup->shard->first_layer];
    return (AlisaAttentionShape){.head_count = layer->head_count,
                                 .kv_head_count = layer->kv_head_count,
                                 .head_dim = layer->head_dim,
                                 .rope_dim = shape->ropes[0].dim,
                                 .scale = shape->attention_scale,
                                 .key_type = setup->options->key_type,
                                 .value_type = setup->options->value_type};
}

AlisaSparseShape alisa_setup_sparse_shape(const AlisaStageSetup *setup) {
    const AlisaSetupOptions *options = setup->options;
    return (AlisaSparseShape){.attention = alisa_setup_attention_shape(setup),
                              .select = options->attention,
                              .first_layer = setup->shard->first_layer,
                              .layer_count = setup->shard->layer_count,
                              .sequence_count = options->sequence_count,
                              .context_length = options->context_length,
                              .micro_batch = options->micro_batch,
                              .count_lists = options->count_lists};
}

const AlisaRopeTable *alisa_setup_rope(const AlisaStageSetup *setup, uint32_t index) {
    const AlisaEngine *engine = setup->engine;
    bool is_long = setup->options->context_length > engine->shape.ropes[index].original_context;
    return &engine->ropes[index][is_long ? ALISA_ROPE_LONG : ALISA_ROPE_SHORT];
}

uint32_t alisa_setup_row_tokens(const AlisaStageSetup *setup) {
    AlisaKvShape shape = alisa_setup_kv_shape(setup);
    return alisa_kv_tails_needed(&shape) ? ALISA_KV_BLOCK : 1;
}

uint32_t alisa_setup_placed_rows(const AlisaStageSetup *setup) {
    const AlisaSetupOptions *options = setup->options;
    if (alisa_setup_row_tokens(setup) == 1) return options->micro_batch;
    return alisa_kv_blocks_moves(options->sequence_count, options->micro_batch) * ALISA_KV_BLOCK;
}

uint64_t alisa_setup_rebuild_bytes(const AlisaStageSetup *setup, uint32_t rows) {
    return rows * (setup->engine->shape.ropes[0].dim * sizeof(float) + sizeof(int32_t));
}
