/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/index.h"

#include <stdio.h>
#include <stdlib.h>

#include "attn/attention_internal.h"
#include "attn/plan.h"
#include "base/round.h"

enum {
    GROUP_SIZE = 32,   /* elements that share a scale */
    CONTEXT_UNIT = 64, /* whole tiles of tokens */
    ITEM_LANES = 16,   /* tokens of a vector */
    GROUP_LANES = 4,
    MOST_HEADS = 4,    /* whose queries share a load of codes */
    BUSY_ITEMS = 1024, /* work-items that keep a compute unit of a GPU busy */
    STAT_BYTES = 8,    /* (m, l) */
    CLEAR_BYTES = 1 << 20
};

struct AlisaIndex {
    AlisaAttentionShape shape;
    uint32_t context; /* rounded up */
    uint64_t layer_codes, layer_scales;
    uint32_t head_block;
    size_t group;
    uint32_t busy_groups; /* fewer leave the device idle: rows are cut into parts */
    float scale;          /* alisa_attention_kernel_scale */
    AlisaKernel *store;   /* owned by the device, like the others */
    AlisaKernel *score;
    AlisaKernel *merge;        /* group layout */
    AlisaBuffer partial;       /* [row][head][part] (m, l); group layout */
    AlisaBuffer codes, scales; /* cl/attn/index.cl, layer after layer */
};

static uint32_t scales_of(const AlisaAttentionShape *shape) {
    return alisa_divide_up(shape->head_dim, GROUP_SIZE);
}

/* Heads and tokens of a layer. */
static uint64_t layer_tokens(const AlisaAttentionShape *shape, uint32_t sequence_count,
                             uint32_t context) {
    uint64_t rounded = alisa_round_up_64(context, CONTEXT_UNIT);
    return rounded * sequence_count * shape->kv_head_count;
}

uint64_t alisa_index_bytes(const AlisaAttentionShape *shape, uint32_t layer_count,
                           uint32_t sequence_count, uint32_t context) {
    return layer_count * layer_tokens(shape, sequence_count, context) *
           (shape->head_dim / 4 + 2 * (uint64_t)scales_of(shape));
}

static AlisaStatus get_kernels(AlisaIndex *index, AlisaDevice *device, AlisaError *error) {
    const AlisaAttentionShape *shape = &index->shape;
    char options[256], score_options[64];
    alisa_attention_score_options(shape, score_options);
    snprintf(options, sizeof options,
             "-DHEADS=%u -DKV_HEADS=%u -DHEAD_DIM=%u -DROPE_DIM=%u -DHEAD_BLOCK=%u -DLANES=%d "
             "-DGROUP=%zu%s",
             shape->head_count, shape->kv_head_count, shape->head_dim, shape->rope_dim,
             index->head_block, index->group > 1 ? GROUP_LANES : ITEM_LANES, index->group,
             score_options);
    AlisaStatus status =
        alisa_kernel_get(device, "attn/index.cl", "index_store", options, &index->store, error);
    if (status) return status;
    status =
        alisa_kernel_get(device, "attn/index.cl", "index_score", options, &index->score, error);
    if (status || index->group == 1) return status;
    return alisa_kernel_get(device, "attn/index.cl", "index_merge", options, &index->merge, error);
}

/* Zeros, so that what vectors read past a sequence's last token are numbers. */
static AlisaStatus make_cleared(AlisaDevice *device, uint64_t size, const char *what,
                                AlisaBuffer *buffer, AlisaError *error) {
    AlisaStatus status =
        alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, what, buffer, error);
    if (status) return status;
    void *zeros = alisa_allocate_zeroed(1, CLEAR_BYTES, what, error);
    if (!zeros) return ALISA_ERROR_MEMORY;
    for (uint64_t at = 0; at < size && !status; at += CLEAR_BYTES)
        status = alisa_buffer_write(device, buffer, at, zeros,
                                    size - at < CLEAR_BYTES ? size - at : CLEAR_BYTES, error);
    free(zeros);
    return status;
}

AlisaStatus alisa_index_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                               uint32_t layer_count, uint32_t sequence_count, uint32_t context,
                               AlisaIndex **index, AlisaError *error) {
    *index = NULL;
    const char *wrong = alisa_attention_shape_check(shape);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "index of keys: %s", wrong);
    AlisaIndex *made = alisa_allocate_zeroed(1, sizeof *made, "index of keys", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaDevice *device = alisa_ops_device(ops);
    made->shape = *shape;
    made->scale = alisa_attention_kernel_scale(shape);
    made->context = alisa_round_up(context, CONTEXT_UNIT);
    uint64_t tokens = layer_tokens(shape, sequence_count, context);
    made->layer_codes = tokens * (shape->head_dim / 4);
    made->layer_scales = tokens * scales_of(shape);
    made->head_block = MOST_HEADS;
    while (shape->head_count / shape->kv_head_count % made->head_block)
        made->head_block--;
    const AlisaSelectParameters *parameters = &alisa_ops_parameters(ops)->select;
    made->group = parameters->layout == ALISA_LAYOUT_GROUP ? parameters->index_group : 1;
    if (made->group > 1) {
        uint64_t items = (uint64_t)BUSY_ITEMS * alisa_opencl_info(device)->compute_units;
        made->busy_groups = (uint32_t)(items / made->group + 1);
    }
    AlisaStatus status = get_kernels(made, device, error);
    if (!status && made->group > 1) {
        status = alisa_buffer_create(
            device, (uint64_t)made->busy_groups * made->head_block * STAT_BYTES,
            ALISA_BUFFER_READ_WRITE, "parts of the index of keys", &made->partial, error);
    }
    if (!status) {
        status = make_cleared(device, layer_count * made->layer_codes, "index of keys",
                              &made->codes, error);
    }
    if (!status) {
        status = make_cleared(device, layer_count * made->layer_scales * sizeof(uint16_t),
                              "scales of the index of keys", &made->scales, error);
    }
    if (status) {
        alisa_index_destroy(made);
        return status;
    }
    *index = made;
    return ALISA_OK;
}

