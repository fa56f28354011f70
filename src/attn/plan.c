/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/plan.h"

#include "base/kv_type.h"
#include "base/round.h"

enum {
    ITEM_BLOCK = 32, /* tokens of the inner loops; divides the chunk */
    GROUP_QUERIES = 16,
    GROUP_STAGE = 2048, /* floats of K in local memory, and of the queries */
    GROUP_DEFAULT = 64,
    GROUP_WIDE = 128, /* for heads of WIDE_HEAD and more: four elements a work-item, four groups of
                         queries; with fewer groups the sums do not fit into Intel's registers */
    WIDE_HEAD = 80,
    TOKENS_MAX = 32,
    LOCAL_LIMIT = 32768, /* bytes every full-profile device has */
    SPLIT_ROWS = 64,
    SPLIT_SCRATCH = 16 << 20, /* bytes, but one row at least */
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Largest power of two <= value; 1 for 0. */
static uint32_t power_of_two(uint32_t value) {
    uint32_t power = 1;
    while (power <= value / 2)
        power *= 2;
    return power;
}

/* As many equal blocks of heads as `queries` asks for, then as many rows as still fit. */
static void choose_tile(AlisaAttentionPlan *plan, uint32_t ratio, uint32_t queries) {
    uint32_t blocks = queries > 0 ? alisa_divide_up(ratio, queries) : ratio;
    plan->tile_heads = blocks > 0 ? alisa_divide_up(ratio, blocks) : 1;
    plan->tile_rows = queries / plan->tile_heads;
}

static void choose_group(const AlisaDeviceInfo *info, const AlisaOpsParameters *parameters,
                         const AlisaAttentionShape *shape, AlisaAttentionPlan *plan) {
    uint32_t ratio = shape->head_count / shape->kv_head_count;
    uint32_t group = parameters->decode.group;
    if (group == 0) group = shape->head_dim >= WIDE_HEAD ? GROUP_WIDE : GROUP_DEFAULT;
    if (group > info->max_work_group) group = (uint32_t)info->max_work_group;
    plan->group = power_of_two(group);
    plan->tokens = power_of_two(GROUP_STAGE / shape->head_dim);
    plan->tokens = smaller(smaller(plan->tokens, parameters->decode.tokens), plan->group);
    uint64_t limit = info->local_memory < LOCAL_LIMIT ? info->local_memory : LOCAL_LIMIT;
    uint32_t queries =
        smaller(smaller(parameters->prefill.queries, GROUP_STAGE / shape->head_dim), plan->group);
    choose_tile(plan, ratio, queries);
    while (queries > 1 && alisa_attention_plan_local(plan, shape) > limit) {
        queries /= 2;
        choose_tile(plan, ratio, queries);
    }
    while (plan->chunk > ITEM_BLOCK && alisa_attention_plan_local(plan, shape) > limit)
        plan->chunk = plan->chunk / 2 / ITEM_BLOCK * ITEM_BLOCK;
}

void alisa_attention_plan_make(const AlisaDeviceInfo *info, const AlisaOpsParameters *parameters,
                               const AlisaAttentionShape *shape, uint32_t max_rows,
                               uint32_t max_count, AlisaAttentionPlan *plan) {
    const AlisaDecodeParameters *decode = &parameters->decode;
    uint32_t ratio = shape->head_count / shape->kv_head_count;
    uint32_t units = info->compute_units ? info->compute_units : 1;
    *plan = (AlisaAttentionPlan){.layout = (AlisaLayout)decode->layout,
                                 .group = 1,
                                 .tokens = 1,
                                 .chunk = decode->chunk,
                                 .busy = decode->busy * units};
    if (plan->layout == ALISA_LAYOUT_ITEM) {
        choose_tile(plan, ratio, parameters->prefill.queries);
    } else {
        choose_group(info, parameters, shape, plan);
    }
    plan->chunk_capacity = alisa_divide_up(max_count, plan->chunk);
    plan->split_rows = 1;
    uint64_t row_bytes = alisa_attention_plan_scratch(plan, shape);
    uint64_t rows = row_bytes ? SPLIT_SCRATCH / row_bytes : 1;
    rows = rows < SPLIT_ROWS ? rows : SPLIT_ROWS;
    plan->split_rows = smaller(rows ? (uint32_t)rows : 1, max_rows);
}

const char *alisa_attention_shape_check(const AlisaAttentionShape *shape) {
    if (shape->head_count == 0 || shape->kv_head_count == 0 ||
        shape->head_count % shape->kv_head_count != 0) {
        return "the heads are not a multiple of the KV heads";
    }
    if (shape->head_dim == 0 || shape->head_dim % 8 != 0) {
        return "the size of a head is not a multiple of 8";
    }
    if (!(shape->soft_cap >= 0.0f && shape->soft_cap < 1e30f)) {
        return "the soft cap of scores is no positive number";
    }
    if (shape->rope_dim > shape->head_dim || shape->rope_dim % 2 != 0) {
        return "the rotated part of a head is odd or longer than the head";
    }
    return NULL;
}

const char *alisa_attention_plan_check(const AlisaAttentionPlan *plan,
                                       const AlisaAttentionShape *shape) {
    const char *wrong = alisa_attention_shape_check(shape);
    if (wrong) return wrong;
    uint32_t ratio = shape->head_count / shape->kv_head_count;
    if (plan->tile_rows == 0 || plan->tile_heads == 0 || plan->tile_heads > ratio) {
        return "a tile has no rows or no heads, or more heads than share a KV head";
    }
    if (plan->chunk == 0 || plan->chunk % ITEM_BLOCK != 0) return "a chunk is not whole blocks";
    if (plan->layout == ALISA_LAYOUT_ITEM) return NULL;
    if (plan->group != power_of_two(plan->group) || plan->tokens != power_of_two(plan->tokens) ||
        plan->tokens > plan->group || plan->tokens > TOKENS_MAX) {
        return "the sizes of group and staging do not fit each other";
    }
    uint32_t queries = plan->tile_rows * plan->tile_heads;
    if (queries > GROUP_QUERIES || queries > plan->group) return "a tile has too many queries";
    return NULL;
}

uint32_t alisa_attention_plan_blocks(const AlisaAttentionPlan *plan,
                                     const AlisaAttentionShape *shape) {
    return alisa_divide_up(shape->head_count / shape->kv_head_count, plan->tile_heads);
}

uint64_t alisa_attention_plan_local(const AlisaAttentionPlan *plan,
                                    const AlisaAttentionShape *shape) {
    uint64_t queries = (uint64_t)plan->tile_rows * plan->tile_heads, row = shape->head_dim + 4;
    uint64_t stage = plan->tokens * row;
    if (stage < 16 * (uint64_t)plan->group) stage = 16 * (uint64_t)plan->group;
    uint64_t weights = plan->chunk * queries;
    bool tails = alisa_kv_type_info(shape->key_type)->blocks ||
                 alisa_kv_type_info(shape->value_type)->blocks;
    uint64_t entries = (uint64_t)plan->chunk * (tails ? 2 : 1); /* slot, and row of params */
    return sizeof(float) *
           (queries * row + stage + weights + 2 * plan->group + 6 * queries + entries);
}

uint64_t alisa_attention_plan_scratch(const AlisaAttentionPlan *plan,
                                      const AlisaAttentionShape *shape) {
    return (uint64_t)plan->split_rows * shape->head_count * plan->chunk_capacity *
           (shape->head_dim + 4) * sizeof(float);
}

uint32_t alisa_attention_plan_chunks(const AlisaAttentionPlan *plan,
                                     const AlisaAttentionShape *shape, uint32_t tile_count,
                                     uint32_t longest) {
    uint64_t items = (uint64_t)tile_count * shape->kv_head_count;
    items *= alisa_attention_plan_blocks(plan, shape);
    return items < plan->busy ? alisa_divide_up(longest, plan->chunk) : 1;
}

size_t alisa_attention_cut(const uint32_t *list_offsets, const uint32_t *counts, uint32_t rows,
                           uint32_t tile_rows, uint32_t window, AlisaAttentionTile *tiles) {
    size_t tile_count = 0;
    for (uint32_t row = 0; row < rows; row++) {
        AlisaAttentionTile *last = tile_count ? &tiles[tile_count - 1] : NULL;
        if (last && last->row_count < tile_rows && last->list_offset == list_offsets[row] &&
            last->first_count + last->row_count == counts[row]) {
            last->row_count++;
            continue;
        }
        tiles[tile_count++] = (AlisaAttentionTile){.first_row = row,
                                                   .row_count = 1,
                                                   .list_offset = list_offsets[row],
                                                   .first_count = counts[row]};
    }
    for (size_t i = 0; i < tile_count && window > 0; i++) {
        uint32_t before = tiles[i].first_count > window ? tiles[i].first_count - window : 0;
        tiles[i].list_offset += before;
        tiles[i].first_count -= before;
    }
    return tile_count;
}
