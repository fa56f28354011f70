/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes tiny models of any architecture: a plan has all keys and tensors that its row asks for, a
 * test changes what it wants, and the plan is written as a GGUF image.
 */
#ifndef ALISA_TESTS_MODEL_IMAGE_H
#define ALISA_TESTS_MODEL_IMAGE_H

#include <stdio.h>

#include "base/architecture.h"
#include "base/random.h"
#include "unit/gguf_image.h"

enum { MODEL_LAYERS = 2, MODEL_KEYS = 64, MODEL_TENSORS = 128 };

typedef struct ModelKey {
    char suffix[64]; /* behind "llama."; empty: not written */
    AlisaGgufValueType type;
    uint64_t bits;    /* of the value as it stands in the file */
    const char *text; /* of a string */
    uint32_t count;   /* elements of an array, all of that value; 0: no array */
} ModelKey;

typedef struct ModelTensor {
    char name[64]; /* empty: not written */
    AlisaRole role;
    uint32_t type;
    uint64_t dimensions[3];
} ModelTensor;

typedef struct ModelPlan {
    const AlisaArchitecture *row;
    AlisaSizes sizes;
    ModelKey keys[MODEL_KEYS];
    ModelTensor tensors[MODEL_TENSORS];
    size_t key_count, tensor_count;
    bool shares_data; /* all tensors have the same bytes, where only heads matter */
} ModelPlan;

static inline ModelKey *model_find_key(ModelPlan *plan, const char *suffix) {
    for (size_t i = 0; i < plan->key_count; i++)
        if (strcmp(plan->keys[i].suffix, suffix) == 0) return &plan->keys[i];
    return NULL;
}

/* Adds the key, or gives it another value. */
static inline ModelKey *model_set_key(ModelPlan *plan, const char *suffix, AlisaGgufValueType type,
                                      uint64_t bits) {
    ModelKey *key = model_find_key(plan, suffix);
    if (!key && plan->key_count == MODEL_KEYS) abort();
    if (!key) key = &plan->keys[plan->key_count++];
    *key = (ModelKey){.type = type, .bits = bits};
    snprintf(key->suffix, sizeof key->suffix, "%s", suffix);
    return key;
}

static inline void model_set_u32(ModelPlan *plan, const char *suffix, uint32_t value) {
    model_set_key(plan, suffix, ALISA_GGUF_U32, value);
}

static inline void model_set_f32(ModelPlan *plan, const char *suffix, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    model_set_key(plan, suffix, ALISA_GGUF_F32, bits);
}

static inline void model_set_text(ModelPlan *plan, const char *suffix, const char *text) {
    model_set_key(plan, suffix, ALISA_GGUF_STRING, 0)->text = text;
}

/* NULL: the plan has no such tensor. */
static inline ModelTensor *model_find_tensor(ModelPlan *plan, const char *name) {
    for (size_t i = 0; i < plan->tensor_count; i++)
        if (strcmp(plan->tensors[i].name, name) == 0) return &plan->tensors[i];
    return NULL;
}

/* The role in one layer; `layer` is left out of names of roles that are not of layers. */
static inline void model_add_tensor(ModelPlan *plan, AlisaRole role, uint32_t layer) {
    const AlisaRoleInfo *info = alisa_role_info(role);
    if (plan->tensor_count == MODEL_TENSORS) abort();
    ModelTensor *tensor = &plan->tensors[plan->tensor_count++];
    const char *name = alisa_architecture_tensor(plan->row, role);
    *tensor = (ModelTensor){.role = role, .type = ALISA_WEIGHT_F32};
    if (alisa_role_in_layers(role)) {
        snprintf(tensor->name, sizeof tensor->name, "blk.%u.%s", layer, name);
    } else {
        snprintf(tensor->name, sizeof tensor->name, "%s", name);
    }
    for (size_t i = 0; i < 3; i++)
        tensor->dimensions[i] = alisa_extent_size(info->extents[i], &plan->sizes);
}

static inline bool model_stands(const ModelPlan *plan, AlisaRole role) {
    AlisaTensorPlace place = alisa_role_info(role)->place;
    return place != (plan->sizes.experts ? ALISA_PLACE_DENSE : ALISA_PLACE_EXPERTS);
}

/* The role stands in the plan by itself, or its parts are written as one tensor. */
static inline void model_add_role(ModelPlan *plan, AlisaRoles roles, AlisaRole role, bool fused,
                                  uint32_t layer) {
    const AlisaFusion *fusion = fused ? alisa_fusion_of(role) : NULL;
    AlisaRoles parts = 0;
    for (uint32_t i = 0; fusion && i < fusion->part_count; i++)
        parts |= ALISA_ROLES(fusion->parts[i]);
    if (!fusion || (roles & parts) != parts) {
        model_add_tensor(plan, role, layer);
    } else if (fusion->parts[0] == role) {
        model_add_tensor(plan, fusion->fused, layer);
    }
}

