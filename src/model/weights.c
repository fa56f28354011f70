#include "model/weights.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct AlisaWeights {
    AlisaShape shape;
    AlisaLayerWeights *layers; /* [layer_count] */
    AlisaMatrix embedding;
    AlisaMatrix head;
    AlisaVector output_norm;
    float *rope_divisors; /* [rope.dim / 2] or NULL */
    AlisaBuffer *buffers; /* one a matrix */
    size_t buffer_count;
    AlisaBuffer vectors;  /* every norm, as floats, one after the other */
    float *vector_data;   /* host image of `vectors` until it is copied */
    uint64_t vector_used; /* floats */
    uint64_t bytes;
};

/* Names of a dimension, resolved per model. */
typedef enum Extent {
    EXTENT_EMBEDDING,
    EXTENT_HEADS,
    EXTENT_KV_HEADS,
    EXTENT_FEED_FORWARD,
    EXTENT_VOCABULARY
} Extent;

static uint32_t extent_of(const AlisaShape *shape, Extent extent) {
    switch (extent) {
    case EXTENT_EMBEDDING:
        return shape->embedding_length;
    case EXTENT_HEADS:
        return shape->head_count * shape->head_dim;
    case EXTENT_KV_HEADS:
        return shape->kv_head_count * shape->head_dim;
    case EXTENT_FEED_FORWARD:
        return shape->feed_forward_length;
    case EXTENT_VOCABULARY:
        return shape->vocabulary_size;
    }
    return 0;
}

typedef struct LayerMatrix {
    const char *suffix;
    size_t field;
    Extent rows, columns;
} LayerMatrix;

#define FIELD(name) offsetof(AlisaLayerWeights, name)

static const LayerMatrix layer_matrices[] = {
    {"attn_q.weight", FIELD(query), EXTENT_HEADS, EXTENT_EMBEDDING},
    {"attn_k.weight", FIELD(key), EXTENT_KV_HEADS, EXTENT_EMBEDDING},
    {"attn_v.weight", FIELD(value), EXTENT_KV_HEADS, EXTENT_EMBEDDING},
    {"attn_output.weight", FIELD(attention_output), EXTENT_EMBEDDING, EXTENT_HEADS},
    {"ffn_gate.weight", FIELD(gate), EXTENT_FEED_FORWARD, EXTENT_EMBEDDING},
    {"ffn_up.weight", FIELD(up), EXTENT_FEED_FORWARD, EXTENT_EMBEDDING},
    {"ffn_down.weight", FIELD(down), EXTENT_EMBEDDING, EXTENT_FEED_FORWARD},
};
#define LAYER_MATRIX_COUNT (sizeof layer_matrices / sizeof *layer_matrices)

static const struct LayerVector {
    const char *suffix;
    size_t field;
} layer_vectors[] = {
    {"attn_norm.weight", FIELD(attention_norm)},
    {"ffn_norm.weight", FIELD(feed_forward_norm)},
};
#define LAYER_VECTOR_COUNT (sizeof layer_vectors / sizeof *layer_vectors)

/* What one call of alisa_weights_create carries from tensor to tensor. */
typedef struct Binder {
    const AlisaGguf *gguf;
    AlisaDevice *device;
    const AlisaProgress *progress;
    AlisaWeights *weights;
    bool *bound; /* [tensor count of the file]: some field is for it */
    uint64_t bound_count;
    AlisaError *error;
} Binder;

static AlisaStatus fail_format(const Binder *binder, const char *name, const char *what) {
    return alisa_error_set(binder->error, ALISA_ERROR_FORMAT, "%s: tensor %s %s",
                           alisa_gguf_path(binder->gguf), name, what);
}

