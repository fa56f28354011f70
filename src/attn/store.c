/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New keys and values into their slots, and blocks of them sealed and unsealed (cl/attn/store.cl,
 * cl/attn/seal.cl).
 */
#include <stdio.h>

#include "attn/attention_internal.h"

static AlisaStatus get_store_kernel(AlisaAttention *attention, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    char options[512];
    snprintf(options, sizeof options,
             "-DHEADS=%u -DKV_HEADS=%u -DHEAD_DIM=%u -DROPE_DIM=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s",
             shape->head_count, shape->kv_head_count, shape->head_dim, shape->rope_dim,
             alisa_attention_kernel_type(shape->key_type),
             alisa_attention_kernel_type(shape->value_type));
    return alisa_kernel_get(attention->device, "attn/store.cl", "attn_store", options,
                            &attention->store, error);
}

static AlisaStatus get_seal_kernels(AlisaAttention *attention, AlisaError *error) {
    const AlisaAttentionShape *shape = &attention->shape;
    char options[256];
    snprintf(options, sizeof options, "-DKV_HEADS=%u -DHEAD_DIM=%u -DKEY_TYPE=%s -DVALUE_TYPE=%s",
             shape->kv_head_count, shape->head_dim, alisa_attention_kernel_type(shape->key_type),
             alisa_attention_kernel_type(shape->value_type));
    AlisaStatus status = alisa_kernel_get(attention->device, "attn/seal.cl", "attn_seal", options,
                                          &attention->seal, error);
    if (status) return status;
    return alisa_kernel_get(attention->device, "attn/seal.cl", "attn_unseal", options,
                            &attention->unseal, error);
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
    attention->store_local[1] = alisa_attention_divisor(
        shape->head_count + 2 * shape->kv_head_count, limit / attention->store_local[0]);
    if (!attention->tails) return;
    eights *= shape->kv_head_count;
    uint32_t most = parameters->seal.group;
    attention->seal_group = alisa_attention_divisor(eights, group_limit(attention->seal, most));
    attention->unseal_group = alisa_attention_divisor(eights, group_limit(attention->unseal, most));
}

AlisaStatus alisa_attention_prepare_store(AlisaAttention *attention,
                                          const AlisaOpsParameters *parameters, AlisaError *error) {
    AlisaStatus status = get_store_kernel(attention, error);
    if (status == ALISA_OK && attention->tails) status = get_seal_kernels(attention, error);
    if (status == ALISA_OK) choose_groups(attention, parameters);
    return status;
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
