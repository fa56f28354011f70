/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/weight_type.h"
#include "device/link.h"
#include "device/probe.h"
#include "device/transfer.h"
#include "model/load.h"
#include "ops/repack.h"
#include "tune/tune.h"

#define LINK_LATENCY 10e-6 /* seconds a copy: what PCIe takes with its driver */
#define WIDE         1.25  /* times the bits of the file: worth a sentence */

static AlisaStatus emulate_link(AlisaShard *shard, const AlisaEngineOptions *options,
                                AlisaError *error) {
    AlisaLink link = {options->link_rate, LINK_LATENCY};
    if (options->link_rate == 0.0 && options->link_share == 0.0) return ALISA_OK;
    if (options->link_rate != 0.0 && options->link_share != 0.0) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "an emulated link has a rate or a share of the device's bandwidth, "
                               "and both were given");
    }
    if (options->link_share != 0.0) {
        AlisaDeviceProfile profile;
        AlisaStatus status = alisa_opencl_measure(shard->device, &profile, error);
        if (status != ALISA_OK) return status;
        link.bytes_per_second = options->link_share * profile.read_bandwidth;
    }
    AlisaStatus status = alisa_opencl_emulate_link(shard->device, &link, error);
    shard->emulates_link = status == ALISA_OK;
    return status;
}

AlisaSchedModel alisa_engine_model(const AlisaGguf *gguf, const AlisaShape *shape) {
    const AlisaLayerShape *layer = &shape->layers[0];
    AlisaSchedModel model = {.name = "the model",
                             .layer_count = shape->layer_count,
                             .embedding_length = shape->embedding_length,
                             .head_count = layer->head_count,
                             .kv_head_count = layer->kv_head_count,
                             .head_dim = layer->head_dim,
                             .feed_forward_length = alisa_shape_feed_forward(shape),
                             .feed_forward_matrices =
                                 alisa_architecture_feed_forward_matrices(shape->architecture),
                             .vocabulary_size = shape->vocabulary_size,
                             .context_length = shape->context_length};
    AlisaGgufString name = {0};
    if (alisa_gguf_get_string(gguf, "general.name", &name, NULL) == ALISA_OK && name.length > 0)
        snprintf(model.name, sizeof model.name, "%.*s", (int)(name.length < 63 ? name.length : 63),
                 name.data);
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        model.parameter_count += tensor->element_count;
        model.weight_bytes += tensor->byte_count;
    }
    return model;
}

/* The layers of a shard whose weights are there. */
static AlisaSchedModel shard_model(const AlisaEngine *engine, const AlisaShard *shard,
                                   const AlisaGguf *gguf) {
    AlisaSchedModel model = alisa_engine_model(gguf, &engine->shape);
    model.layer_count = shard->layer_count;
    model.parameter_count = alisa_weights_elements(shard->weights);
    model.weight_bytes = alisa_weights_file_bytes(shard->weights);
    model.host_weight_bytes = alisa_weights_host_file_bytes(shard->weights);
    if (!alisa_engine_has_head(engine, shard)) model.vocabulary_size = 0;
    return model;
}

/* The budget that a span's layers draw on, made where it is the first to do so. */
static uint32_t find_budget(AlisaEngine *engine, const AlisaShardSpan *span,
                            const AlisaEngineOptions *options) {
    bool alone = span->device_memory > 0;
    for (uint32_t i = 0; i < engine->budget_count && !alone; i++)
        if (engine->budgets[i].device == span->device) return i;
    uint64_t bytes = alone                    ? span->device_memory
                     : options->device_memory ? options->device_memory
                                              : alisa_opencl_info(span->device)->global_memory;
    engine->budgets[engine->budget_count] = (AlisaBudget){alone ? NULL : span->device, bytes};
    return engine->budget_count++;
}

/* A device with an emulated link stands for one with memory of its own. */
static bool has_own_memory(const AlisaShard *shard, const AlisaEngineOptions *options) {
    uint32_t capabilities = alisa_opencl_info(shard->device)->capabilities;
    return !(capabilities & ALISA_CAPABILITY_UNIFIED_MEMORY) || options->link_rate > 0.0 ||
           options->link_share > 0.0;
}

