/* SPDX-License-Identifier: Apache-2.0 */
#include "model/shape.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "model/fields.h"
#include "model/keys.h"
#include "model/rope_keys.h"

#define FIELD(name) offsetof(AlisaLayerShape, name)

/* Limits that keep every later product inside 64 bits and every launch inside 32. */
#define DIMENSION_LIMIT (1u << 24)
#define LAYER_LIMIT     4096u
#define HEAD_LIMIT      (1u << 16)
#define HEAD_DIM_LIMIT  256u

static AlisaStatus read_architecture(const AlisaGguf *gguf, AlisaShape *shape,
                                     AlisaComplaints *complaints, AlisaError *error) {
    const char *path = alisa_gguf_path(gguf);
    AlisaGgufString name = {0};
    AlisaStatus status = alisa_gguf_get_string(gguf, "general.architecture", &name, error);
    if (status != ALISA_OK) return status;
    if (!name.data) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: no key general.architecture: this is not a language model",
                               path);
    }
    char runs[1024];
    alisa_architecture_list(alisa_field_roles(), runs, sizeof runs);
    int shown = (int)(name.length < 64 ? name.length : 64);
    shape->architecture = alisa_architecture_find(name.data, (size_t)name.length);
    if (!shape->architecture) {
        const char *kind = alisa_architecture_kind(name.data, (size_t)name.length);
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: architecture '%.*s' is %s; this version runs: %s", path, shown,
                               name.data, kind ? kind : "not supported", runs);
    }
    const char *missing;
    for (size_t i = 0;
         (missing = alisa_architecture_missing(shape->architecture, alisa_field_roles(), i)); i++) {
        AlisaStatus failed = alisa_error_set(
            error, ALISA_ERROR_UNSUPPORTED,
            "%s: architecture '%.*s' needs %s, which this version does not compute%s%s", path,
            shown, name.data, missing, i ? "" : "; it runs: ", i ? "" : runs);
        status = alisa_complain(complaints, failed, error);
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
}

/* ---- What this version does not compute ---------------------------------------------------- */

/* Keys that change the result unless they are 0. */
static const char *const refused_keys[] = {"attention.clamp_kqv", "attention.max_alibi_bias"};

static AlisaStatus refuse_keys(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        AlisaKeyName name = alisa_keys_name(shape, refused_keys[i]);
        float value = 0.0f;
        AlisaStatus status = alisa_gguf_get_f32(gguf, name.text, &value, error);
        if (status != ALISA_OK) return status;
        if (value == 0.0f) continue;
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: key %s is %g, which this version does not compute: the results "
                               "would be wrong",
                               alisa_gguf_path(gguf), name.text, (double)value);
    }
    return ALISA_OK;
}

/* One cache and one set of attention kernels serve all layers. */
static AlisaStatus refuse_different_layers(const AlisaGguf *gguf, const AlisaShape *shape,
                                           AlisaError *error) {
    const AlisaLayerShape *first = &shape->layers[0];
    for (uint32_t i = 1; i < shape->layer_count; i++) {
        const AlisaLayerShape *layer = &shape->layers[i];
        if (layer->head_count == first->head_count &&
            layer->kv_head_count == first->kv_head_count && layer->head_dim == first->head_dim)
            continue;
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: layer 0 has %u heads and %u KV heads of %u elements, layer %u "
                               "has %u and %u of %u (%s.attention.head_count, head_count_kv): this "
                               "version runs models whose layers have the same heads",
                               alisa_gguf_path(gguf), first->head_count, first->kv_head_count,
                               first->head_dim, i, layer->head_count, layer->kv_head_count,
                               layer->head_dim, shape->architecture->name);
    }
    return ALISA_OK;
}

/* ---- Layers -------------------------------------------------------------------------------- */

