/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keys of a file say of rotary positions.
 */
#include <string.h>

#include "model/keys.h"
#include "model/rope_keys.h"

static AlisaStatus read_rope_scaling(const AlisaGguf *gguf, const AlisaShape *shape,
                                     AlisaRope *rope, AlisaError *error) {
    /* The long and short divisors of LongRoPE are tensors. */
    static const struct {
        const char *name;
        AlisaRopeScaling scaling;
    } scalings[] = {
        {"linear", ALISA_ROPE_LINEAR}, {"longrope", ALISA_ROPE_LINEAR}, {"yarn", ALISA_ROPE_YARN}};
    AlisaKeyName name = alisa_keys_name(shape, "rope.scaling.type");
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
    const AlisaIntegerKey integers[] = {
        {"rope.dimension_count", &rope->dim, 2, shape->layers[0].head_dim, false},
        {"rope.scaling.original_context_length", &rope->original_context, 1, UINT32_MAX, false},
    };
    AlisaStatus status =
        alisa_keys_read_integers(gguf, shape, integers, sizeof integers / sizeof *integers, error);
    if (status != ALISA_OK) return status;
    if (rope->dim % 2 != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: key %s.rope.dimension_count is %u, which is odd",
                               alisa_gguf_path(gguf), shape->architecture->name, rope->dim);
    }
    /* rope.scale_linear is the older name of a linear factor; 0 says nothing. */
    float legacy = 0.0f;
    AlisaKeyName legacy_name = alisa_keys_name(shape, "rope.scale_linear");
    status = alisa_gguf_get_f32(gguf, legacy_name.text, &legacy, error);
    if (status != ALISA_OK) return status;
    if (legacy > 0.0f) rope->factor = legacy;
    const AlisaFloatKey floats[] = {
        {"rope.freq_base", &rope->base},
        {"rope.scaling.factor", &rope->factor},
        {"rope.scaling.attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_attn_factor", &rope->attention_factor},
        {"rope.scaling.yarn_beta_fast", &rope->beta_fast},
        {"rope.scaling.yarn_beta_slow", &rope->beta_slow},
    };
    status = alisa_keys_read_floats(gguf, shape, floats, sizeof floats / sizeof *floats, error);
    return status == ALISA_OK ? read_rope_scaling(gguf, shape, rope, error) : status;
}

AlisaStatus alisa_rope_keys_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error) {
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
        const AlisaFloatKey base = {"rope.freq_base_swa", &other->base};
        status = alisa_keys_read_floats(gguf, shape, &base, 1, error);
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
