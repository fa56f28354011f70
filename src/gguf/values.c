/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf/gguf.h"

#include <string.h>

static uint64_t read_little(const uint8_t *data, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)data[i] << (8 * i);
    return value;
}

static double read_float(const uint8_t *data) {
    uint32_t bits = (uint32_t)read_little(data, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double read_double(const uint8_t *data) {
    uint64_t bits = read_little(data, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Whether the type is an integer; then its value, as its two halves: sign and magnitude. */
static bool read_integer(AlisaGgufValueType type, const uint8_t *data, bool *negative,
                         uint64_t *magnitude) {
    static const struct {
        uint8_t bytes;
        bool is_signed;
    } integers[] = {
        [ALISA_GGUF_U8] = {1, false},  [ALISA_GGUF_I8] = {1, true},   [ALISA_GGUF_U16] = {2, false},
        [ALISA_GGUF_I16] = {2, true},  [ALISA_GGUF_U32] = {4, false}, [ALISA_GGUF_I32] = {4, true},
        [ALISA_GGUF_U64] = {8, false}, [ALISA_GGUF_I64] = {8, true},
    };
    if ((size_t)type >= sizeof integers / sizeof integers[0] || !integers[type].bytes) return false;
    unsigned bits = integers[type].bytes * 8u;
    uint64_t value = read_little(data, integers[type].bytes);
    *negative = integers[type].is_signed && (value >> (bits - 1)) != 0;
    if (*negative) value = (0u - value) & (UINT64_MAX >> (64 - bits));
    *magnitude = value;
    return true;
}

static AlisaStatus wrong_kind(const AlisaGguf *gguf, const AlisaGgufKey *key, const char *wanted,
                              AlisaError *error) {
    return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: the key %s should hold %s",
                           alisa_gguf_path(gguf), key->name, wanted);
}

AlisaStatus alisa_gguf_get_u32(const AlisaGguf *gguf, const char *name, uint32_t *value,
                               AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, name);
    if (!key) return ALISA_OK;
    bool negative;
    uint64_t magnitude;
    if (!read_integer(key->type, key->data, &negative, &magnitude)) {
        return wrong_kind(gguf, key, "an integer", error);
    }
    if (negative || magnitude > UINT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the key %s holds %s%llu, which is not between 0 and %u",
                               alisa_gguf_path(gguf), name, negative ? "-" : "",
                               (unsigned long long)magnitude, UINT32_MAX);
    }
    *value = (uint32_t)magnitude;
    return ALISA_OK;
}

AlisaStatus alisa_gguf_get_f32(const AlisaGguf *gguf, const char *name, float *value,
                               AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, name);
    if (!key) return ALISA_OK;
    if (key->type == ALISA_GGUF_F32) {
        *value = (float)read_float(key->data);
    } else if (key->type == ALISA_GGUF_F64) {
        double wide = read_double(key->data);
        if (wide > 3.4028234663852886e38 || wide < -3.4028234663852886e38) {
            return wrong_kind(gguf, key, "a number within the range of a 32-bit float", error);
        }
        *value = (float)wide;
    } else {
        return wrong_kind(gguf, key, "a floating-point number", error);
    }
    return ALISA_OK;
}

AlisaStatus alisa_gguf_get_bool(const AlisaGguf *gguf, const char *name, bool *value,
                                AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, name);
    if (!key) return ALISA_OK;
    if (key->type != ALISA_GGUF_BOOL) return wrong_kind(gguf, key, "true or false", error);
    *value = *key->data != 0;
    return ALISA_OK;
}

/* A string at `data`: its length in 8 bytes, then its bytes. Checked when the file was opened. */
static AlisaGgufString read_string(const uint8_t *data) {
    return (AlisaGgufString){.data = (const char *)data + 8, .length = read_little(data, 8)};
}

AlisaStatus alisa_gguf_get_string(const AlisaGguf *gguf, const char *name, AlisaGgufString *value,
                                  AlisaError *error) {
    const AlisaGgufKey *key = alisa_gguf_find(gguf, name);
    if (!key) return ALISA_OK;
    if (key->type != ALISA_GGUF_STRING) return wrong_kind(gguf, key, "a string", error);
    *value = read_string(key->data);
    return ALISA_OK;
}

AlisaGgufString alisa_gguf_array_string(const AlisaGgufKey *key, uint64_t index) {
    return read_string(key->data + key->string_offsets[index]);
}

double alisa_gguf_array_number(const AlisaGgufKey *key, uint64_t index) {
    static const uint8_t widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    const uint8_t *data = key->data + index * widths[key->element_type];
    switch (key->element_type) {
    case ALISA_GGUF_F32:
        return read_float(data);
    case ALISA_GGUF_F64:
        return read_double(data);
    case ALISA_GGUF_BOOL:
        return *data != 0;
    default:
        break;
    }
    bool negative = false;
    uint64_t magnitude = 0;
    read_integer(key->element_type, data, &negative, &magnitude);
    return negative ? -(double)magnitude : (double)magnitude;
}