void alisa_index_destroy(AlisaIndex *index) {
    if (!index) return;
    alisa_buffer_destroy(&index->codes);
    alisa_buffer_destroy(&index->scales);
    alisa_buffer_destroy(&index->partial);
    free(index);
}

AlisaStatus alisa_index_store(AlisaIndex *index, uint32_t layer, AlisaVector k,
                              const AlisaBuffer *rotations, const AlisaBuffer *tokens,
                              uint32_t rows, AlisaError *error) {
    const AlisaLaunch launch = {{scales_of(&index->shape), index->shape.kv_head_count, rows},
                                {1, 1, 1}};
    uint64_t codes_offset = layer * index->layer_codes;
    uint64_t scales_offset = layer * index->layer_scales;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(k.buffer),  ALISA_ARG(k.offset),
        ALISA_ARG_BUFFER(rotations), ALISA_ARG_BUFFER(tokens),
        ALISA_ARG(index->context),   ALISA_ARG_BUFFER(&index->codes),
        ALISA_ARG(codes_offset),     ALISA_ARG_BUFFER(&index->scales),
        ALISA_ARG(scales_offset),
    };
    return alisa_kernel_launch(index->store, &launch, arguments, COUNT_OF(arguments), error);
}

/* Tokens of a part: whole passes of a group, as many parts as keep the device busy. */
static uint32_t part_of(const AlisaIndex *index, uint32_t rows, uint32_t longest) {
    if (index->group == 1) return longest;
    uint32_t pass = GROUP_LANES * (uint32_t)index->group;
    uint32_t passes = alisa_divide_up(longest, pass);
    uint64_t groups = (uint64_t)rows * (index->shape.head_count / index->head_block);
    uint32_t parts = groups < index->busy_groups ? (uint32_t)(index->busy_groups / groups) : 1;
    return pass * (parts < passes ? alisa_divide_up(passes, parts) : 1);
}

AlisaStatus alisa_index_score(AlisaIndex *index, uint32_t layer, AlisaVector q, AlisaVector sinks,
                              const AlisaBuffer *rows, uint32_t longest,
                              const AlisaAttentionScores *scores, AlisaError *error) {
    uint32_t part = part_of(index, scores->rows, longest);
    uint32_t parts = alisa_divide_up(longest, part);
    const AlisaLaunch launch = {
        {scores->rows * index->group, index->shape.head_count / index->head_block, parts},
        {index->group, 1, 1}};
    uint64_t codes_offset = layer * index->layer_codes;
    uint64_t scales_offset = layer * index->layer_scales;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(q.buffer),
        ALISA_ARG(q.offset),
        ALISA_ARG_BUFFER(rows),
        ALISA_ARG(index->scale),
        ALISA_ARG(index->context),
        ALISA_ARG_BUFFER(&index->codes),
        ALISA_ARG(codes_offset),
        ALISA_ARG_BUFFER(&index->scales),
        ALISA_ARG(scales_offset),
        ALISA_ARG_BUFFER(scores->scores),
        ALISA_ARG_BUFFER(parts > 1 ? &index->partial : scores->stats),
        ALISA_ARG(scores->stride),
        ALISA_ARG(part),
        ALISA_ARG_BUFFER(sinks.buffer), /* these two: with sinks */
        ALISA_ARG(sinks.offset),
    };
    size_t count = COUNT_OF(arguments) - (index->shape.sinks ? 0 : 2);
    AlisaStatus status = alisa_kernel_launch(index->score, &launch, arguments, count, error);
    if (status || parts == 1) return status;
    const AlisaLaunch merge_launch = {{scores->rows * index->group, index->shape.head_count, 1},
                                      {index->group, 1, 1}};
    const AlisaArgument merge_arguments[] = {ALISA_ARG_BUFFER(&index->partial), ALISA_ARG(parts),
                                             ALISA_ARG_BUFFER(scores->stats)};
    return alisa_kernel_launch(index->merge, &merge_launch, merge_arguments,
                               COUNT_OF(merge_arguments), error);
}
