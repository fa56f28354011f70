/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an architecture, then changes of a sound model of it - keys of other values and types,
 * tensors of other types and extents, left out, doubled, fused or split. What is wrong with the
 * file is told in sentences, and the first of them is what ends the work of who does not ask for
 * all; what is right has sizes, formats and frequencies.
 */
#include <math.h>
#include <string.h>

#include "fuzz/fuzz_input.h"
#include "model/load.h"
#include "model/weights.h"
#include "ops/repack.h"
#include "unit/model_image.h"

static const char *const suffixes[] = {
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.layer_norm_rms_epsilon",
    "attention.scale",
    "attention.clamp_kqv",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
    "use_parallel_residual",
    "expert_count",
    "expert_used_count",
    "expert_feed_forward_length",
    "expert_shared_feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.freq_base_swa",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.original_context_length",
};

static uint64_t eight_bytes(FuzzInput *input) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)fuzz_byte(input) << (8 * i);
    return value;
}

/* Small ones mostly: those are what a file may hold. */
static uint64_t small_number(FuzzInput *input) {
    uint8_t byte = fuzz_byte(input);
    return byte < 250 ? byte : eight_bytes(input);
}

static void change_key(ModelPlan *plan, FuzzInput *input) {
    static const char *const texts[] = {"yarn", "linear", "longrope", "none", ""};
    const char *suffix = suffixes[fuzz_byte(input) % (sizeof suffixes / sizeof *suffixes)];
    uint8_t type = fuzz_byte(input);
    if (plan->key_count == MODEL_KEYS) return;
    if (type % 16 == ALISA_GGUF_STRING) {
        model_set_text(plan, suffix, texts[fuzz_byte(input) % (sizeof texts / sizeof *texts)]);
        return;
    }
    bool scalar = type % 16 < ALISA_GGUF_STRING ||
                  (type % 16 > ALISA_GGUF_ARRAY && type % 16 <= ALISA_GGUF_F64);
    ModelKey *key = model_set_key(plan, suffix, scalar ? type % 16 : ALISA_GGUF_U32, 0);
    bool wide = key->type == ALISA_GGUF_F32 || key->type == ALISA_GGUF_F64;
    key->bits = wide ? eight_bytes(input) : small_number(input);
    if (type >= 128) key->count = type % 5;
    if (type == 255) key->suffix[0] = 0;
}

static void change_tensor(ModelPlan *plan, FuzzInput *input) {
    ModelTensor *tensor = &plan->tensors[fuzz_byte(input) % plan->tensor_count];
    uint8_t what = fuzz_byte(input);
    switch (what % 8) {
    case 0:
        tensor->name[0] = 0;
        break;
    case 1:
        tensor->dimensions[what / 8 % 3] = small_number(input);
        break;
    case 2: {
        ModelTensor other = plan->tensors[fuzz_byte(input) % plan->tensor_count];
        memcpy(tensor->name, other.name, sizeof tensor->name);
        break;
    }
    case 3:
        if (plan->tensor_count < MODEL_TENSORS)
            model_add_tensor(plan, fuzz_byte(input) % ALISA_ROLE_COUNT, what / 8 % 3);
        break;
    default:
        tensor->type = fuzz_byte(input) % 48;
    }
}

/* Blocks of other types have 256 weights, so that all may be wide enough for them. */
static void widen(ModelPlan *plan) {
    uint64_t embedding = plan->sizes.embedding;
    model_set_u32(plan, "embedding_length", 256);
    for (size_t i = 0; i < plan->tensor_count; i++)
        for (size_t d = 0; d < 3; d++)
            if (plan->tensors[i].dimensions[d] == embedding) plan->tensors[i].dimensions[d] = 256;
}

/* ---- What must hold ------------------------------------------------------------------------- */

typedef struct Told {
    char first[512];
} Told;

static void tell(void *user, const char *sentence) {
    Told *told = user;
    fuzz_require(strlen(sentence) > 20);
    if (!told->first[0]) snprintf(told->first, sizeof told->first, "%s", sentence);
}

static AlisaStatus read_model(const AlisaGguf *gguf, AlisaShape *shape, AlisaComplaints *complaints,
                              AlisaError *error) {
    AlisaStatus status = alisa_shape_read(gguf, shape, complaints, error);
    if (status != ALISA_OK) return status;
    shape->vocabulary_size = alisa_weights_vocabulary(gguf);
    status = alisa_weights_check(gguf, shape, complaints, error);
    return status;
}

static void check_rope(const AlisaRope *rope) {
    double frequencies[128];
    float rotations[256];
    fuzz_require(rope->dim % 2 == 0 && rope->dim <= 256);
    float factor = alisa_rope_frequencies(rope, NULL, frequencies);
    alisa_rope_rotations(frequencies, rope->dim / 2, factor, 7, rotations);
    for (uint32_t i = 0; i < rope->dim / 2; i++)
        fuzz_require(!isnan(frequencies[i]));
}

/* The file runs: every matrix has a format, and a size on a device. */
static void check_tensors(const AlisaGguf *gguf) {
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        AlisaTensorRows rows = {.tensor = tensor,
                                .count = tensor->element_count / tensor->dimensions[0]};
        AlisaFormat format;
        fuzz_require(tensor->data && alisa_repack_format(tensor->type, &format));
        fuzz_require(alisa_load_bytes(&rows) > 0);
        fuzz_require(alisa_tensor_rows_bytes(&rows) == tensor->byte_count);
    }
}

static void check_file(const AlisaGguf *gguf) {
    AlisaShape shape, again;
    AlisaError error = {0};
    Told told = {{0}};
    AlisaComplaints complaints = {.tell = tell, .user = &told};
    AlisaStatus status = read_model(gguf, &shape, NULL, &error);
    AlisaStatus listed =
        alisa_complain(&complaints, read_model(gguf, &again, &complaints, &error), &error);
    fuzz_require(listed == ALISA_OK && (status == ALISA_OK) == (complaints.count == 0));
    alisa_shape_finish(&again);
    if (status == ALISA_OK) {
        for (uint32_t i = 0; i < shape.rope_count; i++)
            check_rope(&shape.ropes[i]);
        check_tensors(gguf);
    }
    alisa_shape_finish(&shape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FuzzInput input = {data, size};
    size_t count = 0;
    while (alisa_architecture_at(count))
        count++;
    const AlisaArchitecture *row = alisa_architecture_at(fuzz_byte(&input) % count);
    uint8_t options = fuzz_byte(&input);
    bool dense = row->required & ALISA_ROLES(ALISA_ROLE_UP);
    bool experts = row->gating != ALISA_GATING_NONE && (!dense || options & 1);
    ModelPlan plan;
    model_plan(&plan, row, options & 2 ? ~UINT64_C(0) : 0, experts, options & 4);
    if (options & 8) widen(&plan);
    plan.shares_data = true;
    for (uint32_t i = 0; i < 12 && input.size > 0; i++) {
        if (fuzz_byte(&input) & 1) {
            change_key(&plan, &input);
        } else {
            change_tensor(&plan, &input);
        }
    }
    GgufImage image;
    AlisaGguf *gguf;
    AlisaError error = {0};
    uint64_t bytes = model_write_head(&plan, &image);
    image_zeros(&image, bytes < (1 << 20) ? bytes : 0);
    if (alisa_gguf_open_memory(image.data, image.size, &gguf, &error) == ALISA_OK) {
        check_file(gguf);
        alisa_gguf_close(gguf);
    } else {
        fuzz_require(strlen(error.message) > 10);
    }
    image_end(&image);
    return 0;
}