static bool has_matrix_of(const AlisaGguf *gguf, uint32_t type) {
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        if (tensor->type == type && tensor->dimension_count > 1) return true;
    }
    return false;
}

/* Formats with more room than a type needs stand for types of few bits: who chose the file for its
 * size is to know. */
static void tell_of_wide_types(const AlisaEngine *engine, const AlisaGguf *gguf) {
    const AlisaWeightTypeInfo *type;
    AlisaFormat format;
    for (size_t i = 0; (type = alisa_weight_type_at(i)); i++) {
        if (!alisa_repack_format(type->id, &format) || !has_matrix_of(gguf, type->id)) continue;
        double in_file = 8.0 * type->block_bytes / type->block_elements;
        double on_device = alisa_format_bits(alisa_format_info(format));
        if (on_device > WIDE * in_file)
            alisa_log_write(&engine->log, ALISA_LOG_WARNING,
                            "%s weights take %.1f bits each on the device, and %.1f in the file",
                            type->name, on_device, in_file);
    }
}

static void tell_of_host_weights(const AlisaEngine *engine, const AlisaShard *shard) {
    uint64_t bytes = alisa_weights_host_bytes(shard->weights);
    uint64_t size = alisa_weights_streamed_size(shard->weights);
    if (bytes == 0) return;
    if (size == 0)
        alisa_log_write(&engine->log, ALISA_LOG_INFO,
                        "weights: %.2f MiB on the device, %.2f MiB in host memory, which %s shares "
                        "and uses in place",
                        (double)alisa_weights_bytes(shard->weights) / 0x1p20,
                        (double)bytes / 0x1p20, alisa_opencl_info(shard->device)->name);
    else
        alisa_log_write(&engine->log, ALISA_LOG_INFO,
                        "weights: %.2f MiB on the device, %.2f MiB in host memory, of which what a "
                        "step multiplies with is copied to %s through %.2f MiB",
                        (double)alisa_weights_bytes(shard->weights) / 0x1p20,
                        (double)bytes / 0x1p20, alisa_opencl_info(shard->device)->name,
                        (double)alisa_ops_streamed_room(size) / 0x1p20);
}

static AlisaStatus init_shard(AlisaEngine *engine, AlisaShard *shard, const AlisaGguf *gguf,
                              const AlisaHomes *homes, const AlisaEngineOptions *options,
                              AlisaError *error) {
    const AlisaWeightsTarget target = {.device = shard->device,
                                       .device_memory =
                                           alisa_engine_budget_left(engine, shard->budget),
                                       .homes = *homes,
                                       .streams = has_own_memory(shard, options)};
    AlisaOpsParameters parameters;
    bool tuned = alisa_tuner_parameters(shard->device, &parameters);
    alisa_ops_parameters_leave(&parameters, alisa_load_formats(gguf));
    AlisaStatus status = alisa_ops_create(shard->device, &parameters, &shard->ops, error);
    if (status == ALISA_OK)
        status = alisa_weights_create(gguf, &engine->shape, shard->first_layer,
                                      shard->first_layer + shard->layer_count, &target,
                                      &options->progress, &shard->weights, error);
    if (status == ALISA_OK)
        status = alisa_ops_stream(shard->ops, alisa_weights_streamed_size(shard->weights), error);
    if (status == ALISA_OK) shard->model = shard_model(engine, shard, gguf);
    if (status == ALISA_OK) tell_of_host_weights(engine, shard);
    if (status == ALISA_OK && !tuned) alisa_tuner_advise(shard->device);
    return status;
}

uint64_t alisa_engine_budget_left(const AlisaEngine *engine, uint32_t budget) {
    uint64_t left = engine->budgets[budget].bytes;
    for (uint32_t i = 0; i < engine->shard_count; i++) {
        const AlisaShard *shard = &engine->shards[i];
        uint64_t bytes = shard->weights ? alisa_weights_bytes(shard->weights) : 0;
        if (shard->budget == budget) left = left > bytes ? left - bytes : 0;
    }
    return left;
}

bool alisa_engine_has_head(const AlisaEngine *engine, const AlisaShard *shard) {
    return shard->first_layer + shard->layer_count == engine->shape.layer_count;
}

