/* SPDX-License-Identifier: Apache-2.0 */
#include "model/shape.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fields.h"

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

/* "llama.context_length" and its like. */
typedef struct KeyName {
    char text[160];
} KeyName;

static KeyName key_name(const AlisaShape *shape, const char *suffix) {
    KeyName name;
    snprintf(name.text, sizeof name.text, "%s.%s", shape->architecture->name, suffix);
    return name;
}

typedef struct IntegerKey {
    const char *suffix;
    uint32_t *value;
    uint32_t minimum;
    uint32_t maximum;
    bool required;
} IntegerKey;

static AlisaStatus read_integers(const AlisaGguf *gguf, const AlisaShape *shape,
                                 const IntegerKey *keys, size_t count, AlisaError *error) {
    for (size_t i = 0; i < count; i++) {
        KeyName name = key_name(shape, keys[i].suffix);
        if (keys[i].required && !alisa_gguf_find(gguf, name.text)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: key %s is missing",
                                   alisa_gguf_path(gguf), name.text);
        }
        AlisaStatus status = alisa_gguf_get_u32(gguf, name.text, keys[i].value, error);
        if (status != ALISA_OK) return status;
        if (*keys[i].value < keys[i].minimum || *keys[i].value > keys[i].maximum) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: key %s is %u, outside %u to %u",
                                   alisa_gguf_path(gguf), name.text, *keys[i].value,
                                   keys[i].minimum, keys[i].maximum);
        }
    }
    return ALISA_OK;
}

/* A key with one value for all layers, or an array with one for each. */
typedef struct LayerKey {
    const char *suffix;
    size_t field; /* of AlisaLayerShape: a uint32_t */
    uint32_t minimum;
    uint32_t maximum;
    bool required;
} LayerKey;

#define FIELD(name) offsetof(AlisaLayerShape, name)

static uint32_t *value_of(const AlisaShape *shape, uint32_t layer, const LayerKey *key) {
    return (uint32_t *)(void *)((char *)&shape->layers[layer] + key->field);
}

static bool is_integer(AlisaGgufValueType type) {
    switch (type) {
    case ALISA_GGUF_F32:
    case ALISA_GGUF_F64:
    case ALISA_GGUF_BOOL:
    case ALISA_GGUF_STRING:
    case ALISA_GGUF_ARRAY:
        return false;
    default:
        return true;
    }
}

static AlisaStatus read_layer_array(const AlisaGguf *gguf, const AlisaShape *shape,
                                    const LayerKey *key, const AlisaGgufKey *values,
                                    AlisaError *error) {
    if (!is_integer(values->element_type) || values->count != shape->layer_count) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s is an array of %llu elements; it must have an integer "
                               "for each of the %u layers",
                               alisa_gguf_path(gguf), values->name,
                               (unsigned long long)values->count, shape->layer_count);
    }
    for (uint32_t i = 0; i < shape->layer_count; i++) {
        double value = alisa_gguf_array_number(values, i);
        if (value < key->minimum || value > key->maximum) {
            return alisa_error_set(
                error, ALISA_ERROR_FORMAT, "%s: key %s is %.0f for layer %u, outside %u to %u",
                alisa_gguf_path(gguf), values->name, value, i, key->minimum, key->maximum);
        }
        *value_of(shape, i, key) = (uint32_t)value;
    }
    return ALISA_OK;
}

/* Layers keep what they have where the key is absent. */
static AlisaStatus read_layers(const AlisaGguf *gguf, const AlisaShape *shape, const LayerKey *key,
                               AlisaError *error) {
    KeyName name = key_name(shape, key->suffix);
    const AlisaGgufKey *found = alisa_gguf_find(gguf, name.text);
    if (found && found->type == ALISA_GGUF_ARRAY)
        return read_layer_array(gguf, shape, key, found, error);
    if (!found && !key->required) return ALISA_OK;
    uint32_t value = 0;
    const IntegerKey scalar = {key->suffix, &value, key->minimum, key->maximum, key->required};
    AlisaStatus status = read_integers(gguf, shape, &scalar, 1, error);
    for (uint32_t i = 0; status == ALISA_OK && i < shape->layer_count; i++)
        *value_of(shape, i, key) = value;
    return status;
}

