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
    AlisaLoaded *matrices; /* one a matrix */
    size_t matrix_count;
    AlisaBuffer vectors;           /* all vectors, as floats, one after the other */
    uint64_t bytes;                /* on the device */
    uint64_t host_bytes;           /* in host memory */
    uint64_t streamed_size;        /* most of what is copied at once for a product */
    uint64_t elements, file_bytes; /* of the tensors that the layers need */
    uint64_t host_file_bytes;      /* of those of them that stay in host memory */
};

/* A tensor of the file, or a part of one, and what it is for. */
typedef struct Binding {
    AlisaTensorRows rows; /* of a vector: its elements */
    const AlisaField *field;
    uint32_t layer; /* 0 for roles that are not of layers */
} Binding;

/* What one call of alisa_weights_create carries from tensor to tensor. */
typedef struct Binder {
    const AlisaGguf *gguf;
    const AlisaWeightsTarget *target; /* NULL: nothing is placed */
    AlisaLoader *loader;
    AlisaWeights *weights;
    Binding *bindings; /* [binding_capacity] */
    size_t binding_count, binding_capacity;
    bool *bound;                 /* [tensor count of the file]: some role is for it */
    float *vectors;              /* host image of weights->vectors */
    uint64_t vector_used;        /* floats */
    AlisaComplaints *complaints; /* NULL: the first failure ends the work */
    AlisaError *error;
} Binder;

static AlisaStatus fail_format(const Binder *binder, const char *name, const char *what) {
    return alisa_error_set(binder->error, ALISA_ERROR_FORMAT, "%s: tensor %s %s",
                           alisa_gguf_path(binder->gguf), name, what);
}

/* ---- Tensors and their roles --------------------------------------------------------------- */

typedef struct TensorName {
    char text[64];
} TensorName;

static TensorName name_of(const Binder *binder, AlisaRole role, uint32_t layer) {
    TensorName name;
    const char *text = alisa_architecture_tensor(binder->weights->shape.architecture, role);
    if (alisa_role_in_layers(role)) {
        snprintf(name.text, sizeof name.text, "blk.%u.%s", layer, text);
    } else {
        snprintf(name.text, sizeof name.text, "%s", text);
    }
    return name;
}

static const AlisaGgufTensor *look_up(const Binder *binder, AlisaRole role, uint32_t layer) {
    return alisa_gguf_tensor_find(binder->gguf, name_of(binder, role, layer).text);
}

/* Dimensions of the role's tensors in this model, and what of them is its outputs. */
typedef struct Wanted {
    uint32_t dimensions[3], outputs;
} Wanted;

static Wanted wanted_of(const Binder *binder, AlisaRole role, uint32_t layer) {
    AlisaSizes sizes = alisa_shape_sizes(&binder->weights->shape, layer);
    const AlisaRoleInfo *info = alisa_role_info(role);
    Wanted wanted;
    for (uint32_t i = 0; i < 3; i++)
        wanted.dimensions[i] = alisa_extent_size(info->extents[i], &sizes);
    wanted.outputs = wanted.dimensions[info->extents[1] == ALISA_EXTENT_ONE ? 0 : 1];
    return wanted;
}

