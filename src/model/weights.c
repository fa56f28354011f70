/* SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/load.h"

struct AlisaWeights {
    AlisaShape shape;
    uint32_t first, end;
    AlisaLayerWeights *layers; /* [end - first] */
    AlisaOuterWeights outer;
    float *rope_divisors;  /* [rope.dim / 2] or NULL */
    AlisaLoaded *matrices; /* one a matrix */
    size_t matrix_count;
    AlisaBuffer vectors;           /* all vectors, as floats, one after the other */
    uint64_t bytes;                /* on the device */
    uint64_t elements, file_bytes; /* of the tensors that the layers need */
};

/* A tensor of the file and what it is for. */
typedef struct Binding {
    const AlisaGgufTensor *tensor;
    AlisaRole role;
    uint32_t layer; /* 0 for roles that are not of layers */
} Binding;

/* What one call of alisa_weights_create carries from tensor to tensor. */
typedef struct Binder {
    const AlisaGguf *gguf;
    AlisaDevice *device;
    AlisaLoader *loader;
    AlisaWeights *weights;
    Binding *bindings; /* [tensor count of the file] at most */
    size_t binding_count;
    bool *bound;          /* [tensor count of the file]: some role is for it */
    float *vectors;       /* host image of weights->vectors */
    uint64_t vector_used; /* floats */
    AlisaError *error;
} Binder;

static AlisaStatus fail_format(const Binder *binder, const char *name, const char *what) {
    return alisa_error_set(binder->error, ALISA_ERROR_FORMAT, "%s: tensor %s %s",
                           alisa_gguf_path(binder->gguf), name, what);
}

/* ---- Tensors and their roles --------------------------------------------------------------- */

static bool is_vector(AlisaRole role) {
    return alisa_role_info(role)->extents[1] == ALISA_EXTENT_ONE;
}

/* The tensor has the dimensions that its role has in this model, and a type with kernels. */
static AlisaStatus check_tensor(const Binder *binder, const Binding *binding) {
    const AlisaGgufTensor *tensor = binding->tensor;
    const AlisaRoleInfo *info = alisa_role_info(binding->role);
    AlisaSizes sizes = alisa_shape_sizes(&binder->weights->shape, binding->layer);
    uint32_t wanted[3];
    for (uint32_t i = 0; i < 3; i++)
        wanted[i] = alisa_extent_size(info->extents[i], &sizes);
    uint64_t outer = tensor->dimensions[2] * tensor->dimensions[3];
    if (tensor->dimensions[0] != wanted[0] || tensor->dimensions[1] != wanted[1] ||
        outer != wanted[2]) {
        char what[160];
        snprintf(what, sizeof what,
                 "is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                 " (row length first); the model's keys ask for %u x %u x %u",
                 tensor->dimensions[0], tensor->dimensions[1], outer, wanted[0], wanted[1],
                 wanted[2]);
        return fail_format(binder, tensor->name, what);
    }
    const AlisaWeightTypeInfo *type = alisa_weight_type_info(tensor->type);
    if (!alisa_weight_type_is_computed(tensor->type)) {
        char types[512];
        alisa_weight_type_list(types);
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s has type %s (%u); this version computes with %s: "
                               "quantise the model to one of these",
                               alisa_gguf_path(binder->gguf), tensor->name,
                               type ? type->name : "unknown", tensor->type, types);
    }
    return ALISA_OK;
}

static AlisaStatus find_tensor(Binder *binder, AlisaRole role, uint32_t layer) {
    const AlisaArchitecture *row = binder->weights->shape.architecture;
    const char *file_name = alisa_architecture_tensor(row, role);
    char name[64];
    if (alisa_role_in_layers(role)) {
        snprintf(name, sizeof name, "blk.%u.%s", layer, file_name);
    } else {
        snprintf(name, sizeof name, "%s", file_name);
    }
    const AlisaGgufTensor *tensor = alisa_gguf_tensor_find(binder->gguf, name);
    if (!tensor && row->optional & ALISA_ROLES(role)) return ALISA_OK;
    if (!tensor) return fail_format(binder, name, "is missing: the file is not a whole model");
    Binding *binding = &binder->bindings[binder->binding_count++];
    *binding = (Binding){tensor, role, layer};
    /* The directory is one array, so a tensor's place in it is a difference of addresses. */
    binder->bound[tensor - alisa_gguf_tensor_at(binder->gguf, 0)] = true;
    return check_tensor(binder, binding);
}

