/* SPDX-License-Identifier: Apache-2.0 */
#include "model/keys.h"

#include <stdio.h>

AlisaKeyName alisa_keys_name(const AlisaShape *shape, const char *suffix) {
    AlisaKeyName name;
    snprintf(name.text, sizeof name.text, "%s.%s", shape->architecture->name, suffix);
    return name;
}

AlisaStatus alisa_keys_read_integers(const AlisaGguf *gguf, const AlisaShape *shape,
                                     const AlisaIntegerKey *keys, size_t count, AlisaError *error) {
    for (size_t i = 0; i < count; i++) {
        AlisaKeyName name = alisa_keys_name(shape, keys[i].suffix);
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

static uint32_t *value_of(const AlisaShape *shape, uint32_t layer, const AlisaLayerKey *key) {
    return (uint32_t *)(void *)((char *)&shape->layers[layer] + key->field);
}

bool alisa_keys_is_integer(AlisaGgufValueType type) {
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
                                    const AlisaLayerKey *key, const AlisaGgufKey *values,
                                    AlisaError *error) {
    if (!alisa_keys_is_integer(values->element_type) || values->count != shape->layer_count) {
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

AlisaStatus alisa_keys_read_layers(const AlisaGguf *gguf, const AlisaShape *shape,
                                   const AlisaLayerKey *key, AlisaError *error) {
    AlisaKeyName name = alisa_keys_name(shape, key->suffix);
    const AlisaGgufKey *found = alisa_gguf_find(gguf, name.text);
    if (found && found->type == ALISA_GGUF_ARRAY)
        return read_layer_array(gguf, shape, key, found, error);
    if (!found && !key->required) return ALISA_OK;
    uint32_t value = 0;
    const AlisaIntegerKey scalar = {key->suffix, &value, key->minimum, key->maximum, key->required};
    AlisaStatus status = alisa_keys_read_integers(gguf, shape, &scalar, 1, error);
    for (uint32_t i = 0; status == ALISA_OK && i < shape->layer_count; i++)
        *value_of(shape, i, key) = value;
    return status;
}

AlisaStatus alisa_keys_read_floats(const AlisaGguf *gguf, const AlisaShape *shape,
                                   const AlisaFloatKey *keys, size_t count, AlisaError *error) {
    for (size_t i = 0; i < count; i++) {
        AlisaKeyName name = alisa_keys_name(shape, keys[i].suffix);
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
