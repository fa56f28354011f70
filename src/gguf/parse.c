/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the directory of one GGUF file: header, keys, tensor descriptions. Nothing in the file is
 * believed: every length is compared with the bytes that are left before it is used or allocated.
 */
#include "gguf/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/round.h"

/* The specification's limits: keys up to 2^16 - 1 bytes, tensor names up to 64. */
#define KEY_NAME_LIMIT    65535
#define TENSOR_NAME_LIMIT 64
/* The fewest bytes a key (name length, name, type, value) and a tensor (name length, name,
 * dimension count, one dimension, type, offset) can take. */
#define KEY_BYTES_LEAST    14
#define TENSOR_BYTES_LEAST 33

typedef struct Reader {
    const char *path;
    const uint8_t *data;
    uint64_t size;
    uint64_t offset; /* <= size */
    AlisaError *error;
} Reader;

static uint64_t remaining(const Reader *reader) {
    return reader->size - reader->offset;
}

static AlisaStatus truncated(const Reader *reader, const char *what) {
    return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                           "%s: the file ends at byte %" PRIu64
                           " inside %s: it is truncated or damaged, fetch it again",
                           reader->path, reader->size, what);
}

/* An integer of `bytes` little-endian bytes. `what` names its place for the error. */
static AlisaStatus read_integer(Reader *reader, unsigned bytes, const char *what, uint64_t *value) {
    *value = 0;
    if (remaining(reader) < bytes) return truncated(reader, what);
    for (unsigned i = 0; i < bytes; i++) {
        *value |= (uint64_t)reader->data[reader->offset + i] << (8 * i);
    }
    reader->offset += bytes;
    return ALISA_OK;
}

static AlisaStatus read_u32(Reader *reader, const char *what, uint32_t *value) {
    uint64_t wide;
    AlisaStatus status = read_integer(reader, 4, what, &wide);
    *value = (uint32_t)wide;
    return status;
}

static AlisaStatus read_u64(Reader *reader, const char *what, uint64_t *value) {
    return read_integer(reader, 8, what, value);
}

static AlisaStatus skip_string(Reader *reader, const char *what) {
    uint64_t length;
    AlisaStatus status = read_u64(reader, what, &length);
    if (status != ALISA_OK) return status;
    if (length > remaining(reader)) return truncated(reader, what);
    reader->offset += length;
    return ALISA_OK;
}

/* The name of key or tensor (`kind`) number `position`, as a terminated copy. Unprintable bytes are
 * refused: names are put into messages and on terminals. */
static AlisaStatus read_name(Reader *reader, const char *kind, uint64_t position, uint64_t limit,
                             const char **name) {
    uint64_t length;
    AlisaStatus status = read_u64(reader, "the length of a name", &length);
    if (status != ALISA_OK) return status;
    if (length == 0 || length > limit) {
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: the name of %s %" PRIu64 " has %" PRIu64
                               " bytes, not 1 to %" PRIu64,
                               reader->path, kind, position, length, limit);
    }
    if (length > remaining(reader)) return truncated(reader, "a name");
    const uint8_t *bytes = reader->data + reader->offset;
    for (uint64_t i = 0; i < length; i++) {
        if (bytes[i] >= 0x20 && bytes[i] != 0x7f) continue;
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: the name of %s %" PRIu64 " holds the unprintable byte 0x%02x",
                               reader->path, kind, position, bytes[i]);
    }
    char *copy = alisa_allocate(length + 1, 1, reader->path, reader->error);
    if (!copy) return ALISA_ERROR_MEMORY;
    memcpy(copy, bytes, length);
    copy[length] = 0;
    *name = copy;
    reader->offset += length;
    return ALISA_OK;
}

/* ---- Header ------------------------------------------------------------------------------- */

static const struct {
    const char *magic;
    const char *what;
} other_formats[] = {
    {"lmgg", "is a GGML file, a format older than GGUF"},
    {"GGML", "is a GGML file, a format older than GGUF"},
    {"fmgg", "is a GGMF file, a format older than GGUF"},
    {"tjgg", "is a GGJT file, a format older than GGUF"},
    {"algg", "is a GGLA file (a LoRA adapter), a format older than GGUF"},
    {"FUGG", "is a GGUF file with its magic byte-swapped"},
    {"vers", "is text, perhaps a Git LFS pointer in place of the model"},
    {"PK\x03\x04", "is a zip archive, perhaps a PyTorch checkpoint"},
};

