/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention made and unmade, and its runs.
 */
#include "attn/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention_internal.h"

static const float log2_e = 1.44269504f;

float alisa_attention_kernel_scale(const AlisaAttentionShape *shape) {
    return shape->soft_cap > 0.0f ? shape->scale / shape->soft_cap : shape->scale * log2_e;
}

void alisa_attention_score_options(const AlisaAttentionShape *shape, char options[64]) {
    int length = snprintf(options, 64, "%s", shape->sinks ? " -DSINKS=1" : "");
    if (shape->soft_cap > 0.0f)
        snprintf(options + length, 64 - (size_t)length, " -DSOFT_CAP=%.9ef",
                 (double)(shape->soft_cap * log2_e));
}

/* With scores: for tiles of one row. */
static AlisaStatus get_run_kernels(const AlisaAttention *attention, RunKind kind,
                                   RunKernels *kernels, AlisaError *error) {
    static const char *const kinds[RUN_KINDS] = {
        [RUN_PLAIN] = "", [RUN_SCORED] = " -DSCORES=1", [RUN_WINDOWED] = " -DWINDOW=1"};
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaAttentionPlan *plan = &attention->plan;
    uint32_t tile_rows = kind == RUN_SCORED ? 1 : plan->tile_rows;
    AlisaStatus status;
    char options[512], score_options[64];
    alisa_attention_score_options(shape, score_options);
    int length =
        snprintf(options, sizeof options,
                 "-DHEADS=%u -DKV_HEADS=%u -DHEAD_DIM=%u -DTILE_ROWS=%u -DTILE_HEADS=%u "
                 "-DCHUNK=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s%s%s",
                 shape->head_count, shape->kv_head_count, shape->head_dim, tile_rows,
                 plan->tile_heads, plan->chunk, alisa_attention_kernel_type(shape->key_type),
                 alisa_attention_kernel_type(shape->value_type), kinds[kind], score_options);
    if (plan->layout == ALISA_LAYOUT_ITEM) {
        status = alisa_kernel_get(attention->device, "attn/item.cl", "attn_item", options,
                                  &kernels->run, error);
    } else {
        snprintf(options + length, sizeof options - (size_t)length, " -DGROUP=%u -DTOKENS=%u",
                 plan->group, plan->tokens);
        status = alisa_kernel_get(attention->device, "attn/group.cl", "attn_group", options,
                                  &kernels->run, error);
    }
    if (status) return status;

    snprintf(options, sizeof options, "-DHEADS=%u -DHEAD_DIM=%u -DTILE_ROWS=%u -DCHUNK=%u%s%s",
             shape->head_count, shape->head_dim, tile_rows, plan->chunk,
             kind == RUN_SCORED ? kinds[kind] : "", shape->sinks ? " -DSINKS=1" : "");
    return alisa_kernel_get(attention->device, "attn/merge.cl", "attn_merge", options,
                            &kernels->merge, error);
}

AlisaStatus alisa_attention_create_planned(AlisaOps *ops, const AlisaAttentionShape *shape,
                                           const AlisaAttentionPlan *plan, uint32_t max_count,
                                           AlisaAttention **attention, AlisaError *error) {
    *attention = NULL;
    AlisaStatus status = alisa_kv_type_check(shape->key_type, shape->head_dim, error);
    if (!status) status = alisa_kv_type_check(shape->value_type, shape->head_dim, error);
    if (status) return status;
    const char *wrong = alisa_attention_plan_check(plan, shape);
    if (wrong) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "attention with %u heads, %u KV heads of %u elements cannot be laid "
                               "out: %s",
                               shape->head_count, shape->kv_head_count, shape->head_dim, wrong);
    }
    AlisaAttention *made = alisa_allocate_zeroed(1, sizeof *made, "attention", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    made->plan = *plan;
    made->max_count = max_count;
    made->scale = alisa_attention_kernel_scale(shape);
    made->device = alisa_ops_device(ops);
    made->tails = alisa_kv_type_info(shape->key_type)->blocks ||
                  alisa_kv_type_info(shape->value_type)->blocks;
    status = alisa_attention_prepare_store(made, alisa_ops_parameters(ops), error);
    if (status == ALISA_OK)
        status = get_run_kernels(made, RUN_PLAIN, &made->runs[RUN_PLAIN], error);
    if (status) goto fail;
    status =
        alisa_buffer_create(made->device, alisa_attention_plan_scratch(plan, shape),
                            ALISA_BUFFER_READ_WRITE, "attention scratch", &made->partial, error);
    if (status) goto fail;
    *attention = made;
    return ALISA_OK;
fail:
    alisa_attention_destroy(made);
    return status;
}

