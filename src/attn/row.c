/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scores of attention into rows of weights (cl/attn/row.cl).
 */
#include <stdio.h>

#include "attn/attention_internal.h"
#include "base/round.h"

/* NULL, or a sentence about what is wrong with the rows that the caller wants. */
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
    return alisa_attention_check_scores(attention, lists, scores);
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