static AlisaStatus read_magic(Reader *reader) {
    if (remaining(reader) < 4) return truncated(reader, "the magic of four bytes");
    const uint8_t *magic = reader->data + reader->offset;
    reader->offset += 4;
    if (memcmp(magic, "GGUF", 4) == 0) return ALISA_OK;
    for (size_t i = 0; i < sizeof other_formats / sizeof other_formats[0]; i++) {
        if (memcmp(magic, other_formats[i].magic, 4) != 0) continue;
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: %s; convert the model to GGUF version 3", reader->path,
                               other_formats[i].what);
    }
    return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                           "%s: is not a GGUF file: it begins with the bytes %02x %02x %02x %02x, "
                           "not with GGUF",
                           reader->path, magic[0], magic[1], magic[2], magic[3]);
}

static AlisaStatus read_version(Reader *reader, uint32_t *version) {
    AlisaStatus status = read_u32(reader, "the version", version);
    if (status != ALISA_OK || *version == 2 || *version == 3) return status;
    if (*version == 1) {
        return alisa_error_set(reader->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: is GGUF version 1, which is no longer read; convert the model "
                               "to version 3",
                               reader->path);
    }
    if (*version != 0 && (*version & 0xffffu) == 0) {
        return alisa_error_set(reader->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: is a big-endian GGUF file (version %#x); only little-endian "
                               "files are read",
                               reader->path, *version);
    }
    return alisa_error_set(reader->error, ALISA_ERROR_UNSUPPORTED,
                           "%s: is GGUF version %u; only versions 2 and 3 are read", reader->path,
                           *version);
}

/* A number of keys or tensors, believable for the bytes that are left. */
static AlisaStatus read_count(Reader *reader, const char *kind, uint64_t least, uint64_t *count) {
    uint64_t value;
    AlisaStatus status = read_u64(reader, "the header", &value);
    if (status != ALISA_OK) return status;
    if (value > remaining(reader) / least || value > UINT32_MAX / 4) {
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: claims %" PRIu64 " %s, more than its %" PRIu64
                               " bytes can hold: it is truncated or damaged, fetch it again",
                               reader->path, value, kind, reader->size);
    }
    *count = value;
    return ALISA_OK;
}

/* ---- Keys --------------------------------------------------------------------------------- */

/* Bytes of one value; 0 for strings and arrays, which carry their length. */
static const uint8_t value_bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static AlisaStatus read_value_type(Reader *reader, const char *name, AlisaGgufValueType *type) {
    uint32_t id;
    AlisaStatus status = read_u32(reader, "the type of a key", &id);
    if (status != ALISA_OK) return status;
    if (id >= sizeof value_bytes) {
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: the key %s has the unknown value type %u", reader->path, name,
                               id);
    }
    *type = (AlisaGgufValueType)id;
    return ALISA_OK;
}

static AlisaStatus skip_fixed(Reader *reader, uint64_t count, unsigned bytes, const char *name) {
    if (count > remaining(reader) / bytes) return truncated(reader, name);
    reader->offset += count * bytes;
    return ALISA_OK;
}