/* The tensor has the dimensions that its role has in this model, and a type with kernels. */
static AlisaStatus check_tensor(const Binder *binder, const AlisaGgufTensor *tensor,
                                const Wanted *wanted) {
    const uint32_t *sizes = wanted->dimensions;
    uint64_t outer = tensor->dimensions[2] * tensor->dimensions[3];
    if (tensor->dimensions[0] != sizes[0] || tensor->dimensions[1] != sizes[1] ||
        outer != sizes[2]) {
        char what[160];
        snprintf(what, sizeof what,
                 "is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                 " (row length first); the model's keys ask for %u x %u x %u",
                 tensor->dimensions[0], tensor->dimensions[1], outer, sizes[0], sizes[1], sizes[2]);
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

/* The tensor that holds the part `role` together with others: where the file has it, and not the
 * first of the parts by itself. NULL: there is none. */
static const AlisaGgufTensor *look_up_fused(const Binder *binder, AlisaRole role, uint32_t layer) {
    const AlisaFusion *fusion = alisa_fusion_of(role);
    if (!fusion || look_up(binder, fusion->parts[0], layer)) return NULL;
    const AlisaGgufTensor *fused = look_up(binder, fusion->fused, layer);
    /* The last part may have the same name. */
    if (fused && fused == look_up(binder, fusion->parts[fusion->part_count - 1], layer) &&
        fused->dimensions[1] != wanted_of(binder, fusion->fused, layer).dimensions[1])
        return NULL;
    return fused;
}

/* The rows of a fused tensor that are the part `role`. */
static AlisaTensorRows rows_of_part(const Binder *binder, const AlisaGgufTensor *fused,
                                    AlisaRole role, uint32_t layer) {
    const AlisaFusion *fusion = alisa_fusion_of(role);
    AlisaTensorRows rows = {.tensor = fused};
    for (uint32_t i = 0; fusion->parts[i] != role; i++)
        rows.first += wanted_of(binder, fusion->parts[i], layer).outputs;
    rows.count = wanted_of(binder, role, layer).outputs;
    return rows;
}

static AlisaStatus fail_missing(const Binder *binder, AlisaRole role, uint32_t layer) {
    const uint32_t *sizes = wanted_of(binder, role, layer).dimensions;
    char what[160];
    snprintf(what, sizeof what, "(%s, %u x %u x %u) is missing: the file is not a whole model",
             alisa_role_info(role)->what, sizes[0], sizes[1], sizes[2]);
    return fail_format(binder, name_of(binder, role, layer).text, what);
}

static AlisaStatus add_binding(Binder *binder, const AlisaTensorRows *rows, AlisaRole role,
                               uint32_t layer) {
    const AlisaShape *shape = &binder->weights->shape;
    const AlisaField *field = alisa_field_of(role);
    if (!field)
        return alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                               "%s: tensor %s is %s, which this version does not compute",
                               alisa_gguf_path(binder->gguf), rows->tensor->name,
                               alisa_role_info(role)->what);
    if (binder->binding_count == binder->binding_capacity) {
        size_t capacity = 2 * binder->binding_capacity + 64;
        Binding *grown = realloc(binder->bindings, capacity * sizeof *grown);
        if (!grown)
            return alisa_error_set(binder->error, ALISA_ERROR_MEMORY, "tensor roles: no memory");
        binder->bindings = grown;
        binder->binding_capacity = capacity;
    }
    Binding *binding = &binder->bindings[binder->binding_count++];
    *binding = (Binding){*rows, field, layer};
    if (field->is_turned && shape->architecture->rotation == ALISA_ROTATION_HALVES)
        binding->rows.order = (AlisaRowOrder){shape->layers[layer].head_dim, shape->ropes[0].dim};
    return ALISA_OK;
}

/* The directory is one array, so a tensor's place in it is a difference of addresses. */
static void mark_bound(Binder *binder, const AlisaGgufTensor *tensor) {
    binder->bound[tensor - alisa_gguf_tensor_at(binder->gguf, 0)] = true;
}

/* Whether the file may lack the role's tensor: it is optional, no other tensor of the file needs
 * it, and it is not part of a shared expert that the keys give a size. */
static bool may_lack(const Binder *binder, AlisaRole role, uint32_t layer) {
    const AlisaShape *shape = &binder->weights->shape;
    const AlisaArchitecture *row = shape->architecture;
    const AlisaExtent *extents = alisa_role_info(role)->extents;
    bool is_shared =
        extents[0] == ALISA_EXTENT_SHARED_FORWARD || extents[1] == ALISA_EXTENT_SHARED_FORWARD;
    if (!(row->optional & ALISA_ROLES(role))) return false;
    if (is_shared && shape->experts.shared_forward > 0) return false;
    AlisaRoles needing = alisa_role_dependants(role) & (row->required | row->optional);
    for (uint32_t other = 0; other < ALISA_ROLE_COUNT; other++)
        if (needing & ALISA_ROLES(other) && look_up(binder, other, layer)) return false;
    return true;
}

static AlisaStatus find_tensor(Binder *binder, AlisaRole role, uint32_t layer) {
    const AlisaGgufTensor *fused = look_up_fused(binder, role, layer);
    const AlisaGgufTensor *tensor = fused ? fused : look_up(binder, role, layer);
    if (!tensor && may_lack(binder, role, layer)) return ALISA_OK;
    /* Of roles that nothing is computed with the shape has complained. */
    if (binder->complaints && !alisa_field_of(role)) {
        if (tensor) mark_bound(binder, tensor);
        return ALISA_OK;
    }
    if (!tensor) return fail_missing(binder, role, layer);
    mark_bound(binder, tensor);
    Wanted wanted = wanted_of(binder, fused ? alisa_fusion_of(role)->fused : role, layer);
    AlisaStatus status = check_tensor(binder, tensor, &wanted);
    if (status != ALISA_OK) return status;
    const AlisaField *field = alisa_field_of(role);
    bool is_matrix = field && field->kind == ALISA_FIELD_MATRIX;
    if (field && !is_matrix && alisa_weight_type_info(tensor->type)->block_elements > 1)
        return fail_format(binder, tensor->name, "is quantised; a vector must be F32, F16 or BF16");
    AlisaTensorRows rows = {
        .tensor = tensor, .count = tensor->element_count / (is_matrix ? tensor->dimensions[0] : 1)};
    if (fused) rows = rows_of_part(binder, fused, role, layer);
    return add_binding(binder, &rows, role, layer);
}

/* Layers have one feed-forward block or experts. */
static bool stands_in_layer(const AlisaShape *shape, AlisaRole role) {
    switch (alisa_role_info(role)->place) {
    case ALISA_PLACE_DENSE:
        return shape->experts.count == 0;
    case ALISA_PLACE_EXPERTS:
        return shape->experts.count > 0;
    default:
        return alisa_role_in_layers(role);
    }
}

/* Every tensor of the model: those beside the layers, then layer by layer. */
static AlisaStatus find_tensors(Binder *binder) {
    const AlisaShape *shape = &binder->weights->shape;
    AlisaRoles roles = shape->architecture->required | shape->architecture->optional;
    AlisaStatus status = ALISA_OK;
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT && status == ALISA_OK; role++) {
        if (!(roles & ALISA_ROLES(role)) || alisa_role_in_layers(role)) continue;
        status = alisa_complain(binder->complaints, find_tensor(binder, role, 0), binder->error);
    }
    for (uint32_t layer = 0; layer < shape->layer_count; layer++) {
        for (uint32_t role = 0; role < ALISA_ROLE_COUNT && status == ALISA_OK; role++) {
            if (!(roles & ALISA_ROLES(role)) || !stands_in_layer(shape, role)) continue;
            status =
                alisa_complain(binder->complaints, find_tensor(binder, role, layer), binder->error);
        }
    }
    return status;
}