/* The tensor `name`, checked to be rows x columns (rows 1 for a vector) of a type with kernels. */
static AlisaStatus find_tensor(Binder *binder, const char *name, uint32_t rows, uint32_t columns,
                               const AlisaGgufTensor **found) {
    const AlisaGgufTensor *tensor = alisa_gguf_tensor_find(binder->gguf, name);
    *found = tensor;
    if (!tensor) return fail_format(binder, name, "is missing: the file is not a whole model");

    uint64_t outer = tensor->dimensions[2] * tensor->dimensions[3];
    if (tensor->dimensions[0] != columns || tensor->dimensions[1] != rows || outer != 1) {
        char what[160];
        snprintf(what, sizeof what,
                 "is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                 " (row length first); the model's keys ask for %u x %u",
                 tensor->dimensions[0], tensor->dimensions[1], outer, columns, rows);
        return fail_format(binder, name, what);
    }
    const AlisaWeightTypeInfo *type = alisa_weight_type_info(tensor->type);
    if (!alisa_weight_type_is_computed(tensor->type)) {
        char types[128];
        alisa_weight_type_list(types);
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s has type %s (%u); this version computes with %s: "
                               "quantise the model to one of these",
                               alisa_gguf_path(binder->gguf), name, type ? type->name : "unknown",
                               tensor->type, types);
    }
    /* The directory is one array, so a tensor's place in it is a difference of addresses. */
    binder->bound[tensor - alisa_gguf_tensor_at(binder->gguf, 0)] = true;
    binder->bound_count++;
    return ALISA_OK;
}

static AlisaStatus bind_matrix(Binder *binder, const char *name, Extent rows, Extent columns,
                               AlisaMatrix *matrix) {
    AlisaWeights *weights = binder->weights;
    const AlisaGgufTensor *tensor;
    AlisaStatus status = find_tensor(binder, name, extent_of(&weights->shape, rows),
                                     extent_of(&weights->shape, columns), &tensor);
    if (status != ALISA_OK) return status;

    /* The buffer starts at the page that holds the tensor's first byte: a device that shares the
     * host's memory can then use the mapped file in place. */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t lead = (uint64_t)(uintptr_t)tensor->data % page;
    if (lead % sizeof(float) != 0) {
        return fail_format(binder, name, "is not aligned to 4 bytes (general.alignment)");
    }
    AlisaBuffer *buffer = &weights->buffers[weights->buffer_count];
    status = alisa_buffer_create_from(binder->device, tensor->data - lead,
                                      tensor->byte_count + lead, name, buffer, binder->error);
    if (status != ALISA_OK) return status;
    weights->buffer_count++;
    weights->bytes += tensor->byte_count;
    *matrix = (AlisaMatrix){.buffer = buffer,
                            .offset = lead,
                            .type = tensor->type,
                            .rows = (uint32_t)tensor->dimensions[1],
                            .columns = (uint32_t)tensor->dimensions[0]};
    if (binder->progress->update) {
        binder->progress->update(binder->progress->user, "loading", binder->bound_count,
                                 alisa_gguf_tensor_count(binder->gguf));
    }
    return ALISA_OK;
}

/* Widens a one-row tensor of F32, F16 or BF16 to floats. */
static AlisaStatus read_vector(Binder *binder, const char *name, uint32_t length, float *values) {
    const AlisaGgufTensor *tensor;
    AlisaStatus status = find_tensor(binder, name, 1, length, &tensor);
    if (status != ALISA_OK) return status;
    if (alisa_weight_type_info(tensor->type)->block_elements > 1)
        return fail_format(binder, name, "is quantised; a vector must be F32, F16 or BF16");
    alisa_weight_type_dequantise(tensor->type, tensor->data, length, values);
    return ALISA_OK;
}

static AlisaStatus bind_norm(Binder *binder, const char *name, AlisaVector *vector) {
    AlisaWeights *weights = binder->weights;
    uint32_t length = weights->shape.embedding_length;
    *vector = (AlisaVector){&weights->vectors, weights->vector_used};
    weights->vector_used += length;
    return read_vector(binder, name, length, weights->vector_data + vector->offset);
}

