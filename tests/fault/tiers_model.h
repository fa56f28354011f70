/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model file of random weights: many layers, so that one layer's tokens are a small part of all,
 * and little else.
 */
#ifndef ALISA_TESTS_FAULT_TIERS_MODEL_H
#define ALISA_TESTS_FAULT_TIERS_MODEL_H

#include <unistd.h>

#include "base/disk.h"
#include "base/random.h"
#include "support.h"
#include "unit/gguf_image.h"

enum {
    TIERS_LAYERS = 6,
    TIERS_EMBEDDING = 64,
    TIERS_HEADS = 4,
    TIERS_KV_HEADS = 2,
    TIERS_HEAD_DIM = 32,
    TIERS_FEED_FORWARD = 64,
    TIERS_VOCABULARY = 48
};

typedef struct TiersTensor {
    const char *name;
    uint64_t columns, rows;
} TiersTensor;

static const TiersTensor tiers_layer_tensors[] = {
    {"attn_norm", TIERS_EMBEDDING, 1},
    {"attn_q", TIERS_EMBEDDING, TIERS_HEADS *TIERS_HEAD_DIM},
    {"attn_k", TIERS_EMBEDDING, TIERS_KV_HEADS *TIERS_HEAD_DIM},
    {"attn_v", TIERS_EMBEDDING, TIERS_KV_HEADS *TIERS_HEAD_DIM},
    {"attn_output", TIERS_HEADS *TIERS_HEAD_DIM, TIERS_EMBEDDING},
    {"ffn_norm", TIERS_EMBEDDING, 1},
    {"ffn_gate", TIERS_EMBEDDING, TIERS_FEED_FORWARD},
    {"ffn_up", TIERS_EMBEDDING, TIERS_FEED_FORWARD},
    {"ffn_down", TIERS_FEED_FORWARD, TIERS_EMBEDDING},
};

static inline void tiers_add_tensor(GgufImage *image, const char *name, uint64_t columns,
                                    uint64_t rows, uint64_t *offset) {
    const uint64_t dimensions[2] = {columns, rows};
    image_tensor(image, name, ALISA_WEIGHT_F32, 2, dimensions, *offset);
    *offset += columns * rows * sizeof(float); /* a multiple of 32 */
}

static inline void tiers_write_model(const char *path) {
    static const struct {
        const char *name;
        uint32_t value;
    } keys[] = {
        {"llama.context_length", 512},
        {"llama.embedding_length", TIERS_EMBEDDING},
        {"llama.block_count", TIERS_LAYERS},
        {"llama.feed_forward_length", TIERS_FEED_FORWARD},
        {"llama.attention.head_count", TIERS_HEADS},
        {"llama.attention.head_count_kv", TIERS_KV_HEADS},
        {"llama.attention.key_length", TIERS_HEAD_DIM},
        {"llama.rope.dimension_count", TIERS_HEAD_DIM},
    };
    enum { LAYER_TENSORS = sizeof tiers_layer_tensors / sizeof *tiers_layer_tensors };
    GgufImage image;
    AlisaRandom random;
    AlisaError error;
    uint64_t offset = 0;
    image_begin(&image, 3);
    image_string(&image, "general.architecture", "llama");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        image_u32(&image, keys[i].name, keys[i].value);
    tiers_add_tensor(&image, "token_embd.weight", TIERS_EMBEDDING, TIERS_VOCABULARY, &offset);
    tiers_add_tensor(&image, "output_norm.weight", TIERS_EMBEDDING, 1, &offset);
    for (int layer = 0; layer < TIERS_LAYERS; layer++) {
        for (size_t i = 0; i < LAYER_TENSORS; i++) {
            const TiersTensor *tensor = &tiers_layer_tensors[i];
            char name[64];
            snprintf(name, sizeof name, "blk.%d.%s.weight", layer, tensor->name);
            tiers_add_tensor(&image, name, tensor->columns, tensor->rows, &offset);
        }
    }
    image_pad(&image, 32);
    alisa_random_seed(&random, 11);
    for (uint64_t i = 0; i < offset / sizeof(float); i++)
        image_float(&image, 0.25f * alisa_random_normal(&random));
    if (alisa_disk_write_atomic(path, image.data, image.size, &error) != ALISA_OK)
        fail_msg("%s", error.message);
    image_end(&image);
}

#endif
