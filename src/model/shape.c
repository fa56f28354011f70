#include "model/shape.h"

#include <stdio.h>
#include <string.h>

/* Architectures whose stages run in the order of the engine's step; one row of data each. */
typedef struct Architecture {
    const char *name;
} Architecture;

static const Architecture architectures[] = {
    {"llama"}, /* LLaMA 1-3.x, Mistral, TinyLlama, SmolLM, Yi and others converted to this name */
};

/* Limits that keep every later product inside 64 bits and every launch inside 32. */
#define DIMENSION_LIMIT (1u << 24)
#define LAYER_LIMIT     4096u
#define HEAD_DIM_LIMIT  256u

static const Architecture *find_architecture(const char *name) {
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
        if (strcmp(name, architectures[i].name) == 0) return &architectures[i];
    }
    return NULL;
}

static AlisaStatus read_architecture(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    AlisaGgufString name = {0};
    AlisaStatus status = alisa_gguf_get_string(gguf, "general.architecture", &name, error);
    if (status != ALISA_OK) return status;
    if (!name.data) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: no key general.architecture: this is not a language model",
                               alisa_gguf_path(gguf));
    }
    if (name.length >= sizeof shape->architecture) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: general.architecture has %llu bytes",
                               alisa_gguf_path(gguf), (unsigned long long)name.length);
    }
    memcpy(shape->architecture, name.data, name.length);
    shape->architecture[name.length] = 0;
    if (!find_architecture(shape->architecture)) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: architecture '%s' is not supported; this version runs: llama",
                               alisa_gguf_path(gguf), shape->architecture);
    }
    return ALISA_OK;
}

/* "llama.context_length" and its like. */
typedef struct KeyName {
    char text[160];
} KeyName;

static KeyName key_name(const AlisaShape *shape, const char *suffix) {
    KeyName name;
    snprintf(name.text, sizeof name.text, "%s.%s", shape->architecture, suffix);
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
    *rope = (AlisaRope){.dim = shape->head_dim,
                        .base = 10000.0f,
                        .factor = 1.0f,
                        .attention_factor = 1.0f,
                        .beta_fast = 32.0f,
                        .beta_slow = 1.0f,
                        .original_context = shape->context_length};
    const IntegerKey integers[] = {
        {"rope.dimension_count", &rope->dim, 2, shape->head_dim, false},
        {"rope.scaling.original_context_length", &rope->original_context, 1, UINT32_MAX, false},
    };
    AlisaStatus status =
        read_integers(gguf, shape, integers, sizeof integers / sizeof *integers, error);
    if (status != ALISA_OK) return status;
    if (rope->dim % 2 != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s.rope.dimension_count is %u, which is odd",
                               alisa_gguf_path(gguf), shape->architecture, rope->dim);
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

/* Refuses what a file of this architecture may ask for and this version would compute wrongly. */
static AlisaStatus refuse_extensions(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    uint32_t experts = 0;
    uint32_t window = 0;
    const IntegerKey keys[] = {
        {"expert_count", &experts, 0, UINT32_MAX, false},
        {"attention.sliding_window", &window, 0, UINT32_MAX, false},
    };
    AlisaStatus status = read_integers(gguf, shape, keys, sizeof keys / sizeof *keys, error);
    if (status != ALISA_OK) return status;
    if (experts > 0) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: a mixture of %u experts; this version runs dense models only",
                               alisa_gguf_path(gguf), experts);
    }
    /* Inside one sliding window the model is an ordinary one; past it the results would differ. */
    if (window > 0 && window < shape->context_length) shape->context_length = window;
    return ALISA_OK;
}

AlisaStatus alisa_shape_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
    *shape = (AlisaShape){.norm_epsilon = 1e-5f};
    AlisaStatus status = read_architecture(gguf, shape, error);
    if (status != ALISA_OK) return status;

    const IntegerKey sizes[] = {
        {"context_length", &shape->context_length, 1, UINT32_MAX, true},
        {"embedding_length", &shape->embedding_length, 1, DIMENSION_LIMIT, true},
        {"block_count", &shape->layer_count, 1, LAYER_LIMIT, true},
        {"feed_forward_length", &shape->feed_forward_length, 1, DIMENSION_LIMIT, true},
        {"attention.head_count", &shape->head_count, 1, DIMENSION_LIMIT, true},
    };
    status = read_integers(gguf, shape, sizes, sizeof sizes / sizeof *sizes, error);
    if (status != ALISA_OK) return status;

    shape->kv_head_count = shape->head_count;
    shape->head_dim = shape->embedding_length / shape->head_count;
    uint32_t value_dim = 0;
    const IntegerKey heads[] = {
        {"attention.head_count_kv", &shape->kv_head_count, 1, shape->head_count, false},
        {"attention.key_length", &shape->head_dim, 1, HEAD_DIM_LIMIT, false},
        {"attention.value_length", &value_dim, 0, HEAD_DIM_LIMIT, false},
    };
    status = read_integers(gguf, shape, heads, sizeof heads / sizeof *heads, error);
    if (status != ALISA_OK) return status;
    const char *path = alisa_gguf_path(gguf);
    if (shape->head_count % shape->kv_head_count != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: %u attention heads are not a multiple of %u KV heads", path,
                               shape->head_count, shape->kv_head_count);
    }
    if (shape->head_dim == 0 || shape->head_dim % 8 != 0 || shape->head_dim > HEAD_DIM_LIMIT) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: head size %u; this version runs multiples of 8 up to %u", path,
                               shape->head_dim, HEAD_DIM_LIMIT);
    }
    if (value_dim != 0 && value_dim != shape->head_dim) {
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                               "%s: keys of %u and values of %u elements a head; this version "
                               "needs them equal",
                               path, shape->head_dim, value_dim);
    }

    const FloatKey epsilon = {"attention.layer_norm_rms_epsilon", &shape->norm_epsilon};
    status = read_floats(gguf, shape, &epsilon, 1, error);
    if (status == ALISA_OK) status = read_rope(gguf, shape, error);
    if (status == ALISA_OK) status = refuse_extensions(gguf, shape, error);
    return status;
}