/* Every tensor of the model: those beside the layers, then layer by layer. */
static AlisaStatus find_tensors(Binder *binder) {
    const AlisaShape *shape = &binder->weights->shape;
    AlisaRoles roles = shape->architecture->required | shape->architecture->optional;
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++) {
        if (!(roles & ALISA_ROLES(role)) || alisa_role_in_layers(role)) continue;
        AlisaStatus status = find_tensor(binder, role, 0);
        if (status != ALISA_OK) return status;
    }
    for (uint32_t layer = 0; layer < shape->layer_count; layer++) {
        for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++) {
            if (!(roles & ALISA_ROLES(role)) || !alisa_role_in_layers(role)) continue;
            AlisaStatus status = find_tensor(binder, role, layer);
            if (status != ALISA_OK) return status;
        }
    }
    return ALISA_OK;
}

/* A tensor that no role is for would have changed the result: name it instead of leaving it out.
 */
static AlisaStatus refuse_unbound(const Binder *binder) {
    const AlisaGguf *gguf = binder->gguf;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        if (binder->bound[i]) continue;
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s has no place in architecture '%s' as this version "
                               "computes it, so its results would be wrong",
                               alisa_gguf_path(gguf), alisa_gguf_tensor_at(gguf, i)->name,
                               binder->weights->shape.architecture->name);
    }
    return ALISA_OK;
}

static bool has_role(const Binder *binder, AlisaRole role) {
    for (size_t i = 0; i < binder->binding_count; i++)
        if (binder->bindings[i].role == role) return true;
    return false;
}

/* The run of layers needs the tensor. tied: the embedding table is the head too. */
static bool is_needed(const Binder *binder, const Binding *binding, bool tied) {
    const AlisaWeights *weights = binder->weights;
    bool last = weights->end == weights->shape.layer_count;
    switch (alisa_role_info(binding->role)->place) {
    case ALISA_PLACE_FIRST:
        return weights->first == 0 || (binding->role == ALISA_ROLE_EMBEDDING && last && tied);
    case ALISA_PLACE_LAST:
        return last;
    case ALISA_PLACE_ALL:
        return true;
    default:
        return binding->layer >= weights->first && binding->layer < weights->end;
    }
}

/* Keeps what the run of layers needs, before anything is placed: do its bytes fit? */
static AlisaStatus keep_needed(Binder *binder, uint64_t device_memory) {
    uint64_t needed = 0;
    size_t kept = 0;
    bool tied = !has_role(binder, ALISA_ROLE_HEAD);
    for (size_t i = 0; i < binder->binding_count; i++) {
        if (!is_needed(binder, &binder->bindings[i], tied)) continue;
        const AlisaGgufTensor *tensor = binder->bindings[i].tensor;
        needed += alisa_load_bytes(tensor);
        binder->weights->elements += tensor->element_count;
        binder->weights->file_bytes += tensor->byte_count;
        binder->bindings[kept++] = binder->bindings[i];
    }
    binder->binding_count = kept;
    if (needed <= device_memory) return ALISA_OK;
    return alisa_error_set(binder->error, ALISA_ERROR_MEMORY,
                           "%s: the weights need %.1f MiB and %s offers %.1f MiB: take a smaller "
                           "quantisation of the model, another device (-dev), or a larger "
                           "--device-mem if it was set",
                           alisa_gguf_path(binder->gguf), (double)needed / 0x1p20,
                           alisa_opencl_info(binder->device)->name, (double)device_memory / 0x1p20);
}

/* ---- Placing ------------------------------------------------------------------------------- */