static AlisaStatus skip_strings(Reader *reader, AlisaGgufKey *key) {
    if (key->count > remaining(reader) / 8) return truncated(reader, key->name);
    uint64_t *offsets = alisa_allocate(key->count, sizeof *offsets, reader->path, reader->error);
    if (!offsets) return ALISA_ERROR_MEMORY;
    key->string_offsets = offsets;
    uint64_t start = reader->offset;
    for (uint64_t i = 0; i < key->count; i++) {
        offsets[i] = reader->offset - start;
        AlisaStatus status = skip_string(reader, key->name);
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
}

static AlisaStatus read_array(Reader *reader, AlisaGgufKey *key) {
    AlisaStatus status = read_value_type(reader, key->name, &key->element_type);
    if (status == ALISA_OK) status = read_u64(reader, key->name, &key->count);
    if (status != ALISA_OK) return status;
    if (key->element_type == ALISA_GGUF_ARRAY) {
        return alisa_error_set(reader->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: the key %s is an array of arrays, which is not supported",
                               reader->path, key->name);
    }
    key->data = reader->data + reader->offset;
    if (key->element_type == ALISA_GGUF_STRING) return skip_strings(reader, key);
    return skip_fixed(reader, key->count, value_bytes[key->element_type], key->name);
}

static AlisaStatus read_key(Reader *reader, uint64_t position, AlisaGgufKey *key) {
    AlisaStatus status = read_name(reader, "key", position, KEY_NAME_LIMIT, &key->name);
    if (status == ALISA_OK) status = read_value_type(reader, key->name, &key->type);
    if (status != ALISA_OK) return status;
    key->element_type = key->type;
    if (key->type == ALISA_GGUF_ARRAY) return read_array(reader, key);
    key->count = 1;
    key->data = reader->data + reader->offset;
    if (key->type == ALISA_GGUF_STRING) return skip_string(reader, key->name);
    status = skip_fixed(reader, 1, value_bytes[key->type], key->name);
    if (status == ALISA_OK && key->type == ALISA_GGUF_BOOL && *key->data > 1) {
        status = alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                                 "%s: the key %s holds %u, neither false (0) nor true (1)",
                                 reader->path, key->name, *key->data);
    }
    return status;
}

static AlisaStatus read_keys(Reader *reader, AlisaGguf *gguf, uint64_t count) {
    gguf->keys = alisa_allocate_zeroed(count, sizeof *gguf->keys, reader->path, reader->error);
    if (!gguf->keys) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_gguf_index_init(&gguf->key_index, count, reader->error);
    for (uint64_t i = 0; status == ALISA_OK && i < count; i++) {
        gguf->key_count = i + 1; /* first: a half-read key has things to free */
        status = read_key(reader, i, &gguf->keys[i]);
        if (status != ALISA_OK) break;
        if (!alisa_gguf_index_add(&gguf->key_index, gguf->keys[i].name, (uint32_t)i)) {
            status =
                alisa_error_set(reader->error, ALISA_ERROR_FORMAT, "%s: the key %s appears twice",
                                reader->path, gguf->keys[i].name);
        }
    }
    return status;
}

/* ---- Tensors ------------------------------------------------------------------------------ */

/* Reads the dimensions; their product, and its bytes in the widest type, fit in 63 bits. */
static AlisaStatus read_dimensions(Reader *reader, AlisaGgufTensor *tensor) {
    AlisaStatus status = read_u32(reader, tensor->name, &tensor->dimension_count);
    if (status != ALISA_OK) return status;
    if (tensor->dimension_count == 0 || tensor->dimension_count > 4) {
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: the tensor %s has %u dimensions, not 1 to 4", reader->path,
                               tensor->name, tensor->dimension_count);
    }
    tensor->element_count = 1;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t *dimension = &tensor->dimensions[i];
        *dimension = 1;
        if (i >= tensor->dimension_count) continue;
        status = read_u64(reader, tensor->name, dimension);
        if (status != ALISA_OK) return status;
        if (*dimension == 0 || *dimension > (uint64_t)INT64_MAX / 8 / tensor->element_count) {
            return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                                   "%s: dimension %u of the tensor %s is %" PRIu64 ", which is %s",
                                   reader->path, i, tensor->name, *dimension,
                                   *dimension ? "too large" : "empty");
        }
        tensor->element_count *= *dimension;
    }
    return ALISA_OK;
}

static AlisaStatus read_tensor(Reader *reader, uint64_t position, AlisaGgufTensor *tensor) {
    AlisaStatus status = read_name(reader, "tensor", position, TENSOR_NAME_LIMIT, &tensor->name);
    if (status == ALISA_OK) status = read_dimensions(reader, tensor);
    if (status == ALISA_OK) status = read_u32(reader, tensor->name, &tensor->type);
    if (status == ALISA_OK) status = read_u64(reader, tensor->name, &tensor->offset);
    if (status != ALISA_OK) return status;
    const AlisaWeightTypeInfo *type = alisa_weight_type_info(tensor->type);
    if (!type) return ALISA_OK;
    if (tensor->dimensions[0] % type->block_elements != 0) {
        return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                               "%s: the tensor %s has rows of %" PRIu64
                               " elements, not a multiple of the %u in a block of %s",
                               reader->path, tensor->name, tensor->dimensions[0],
                               type->block_elements, type->name);
    }
    tensor->byte_count = tensor->element_count / type->block_elements * type->block_bytes;
    return ALISA_OK;
}