static AlisaStatus check_heads(const AlisaGguf *gguf, const AlisaLayerShape *layer,
                               uint32_t value_dim, AlisaError *error) {
    const char *path = alisa_gguf_path(gguf);
    if (layer->kv_head_count == 0 || layer->head_count % layer->kv_head_count != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: %u attention heads are not a multiple of %u KV heads", path,
                               layer->head_count, layer->kv_head_count);
    }
    if (layer->head_dim == 0 || layer->head_dim % 8 != 0 || layer->head_dim > HEAD_DIM_LIMIT) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: head size %u; this version runs multiples of 8 up to %u", path,
                               layer->head_dim, HEAD_DIM_LIMIT);
    }
    if (value_dim != 0 && value_dim != layer->head_dim) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: keys of %u and values of %u elements a head; this version "
                               "needs them equal",
                               path, layer->head_dim, value_dim);
    }
    return ALISA_OK;
}

static AlisaStatus read_heads(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const AlisaLayerKey heads = {"attention.head_count", FIELD(head_count), 1, HEAD_LIMIT, true};
    const AlisaLayerKey kv_heads = {"attention.head_count_kv", FIELD(kv_head_count), 1, HEAD_LIMIT,
                                    false};
    const AlisaLayerKey head_dim = {"attention.key_length", FIELD(head_dim), 1, HEAD_DIM_LIMIT,
                                    false};
    uint32_t value_dim = 0;
    const AlisaIntegerKey values = {"attention.value_length", &value_dim, 0, HEAD_DIM_LIMIT, false};
    AlisaStatus status = alisa_keys_read_layers(gguf, shape, &heads, error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < shape->layer_count; i++) {
        AlisaLayerShape *layer = &shape->layers[i];
        layer->kv_head_count = layer->head_count;
        if (layer->head_count > 0) layer->head_dim = shape->embedding_length / layer->head_count;
    }
    status = alisa_keys_read_layers(gguf, shape, &kv_heads, error);
    if (status == ALISA_OK) status = alisa_keys_read_layers(gguf, shape, &head_dim, error);
    if (status == ALISA_OK) status = alisa_keys_read_integers(gguf, shape, &values, 1, error);
    for (uint32_t i = 0; status == ALISA_OK && i < shape->layer_count; i++)
        status = check_heads(gguf, &shape->layers[i], value_dim, error);
    return status == ALISA_OK ? refuse_different_layers(gguf, shape, error) : status;
}

/* Which layers of a model with a window have it: an array says it of each, or a number how long the
 * pattern is. */
static AlisaStatus read_pattern(const AlisaGguf *gguf, const AlisaShape *shape, uint32_t window,
                                AlisaError *error) {
    uint32_t period = shape->architecture->window_period;
    AlisaKeyName name = alisa_keys_name(shape, "attention.sliding_window_pattern");
    const AlisaGgufKey *found = alisa_gguf_find(gguf, name.text);
    bool is_array = found && found->type == ALISA_GGUF_ARRAY;
    if (is_array &&
        ((found->element_type != ALISA_GGUF_BOOL && !alisa_keys_is_integer(found->element_type)) ||
         found->count != shape->layer_count))
        return alisa_error_set(
            error, ALISA_ERROR_FORMAT,
            "%s: key %s is an array of %llu elements; it must have a truth value "
            "for each of the %u layers",
            alisa_gguf_path(gguf), found->name, (unsigned long long)found->count,
            shape->layer_count);
    const AlisaIntegerKey key = {"attention.sliding_window_pattern", &period, 0, UINT32_MAX, false};
    AlisaStatus status =
        is_array ? ALISA_OK : alisa_keys_read_integers(gguf, shape, &key, 1, error);
    for (uint32_t i = 0; i < shape->layer_count && status == ALISA_OK; i++) {
        bool has_window = is_array ? alisa_gguf_array_number(found, i) != 0.0
                                   : period == 0 || i % period < period - 1;
        shape->layers[i].sliding_window = has_window ? window : 0;
    }
    return status;
}