/* All zeros for a shape that cannot be. */
static AlisaAttentionPlan plan_of(AlisaOps *ops, const AlisaAttentionShape *shape,
                                  uint32_t max_rows, uint32_t max_count) {
    AlisaAttentionPlan plan = {0};
    if (!alisa_attention_shape_check(shape)) {
        alisa_attention_plan_make(alisa_opencl_info(alisa_ops_device(ops)),
                                  alisa_ops_parameters(ops), shape, max_rows, max_count, &plan);
    }
    return plan;
}

uint64_t alisa_attention_scratch_bytes(AlisaOps *ops, const AlisaAttentionShape *shape,
                                       uint32_t max_rows, uint32_t max_count) {
    AlisaAttentionPlan plan = plan_of(ops, shape, max_rows, max_count);
    return alisa_attention_plan_scratch(&plan, shape);
}

AlisaStatus alisa_attention_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                                   uint32_t max_rows, uint32_t max_count,
                                   AlisaAttention **attention, AlisaError *error) {
    *attention = NULL;
    AlisaAttentionPlan plan = plan_of(ops, shape, max_rows, max_count);
    return alisa_attention_create_planned(ops, shape, &plan, max_count, attention, error);
}

void alisa_attention_destroy(AlisaAttention *attention) {
    if (!attention) return;
    alisa_buffer_destroy(&attention->partial);
    free(attention);
}

uint32_t alisa_attention_tile_rows(const AlisaAttention *attention) {
    return attention->plan.tile_rows;
}

const char *alisa_attention_check_scores(const AlisaAttention *attention,
                                         const AlisaAttentionLists *lists,
                                         const AlisaAttentionScores *scores) {
    uint64_t heads = (uint64_t)scores->rows * attention->shape.head_count;
    if (scores->rows != lists->tile_count) return "a tile has more than one row";
    if (scores->stride % SCORES_BLOCK != 0 || scores->stride < lists->longest) {
        return "their rows are shorter than a list or not a multiple of 32";
    }
    if (scores->scores->size < heads * scores->stride * sizeof(float) ||
        scores->stats->size < heads * 2 * sizeof(float)) {
        return "a buffer is too small for them";
    }
    return NULL;
}

static AlisaStatus prepare_run(AlisaAttention *attention, RunKind kind,
                               const AlisaAttentionLists *lists, const AlisaAttentionScores *scores,
                               AlisaError *error) {
    const char *wrong = scores ? alisa_attention_check_scores(attention, lists, scores) : NULL;
    if (wrong) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the scores of %u rows in %u tiles cannot be written: %s",
                               scores->rows, lists->tile_count, wrong);
    }
    if (attention->runs[kind].merge) return ALISA_OK;
    return get_run_kernels(attention, kind, &attention->runs[kind], error);
}

/* SINKS_PARAMETERS of cl/attn/softmax.clh; returns their number. */
static size_t sink_arguments(const AlisaAttentionLists *lists, AlisaArgument *arguments) {
    arguments[0] = ALISA_ARG_BUFFER(lists->sinks.buffer);
    arguments[1] = ALISA_ARG(lists->sinks.offset);
    return 2;
}

