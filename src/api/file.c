/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/file.h"
#include "gguf/gguf.h"
#include "model/homes.h"

/* The public AlisaFile is the reader's own object under its public name. */
static const AlisaGguf *gguf_of(const AlisaFile *file) {
    return (const AlisaGguf *)(const void *)file;
}

AlisaStatus alisa_file_open(const char *path, AlisaFile **file, AlisaError *error) {
    AlisaGguf *gguf = NULL;
    AlisaStatus status = alisa_gguf_open(path, &gguf, error);
    *file = (AlisaFile *)(void *)gguf;
    return status;
}

void alisa_file_close(AlisaFile *file) {
    alisa_gguf_close((AlisaGguf *)(void *)file);
}

void alisa_file_info(const AlisaFile *file, AlisaFileInfo *info) {
    const AlisaGguf *gguf = gguf_of(file);
    *info = (AlisaFileInfo){.version = alisa_gguf_version(gguf),
                            .part_count = alisa_gguf_part_count(gguf),
                            .key_count = alisa_gguf_key_count(gguf),
                            .tensor_count = alisa_gguf_tensor_count(gguf)};
    for (uint32_t part = 0; part < info->part_count; part++) {
        const uint8_t *data;
        size_t size;
        alisa_gguf_part(gguf, part, &data, &size);
        info->byte_count += size;
    }
}

static const char *const value_type_names[] = {
    [ALISA_GGUF_U8] = "u8",     [ALISA_GGUF_I8] = "i8",     [ALISA_GGUF_U16] = "u16",
    [ALISA_GGUF_I16] = "i16",   [ALISA_GGUF_U32] = "u32",   [ALISA_GGUF_I32] = "i32",
    [ALISA_GGUF_F32] = "f32",   [ALISA_GGUF_BOOL] = "bool", [ALISA_GGUF_STRING] = "str",
    [ALISA_GGUF_ARRAY] = "arr", [ALISA_GGUF_U64] = "u64",   [ALISA_GGUF_I64] = "i64",
    [ALISA_GGUF_F64] = "f64",
};

/* A text that grows; once an allocation failed it stays NULL. */
typedef struct Text {
    char *data;
    size_t length, capacity;
    bool failed;
} Text;

static void append(Text *text, const char *data, size_t length) {
    if (text->failed) return;
    if (!text->data || length >= text->capacity - text->length) {
        size_t capacity = (text->capacity + length + 1) * 2;
        char *larger = realloc(text->data, capacity);
        if (!larger) {
            text->failed = true;
            return;
        }
        text->data = larger;
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

static void append_format(Text *text, const char *format, ...) ALISA_PRINTF(2, 3);

static void append_format(Text *text, const char *format, ...) {
    char line[64];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    append(text, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

static uint64_t read_u64(const uint8_t *data) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | data[i];
    return value;
}

/* Scalars as text. 64-bit integers do not fit a double, so they are read here. */
static void append_number(Text *text, const AlisaGgufKey *key, uint64_t index) {
    AlisaGgufValueType type = key->element_type; /* of a scalar: its own */
    switch (type) {
    case ALISA_GGUF_BOOL:
        append_format(text, "%s", key->data[index] ? "true" : "false");
        return;
    case ALISA_GGUF_U64:
        append_format(text, "%" PRIu64, read_u64(key->data + 8 * index));
        return;
    case ALISA_GGUF_I64:
        append_format(text, "%" PRId64, (int64_t)read_u64(key->data + 8 * index));
        return;
    case ALISA_GGUF_F32:
        append_format(text, "%.7g", alisa_gguf_array_number(key, index));
        return;
    case ALISA_GGUF_F64:
        append_format(text, "%.17g", alisa_gguf_array_number(key, index));
        return;
    default:
        append_format(text, "%.0f", alisa_gguf_array_number(key, index));
        return;
    }
}

#define SHOWN_ELEMENTS 8

static void append_array(Text *text, const AlisaGgufKey *key) {
    append(text, "[", 1);
    for (uint64_t i = 0; i < key->count && i < SHOWN_ELEMENTS; i++) {
        if (i > 0) append(text, ", ", 2);
        if (key->element_type == ALISA_GGUF_STRING) {
            AlisaGgufString element = alisa_gguf_array_string(key, i);
            append(text, "\"", 1);
            append(text, element.data, (size_t)element.length);
            append(text, "\"", 1);
        } else {
            append_number(text, key, i);
        }
    }
    append_format(text, "%s]", key->count > SHOWN_ELEMENTS ? ", ..." : "");
}

AlisaStatus alisa_file_key(const AlisaFile *file, uint64_t index, const char **name, char type[32],
                           char **value, AlisaError *error) {
    const AlisaGguf *gguf = gguf_of(file);
    *value = NULL;
    if (index >= alisa_gguf_key_count(gguf)) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "key %" PRIu64 " of %" PRIu64, index,
                               alisa_gguf_key_count(gguf));
    }
    const AlisaGgufKey *key = alisa_gguf_key_at(gguf, index);
    *name = key->name;
    Text text = {0};
    if (key->type == ALISA_GGUF_ARRAY) {
        snprintf(type, 32, "[%s %" PRIu64 "]", value_type_names[key->element_type], key->count);
        append_array(&text, key);
    } else {
        snprintf(type, 32, "%s", value_type_names[key->type]);
        if (key->type == ALISA_GGUF_STRING) {
            AlisaGgufString string = {0};
            alisa_gguf_get_string(gguf, key->name, &string, NULL);
            append(&text, string.data, (size_t)string.length);
        } else {
            append_number(&text, key, 0);
        }
    }
    if (text.failed) {
        free(text.data);
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "key %s: out of host memory", key->name);
    }
    *value = text.data;
    return ALISA_OK;
}

AlisaStatus alisa_file_tensor(const AlisaFile *file, uint64_t index, AlisaFileTensor *tensor,
                              AlisaError *error) {
    const AlisaGguf *gguf = gguf_of(file);
    if (index >= alisa_gguf_tensor_count(gguf)) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "tensor %" PRIu64 " of %" PRIu64, index,
                               alisa_gguf_tensor_count(gguf));
    }
    const AlisaGgufTensor *entry = alisa_gguf_tensor_at(gguf, index);
    const AlisaWeightTypeInfo *type = alisa_weight_type_info(entry->type);
    *tensor = (AlisaFileTensor){.name = entry->name,
                                .dimension_count = entry->dimension_count,
                                .byte_count = entry->byte_count,
                                .part = entry->part,
                                .offset = entry->offset};
    if (type) {
        snprintf(tensor->type, sizeof tensor->type, "%s", type->name);
    } else {
        snprintf(tensor->type, sizeof tensor->type, "unknown type %u", entry->type);
    }
    memcpy(tensor->dimensions, entry->dimensions, sizeof tensor->dimensions);
    return ALISA_OK;
}

AlisaStatus alisa_file_host_bytes(const AlisaFile *file, const AlisaTensorRule *rules,
                                  size_t rule_count, uint64_t *bytes, uint64_t *tensor_count,
                                  AlisaError *error) {
    AlisaHomes homes = {0};
    AlisaStatus status = alisa_homes_init(&homes, gguf_of(file), rules, rule_count, error);
    *bytes = status == ALISA_OK ? homes.bytes : 0;
    *tensor_count = status == ALISA_OK ? homes.tensor_count : 0;
    alisa_homes_finish(&homes);
    return status;
}