typedef struct FloatKey {
    const char *suffix;
    float *value;
} FloatKey;

/* All of these must be positive and finite to mean anything. An absent one stays as it is. */
static AlisaStatus read_floats(const AlisaGguf *gguf, const AlisaShape *shape, const FloatKey *keys,
                               size_t count, AlisaError *error) {
    for (size_t i = 0; i < count; i++) {
        KeyName name = key_name(shape, keys[i].suffix);
        AlisaStatus status = alisa_gguf_get_f32(gguf, name.text, keys[i].value, error);
        if (status != ALISA_OK) return status;
        if (!alisa_gguf_find(gguf, name.text)) continue;
        if (!(*keys[i].value > 0.0f && *keys[i].value < 1e30f)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: key %s is %g; it must be > 0",
                                   alisa_gguf_path(gguf), name.text, (double)*keys[i].value);
        }
    }
    return ALISA_OK;
}

static AlisaStatus read_rope_scaling(const AlisaGguf *gguf, const AlisaShape *shape,
                                     AlisaRope *rope, AlisaError *error) {
    /* The long and short divisors of LongRoPE are tensors. */
    static const struct {
        const char *name;
        AlisaRopeScaling scaling;
    } scalings[] = {
        {"linear", ALISA_ROPE_LINEAR}, {"longrope", ALISA_ROPE_LINEAR}, {"yarn", ALISA_ROPE_YARN}};
    KeyName name = key_name(shape, "rope.scaling.type");
    AlisaGgufString type = {0};
    AlisaStatus status = alisa_gguf_get_string(gguf, name.text, &type, error);
    if (status != ALISA_OK || !type.data) return status;
    for (size_t i = 0; i < sizeof scalings / sizeof *scalings; i++) {
        if (strlen(scalings[i].name) == type.length &&
            memcmp(scalings[i].name, type.data, type.length) == 0) {
            rope->scaling = scalings[i].scaling;
            return ALISA_OK;
        }
    }
    if (type.length == 4 && memcmp(type.data, "none", 4) == 0) {
        rope->factor = 1.0f;
        return ALISA_OK;
    }
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "%s: RoPE scaling '%.*s' is not supported; this version knows none, "
                           "linear, yarn and longrope",
                           alisa_gguf_path(gguf), (int)(type.length < 64 ? type.length : 64),
                           type.data);
}

static AlisaStatus read_rope(const AlisaGguf *gguf, const AlisaShape *shape, AlisaRope *rope,
                             AlisaError *error) {
    *rope = (AlisaRope){.dim = shape->layers[0].head_dim,
                        .base = 10000.0f,
                        .factor = 1.0f,
                        .attention_factor = 1.0f,
                        .beta_fast = 32.0f,
                        .beta_slow = 1.0f,
                        .exact_ramp = shape->architecture->exact_ramp,
                        .original_context = shape->context_length};
    const IntegerKey integers[] = {
        {"rope.dimension_count", &rope->dim, 2, shape->layers[0].head_dim, false},
        {"rope.scaling.original_context_length", &rope->original_context, 1, UINT32_MAX, false},
    };
    AlisaStatus status =
        read_integers(gguf, shape, integers, sizeof integers / sizeof *integers, error);
    if (status != ALISA_OK) return status;
    if (rope->dim % 2 != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s.rope.dimension_count is %u, which is odd",
                               alisa_gguf_path(gguf), shape->architecture->name, rope->dim);
    }
    /* rope.scale_linear is the older name of a linear factor; 0 says nothing. */
    float legacy = 0.0f;
    KeyName legacy_name = key_name(shape, "rope.scale_linear");
    status = alisa_gguf_get_f32(gguf, legacy_name.text, &legacy, error);
    if (status != ALISA_OK) return status;
    if (legacy > 0.0f) rope->factor = legacy;
    const FloatKey floats[] = {
        {"rope.freq_base", &rope->base},
        {"rope.scaling.factor", &rope->factor},
        {"rope.scaling.attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_beta_fast", &rope->beta_fast},
        {"rope.scaling.yarn_beta_slow", &rope->beta_slow},
    };
    status = read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    return status == ALISA_OK ? read_rope_scaling(gguf, shape, rope, error) : status;
}

