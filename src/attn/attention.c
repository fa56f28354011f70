#include "attn/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/plan.h"
#include "base/kv_type.h"
#include "base/round.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum {
    MOST_ARGUMENTS = 24, /* of a launch */
    SCORES_BLOCK = 32,   /* tokens whose scores a kernel writes together (cl/attn/scores.clh) */
    ROW_BLOCK = 128, /* tokens of a work-item of attn_row in the item layout; in the other, one */
};

/* The kernels of alisa_attention_run, owned by the device. */
typedef struct RunKernels {
    AlisaKernel *run;
    AlisaKernel *merge;
} RunKernels;

/* What attn_row does beside adding weights up. */
typedef enum RowKind { ROW_PLAIN, ROW_BELOW, ROW_WORTH, ROW_KINDS } RowKind;

struct AlisaAttention {
    AlisaDevice *device;
    AlisaAttentionShape shape;
    AlisaAttentionPlan plan;
    uint32_t max_count;
    float scale;           /* of the scores in base 2 */
    size_t store_local[2]; /* 8 elements x heads; always the same, for drivers that compile a
                              kernel again for every size of the groups */
    size_t seal_group, unseal_group; /* each with 8 channels of a block */
    AlisaKernel *store;              /* owned by the device */
    AlisaKernel *seal;               /* this and the next with tails only */
    AlisaKernel *unseal;
    bool tails;                  /* a side is i8 */
    RunKernels plain, scored;    /* scored: nothing before they are first needed */
    AlisaKernel *row[ROW_KINDS]; /* likewise */
    AlisaBuffer partial;         /* float[split_rows][head_count][chunk_capacity][head_dim + 4] */
};

static const char *kernel_type(AlisaKvType type) {
    return alisa_kv_type_info(type)->kernel_name;
}

static AlisaStatus get_store_kernel(AlisaAttention *attention, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    char options[512];
    snprintf(options, sizeof options,
             "-DHEADS=%u -DKV_HEADS=%u -DHEAD_DIM=%u -DROPE_DIM=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s",
             shape->head_count, shape->kv_head_count, shape->head_dim, shape->rope_dim,
             kernel_type(shape->key_type), kernel_type(shape->value_type));
    return alisa_kernel_get(attention->device, "attn/store.cl", "attn_store", options,
                            &attention->store, error);
}

static AlisaStatus get_seal_kernels(AlisaAttention *attention, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    char options[256];
    snprintf(options, sizeof options, "-DKV_HEADS=%u -DHEAD_DIM=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s",
             shape->kv_head_count, shape->head_dim, kernel_type(shape->key_type),
             kernel_type(shape->value_type));
    AlisaStatus status = alisa_kernel_get(attention->device, "attn/seal.cl", "attn_seal", options,
                                          &attention->seal, error);
    if (status) return status;
    return alisa_kernel_get(attention->device, "attn/seal.cl", "attn_unseal", options,
                            &attention->unseal, error);
}

/* With scores: for tiles of one row. */
static AlisaStatus get_run_kernels(const AlisaAttention *attention, bool scores,
                                   RunKernels *kernels, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaAttentionPlan *plan = &attention->plan;
    uint32_t tile_rows = scores ? 1 : plan->tile_rows;
    const char *variant = scores ? " -DSCORES=1" : "";
    AlisaStatus status;
    char options[512];
    int length = snprintf(options, sizeof options,
                          "-DHEADS=%u -DKV_HEADS=%u -DHEAD_DIM=%u -DTILE_ROWS=%u -DTILE_HEADS=%u "
                          "-DCHUNK=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s%s",
                          shape->head_count, shape->kv_head_count, shape->head_dim, tile_rows,
                          plan->tile_heads, plan->chunk, kernel_type(shape->key_type),
                          kernel_type(shape->value_type), variant);
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

    snprintf(options, sizeof options, "-DHEADS=%u -DHEAD_DIM=%u -DTILE_ROWS=%u -DCHUNK=%u%s",
             shape->head_count, shape->head_dim, tile_rows, plan->chunk, variant);
    return alisa_kernel_get(attention->device, "attn/merge.cl", "attn_merge", options,
                            &kernels->merge, error);
}