static AlisaStatus merge(const AlisaAttention *attention, AlisaKernel *kernel,
                         const AlisaAttentionLists *lists, AlisaVector y,
                         const AlisaAttentionScores *scores, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaAttentionPlan *plan = &attention->plan;
    size_t tile_rows = scores ? 1 : plan->tile_rows, quads = shape->head_dim / 4;
    const AlisaLaunch launch = {
        {quads, shape->head_count, lists->tile_count * tile_rows},
        {alisa_attention_divisor(quads, alisa_kernel_max_group(kernel)), 1, 1}};
    AlisaArgument arguments[9] = {
        ALISA_ARG_BUFFER(lists->tiles), ALISA_ARG_BUFFER(&attention->partial),
        ALISA_ARG(plan->split_rows),    ALISA_ARG(plan->chunk_capacity),
        ALISA_ARG_BUFFER(y.buffer),     ALISA_ARG(y.offset),
    };
    size_t count = 6;
    if (scores) arguments[count++] = ALISA_ARG_BUFFER(scores->stats);
    if (shape->sinks) count += sink_arguments(lists, arguments + count);
    return alisa_kernel_launch(kernel, &launch, arguments, count, error);
}

/* KV_TAIL_PARAMETERS of cl/attn/kv.clh; returns their number. */
static size_t tail_arguments(const AlisaAttentionLists *lists, AlisaArgument *arguments) {
    const AlisaAttentionTails *tails = lists->tails;
    const AlisaArgument all[] = {
        ALISA_ARG_BUFFER(lists->blocks),      ALISA_ARG(tails->fresh_rows),
        ALISA_ARG_BUFFER(tails->key_params),  ALISA_ARG_BUFFER(tails->key_fresh),
        ALISA_ARG_BUFFER(tails->key_tail),    ALISA_ARG_BUFFER(tails->value_params),
        ALISA_ARG_BUFFER(tails->value_fresh), ALISA_ARG_BUFFER(tails->value_tail),
    };
    memcpy(arguments, all, sizeof all);
    return COUNT_OF(all);
}

AlisaStatus alisa_attention_run(AlisaAttention *attention, AlisaVector q, const AlisaBuffer *keys,
                                const AlisaBuffer *values, const AlisaAttentionLists *lists,
                                AlisaVector y, const AlisaAttentionScores *scores,
                                AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaAttentionPlan *plan = &attention->plan;
    if (lists->longest > attention->max_count) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "attention over %u tokens was asked for, but it was made for %u",
                               lists->longest, attention->max_count);
    }
    RunKind kind = scores ? RUN_SCORED : lists->window > 0 ? RUN_WINDOWED : RUN_PLAIN;
    AlisaStatus status = prepare_run(attention, kind, lists, scores, error);
    if (status) return status;
    const RunKernels *kernels = &attention->runs[kind];
    uint32_t chunks = alisa_attention_plan_chunks(plan, shape, lists->tile_count, lists->longest);
    size_t group = plan->layout == ALISA_LAYOUT_GROUP ? plan->group : 1;
    const AlisaLaunch launch = {{lists->tile_count * group,
                                 shape->kv_head_count * alisa_attention_plan_blocks(plan, shape),
                                 chunks},
                                {group, 1, 1}};
    AlisaArgument arguments[MOST_ARGUMENTS] = {
        ALISA_ARG_BUFFER(q.buffer),
        ALISA_ARG(q.offset),
        ALISA_ARG_BUFFER(keys),
        ALISA_ARG_BUFFER(values),
        ALISA_ARG_BUFFER(lists->slots),
        ALISA_ARG(lists->list_stride),
        ALISA_ARG_BUFFER(lists->tiles),
        ALISA_ARG(attention->scale),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
        ALISA_ARG_BUFFER(&attention->partial),
        ALISA_ARG(plan->split_rows),
        ALISA_ARG(plan->chunk_capacity),
    };
    size_t count = 13;
    if (attention->tails) count += tail_arguments(lists, arguments + count);
    if (scores) {
        arguments[count++] = ALISA_ARG_BUFFER(scores->scores);
        arguments[count++] = ALISA_ARG_BUFFER(scores->stats);
        arguments[count++] = ALISA_ARG(scores->stride);
    }
    if (shape->sinks) count += sink_arguments(lists, arguments + count);
    if (kind == RUN_WINDOWED) arguments[count++] = ALISA_ARG(lists->window);
    status = alisa_kernel_launch(kernels->run, &launch, arguments, count, error);
    if (status || chunks == 1) return status;
    return merge(attention, kernels->merge, lists, y, scores, error);
}
