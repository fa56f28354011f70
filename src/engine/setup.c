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

/* The window of a layer of the model; 0: it attends to all tokens. */
static uint32_t window_of(const AlisaShape *shape, const AlisaSetupOptions *options,
                          uint32_t layer) {
    uint32_t window = shape->layers[layer].sliding_window;
    uint32_t context = options->window_context ? options->window_context : options->context_length;
    if (window == 0 || window < context) return window;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        if (shape->layers[i].sliding_window == 0) return window;
    return 0;
}

uint32_t alisa_setup_window_layers(const AlisaShape *shape, const AlisaSetupOptions *options) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        count += window_of(shape, options, i) > 0;
    return count;
}

AlisaLayerPlace alisa_setup_place(const AlisaStageSetup *setup, uint32_t layer) {
    const AlisaShape *shape = &setup->engine->shape;
    const AlisaSetupOptions *options = setup->options;
    uint32_t first = setup->shard->first_layer;
    AlisaLayerPlace place = {.window = window_of(shape, options, first + layer)};
    for (uint32_t i = 0; i < layer; i++)
        place.index += (window_of(shape, options, first + i) > 0) == (place.window > 0);
    return place;
}

/* Tokens of a sequence that a layer with a window keeps: those that the first row of a step attends
 * to, and the step's own. A block of i8 that the sequence is cut back into may begin before those.
 */
static uint32_t window_tokens(const AlisaStageSetup *setup, uint32_t window) {
    const AlisaSetupOptions *options = setup->options;
    uint64_t tokens = (uint64_t)window + options->micro_batch - 1;
    if (alisa_kv_type_info(options->key_type)->blocks ||
        alisa_kv_type_info(options->value_type)->blocks)
        tokens += ALISA_KV_BLOCK;
    return tokens < options->context_length ? (uint32_t)tokens : options->context_length;
}

AlisaKvShape alisa_setup_kv_shape(const AlisaStageSetup *setup) {
    const AlisaLayerShape *layer = &setup->engine->shape.layers[setup->shard->first_layer];
    AlisaKvShape shape = {.kv_head_count = layer->kv_head_count,
                          .head_dim = layer->head_dim,
                          .sequence_count = setup->options->sequence_count,
                          .context_length = setup->options->context_length,
                          .key_type = setup->options->key_type,
                          .value_type = setup->options->value_type};
    for (uint32_t i = 0; i < setup->shard->layer_count; i++) {
        uint32_t window =
            window_of(&setup->engine->shape, setup->options, setup->shard->first_layer + i);
        if (window > 0) {
            shape.window_layer_count++;
            shape.window_tokens = window_tokens(setup, window);
        } else {
            shape.layer_count++;
        }
    }
    return shape;
}

AlisaAttentionShape alisa_setup_attention_shape(const AlisaStageSetup *setup) {
    const AlisaShape *shape = &setup->engine->shape;
    const AlisaLayerShape *layer = &shape->layers[setup->shard->first_layer];
    return (AlisaAttentionShape){
        .head_count = layer->head_count,
        .kv_head_count = layer->kv_head_count,
        .head_dim = layer->head_dim,
        .rope_dim = shape->ropes[0].dim,
        .scale = shape->attention_scale,
        .soft_cap = shape->attention_soft_cap,
        .sinks = (shape->architecture->required & ALISA_ROLES(ALISA_ROLE_SINKS)) != 0,
        .key_type = setup->options->key_type,
        .value_type = setup->options->value_type};
}

AlisaSparseShape alisa_setup_sparse_shape(const AlisaStageSetup *setup) {
    const AlisaSetupOptions *options = setup->options;
    uint32_t first = 0;
    for (uint32_t i = 0; i < setup->shard->first_layer; i++)
        first += window_of(&setup->engine->shape, options, i) == 0;
    return (AlisaSparseShape){.attention = alisa_setup_attention_shape(setup),
                              .select = options->attention,
                              .first_layer = first,
                              .layer_count = alisa_setup_kv_shape(setup).layer_count,
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

uint32_t alisa_setup_read_rows(const AlisaStageSetup *setup) {
    const AlisaSetupOptions *options = setup->options;
    const AlisaSelectOptions *select = &options->attention;
    uint32_t unit = alisa_setup_row_tokens(setup), prompt = options->placement.prompt_length;
    uint32_t context = options->context_length / unit * unit; /* the others have no slots */
    /* What runs is on the device where whole sequences come and go. */
    if (context == 0 || options->placement.policy == ALISA_POLICY_VLLM) return 0;
    uint32_t most = context - unit;
    bool reads_all = select->kind == ALISA_SELECT_DENSE ||
                     (alisa_selector_source(select) == ALISA_SELECT_BY_SUMS &&
                      select->scores == ALISA_SELECT_SCORES_DENSE);
    if (reads_all || prompt == 0 || prompt >= context) return most;
    uint32_t lists = select->lists == ALISA_SELECT_LISTS_KV_HEAD
                         ? alisa_setup_attention_shape(setup).kv_head_count
                         : 1;
    uint32_t chosen = alisa_selector_reads(select, lists, context, most);
    prompt = prompt > unit ? (prompt - 1) / unit * unit : 0;
    return chosen > prompt ? chosen : prompt;
}

uint64_t alisa_setup_rebuild_bytes(const AlisaStageSetup *setup, uint32_t rows) {
    return rows * (setup->engine->shape.ropes[0].dim * sizeof(float) + sizeof(int32_t));
}
