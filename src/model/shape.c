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

static AlisaStatus read_architecture(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
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
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: architecture '%.*s' is not supported; this version runs: %s",
                               path, shown, name.data, runs);
    }
    const char *missing = alisa_architecture_missing(shape->architecture, alisa_field_roles());
    if (missing) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: architecture '%.*s' needs %s, which this version does not "
                               "compute; it runs: %s",
                               path, shown, name.data, missing, runs);
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

/* All of these must be positive and finite to mean anything. */
static AlisaStatus read_floats(const AlisaGguf *gguf, const AlisaShape *shape, const FloatKey *keys,
                               size_t count, AlisaError *error) {
    for (size_t i = 0; i < count; i++) {
        KeyName name = key_name(shape, keys[i].suffix);
        AlisaStatus status = alisa_gguf_get_f32(gguf, name.text, keys[i].value, error);
        if (status != ALISA_OK) return status;
        if (!(*keys[i].value > 0.0f && *keys[i].value < 1e30f)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: key %s is %g; it must be > 0",
                                   alisa_gguf_path(gguf), name.text, (double)*keys[i].value);
        }
    }
    return ALISA_OK;
}

static AlisaStatus read_rope(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    AlisaRope *rope = &shape->rope;
    *rope = (AlisaRope){.dim = shape->layers[0].head_dim,
                        .base = 10000.0f,
                        .factor = 1.0f,
                        .attention_factor = 1.0f,
                        .beta_fast = 32.0f,
                        .beta_slow = 1.0f,
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

    /* rope.scale_linear is the older name of a linear factor. */
    float legacy = 0.0f;
    KeyName legacy_name = key_name(shape, "rope.scale_linear");
    status = alisa_gguf_get_f32(gguf, legacy_name.text, &legacy, error);
    if (status != ALISA_OK) return status;
    if (legacy > 0.0f) {
        rope->scaling = ALISA_ROPE_LINEAR;
        rope->factor = legacy;
    }
    const FloatKey floats[] = {
        {"rope.freq_base", &rope->base},
        {"rope.scaling.factor", &rope->factor},
        {"rope.scaling.attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_beta_fast", &rope->beta_fast},
        {"rope.scaling.yarn_beta_slow", &rope->beta_slow},
    };
    status = read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    if (status != ALISA_OK) return status;

    static const struct {
        const char *name;
        AlisaRopeScaling scaling;
    } scalings[] = {
        {"none", ALISA_ROPE_UNSCALED}, {"linear", ALISA_ROPE_LINEAR}, {"yarn", ALISA_ROPE_YARN}};
    KeyName type_name = key_name(shape, "rope.scaling.type");
    AlisaGgufString type = {0};
    status = alisa_gguf_get_string(gguf, type_name.text, &type, error);
    if (status != ALISA_OK || !type.data) return status;
    for (size_t i = 0; i < sizeof scalings / sizeof *scalings; i++) {
        if (strlen(scalings[i].name) == type.length &&
            memcmp(scalings[i].name, type.data, type.length) == 0) {
            rope->scaling = scalings[i].scaling;
            return ALISA_OK;
        }
    }
    return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                           "%s: RoPE scaling '%.*s' is not supported; this version knows none, "
                           "linear and yarn",
                           alisa_gguf_path(gguf), (int)(type.length < 64 ? type.length : 64),
                           type.data);
}

/* ---- What this version does not compute ---------------------------------------------------- */

/* Keys that change the result, and the other value beside 0 that does not. */
static const struct {
    const char *suffix;
    float neutral;
} refused_keys[] = {
    {"attn_logit_softcapping", 0.0f},
    {"final_logit_softcapping", 0.0f},
    {"attention.clamp_kqv", 0.0f},
    {"attention.max_alibi_bias", 0.0f},
    {"embedding_scale", 1.0f},
    {"residual_scale", 1.0f},
    {"logit_scale", 1.0f},
};

