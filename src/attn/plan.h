/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How attention is laid out on a device: pure functions, numbers in, numbers out. A plan is data
 * that a tuner may change, as long as alisa_attention_plan_check accepts it.
 */
#ifndef ALISA_ATTN_PLAN_H
#define ALISA_ATTN_PLAN_H

#include "attn/attention.h"

typedef struct AlisaAttentionPlan {
    AlisaLayout layout;
    uint32_t tile_rows;  /* most rows of a tile */
    uint32_t tile_heads; /* query heads of one KV head that are done together */
    uint32_t chunk;  /* tokens of a piece of the softmax (cl/attn/softmax.clh): a multiple of 32 */
    uint32_t group;  /* work-items of a group; a power of two (group layout) */
    uint32_t tokens; /* keys in local memory at a time; a power of two (group layout) */
    uint32_t busy; /* work-items or groups that keep the device busy: if a call has fewer, lists are
                      cut into chunks */
    uint32_t chunk_capacity; /* chunks of the longest list */
    uint32_t split_rows;     /* rows that there is scratch for: tiles with later rows are not cut */
} AlisaAttentionPlan;

/* NULL, or a sentence about what is wrong with the shape. */
const char *alisa_attention_shape_check(const AlisaAttentionShape *shape);

/* Makes a plan from a device's parameters, for a shape that passes the check. */
void alisa_attention_plan_make(const AlisaDeviceInfo *info, const AlisaOpsParameters *parameters,
                               const AlisaAttentionShape *shape, uint32_t max_rows,
                               uint32_t max_count, AlisaAttentionPlan *plan);

/* NULL, or a sentence about what is wrong with the plan. */
const char *alisa_attention_plan_check(const AlisaAttentionPlan *plan,
                                       const AlisaAttentionShape *shape);

/* How many blocks of tile_heads heads the query heads of one KV head are cut into. */
uint32_t alisa_attention_plan_blocks(const AlisaAttentionPlan *plan,
                                     const AlisaAttentionShape *shape);

/* Bytes of local memory that a group uses (group layout). */
uint64_t alisa_attention_plan_local(const AlisaAttentionPlan *plan,
                                    const AlisaAttentionShape *shape);

/* Bytes of scratch for the chunks of split_rows rows. */
uint64_t alisa_attention_plan_scratch(const AlisaAttentionPlan *plan,
                                      const AlisaAttentionShape *shape);

/* How many work-items or groups share a list: 1, which goes through all of it, or as many as the
 * longest list has chunks. The bits of the result do not depend on it. */
uint32_t alisa_attention_plan_chunks(const AlisaAttentionPlan *plan,
                                     const AlisaAttentionShape *shape, uint32_t tile_count,
                                     uint32_t longest);

/* As alisa_attention_create, with a plan of the caller's. */
AlisaStatus alisa_attention_create_planned(AlisaOps *ops, const AlisaAttentionShape *shape,
                                           const AlisaAttentionPlan *plan, uint32_t max_count,
                                           AlisaAttention **attention, AlisaError *error);

#endif