/* The rope of the model, and of layers that are turned otherwise. */
static AlisaStatus read_ropes(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const AlisaArchitecture *row = shape->architecture;
    AlisaRope *usual = &shape->ropes[0], *other = &shape->ropes[1];
    shape->rope_count = 1;
    if (row->position != ALISA_POSITION_ROTARY) {
        *usual = (AlisaRope){.dim = 2, .scaling = ALISA_ROPE_STILL};
        return ALISA_OK;
    }
    AlisaStatus status = read_rope(gguf, shape, usual, error);
    if (status != ALISA_OK) return status;
    bool has_windows = false;
    for (uint32_t i = 0; i < shape->layer_count; i++)
        has_windows |= shape->layers[i].sliding_window > 0;
    *other = (AlisaRope){.dim = usual->dim, .scaling = ALISA_ROPE_STILL};
    if (row->window_rope == ALISA_WINDOW_ROPE_OWN) {
        *other = (AlisaRope){.dim = usual->dim,
                             .base = usual->base,
                             .factor = 1.0f,
                             .attention_factor = 1.0f,
                             .original_context = usual->original_context};
        if (row->window_rope_base > 0.0f) other->base = row->window_rope_base;
        const FloatKey base = {"rope.freq_base_swa", &other->base};
        status = read_floats(gguf, shape, &base, 1, error);
    }
    for (uint32_t i = 0; status == ALISA_OK && i < shape->layer_count; i++) {
        AlisaLayerShape *layer = &shape->layers[i];
        bool window = layer->sliding_window > 0;
        layer->rope = (row->window_rope == ALISA_WINDOW_ROPE_OWN && window) ||
                      (row->window_rope == ALISA_WINDOW_ROPE_ONLY && has_windows && !window) ||
                      (row->unrotated_period > 0 && (i + 1) % row->unrotated_period == 0);
        if (layer->rope == 1) shape->rope_count = 2;
    }
    return status;
}

/* ---- What this version does not compute ---------------------------------------------------- */

/* Keys that change the result unless they are 0. */
static const char *const refused_keys[] = {"attention.clamp_kqv", "attention.max_alibi_bias"};

static AlisaStatus refuse_keys(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        KeyName name = key_name(shape, refused_keys[i]);
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
    const LayerKey heads = {"attention.head_count", FIELD(head_count), 1, HEAD_LIMIT, true};
    const LayerKey kv_heads = {"attention.head_count_kv", FIELD(kv_head_count), 1, HEAD_LIMIT,
                               false};
    const LayerKey head_dim = {"attention.key_length", FIELD(head_dim), 1, HEAD_DIM_LIMIT, false};
    uint32_t value_dim = 0;
    const IntegerKey values = {"attention.value_length", &value_dim, 0, HEAD_DIM_LIMIT, false};
    AlisaStatus status = read_layers(gguf, shape, &heads, error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < shape->layer_count; i++) {
        AlisaLayerShape *layer = &shape->layers[i];
        layer->kv_head_count = layer->head_count;
        if (layer->head_count > 0) layer->head_dim = shape->embedding_length / layer->head_count;
    }
    status = read_layers(gguf, shape, &kv_heads, error);
    if (status == ALISA_OK) status = read_layers(gguf, shape, &head_dim, error);
    if (status == ALISA_OK) status = read_integers(gguf, shape, &values, 1, error);
    for (uint32_t i = 0; status == ALISA_OK && i < shape->layer_count; i++)
        status = check_heads(gguf, &shape->layers[i], value_dim, error);
    return status == ALISA_OK ? refuse_different_layers(gguf, shape, error) : status;
}