/* A window of 0 is none, as some converters write it. */
static AlisaStatus read_windows(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    uint32_t window = shape->architecture->window;
    const AlisaIntegerKey key = {"attention.sliding_window", &window, 0, UINT32_MAX, false};
    AlisaStatus status = alisa_keys_read_integers(gguf, shape, &key, 1, error);
    if (status == ALISA_OK) status = read_pattern(gguf, shape, window, error);
    return status == ALISA_OK ? alisa_rope_keys_read(gguf, shape, error) : status;
}

/* ---- Experts ------------------------------------------------------------------------------- */

static AlisaStatus check_experts(const AlisaGguf *gguf, const AlisaShape *shape,
                                 AlisaError *error) {
    const AlisaArchitecture *row = shape->architecture;
    const AlisaExpertShape *experts = &shape->experts;
    const char *path = alisa_gguf_path(gguf);
    if (experts->count == 0) {
        if (row->required & ALISA_ROLES(ALISA_ROLE_UP)) return ALISA_OK;
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s.expert_count is missing or 0, and architecture '%s' has "
                               "a mixture of experts in every layer",
                               path, row->name, row->name);
    }
    if (row->gating == ALISA_GATING_NONE)
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: a mixture of %u experts (key %s.expert_count), which this "
                               "version does not compute in architecture '%s'",
                               path, experts->count, row->name, row->name);
    if (experts->used == 0 || experts->used > experts->count)
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s.expert_used_count is %u; a token takes at least one of "
                               "the %u experts, and no more than there are",
                               path, row->name, experts->used, experts->count);
    if ((uint64_t)experts->count * experts->forward <= INT32_MAX &&
        (uint64_t)experts->count * shape->embedding_length <= INT32_MAX)
        return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "%s: %u experts of %u elements (keys %s.expert_count and "
                           "expert_feed_forward_length); this version runs fewer than 2^31 in all",
                           path, experts->count, experts->forward, row->name);
}

/* What a token meets of the feed-forward block is the length of a layer's from then on. */
static AlisaStatus read_experts(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    AlisaExpertShape *experts = &shape->experts;
    uint32_t dense = shape->layers[0].feed_forward_length;
    experts->forward = dense;
    if (shape->architecture->required & ALISA_ROLES(ALISA_ROLE_SHARED_UP))
        experts->shared_forward = dense;
    const AlisaIntegerKey keys[] = {
        {"expert_count", &experts->count, 0, DIMENSION_LIMIT, false},
        {"expert_used_count", &experts->used, 0, DIMENSION_LIMIT, false},
        {"expert_feed_forward_length", &experts->forward, 1, DIMENSION_LIMIT, false},
        {"expert_shared_feed_forward_length", &experts->shared_forward, 0, DIMENSION_LIMIT, false},
    };
    AlisaStatus status =
        alisa_keys_read_integers(gguf, shape, keys, sizeof keys / sizeof *keys, error);
    if (status == ALISA_OK) status = check_experts(gguf, shape, error);
    if (status != ALISA_OK || experts->count == 0) return status;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        shape->layers[i].feed_forward_length =
            experts->used * experts->forward + experts->shared_forward;
    return ALISA_OK;
}

/* ---- Numbers of the whole model ------------------------------------------------------------ */

static AlisaStatus read_scales(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const AlisaArchitecture *row = shape->architecture;
    bool rms = row->norm == ALISA_NORM_RMS;
    bool by_embedding =
        row->embedding_scaled_layers > 0 && row->embedding_scaled_layers == shape->layer_count;
    uint32_t width = by_embedding ? shape->embedding_length / shape->layers[0].head_count
                                  : shape->layers[0].head_dim;
    shape->attention_scale = 1.0f / sqrtf((float)width);
    shape->attention_soft_cap = row->attention_soft_cap;
    shape->logit_soft_cap = row->logit_soft_cap;
    shape->residual_scale = shape->logit_scale = 1.0f;
    shape->embedding_scale = row->scales_embedding ? sqrtf((float)shape->embedding_length) : 1.0f;
    const AlisaFloatKey floats[] = {
        {rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
         &shape->norm_epsilon},
        {"attention.scale", &shape->attention_scale},
        {"attn_logit_softcapping", &shape->attention_soft_cap},
        {"final_logit_softcapping", &shape->logit_soft_cap},
        {"embedding_scale", &shape->embedding_scale},
        {"residual_scale", &shape->residual_scale},
        {"logit_scale", &shape->logit_scale},
    };
    AlisaStatus status =
        alisa_keys_read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    if (row->divides_logits) shape->logit_scale = 1.0f / shape->logit_scale;
    return status;
}