/* A tensor that no role is for would have changed the result: name it instead of leaving it out.
 */
static AlisaStatus refuse_unbound(const Binder *binder) {
    const AlisaGguf *gguf = binder->gguf;
    AlisaStatus status = ALISA_OK;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf) && status == ALISA_OK; i++) {
        if (binder->bound[i]) continue;
        AlisaStatus failed =
            alisa_error_set(binder->error, ALISA_ERROR_UNSUPPORTED,
                            "%s: tensor %s has no place in architecture '%s' as this version "
                            "computes it, so its results would be wrong",
                            alisa_gguf_path(gguf), alisa_gguf_tensor_at(gguf, i)->name,
                            binder->weights->shape.architecture->name);
        status = alisa_complain(binder->complaints, failed, binder->error);
    }
    return status;
}

static bool has_role(const Binder *binder, AlisaRole role) {
    for (size_t i = 0; i < binder->binding_count; i++)
        if (binder->bindings[i].field->role == role) return true;
    return false;
}

/* The run of layers needs the tensor. tied: the embedding table is the head too. */
static bool is_needed(const Binder *binder, const Binding *binding, bool tied) {
    const AlisaWeights *weights = binder->weights;
    bool last = weights->end == weights->shape.layer_count;
    AlisaRole role = binding->field->role;
    switch (alisa_role_info(role)->place) {
    case ALISA_PLACE_FIRST:
        return weights->first == 0 || (role == ALISA_ROLE_EMBEDDING && last && tied);
    case ALISA_PLACE_LAST:
        return last;
    case ALISA_PLACE_ALL:
        return true;
    default:
        return binding->layer >= weights->first && binding->layer < weights->end;
    }
}