static AlisaStatus refuse_keys(const AlisaGguf *gguf, const AlisaShape *shape, AlisaError *error) {
    uint32_t experts = 0;
    const IntegerKey count = {"expert_count", &experts, 0, UINT32_MAX, false};
    AlisaStatus status = read_integers(gguf, shape, &count, 1, error);
    if (status != ALISA_OK) return status;
    if (experts > 0) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: a mixture of %u experts; this version runs dense models only",
                               alisa_gguf_path(gguf), experts);
    }
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        KeyName name = key_name(shape, refused_keys[i].suffix);
        float value = 0.0f;
        status = alisa_gguf_get_f32(gguf, name.text, &value, error);
        if (status != ALISA_OK) return status;
        if (value == 0.0f || value == refused_keys[i].neutral) continue;
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
    if (layer->head_count % layer->kv_head_count != 0) {
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

/* Windows and RoPE, which go by the pattern of the architecture. */
static AlisaStatus read_windows(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    const AlisaArchitecture *row = shape->architecture;
    uint32_t window = 0, period = row->window_period;
    const IntegerKey key = {"attention.sliding_window", &window, 0, UINT32_MAX, false};
    AlisaStatus status = read_integers(gguf, shape, &key, 1, error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < shape->layer_count; i++) {
        AlisaLayerShape *layer = &shape->layers[i];
        if (period == 0 || i % period < period - 1) layer->sliding_window = window;
        layer->rope = ALISA_LAYER_ROPE_NONE;
        if (row->position != ALISA_POSITION_ROTARY) continue;
        bool own = layer->sliding_window > 0 && row->window_rope_base > 0.0f;
        layer->rope = own ? ALISA_LAYER_ROPE_WINDOW : ALISA_LAYER_ROPE_MODEL;
    }
    return ALISA_OK;
}

static AlisaStatus read_all(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    AlisaStatus status = read_architecture(gguf, shape, error);
    if (status != ALISA_OK) return status;
    const IntegerKey sizes[] = {
        {"context_length", &shape->context_length, 1, UINT32_MAX, true},
        {"embedding_length", &shape->embedding_length, 1, DIMENSION_LIMIT, true},
        {"block_count", &shape->layer_count, 1, LAYER_LIMIT, true},
    };
    status = read_integers(gguf, shape, sizes, sizeof sizes / sizeof *sizes, error);
    if (status != ALISA_OK) return status;
    shape->layers =
        alisa_allocate_zeroed(shape->layer_count, sizeof *shape->layers, "layer shapes", error);
    if (!shape->layers) return ALISA_ERROR_MEMORY;
    const LayerKey feed_forward = {"feed_forward_length", FIELD(feed_forward_length), 1,
                                   DIMENSION_LIMIT, true};
    status = read_layers(gguf, shape, &feed_forward, error);
    if (status == ALISA_OK) status = read_heads(gguf, shape, error);
    if (status == ALISA_OK) status = read_windows(gguf, shape, error);
    if (status != ALISA_OK) return status;

    bool rms = shape->architecture->norm == ALISA_NORM_RMS;
    shape->attention_scale = 1.0f / sqrtf((float)shape->layers[0].head_dim);
    const FloatKey floats[] = {
        {rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
         &shape->norm_epsilon},
        {"attention.scale", &shape->attention_scale},
    };
    status = read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    if (status == ALISA_OK) status = read_rope(gguf, shape, error);
    return status == ALISA_OK ? refuse_keys(gguf, shape, error) : status;
}

AlisaStatus alisa_shape_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    *shape = (AlisaShape){.norm_epsilon = 1e-5f};
    AlisaStatus status = read_all(gguf, shape, error);
    if (status != ALISA_OK) alisa_shape_finish(shape);
    return status;
}

void alisa_shape_finish(AlisaShape *shape) {
    free(shape->layers);
    shape->layers = NULL;
}

uint32_t alisa_shape_full_attention(const AlisaShape *shape) {
    uint32_t longest = UINT32_MAX;
    for (uint32_t i = 0; i < shape->layer_count; i++) {
        uint32_t window = shape->layers[i].sliding_window;
        if (window > 0 && window < longest) longest = window;
    }
    return longest;
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
                        .rope_pairs = shape->rope.dim / 2,
                        .feed_forward = of->feed_forward_length,
                        .vocabulary = shape->vocabulary_size,
                        .positions = shape->context_length + shape->architecture->position_offset};
}