static AlisaStatus read_tensors(Reader *reader, AlisaGguf *gguf, uint64_t count) {
    gguf->tensors =
        alisa_allocate_zeroed(count, sizeof *gguf->tensors, reader->path, reader->error);
    if (!gguf->tensors) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_gguf_index_init(&gguf->tensor_index, count, reader->error);
    for (uint64_t i = 0; status == ALISA_OK && i < count; i++) {
        gguf->tensor_count = i + 1;
        status = read_tensor(reader, i, &gguf->tensors[i]);
        if (status != ALISA_OK) break;
        if (!alisa_gguf_index_add(&gguf->tensor_index, gguf->tensors[i].name, (uint32_t)i)) {
            status = alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                                     "%s: the tensor %s appears twice", reader->path,
                                     gguf->tensors[i].name);
        }
    }
    return status;
}

static AlisaStatus read_alignment(const AlisaGguf *gguf, uint32_t *alignment, AlisaError *error) {
    *alignment = 32;
    AlisaStatus status = alisa_gguf_get_u32(gguf, "general.alignment", alignment, error);
    if (status == ALISA_OK && (*alignment == 0 || (*alignment & (*alignment - 1)) != 0)) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT,
                                 "%s: general.alignment is %u, which is not a power of two",
                                 gguf->path, *alignment);
    }
    return status;
}

/* Turns the offsets into places in the file, which must lie inside it. */
static AlisaStatus place_tensors(Reader *reader, AlisaGguf *gguf) {
    uint32_t alignment;
    AlisaStatus status = read_alignment(gguf, &alignment, reader->error);
    if (status != ALISA_OK) return status;
    uint64_t start = alisa_round_up_64(reader->offset, alignment);
    for (uint64_t i = 0; i < gguf->tensor_count; i++) {
        AlisaGgufTensor *tensor = &gguf->tensors[i];
        if (tensor->offset % alignment != 0) {
            return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                                   "%s: the tensor %s begins at offset %" PRIu64
                                   ", not a multiple of the alignment %u",
                                   reader->path, tensor->name, tensor->offset, alignment);
        }
        if (start > reader->size || tensor->offset > reader->size - start ||
            tensor->byte_count > reader->size - start - tensor->offset) {
            return alisa_error_set(reader->error, ALISA_ERROR_FORMAT,
                                   "%s: the data of the tensor %s (%" PRIu64 " bytes at %" PRIu64
                                   " + %" PRIu64 ") lies outside the file of %" PRIu64
                                   " bytes: it is truncated or damaged, fetch it again",
                                   reader->path, tensor->name, tensor->byte_count, start,
                                   tensor->offset, reader->size);
        }
        tensor->offset += start;
        if (tensor->byte_count) tensor->data = reader->data + tensor->offset;
    }
    return ALISA_OK;
}

AlisaStatus alisa_gguf_parse(AlisaGguf *gguf, AlisaError *error) {
    Reader reader = {.path = gguf->path,
                     .data = gguf->parts[0].map.data,
                     .size = gguf->parts[0].map.size,
                     .error = error};
    uint64_t tensor_count = 0, key_count = 0;
    AlisaStatus status = read_magic(&reader);
    if (status == ALISA_OK) status = read_version(&reader, &gguf->version);
    if (status == ALISA_OK) {
        status = read_count(&reader, "tensors", TENSOR_BYTES_LEAST, &tensor_count);
    }
    if (status == ALISA_OK) status = read_count(&reader, "keys", KEY_BYTES_LEAST, &key_count);
    if (status == ALISA_OK) status = read_keys(&reader, gguf, key_count);
    if (status == ALISA_OK) status = read_tensors(&reader, gguf, tensor_count);
    if (status == ALISA_OK) status = place_tensors(&reader, gguf);
    return status;
}