static AlisaStatus bind_layer(Binder *binder, uint32_t layer) {
    char name[64];
    char *fields = (char *)&binder->weights->layers[layer];
    for (size_t i = 0; i < LAYER_VECTOR_COUNT; i++) {
        snprintf(name, sizeof name, "blk.%u.%s", layer, layer_vectors[i].suffix);
        AlisaStatus status =
            bind_norm(binder, name, (AlisaVector *)(void *)(fields + layer_vectors[i].field));
        if (status != ALISA_OK) return status;
    }
    for (size_t i = 0; i < LAYER_MATRIX_COUNT; i++) {
        snprintf(name, sizeof name, "blk.%u.%s", layer, layer_matrices[i].suffix);
        AlisaStatus status =
            bind_matrix(binder, name, layer_matrices[i].rows, layer_matrices[i].columns,
                        (AlisaMatrix *)(void *)(fields + layer_matrices[i].field));
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
}

static AlisaStatus bind_rope_divisors(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    static const char name[] = "rope_freqs.weight";
    if (!alisa_gguf_tensor_find(binder->gguf, name)) return ALISA_OK;
    uint32_t pairs = weights->shape.rope.dim / 2;
    weights->rope_divisors = alisa_allocate(pairs, sizeof(float), name, binder->error);
    if (!weights->rope_divisors) return ALISA_ERROR_MEMORY;
    AlisaStatus status = read_vector(binder, name, pairs, weights->rope_divisors);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!(weights->rope_divisors[i] > 0.0f)) {
            return fail_format(binder, name, "has a divisor that is not > 0");
        }
    }
    return ALISA_OK;
}

/* A tensor that no field is for would have changed the result: name it instead of leaving it out.
 */
static AlisaStatus refuse_unbound(const Binder *binder) {
    const AlisaGguf *gguf = binder->gguf;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        if (binder->bound[i]) continue;
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s has no place in architecture '%s' as this version "
                               "computes it, so its results would be wrong",
                               alisa_gguf_path(gguf), alisa_gguf_tensor_at(gguf, i)->name,
                               binder->weights->shape.architecture);
    }
    return ALISA_OK;
}

uint32_t alisa_weights_vocabulary(const AlisaGguf *gguf) {
    const AlisaGgufTensor *table = alisa_gguf_tensor_find(gguf, "token_embd.weight");
    if (!table || table->dimensions[1] > INT32_MAX) return 0;
    return (uint32_t)table->dimensions[1];
}

/* Before anything is placed: do the bytes of all tensors fit? */
static AlisaStatus check_memory(const AlisaGguf *gguf, AlisaDevice *device, uint64_t device_memory,
                                AlisaError *error) {
    uint64_t needed = 0;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        needed += alisa_gguf_tensor_at(gguf, i)->byte_count;
    }
    if (needed <= device_memory) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "%s: the weights need %.1f MiB and %s offers %.1f MiB: take a smaller "
                           "quantisation of the model, another device (-dev), or a larger "
                           "--device-mem if it was set",
                           alisa_gguf_path(gguf), (double)needed / 0x1p20,
                           alisa_opencl_info(device)->name, (double)device_memory / 0x1p20);
}

static AlisaStatus allocate_tables(AlisaWeights *weights, AlisaError *error) {
    const AlisaShape *shape = &weights->shape;
    weights->layers =
        alisa_allocate_zeroed(shape->layer_count, sizeof *weights->layers, "layer table", error);
    weights->buffers = alisa_allocate_zeroed(shape->layer_count * LAYER_MATRIX_COUNT + 2,
                                             sizeof *weights->buffers, "buffer table", error);
    weights->vector_data = alisa_allocate(((size_t)shape->layer_count * LAYER_VECTOR_COUNT + 1) *
                                              shape->embedding_length,
                                          sizeof(float), "norm weights", error);
    return weights->layers && weights->buffers && weights->vector_data ? ALISA_OK
                                                                       : ALISA_ERROR_MEMORY;
}