/* A sound model with what the row requires and those of the optional roles that are asked for. An
 * architecture that may have experts has them if `experts`. */
static inline void model_plan(ModelPlan *plan, const AlisaArchitecture *row, AlisaRoles optional,
                              bool experts, bool fused) {
    *plan = (ModelPlan){.row = row,
                        .sizes = {.embedding = 32,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .head_dim = 8,
                                  .rope_pairs = 4,
                                  .feed_forward = 64,
                                  .vocabulary = 40,
                                  .positions = 64 + row->position_offset}};
    AlisaSizes *sizes = &plan->sizes;
    AlisaRoles roles = row->required | (row->optional & optional);
    if (experts) sizes->experts = 4, sizes->expert_forward = 32;
    if (experts && roles & ALISA_ROLES(ALISA_ROLE_SHARED_UP)) sizes->shared_forward = 48;
    model_set_u32(plan, "context_length", 64);
    model_set_u32(plan, "embedding_length", sizes->embedding);
    model_set_u32(plan, "block_count", MODEL_LAYERS);
    model_set_u32(plan, "feed_forward_length", sizes->feed_forward);
    model_set_u32(plan, "attention.head_count", sizes->heads);
    model_set_u32(plan, "attention.head_count_kv", sizes->kv_heads);
    model_set_u32(plan, "attention.key_length", sizes->head_dim);
    model_set_u32(plan, "rope.dimension_count", 2 * sizes->rope_pairs);
    if (experts) {
        model_set_u32(plan, "expert_count", sizes->experts);
        model_set_u32(plan, "expert_used_count", 2);
        model_set_u32(plan, "expert_feed_forward_length", sizes->expert_forward);
    }
    if (sizes->shared_forward)
        model_set_u32(plan, "expert_shared_feed_forward_length", sizes->shared_forward);
    for (uint32_t layer = 0; layer < MODEL_LAYERS; layer++)
        for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++)
            if (roles & ALISA_ROLES(role) && model_stands(plan, role) &&
                (layer == 0 || alisa_role_in_layers(role)))
                model_add_role(plan, roles, role, fused, layer);
}

static inline void model_write_key(GgufImage *image, const ModelPlan *plan, const ModelKey *key) {
    static const unsigned bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    char name[128];
    snprintf(name, sizeof name, "%s.%s", plan->row->name, key->suffix);
    if (key->type == ALISA_GGUF_STRING) {
        image_string(image, name, key->text);
        return;
    }
    if (key->count == 0) {
        image_key(image, name, key->type);
        image_number(image, key->bits, bytes[key->type]);
        return;
    }
    image_array(image, name, key->type, key->count);
    for (uint32_t i = 0; i < key->count; i++)
        image_number(image, key->bits, bytes[key->type]);
}

/* Bytes of the tensor's data, up to where that of the next begins. */
static inline uint64_t model_tensor_bytes(const ModelTensor *tensor) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(tensor->type);
    if (!info || !tensor->name[0]) return 0;
    uint64_t rows = tensor->dimensions[1] * tensor->dimensions[2];
    uint64_t bytes = tensor->dimensions[0] / info->block_elements * info->block_bytes * rows;
    return (bytes + 31) / 32 * 32;
}

/* All but the tensors' data, which the caller adds: so many bytes. The caller ends the image. */
static inline uint64_t model_write_head(const ModelPlan *plan, GgufImage *image) {
    uint64_t offset = 0, longest = 0;
    image_begin(image, 3);
    image_string(image, "general.architecture", plan->row->name);
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i].suffix[0]) model_write_key(image, plan, &plan->keys[i]);
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const ModelTensor *tensor = &plan->tensors[i];
        if (!tensor->name[0]) continue;
        image_tensor(image, tensor->name, tensor->type, 3, tensor->dimensions, offset);
        uint64_t bytes = model_tensor_bytes(tensor);
        if (!plan->shares_data) offset += bytes;
        if (bytes > longest) longest = bytes;
    }
    image_pad(image, 32);
    return plan->shares_data ? longest : offset;
}

/* With random numbers as weights; divisors are positive. */
static inline void model_write(const ModelPlan *plan, GgufImage *image) {
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    model_write_head(plan, image);
    for (size_t i = 0; i < plan->tensor_count; i++) {
        bool divides = alisa_role_info(plan->tensors[i].role)->place == ALISA_PLACE_ALL;
        uint64_t floats = model_tensor_bytes(&plan->tensors[i]) / sizeof(float);
        for (uint64_t j = 0; j < floats; j++) {
            float value = 0.1f * alisa_random_normal(&random);
            image_float(image, divides ? 1.0f + value * value : value);
        }
    }
}

#endif