static AlisaStatus read_order(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    shape->is_parallel = shape->architecture->order == ALISA_ORDER_PARALLEL;
    if (!shape->is_parallel) return ALISA_OK;
    AlisaKeyName name = alisa_keys_name(shape, "use_parallel_residual");
    return alisa_gguf_get_bool(gguf, name.text, &shape->is_parallel, error);
}

/* Sizes without which nothing else can be read. */
static AlisaStatus read_sizes(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const AlisaIntegerKey sizes[] = {
        {"context_length", &shape->context_length, 1, UINT32_MAX, true},
        {"embedding_length", &shape->embedding_length, 1, DIMENSION_LIMIT, true},
        {"block_count", &shape->layer_count, 1, LAYER_LIMIT, true},
    };
    AlisaStatus status =
        alisa_keys_read_integers(gguf, shape, sizes, sizeof sizes / sizeof *sizes, error);
    if (status != ALISA_OK) return status;
    shape->layers =
        alisa_allocate_zeroed(shape->layer_count, sizeof *shape->layers, "layer shapes", error);
    if (!shape->layers) return ALISA_ERROR_MEMORY;
    const AlisaLayerKey feed_forward = {"feed_forward_length", FIELD(feed_forward_length), 1,
                                        DIMENSION_LIMIT, true};
    status = alisa_keys_read_layers(gguf, shape, &feed_forward, error);
    if (status == ALISA_OK) status = read_experts(gguf, shape, error);
    return status == ALISA_OK ? read_heads(gguf, shape, error) : status;
}

static AlisaStatus read_all(const AlisaGguf *gguf, AlisaShape *shape, AlisaComplaints *complaints,
                            AlisaError *error) {
    typedef AlisaStatus Reader(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error);
    static Reader *const readers[] = {read_windows, read_scales, read_order, refuse_keys};
    AlisaStatus status = read_architecture(gguf, shape, complaints, error);
    if (status == ALISA_OK) status = read_sizes(gguf, shape, error);
    for (size_t i = 0; i < sizeof readers / sizeof *readers && status == ALISA_OK; i++)
        status = alisa_complain(complaints, readers[i](gguf, shape, error), error);
    return status;
}

AlisaStatus alisa_shape_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaComplaints *complaints,
                             AlisaError *error) {
    *shape = (AlisaShape){.norm_epsilon = 1e-5f};
    AlisaStatus status = read_all(gguf, shape, complaints, error);
    if (status != ALISA_OK) alisa_shape_finish(shape);
    return status;
}

void alisa_shape_finish(AlisaShape *shape) {
    free(shape->layers);
    shape->layers = NULL;
}

uint32_t alisa_shape_feed_forward(const AlisaShape *shape) {
    uint32_t longest = 0;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        if (shape->layers[i].feed_forward_length > longest)
            longest = shape->layers[i].feed_forward_length;
    return longest;
}

AlisaSizes alisa_shape_sizes(const AlisaShape *shape, uint32_t layer) {
    const AlisaLayerShape *of = &shape->layers[layer];
    return (AlisaSizes){.embedding = shape->embedding_length,
                        .heads = of->head_count,
                        .kv_heads = of->kv_head_count,
                        .head_dim = of->head_dim,
                        .rope_pairs = shape->ropes[0].dim / 2,
                        .feed_forward = of->feed_forward_length,
                        .vocabulary = shape->vocabulary_size,
                        .positions = shape->context_length + shape->architecture->position_offset,
                        .experts = shape->experts.count,
                        .expert_forward = shape->experts.forward,
                        .shared_forward = shape->experts.shared_forward};
}