static AlisaStatus place_matrix(Binder *binder, const AlisaGgufTensor *tensor,
                                AlisaMatrix *matrix) {
    AlisaWeights *weights = binder->weights;
    if ((uintptr_t)tensor->data % sizeof(float) != 0)
        return fail_format(binder, tensor->name, "is not aligned to 4 bytes (general.alignment)");
    weights->bytes += alisa_load_bytes(tensor);
    return alisa_loader_load(binder->loader, tensor, &weights->matrices[weights->matrix_count++],
                             matrix, binder->error);
}

/* Widens a vector of F32, F16 or BF16 to floats. */
static AlisaStatus read_vector(const Binder *binder, const AlisaGgufTensor *tensor, float *values) {
    if (alisa_weight_type_info(tensor->type)->block_elements > 1) {
        return fail_format(binder, tensor->name, "is quantised; a vector must be F32, F16 or BF16");
    }
    alisa_weight_type_dequantise(tensor->type, tensor->data, tensor->element_count, values);
    return ALISA_OK;
}

static AlisaStatus place_vector(Binder *binder, const AlisaGgufTensor *tensor,
                                AlisaVector *vector) {
    *vector = (AlisaVector){&binder->weights->vectors, binder->vector_used};
    binder->vector_used += tensor->element_count;
    return read_vector(binder, tensor, binder->vectors + vector->offset);
}

/* They stay on the host, where frequencies are made. */
static AlisaStatus read_rope_divisors(const Binder *binder, const AlisaGgufTensor *tensor) {
    AlisaWeights *weights = binder->weights;
    uint32_t pairs = (uint32_t)tensor->element_count;
    weights->rope_divisors = alisa_allocate(pairs, sizeof(float), tensor->name, binder->error);
    if (!weights->rope_divisors) return ALISA_ERROR_MEMORY;
    AlisaStatus status = read_vector(binder, tensor, weights->rope_divisors);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!(weights->rope_divisors[i] > 0.0f))
            return fail_format(binder, tensor->name, "has a divisor that is not > 0");
    }
    return ALISA_OK;
}

static AlisaStatus place(Binder *binder, const Binding *binding) {
    AlisaWeights *weights = binder->weights;
    if (binding->role == ALISA_ROLE_ROPE_DIVISORS)
        return read_rope_divisors(binder, binding->tensor);
    AlisaLayerWeights *layer = alisa_role_in_layers(binding->role)
                                   ? &weights->layers[binding->layer - weights->first]
                                   : NULL;
    void *field = alisa_field_of(binding->role, layer, &weights->outer);
    if (!field) {
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s is %s, which this version does not compute",
                               alisa_gguf_path(binder->gguf), binding->tensor->name,
                               alisa_role_info(binding->role)->what);
    }
    return is_vector(binding->role) ? place_vector(binder, binding->tensor, field)
                                    : place_matrix(binder, binding->tensor, field);
}

static AlisaStatus allocate_tables(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    size_t matrices = 0;
    uint64_t floats = 0;
    for (size_t i = 0; i < binder->binding_count; i++) {
        const Binding *binding = &binder->bindings[i];
        if (is_vector(binding->role)) {
            floats += binding->tensor->element_count;
        } else {
            matrices++;
        }
    }
    weights->layers = alisa_allocate_zeroed(weights->end - weights->first, sizeof *weights->layers,
                                            "layer table", binder->error);
    weights->matrices =
        alisa_allocate_zeroed(matrices, sizeof *weights->matrices, "matrix table", binder->error);
    binder->vectors = alisa_allocate((size_t)floats, sizeof(float), "norm weights", binder->error);
    return weights->layers && weights->matrices && binder->vectors ? ALISA_OK : ALISA_ERROR_MEMORY;
}

static AlisaStatus upload_vectors(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    uint64_t bytes = binder->vector_used * sizeof(float);
    AlisaStatus status = alisa_buffer_create(binder->device, bytes, ALISA_BUFFER_READ_ONLY,
                                             "norm weights", &weights->vectors, binder->error);
    if (status != ALISA_OK) return status;
    weights->bytes += bytes;
    return alisa_buffer_write(binder->device, &weights->vectors, 0, binder->vectors, bytes,
                              binder->error);
}