/* The most work-items up to `limit` whose groups divide a range; at least 1. */
static size_t choose_group(size_t range, size_t limit) {
    size_t group = 1;
    for (size_t count = 2; count <= range && count <= limit; count++)
        if (range % count == 0) group = count;
    return group;
}

/* Most work-items of a group, of what the kernel can and the parameters say. */
static size_t group_limit(const AlisaKernel *kernel, uint32_t most) {
    size_t limit = alisa_kernel_max_group(kernel);
    return limit < most ? limit : most;
}

static void choose_groups(AlisaAttention *attention, const AlisaOpsParameters *parameters) {
    const AlisaAttentionShape *shape = &attention->shape;
    size_t eights = shape->head_dim / 8;
    size_t limit = group_limit(attention->store, parameters->store.group);
    attention->store_local[0] = eights <= limit ? eights : 1;
    attention->store_local[1] = choose_group(shape->head_count + 2 * shape->kv_head_count,
                                             limit / attention->store_local[0]);
    if (!attention->tails) return;
    eights *= shape->kv_head_count;
    uint32_t most = parameters->seal.group;
    attention->seal_group = choose_group(eights, group_limit(attention->seal, most));
    attention->unseal_group = choose_group(eights, group_limit(attention->unseal, most));
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
    made->scale = shape->scale * 1.44269504f; /* log2(e) */
    made->device = alisa_ops_device(ops);
    made->tails = alisa_kv_type_info(shape->key_type)->blocks ||
                  alisa_kv_type_info(shape->value_type)->blocks;
    status = get_store_kernel(made, error);
    if (status == ALISA_OK && made->tails) status = get_seal_kernels(made, error);
    if (status == ALISA_OK) status = get_run_kernels(made, false, &made->plain, error);
    if (status) goto fail;
    choose_groups(made, alisa_ops_parameters(ops));
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

AlisaStatus alisa_attention_create(AlisaOps *ops, const AlisaAttentionShape *shape,
                                   uint32_t max_rows, uint32_t max_count,
                                   AlisaAttention **attention, AlisaError *error) {
    *attention = NULL;
    AlisaAttentionPlan plan = {0};
    if (!alisa_attention_shape_check(shape)) {
        alisa_attention_plan_make(alisa_opencl_info(alisa_ops_device(ops)),
                                  alisa_ops_parameters(ops), shape, max_rows, max_count, &plan);
    }
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

uint64_t alisa_attention_scratch(const AlisaAttention *attention) {
    return attention->partial.size;
}

AlisaStatus alisa_attention_store(AlisaAttention *attention, AlisaVector q, AlisaVector k,
                                  AlisaVector v, const AlisaBuffer *rotations,
                                  const AlisaBuffer *row_slots, uint32_t rows,
                                  const AlisaBuffer *keys, const AlisaBuffer *values,
                                  const AlisaAttentionTails *tails, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const size_t *local = attention->store_local;
    const AlisaLaunch launch = {
        {shape->head_dim / 8, shape->head_count + 2 * shape->kv_head_count, rows},
        {local[0], local[1], 1}};
    AlisaArgument arguments[MOST_ARGUMENTS] = {
        ALISA_ARG_BUFFER(q.buffer),  ALISA_ARG(q.offset),         ALISA_ARG_BUFFER(k.buffer),
        ALISA_ARG(k.offset),         ALISA_ARG_BUFFER(v.buffer),  ALISA_ARG(v.offset),
        ALISA_ARG_BUFFER(rotations), ALISA_ARG_BUFFER(row_slots), ALISA_ARG_BUFFER(keys),
        ALISA_ARG_BUFFER(values),
    };
    size_t count = 10;
    if (attention->tails) {
        arguments[count++] = ALISA_ARG(tails->fresh_rows);
        arguments[count++] = ALISA_ARG_BUFFER(tails->key_fresh);
        arguments[count++] = ALISA_ARG_BUFFER(tails->key_tail);
        arguments[count++] = ALISA_ARG_BUFFER(tails->value_fresh);
        arguments[count++] = ALISA_ARG_BUFFER(tails->value_tail);
    }
    return alisa_kernel_launch(attention->store, &launch, arguments, count, error);
}

static AlisaStatus move_blocks(const AlisaAttention *attention, AlisaKernel *kernel, size_t group,
                               const AlisaAttentionBlocks *blocks, const AlisaBuffer *keys,
                               const AlisaBuffer *values, const AlisaAttentionTails *tails,
                               AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaLaunch launch = {
        {(size_t)shape->kv_head_count * shape->head_dim / 8, 2, blocks->count}, {group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(blocks->tokens),
        ALISA_ARG_BUFFER(blocks->slots),
        ALISA_ARG_BUFFER(blocks->param_rows),
        ALISA_ARG(tails->fresh_rows),
        ALISA_ARG_BUFFER(keys),
        ALISA_ARG_BUFFER(tails->key_params),
        ALISA_ARG_BUFFER(tails->key_fresh),
        ALISA_ARG_BUFFER(tails->key_tail),
        ALISA_ARG_BUFFER(values),
        ALISA_ARG_BUFFER(tails->value_params),
        ALISA_ARG_BUFFER(tails->value_fresh),
        ALISA_ARG_BUFFER(tails->value_tail),
    };
    return alisa_kernel_launch(kernel, &launch, arguments, COUNT_OF(arguments), error);
}

AlisaStatus alisa_attention_seal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                 const AlisaBuffer *keys, const AlisaBuffer *values,
                                 const AlisaAttentionTails *tails, AlisaError *error) {
    return move_blocks(attention, attention->seal, attention->seal_group, blocks, keys, values,
                       tails, error);
}

AlisaStatus alisa_attention_unseal(AlisaAttention *attention, const AlisaAttentionBlocks *blocks,
                                   const AlisaBuffer *keys, const AlisaBuffer *values,
                                   const AlisaAttentionTails *tails, AlisaError *error) {
    return move_blocks(attention, attention->unseal, attention->unseal_group, blocks, keys, values,
                       tails, error);
}

/* NULL, or what is wrong with what the caller wants. */
static const char *check_scores(const AlisaAttention *attention, const AlisaAttentionLists *lists,
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

static AlisaStatus prepare_scores(AlisaAttention *attention, const AlisaAttentionLists *lists,
                                  const AlisaAttentionScores *scores, AlisaError *error) {
    const char *wrong = check_scores(attention, lists, scores);
    if (wrong) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the scores of %u rows in %u tiles cannot be written: %s",
                               scores->rows, lists->tile_count, wrong);
    }
    if (attention->scored.merge) return ALISA_OK;
    return get_run_kernels(attention, true, &attention->scored, error);
}

static AlisaStatus merge(const AlisaAttention *attention, const AlisaAttentionLists *lists,
                         AlisaVector y, const AlisaAttentionScores *scores, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    const AlisaAttentionPlan *plan = &attention->plan;
    AlisaKernel *kernel = scores ? attention->scored.merge : attention->plain.merge;
    size_t tile_rows = scores ? 1 : plan->tile_rows, quads = shape->head_dim / 4;
    const AlisaLaunch launch = {{quads, shape->head_count, lists->tile_count * tile_rows},
                                {choose_group(quads, alisa_kernel_max_group(kernel)), 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(lists->tiles),
        ALISA_ARG_BUFFER(&attention->partial),
        ALISA_ARG(plan->split_rows),
        ALISA_ARG(plan->chunk_capacity),
        ALISA_ARG_BUFFER(y.buffer),
        ALISA_ARG(y.offset),
        ALISA_ARG_BUFFER(scores ? scores->stats : NULL),
    };
    return alisa_kernel_launch(kernel, &launch, arguments, COUNT_OF(arguments) - (scores ? 0 : 1),
                               error);
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
    AlisaStatus status = scores ? prepare_scores(attention, lists, scores, error) : ALISA_OK;
    if (status) return status;
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
    status = alisa_kernel_launch(scores ? attention->scored.run : attention->plain.run, &launch,
                                 arguments, count, error);
    return status || chunks == 1 ? status : merge(attention, lists, y, scores, error);
}

/* NULL, or what is wrong with what the caller wants. */
static const char *check_rows(const AlisaAttention *attention, const AlisaAttentionLists *lists,
                              const AlisaAttentionScores *scores, const AlisaAttentionRows *rows) {
    const AlisaAttentionShape *shape = &attention->shape;
    if (rows->list_count != shape->kv_head_count && (rows->list_count != 1 || lists->list_stride)) {
        return "there is neither one list for all heads nor one for each KV head";
    }
    if (rows->shift > 31 ||
        (uint64_t)(shape->head_count / rows->list_count) << rows->shift > 1u << 31) {
        return "they would not fit 32 bits";
    }
    if (rows->below && rows->worth) return "counting small weights is for weights as they are";
    uint64_t count = (uint64_t)scores->rows * rows->list_count * scores->stride;
    if (rows->weights->size < count * sizeof(uint32_t) ||
        (rows->below && rows->below->size < scores->rows * sizeof(uint32_t))) {
        return "a buffer is too small for them";
    }
    return check_scores(attention, lists, scores);
}

static AlisaStatus prepare_rows(AlisaAttention *attention, RowKind kind, AlisaError *error) {
    if (attention->row[kind]) return ALISA_OK;
    bool item = attention->plan.layout == ALISA_LAYOUT_ITEM;
    char options[128];
    snprintf(options, sizeof options, "-DLANES=%d -DBLOCK=%d -DBELOW=%d -DWORTH=%d", item ? 16 : 1,
             item ? ROW_BLOCK : 1, kind == ROW_BELOW, kind == ROW_WORTH);
    return alisa_kernel_get(attention->device, "attn/row.cl", "attn_row", options,
                            &attention->row[kind], error);
}

AlisaStatus alisa_attention_row(AlisaAttention *attention, const AlisaAttentionLists *lists,
                                const AlisaAttentionScores *scores, const AlisaAttentionRows *rows,
                                AlisaError *error) {
    const char *wrong = check_rows(attention, lists, scores, rows);
    if (wrong) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the weights of %u rows cannot be added up over %u heads: %s",
                               scores->rows, attention->shape.head_count, wrong);
    }
    bool item = attention->plan.layout == ALISA_LAYOUT_ITEM;
    RowKind kind = rows->below ? ROW_BELOW : rows->worth ? ROW_WORTH : ROW_PLAIN;
    AlisaStatus status = prepare_rows(attention, kind, error);
    if (status) return status;
    size_t block = item ? ROW_BLOCK : 1, group = item ? 1 : attention->plan.group;
    size_t items = alisa_divide_up_64(lists->longest, block);
    uint32_t heads = attention->shape.head_count / rows->list_count;
    float unit = (float)(1u << rows->shift);
    const AlisaLaunch launch = {
        {alisa_round_up_64(items, group), rows->list_count, lists->tile_count}, {group, 1, 1}};
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(lists->tiles),
        ALISA_ARG_BUFFER(scores->scores),
        ALISA_ARG_BUFFER(scores->stats),
        ALISA_ARG(scores->stride),
        ALISA_ARG(heads),
        ALISA_ARG(unit),
        ALISA_ARG_BUFFER(rows->weights),
        kind == ROW_BELOW ? (AlisaArgument)ALISA_ARG_BUFFER(rows->below)
                          : (AlisaArgument)ALISA_ARG(rows->worth),
    };
    return alisa_kernel_launch(attention->row[kind], &launch, arguments,
                               COUNT_OF(arguments) - (kind == ROW_PLAIN), error);
}