static void finish_shard(AlisaShard *shard) {
    if (shard->emulates_link) alisa_opencl_emulate_link(shard->device, NULL, NULL);
    alisa_weights_destroy(shard->weights);
    alisa_ops_destroy(shard->ops);
}

/* Once a device, after all weights are there: nobody measures their way. */
static AlisaStatus emulate_links(AlisaEngine *engine, const AlisaEngineOptions *options,
                                 AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < engine->shard_count && status == ALISA_OK; i++) {
        bool emulated = false;
        for (uint32_t before = 0; before < i; before++)
            emulated |= engine->shards[before].device == engine->shards[i].device;
        if (!emulated) status = emulate_link(&engine->shards[i], options, error);
    }
    return status;
}

static AlisaStatus init_rope(const AlisaRope *rope, const float *divisors, AlisaRopeTable *table,
                             AlisaError *error) {
    table->pairs = rope->dim / 2;
    table->frequencies = alisa_allocate(table->pairs, sizeof(double), "RoPE frequencies", error);
    if (!table->frequencies) return ALISA_ERROR_MEMORY;
    table->factor = alisa_rope_frequencies(rope, divisors, table->frequencies);
    return ALISA_OK;
}

static AlisaStatus init_ropes(AlisaEngine *engine, AlisaError *error) {
    const AlisaOuterWeights *weights = alisa_weights_outer(engine->shards[0].weights);
    const float *const divisors[ALISA_ROPE_REACHES] = {
        [ALISA_ROPE_SHORT] = weights->rope_divisors ? weights->rope_divisors : weights->rope_short,
        [ALISA_ROPE_LONG] = weights->rope_divisors ? weights->rope_divisors : weights->rope_long,
    };
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < engine->shape.rope_count; i++)
        for (uint32_t reach = 0; reach < ALISA_ROPE_REACHES && status == ALISA_OK; reach++)
            status = init_rope(&engine->shape.ropes[i], divisors[reach], &engine->ropes[i][reach],
                               error);
    return status;
}

AlisaStatus alisa_engine_open(const AlisaGguf *gguf, const AlisaShape *shape,
                              const AlisaShardSpan *spans, uint32_t span_count,
                              const AlisaEngineOptions *options, AlisaEngine **engine,
                              AlisaError *error) {
    AlisaHomes homes = {0};
    *engine = NULL;
    AlisaEngine *made = alisa_allocate_zeroed(1, sizeof *made, "engine", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->log = options->log;
    made->shards = alisa_allocate_zeroed(span_count, sizeof *made->shards, "shards", error);
    made->budgets = alisa_allocate_zeroed(span_count, sizeof *made->budgets, "budgets", error);
    AlisaStatus status = made->shards && made->budgets ? ALISA_OK : ALISA_ERROR_MEMORY;
    if (status == ALISA_OK)
        status = alisa_homes_init(&homes, gguf, options->tensor_rules, options->tensor_rule_count,
                                  error);
    for (uint32_t i = 0, first = 0; i < span_count && status == ALISA_OK; i++) {
        made->shards[made->shard_count++] =
            (AlisaShard){.device = spans[i].device,
                         .first_layer = first,
                         .layer_count = spans[i].end_layer - first,
                         .budget = find_budget(made, &spans[i], options)};
        first = spans[i].end_layer;
        status = init_shard(made, &made->shards[i], gguf, &homes, options, error);
    }
    if (status == ALISA_OK) tell_of_wide_types(made, gguf);
    if (status == ALISA_OK) status = emulate_links(made, options, error);
    if (status == ALISA_OK) status = init_ropes(made, error);
    alisa_homes_finish(&homes);
    if (status != ALISA_OK) {
        alisa_engine_close(made);
        return status;
    }
    *engine = made;
    return ALISA_OK;
}

void alisa_engine_close(AlisaEngine *engine) {
    if (!engine) return;
    for (uint32_t i = 0; engine->shards && i < engine->shard_count; i++)
        finish_shard(&engine->shards[i]);
    free(engine->shards);
    free(engine->budgets);
    for (uint32_t i = 0; i < ALISA_ROPE_LIMIT; i++)
        for (uint32_t reach = 0; reach < ALISA_ROPE_REACHES; reach++)
            free(engine->ropes[i][reach].frequencies);
    free(engine);
}