/* Which layers of a model with a window have it: an array says it of each, or a number how long the
 * pattern is. */
static AlisaStatus read_pattern(const AlisaGguf *gguf, const AlisaShape *shape, uint32_t window,
                                AlisaError *error) {
    uint32_t period = shape->architecture->window_period;
    KeyName name = key_name(shape, "attention.sliding_window_pattern");
    const AlisaGgufKey *found = alisa_gguf_find(gguf, name.text);
    bool is_array = found && found->type == ALISA_GGUF_ARRAY;
    if (is_array && ((found->element_type != ALISA_GGUF_BOOL && !is_integer(found->element_type)) ||
                     found->count != shape->layer_count))
        return alisa_error_set(
            error, ALISA_ERROR_FORMAT,
            "%s: key %s is an array of %llu elements; it must have a truth value "
            "for each of the %u layers",
            alisa_gguf_path(gguf), found->name, (unsigned long long)found->count,
            shape->layer_count);
    const IntegerKey key = {"attention.sliding_window_pattern", &period, 0, UINT32_MAX, false};
    AlisaStatus status = is_array ? ALISA_OK : read_integers(gguf, shape, &key, 1, error);
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
    const IntegerKey key = {"attention.sliding_window", &window, 0, UINT32_MAX, false};
    AlisaStatus status = read_integers(gguf, shape, &key, 1, error);
    if (status == ALISA_OK) status = read_pattern(gguf, shape, window, error);
    return status == ALISA_OK ? read_ropes(gguf, shape, error) : status;
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
    const IntegerKey keys[] = {
        {"expert_count", &experts->count, 0, DIMENSION_LIMIT, false},
        {"expert_used_count", &experts->used, 0, DIMENSION_LIMIT, false},
        {"expert_feed_forward_length", &experts->forward, 1, DIMENSION_LIMIT, false},
        {"expert_shared_feed_forward_length", &experts->shared_forward, 0, DIMENSION_LIMIT, false},
    };
    AlisaStatus status = read_integers(gguf, shape, keys, sizeof keys / sizeof *keys, error);
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
    const FloatKey floats[] = {
        {rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
         &shape->norm_epsilon},
        {"attention.scale", &shape->attention_scale},
        {"attn_logit_softcapping", &shape->attention_soft_cap},
        {"final_logit_softcapping", &shape->logit_soft_cap},
        {"embedding_scale", &shape->embedding_scale},
        {"residual_scale", &shape->residual_scale},
        {"logit_scale", &shape->logit_scale},
    };
    AlisaStatus status = read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    if (row->divides_logits) shape->logit_scale = 1.0f / shape->logit_scale;
    return status;
}

static AlisaStatus read_order(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    shape->is_parallel = shape->architecture->order == ALISA_ORDER_PARALLEL;
    if (!shape->is_parallel) return ALISA_OK;
    KeyName name = key_name(shape, "use_parallel_residual");
    return alisa_gguf_get_bool(gguf, name.text, &shape->is_parallel, error);
}

/* Sizes without which nothing else can be read. */
static AlisaStatus read_sizes(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const IntegerKey sizes[] = {
        {"context_length", &shape->context_length, 1, UINT32_MAX, true},
        {"embedding_length", &shape->embedding_length, 1, DIMENSION_LIMIT, true},
        {"block_count", &shape->layer_count, 1, LAYER_LIMIT, true},
    };
    AlisaStatus status = read_integers(gguf, shape, sizes, sizeof sizes / sizeof *sizes, error);
    if (status != ALISA_OK) return status;
    shape->layers =
        alisa_allocate_zeroed(shape->layer_count, sizeof *shape->layers, "layer shapes", error);
    if (!shape->layers) return ALISA_ERROR_MEMORY;
    const LayerKey feed_forward = {"feed_forward_length", FIELD(feed_forward_length), 1,
                                   DIMENSION_LIMIT, true};
    status = read_layers(gguf, shape, &feed_forward, error);
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
