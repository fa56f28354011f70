/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a file, or all files of a split model, and closing them.
 */
#include "gguf/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_directory(AlisaGguf *gguf) {
    for (uint64_t i = 0; gguf->keys && i < gguf->key_count; i++) {
        free((char *)gguf->keys[i].name);
        free((uint64_t *)gguf->keys[i].string_offsets);
    }
    free(gguf->keys);
    alisa_gguf_index_finish(&gguf->key_index);
    for (uint64_t i = 0; gguf->tensors && i < gguf->tensor_count; i++) {
        free((char *)gguf->tensors[i].name);
    }
    free(gguf->tensors);
    alisa_gguf_index_finish(&gguf->tensor_index);
}

void alisa_gguf_close(AlisaGguf *gguf) {
    if (!gguf) return;
    free_directory(gguf);
    for (uint32_t i = 0; gguf->parts && i < gguf->part_count; i++) {
        if (gguf->parts[i].mapped) alisa_disk_map_close(&gguf->parts[i].map);
    }
    free(gguf->parts);
    free(gguf->path);
    free(gguf);
}

/* An AlisaGguf of one part with nothing read yet; NULL on failure. */
static AlisaGguf *create_single(const char *path, AlisaError *error) {
    AlisaGguf *gguf = alisa_allocate_zeroed(1, sizeof *gguf, path, error);
    if (!gguf) return NULL;
    gguf->parts = alisa_allocate_zeroed(1, sizeof *gguf->parts, path, error);
    gguf->path = alisa_allocate(strlen(path) + 1, 1, path, error);
    if (!gguf->parts || !gguf->path) {
        alisa_gguf_close(gguf);
        return NULL;
    }
    gguf->part_count = 1;
    memcpy(gguf->path, path, strlen(path) + 1);
    return gguf;
}

static AlisaStatus open_single(const char *path, AlisaGguf **out, AlisaError *error) {
    *out = NULL;
    AlisaGguf *gguf = create_single(path, error);
    if (!gguf) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_disk_map_open(path, &gguf->parts[0].map, error);
    gguf->parts[0].mapped = status == ALISA_OK;
    if (status == ALISA_OK) status = alisa_gguf_parse(gguf, error);
    if (status != ALISA_OK) {
        alisa_gguf_close(gguf);
        return status;
    }
    *out = gguf;
    return ALISA_OK;
}

/* split.no and split.count; 0 and 1 for a file that is not split. */
static AlisaStatus read_split(const AlisaGguf *gguf, uint32_t *number, uint32_t *count,
                              AlisaError *error) {
    *number = 0;
    *count = 1;
    AlisaStatus status = alisa_gguf_get_u32(gguf, "split.count", count, error);
    if (status == ALISA_OK) status = alisa_gguf_get_u32(gguf, "split.no", number, error);
    if (status != ALISA_OK) return status;
    if (*count == 0) *count = 1;
    if (*number >= *count || *count > 65535) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: says that it is part %u of %u (split.no, split.count), which "
                               "cannot be",
                               gguf->path, *number + 1, *count);
    }
    return ALISA_OK;
}

/* Moves the tensors and the map of `part` to the end of `joined`; the caller closes what is left.
 */
static AlisaStatus append_part(AlisaGguf *joined, AlisaGguf *part, AlisaError *error) {
    uint64_t total = joined->tensor_count + part->tensor_count;
    AlisaGgufTensor *tensors =
        total > UINT32_MAX ? NULL : realloc(joined->tensors, (total + 1) * sizeof *tensors);
    if (!tensors) {
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "%s: no host memory for %llu tensors",
                               part->path, (unsigned long long)total);
    }
    joined->tensors = tensors;
    for (uint64_t i = 0; i < part->tensor_count; i++) {
        AlisaGgufTensor *tensor = &tensors[joined->tensor_count++];
        *tensor = part->tensors[i];
        tensor->part = joined->part_count;
        part->tensors[i].name = NULL;
    }
    joined->parts[joined->part_count++] = part->parts[0];
    part->part_count = 0;
    return ALISA_OK;
}

static AlisaStatus index_all_tensors(AlisaGguf *gguf, AlisaError *error) {
    alisa_gguf_index_finish(&gguf->tensor_index);
    AlisaStatus status = alisa_gguf_index_init(&gguf->tensor_index, gguf->tensor_count, error);
    if (status != ALISA_OK) return status;
    for (uint64_t i = 0; i < gguf->tensor_count; i++) {
        if (!alisa_gguf_index_add(&gguf->tensor_index, gguf->tensors[i].name, (uint32_t)i)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT,
                                   "%s: two parts of the split model hold the tensor %s",
                                   gguf->path, gguf->tensors[i].name);
        }
    }
    uint32_t expected = (uint32_t)gguf->tensor_count;
    status = alisa_gguf_get_u32(gguf, "split.tensors.count", &expected, error);
    if (status == ALISA_OK && expected != gguf->tensor_count) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT,
                                 "%s: the parts of the split model hold %llu tensors, not the %u "
                                 "that split.tensors.count promises",
                                 gguf->path, (unsigned long long)gguf->tensor_count, expected);
    }
    return status;
}