static AlisaStatus place_vectors(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    uint64_t bytes = weights->vector_used * sizeof(float);
    AlisaStatus status = alisa_buffer_create(binder->device, bytes, ALISA_BUFFER_READ_ONLY,
                                             "norm weights", &weights->vectors, binder->error);
    if (status == ALISA_OK) {
        status = alisa_buffer_write(binder->device, &weights->vectors, 0, weights->vector_data,
                                    bytes, binder->error);
    }
    weights->bytes += bytes;
    free(weights->vector_data);
    weights->vector_data = NULL;
    return status;
}

static AlisaStatus bind_all(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    AlisaStatus status = bind_matrix(binder, "token_embd.weight", EXTENT_VOCABULARY,
                                     EXTENT_EMBEDDING, &weights->embedding);
    for (uint32_t layer = 0; status == ALISA_OK && layer < weights->shape.layer_count; layer++) {
        status = bind_layer(binder, layer);
    }
    if (status == ALISA_OK) {
        status = bind_norm(binder, "output_norm.weight", &weights->output_norm);
    }
    /* Without a head of its own a model uses its embedding table again (tied weights). */
    weights->head = weights->embedding;
    if (status == ALISA_OK && alisa_gguf_tensor_find(binder->gguf, "output.weight")) {
        status = bind_matrix(binder, "output.weight", EXTENT_VOCABULARY, EXTENT_EMBEDDING,
                             &weights->head);
    }
    if (status == ALISA_OK) status = bind_rope_divisors(binder);
    if (status == ALISA_OK) status = refuse_unbound(binder);
    if (status == ALISA_OK) status = place_vectors(binder);
    return status;
}

AlisaStatus alisa_weights_create(const AlisaGguf *gguf, const AlisaShape *shape,
                                 AlisaDevice *device, uint64_t device_memory,
                                 const AlisaProgress *progress, AlisaWeights **weights,
                                 AlisaError *error) {
    *weights = NULL;
    AlisaStatus status = check_memory(gguf, device, device_memory, error);
    if (status != ALISA_OK) return status;
    AlisaWeights *made = alisa_allocate_zeroed(1, sizeof *made, "weights", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    Binder binder = {gguf, device, progress, made, NULL, 0, error};
    binder.bound = alisa_allocate_zeroed((size_t)alisa_gguf_tensor_count(gguf), sizeof(bool),
                                         "tensor marks", error);
    status = binder.bound ? allocate_tables(made, error) : ALISA_ERROR_MEMORY;
    if (status == ALISA_OK) status = bind_all(&binder);
    free(binder.bound);
    if (status != ALISA_OK) {
        alisa_weights_destroy(made);
        return status;
    }
    *weights = made;
    return ALISA_OK;
}

void alisa_weights_destroy(AlisaWeights *weights) {
    if (!weights) return;
    for (size_t i = 0; i < weights->buffer_count; i++)
        alisa_buffer_destroy(&weights->buffers[i]);
    alisa_buffer_destroy(&weights->vectors);
    free(weights->vector_data);
    free(weights->rope_divisors);
    free(weights->buffers);
    free(weights->layers);
    free(weights);
}

uint64_t alisa_weights_bytes(const AlisaWeights *weights) {
    return weights->bytes;
}

const AlisaLayerWeights *alisa_weights_layer(const AlisaWeights *weights, uint32_t layer) {
    return &weights->layers[layer];
}

const AlisaMatrix *alisa_weights_embedding(const AlisaWeights *weights) {
    return &weights->embedding;
}

AlisaVector alisa_weights_output_norm(const AlisaWeights *weights) {
    return weights->output_norm;
}

const AlisaMatrix *alisa_weights_head(const AlisaWeights *weights) {
    return &weights->head;
}

const float *alisa_weights_rope_divisors(const AlisaWeights *weights) {
    return weights->rope_divisors;
}