static bool is_on_host(const Binder *binder, const AlisaTensorRows *rows) {
    return alisa_homes_on_host(&binder->target->homes, binder->gguf, rows->tensor);
}

/* Keeps what the run of layers needs, before anything is placed: do its bytes fit? */
static AlisaStatus keep_needed(Binder *binder) {
    uint64_t needed = 0, device_memory = binder->target->device_memory;
    size_t kept = 0;
    bool tied = !has_role(binder, ALISA_ROLE_HEAD);
    for (size_t i = 0; i < binder->binding_count; i++) {
        if (!is_needed(binder, &binder->bindings[i], tied)) continue;
        const Binding *binding = &binder->bindings[i];
        bool is_matrix = binding->field->kind == ALISA_FIELD_MATRIX;
        const AlisaTensorRows *rows = &binding->rows;
        if (!is_matrix)
            needed += rows->count * sizeof(float);
        else if (!is_on_host(binder, rows))
            needed += alisa_load_bytes(rows);
        const AlisaGgufTensor *tensor = rows->tensor;
        binder->weights->elements += rows->count * (is_matrix ? tensor->dimensions[0] : 1);
        uint64_t file_bytes = is_matrix ? alisa_tensor_rows_bytes(rows)
                                        : tensor->byte_count / tensor->element_count * rows->count;
        binder->weights->file_bytes += file_bytes;
        if (is_matrix && is_on_host(binder, rows)) binder->weights->host_file_bytes += file_bytes;
        binder->bindings[kept++] = binder->bindings[i];
    }
    binder->binding_count = kept;
    if (needed <= device_memory) return ALISA_OK;
    return alisa_error_set(binder->error, ALISA_ERROR_MEMORY,
                           "%s: the weights need %.1f MiB and %s offers %.1f MiB: take a smaller "
                           "quantisation of the model, another device (-dev), a larger "
                           "--device-mem if it was set, or leave matrices in host memory (-ot, "
                           "--cpu-moe)",
                           alisa_gguf_path(binder->gguf), (double)needed / 0x1p20,
                           alisa_opencl_info(binder->target->device)->name,
                           (double)device_memory / 0x1p20);
}

/* ---- Placing ------------------------------------------------------------------------------- */

/* Of experts, one is copied at a time. */
static void note_streamed(AlisaWeights *weights, const AlisaTensorRows *rows) {
    AlisaTensorRows one = *rows;
    one.count /= rows->tensor->dimensions[2];
    uint64_t size = alisa_load_bytes(&one);
    if (size > weights->streamed_size) weights->streamed_size = size;
}

static AlisaStatus place_matrix(Binder *binder, const AlisaTensorRows *rows, AlisaMatrix *matrix) {
    AlisaWeights *weights = binder->weights;
    if ((uintptr_t)rows->tensor->data % sizeof(float) != 0)
        return fail_format(binder, rows->tensor->name,
                           "is not aligned to 4 bytes (general.alignment)");
    bool on_host = is_on_host(binder, rows), streamed = on_host && binder->target->streams;
    *(on_host ? &weights->host_bytes : &weights->bytes) += alisa_load_bytes(rows);
    if (streamed) note_streamed(weights, rows);
    return alisa_loader_load(binder->loader, rows, streamed,
                             &weights->matrices[weights->matrix_count++], matrix, binder->error);
}