/* Opens part `number` of `count`; `name` is its path. */
static AlisaStatus open_part(const char *name, uint32_t number, uint32_t count, AlisaGguf **part,
                             AlisaError *error) {
    AlisaStatus status = open_single(name, part, error);
    if (status == ALISA_ERROR_IO) {
        return alisa_error_prefix(error, status, "part %u of %u of the split model is needed too",
                                  number + 1, count);
    }
    if (status != ALISA_OK) return status;
    uint32_t its_number, its_count;
    status = read_split(*part, &its_number, &its_count, error);
    if (status == ALISA_OK && (its_number != number || its_count != count)) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT,
                                 "%s: holds part %u of %u, where its name promises part %u of %u",
                                 name, its_number + 1, its_count, number + 1, count);
    }
    if (status != ALISA_OK) {
        alisa_gguf_close(*part);
        *part = NULL;
    }
    return status;
}

/* Opens all parts of the split model that `path`, part `number` of `count`, belongs to. */
static AlisaStatus open_split(const char *path, uint32_t number, uint32_t count, AlisaGguf **out,
                              AlisaError *error) {
    *out = NULL;
    char suffix[32];
    snprintf(suffix, sizeof suffix, "-%05u-of-%05u.gguf", number + 1, count);
    size_t length = strlen(path), suffix_length = strlen(suffix);
    if (length < suffix_length || strcmp(path + length - suffix_length, suffix) != 0) {
        return alisa_error_set(error, ALISA_ERROR_IO,
                               "%s: is part %u of %u of a split model, whose other parts can only "
                               "be found when its name ends in %s: rename it",
                               path, number + 1, count, suffix);
    }
    char *name = alisa_allocate(length + 1, 1, path, error);
    if (!name) return ALISA_ERROR_MEMORY;
    memcpy(name, path, length + 1);
    char *tail = name + length - suffix_length;

    AlisaGguf *joined = NULL;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; status == ALISA_OK && i < count; i++) {
        AlisaGguf *part;
        snprintf(tail, suffix_length + 1, "-%05u-of-%05u.gguf", i + 1, count);
        status = open_part(name, i, count, &part, error);
        if (!part) break;
        if (joined) {
            status = append_part(joined, part, error);
            alisa_gguf_close(part);
            continue;
        }
        joined = part;
        AlisaGgufPart *parts = realloc(joined->parts, count * sizeof *parts);
        if (!parts) {
            status = alisa_error_set(error, ALISA_ERROR_MEMORY, "%s: no host memory for %u parts",
                                     name, count);
            break;
        }
        joined->parts = parts;
    }
    free(name);
    if (status == ALISA_OK && joined) status = index_all_tensors(joined, error);
    if (status != ALISA_OK) {
        alisa_gguf_close(joined);
        return status;
    }
    *out = joined;
    return ALISA_OK;
}

AlisaStatus alisa_gguf_open(const char *path, AlisaGguf **gguf, AlisaError *error) {
    uint32_t number, count;
    AlisaStatus status = open_single(path, gguf, error);
    if (status != ALISA_OK) return status;
    status = read_split(*gguf, &number, &count, error);
    if (status == ALISA_OK && count == 1) return ALISA_OK;
    alisa_gguf_close(*gguf);
    *gguf = NULL;
    return status == ALISA_OK ? open_split(path, number, count, gguf, error) : status;
}

AlisaStatus alisa_gguf_open_memory(const uint8_t *data, size_t size, AlisaGguf **out,
                                   AlisaError *error) {
    *out = NULL;
    AlisaGguf *gguf = create_single("GGUF image in memory", error);
    if (!gguf) return ALISA_ERROR_MEMORY;
    gguf->parts[0].map = (AlisaDiskMap){.data = data, .size = size};
    uint32_t number, count = 1;
    AlisaStatus status = alisa_gguf_parse(gguf, error);
    if (status == ALISA_OK) status = read_split(gguf, &number, &count, error);
    if (status == ALISA_OK && count > 1) {
        status =
            alisa_error_set(error, ALISA_ERROR_UNSUPPORTED,
                            "%s: is one part of a split model, which needs its files", gguf->path);
    }
    if (status != ALISA_OK) {
        alisa_gguf_close(gguf);
        return status;
    }
    *out = gguf;
    return ALISA_OK;
}