static AlisaStatus place_all(Binder *binder, const AlisaProgress *progress) {
    AlisaWeights *weights = binder->weights;
    uint64_t total = 0;
    for (size_t i = 0; i < binder->binding_count; i++)
        if (!is_vector(binder->bindings[i].role)) total += binder->bindings[i].tensor->byte_count;
    AlisaStatus status = alisa_loader_create(binder->gguf, binder->device, total, progress,
                                             &binder->loader, binder->error);
    if (status == ALISA_OK) status = allocate_tables(binder);
    for (size_t i = 0; i < binder->binding_count && status == ALISA_OK; i++)
        status = place(binder, &binder->bindings[i]);
    if (status == ALISA_OK) status = alisa_loader_finish(binder->loader, binder->error);
    if (status != ALISA_OK) return status;
    /* Without a head of its own a model uses its embedding table again (tied weights). */
    if (!weights->outer.head.buffer) weights->outer.head = weights->outer.embedding;
    return upload_vectors(binder);
}

uint32_t alisa_weights_vocabulary(const AlisaGguf *gguf) {
    const AlisaGgufTensor *table =
        alisa_gguf_tensor_find(gguf, alisa_role_info(ALISA_ROLE_EMBEDDING)->name);
    if (!table || table->dimensions[1] > INT32_MAX) return 0;
    return (uint32_t)table->dimensions[1];
}

AlisaStatus alisa_weights_create(const AlisaGguf *gguf, const AlisaShape *shape, uint32_t first,
                                 uint32_t end, AlisaDevice *device, uint64_t device_memory,
                                 const AlisaProgress *progress, AlisaWeights **weights,
                                 AlisaError *error) {
    *weights = NULL;
    AlisaWeights *made = alisa_allocate_zeroed(1, sizeof *made, "weights", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->first = first;
    made->end = end;
    size_t tensors = (size_t)alisa_gguf_tensor_count(gguf);
    Binder binder = {.gguf = gguf, .device = device, .weights = made, .error = error};
    AlisaStatus status = ALISA_ERROR_MEMORY;
    binder.bindings = alisa_allocate(tensors, sizeof *binder.bindings, "tensor roles", error);
    binder.bound = alisa_allocate_zeroed(tensors, sizeof *binder.bound, "tensor marks", error);
    if (!binder.bindings || !binder.bound) goto end;
    status = find_tensors(&binder);
    if (status == ALISA_OK) status = refuse_unbound(&binder);
    if (status == ALISA_OK) status = keep_needed(&binder, device_memory);
    if (status == ALISA_OK) status = place_all(&binder, progress);
end:
    alisa_loader_destroy(binder.loader);
    free(binder.bindings);
    free(binder.bound);
    free(binder.vectors);
    if (status == ALISA_OK) {
        *weights = made;
    } else {
        alisa_weights_destroy(made);
    }
    return status;
}

void alisa_weights_destroy(AlisaWeights *weights) {
    if (!weights) return;
    for (size_t i = 0; i < weights->matrix_count; i++)
        alisa_loaded_destroy(&weights->matrices[i]);
    alisa_buffer_destroy(&weights->vectors);
    free(weights->rope_divisors);
    free(weights->matrices);
    free(weights->layers);
    free(weights);
}

uint64_t alisa_weights_bytes(const AlisaWeights *weights) {
    return weights->bytes;
}

uint64_t alisa_weights_elements(const AlisaWeights *weights) {
    return weights->elements;
}

uint64_t alisa_weights_file_bytes(const AlisaWeights *weights) {
    return weights->file_bytes;
}

const AlisaLayerWeights *alisa_weights_layer(const AlisaWeights *weights, uint32_t layer) {
    return &weights->layers[layer - weights->first];
}

const AlisaMatrix *alisa_weights_embedding(const AlisaWeights *weights) {
    return &weights->outer.embedding;
}

AlisaVector alisa_weights_output_norm(const AlisaWeights *weights) {
    return weights->outer.output_norm;
}

const AlisaMatrix *alisa_weights_head(const AlisaWeights *weights) {
    return &weights->outer.head;
}

const float *alisa_weights_rope_divisors(const AlisaWeights *weights) {
    return weights->rope_divisors;
}