/* Widens elements of F32, F16 or BF16 to floats. */
static void read_vector(const AlisaTensorRows *rows, float *values) {
    const AlisaGgufTensor *tensor = rows->tensor;
    uint64_t bytes = alisa_weight_type_row_bytes(tensor->type, 1);
    for (uint64_t i = 0; i < rows->count; i++)
        alisa_weight_type_dequantise(
            tensor->type, tensor->data + (rows->first + alisa_row_source(&rows->order, i)) * bytes,
            1, values + i);
}

static void place_vector(Binder *binder, const AlisaTensorRows *rows, AlisaVector *vector) {
    *vector = (AlisaVector){&binder->weights->vectors, binder->vector_used};
    binder->vector_used += rows->count;
    read_vector(rows, binder->vectors + vector->offset);
}

/* Divisors of RoPE frequencies stay on the host, where frequencies are made. */
static AlisaStatus read_divisors(const Binder *binder, const AlisaTensorRows *rows,
                                 float **divisors) {
    const char *name = rows->tensor->name;
    *divisors = alisa_allocate(rows->count, sizeof(float), name, binder->error);
    if (!*divisors) return ALISA_ERROR_MEMORY;
    read_vector(rows, *divisors);
    for (uint64_t i = 0; i < rows->count; i++) {
        if (!((*divisors)[i] > 0.0f))
            return fail_format(binder, name, "has a divisor that is not > 0");
    }
    return ALISA_OK;
}

static AlisaStatus place(Binder *binder, const Binding *binding) {
    AlisaWeights *weights = binder->weights;
    const AlisaField *field = binding->field;
    char *base = alisa_role_in_layers(field->role)
                     ? (char *)&weights->layers[binding->layer - weights->first]
                     : (char *)&weights->outer;
    void *target = base + field->offset;
    switch (field->kind) {
    case ALISA_FIELD_HOST:
        return read_divisors(binder, &binding->rows, target);
    case ALISA_FIELD_VECTOR:
        place_vector(binder, &binding->rows, target);
        return ALISA_OK;
    default:
        return place_matrix(binder, &binding->rows, target);
    }
}

static AlisaStatus allocate_tables(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    size_t matrices = 0;
    uint64_t floats = 0;
    for (size_t i = 0; i < binder->binding_count; i++) {
        const Binding *binding = &binder->bindings[i];
        matrices += binding->field->kind == ALISA_FIELD_MATRIX;
        if (binding->field->kind == ALISA_FIELD_VECTOR) floats += binding->rows.count;
    }
    weights->layers = alisa_allocate_zeroed(weights->end - weights->first, sizeof *weights->layers,
                                            "layer table", binder->error);
    weights->matrices =
        alisa_allocate_zeroed(matrices, sizeof *weights->matrices, "matrix table", binder->error);
    binder->vectors =
        alisa_allocate((size_t)floats, sizeof(float), "norms and biases", binder->error);
    return weights->layers && weights->matrices && binder->vectors ? ALISA_OK : ALISA_ERROR_MEMORY;
}

/* A norm for attention alone leaves the other one to the feed-forward block. */
static void move_norms(AlisaLayerWeights *layer) {
    if (!layer->attention_norm_2.buffer) return;
    layer->feed_forward_norm = layer->attention_norm;
    layer->feed_forward_norm_bias = layer->attention_norm_bias;
    layer->attention_norm = layer->attention_norm_2;
    layer->attention_norm_bias = layer->attention_norm_2_bias;
}

static AlisaStatus upload_vectors(Binder *binder) {
    AlisaWeights *weights = binder->weights;
    uint64_t bytes = binder->vector_used * sizeof(float);
    AlisaStatus status = alisa_buffer_create(binder->target->device, bytes, ALISA_BUFFER_READ_ONLY,
                                             "norms and biases", &weights->vectors, binder->error);
    if (status != ALISA_OK) return status;
    weights->bytes += bytes;
    return alisa_buffer_write(binder->target->device, &weights->vectors, 0, binder->vectors, bytes,
                              binder->error);
}

static AlisaStatus place_all(Binder *binder, const AlisaProgress *progress) {
    AlisaWeights *weights = binder->weights;
    uint64_t total = 0;
    for (size_t i = 0; i < binder->binding_count; i++)
        if (binder->bindings[i].field->kind == ALISA_FIELD_MATRIX)
            total += alisa_tensor_rows_bytes(&binder->bindings[i].rows);
    AlisaStatus status = alisa_loader_create(binder->gguf, binder->target->device, total, progress,
                                             &binder->loader, binder->error);
    if (status == ALISA_OK) status = allocate_tables(binder);
    for (size_t i = 0; i < binder->binding_count && status == ALISA_OK; i++)
        status = place(binder, &binder->bindings[i]);
    if (status == ALISA_OK) status = alisa_loader_finish(binder->loader, binder->error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < weights->end - weights->first; i++)
        move_norms(&weights->layers[i]);
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

/* Binds every tensor of the file, and names those that are left. */
static AlisaStatus bind_all(Binder *binder) {
    size_t tensors = (size_t)alisa_gguf_tensor_count(binder->gguf);
    binder->bound =
        alisa_allocate_zeroed(tensors, sizeof *binder->bound, "tensor marks", binder->error);
    if (!binder->bound) return ALISA_ERROR_MEMORY;
    AlisaStatus status = find_tensors(binder);
    return status == ALISA_OK ? refuse_unbound(binder) : status;
}

static void finish_binder(Binder *binder) {
    alisa_loader_destroy(binder->loader);
    free(binder->bindings);
    free(binder->bound);
    free(binder->vectors);
}

AlisaStatus alisa_weights_check(const AlisaGguf *gguf, const AlisaShape *shape,
                                AlisaComplaints *complaints, AlisaError *error) {
    AlisaWeights weights = {.shape = *shape};
    Binder binder = {.gguf = gguf, .weights = &weights, .complaints = complaints, .error = error};
    AlisaStatus status = bind_all(&binder);
    finish_binder(&binder);
    return status;
}

AlisaStatus alisa_weights_create(const AlisaGguf *gguf, const AlisaShape *shape, uint32_t first,
                                 uint32_t end, const AlisaWeightsTarget *target,
                                 const AlisaProgress *progress, AlisaWeights **weights,
                                 AlisaError *error) {
    *weights = NULL;
    AlisaWeights *made = alisa_allocate_zeroed(1, sizeof *made, "weights", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->first = first;
    made->end = end;
    Binder binder = {.gguf = gguf, .target = target, .weights = made, .error = error};
    AlisaStatus status = bind_all(&binder);
    if (status == ALISA_OK) status = keep_needed(&binder);
    if (status == ALISA_OK) status = place_all(&binder, progress);
    finish_binder(&binder);
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
    free(weights->outer.rope_divisors);
    free(weights->outer.rope_long);
    free(weights->outer.rope_short);
    free(weights->matrices);
    free(weights->layers);
    free(weights);
}

uint64_t alisa_weights_bytes(const AlisaWeights *weights) {
    return weights->bytes;
}

uint64_t alisa_weights_host_bytes(const AlisaWeights *weights) {
    return weights->host_bytes;
}

uint64_t alisa_weights_streamed_size(const AlisaWeights *weights) {
    return weights->streamed_size;
}

uint64_t alisa_weights_elements(const AlisaWeights *weights) {
    return weights->elements;
}

uint64_t alisa_weights_file_bytes(const AlisaWeights *weights) {
    return weights->file_bytes;
}

uint64_t alisa_weights_host_file_bytes(const AlisaWeights *weights) {
    return weights->host_file_bytes;
}

const AlisaLayerWeights *alisa_weights_layer(const AlisaWeights *weights, uint32_t layer) {
    return &weights->layers[layer - weights->first];
}

const AlisaOuterWeights *alisa_weights_outer(const AlisaWeights *weights) {
    return &weights->outer;
}
