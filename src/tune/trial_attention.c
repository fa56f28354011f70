/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention over keys and values as halves: steps of a few sequences to all tokens and to chosen
 * ones, and prompts.
 */
#include <math.h>
#include <stdlib.h>

#include "attn/attention.h"
#include "base/half.h"
#include "tune/trial_internal.h"

/* `rows` rows for each of `sequences`, the last of `tokens`; every `step`-th slot is in the list.
 */
typedef struct Shape {
    const char *name;
    uint32_t heads, kv_heads, head_dim;
    uint32_t sequences, rows, tokens, step;
    double weight;
    uint32_t length; /* of the context, where cases are told apart by it */
} Shape;

static const Shape steps[] = {
    {"1 x 4096 tokens, 32/8 heads of 128", 32, 8, 128, 1, 1, 4096, 1, 2, 0},
    {"8 x 512 tokens, 12 heads of 64", 12, 12, 64, 8, 1, 512, 1, 1, 0},
    {"1 x 820 of 4100 tokens, 32/8 heads of 128", 32, 8, 128, 1, 1, 820, 5, 2, 0},
    {"16 x 128 of 640 tokens, 12 heads of 64", 12, 12, 64, 16, 1, 128, 5, 1, 0},
};
static const Shape prompts[] = {
    {"128 rows of 1024 tokens, 32/8 heads of 128", 32, 8, 128, 1, 128, 1024, 1, 1, 0},
    {"256 rows of 512 tokens, 12 heads of 64", 12, 12, 64, 1, 256, 512, 1, 1, 0},
};

static const Shape by_length[] = {
    {"dense, 1024 tokens", 12, 12, 64, 1, 1, 1024, 1, 1, 1024},
    {"dense, 4096 tokens", 12, 12, 64, 1, 1, 4096, 1, 1, 4096},
    {"dense, 16384 tokens", 12, 12, 64, 1, 1, 16384, 1, 1, 16384},
    {"80 % sparsity, 1024 tokens", 12, 12, 64, 1, 1, 204, 5, 1, 1024},
    {"80 % sparsity, 4096 tokens", 12, 12, 64, 1, 1, 819, 5, 1, 4096},
    {"80 % sparsity, 16384 tokens", 12, 12, 64, 1, 1, 3276, 5, 1, 16384},
};

/* Of the largest shapes above. */
enum {
    MOST_TOKENS = 16384,   /* slots: sequences x tokens x step */
    MOST_KV = 16384 * 768, /* elements of K: slots x KV heads x head_dim */
    MOST_Q = 128 * 32 * 128,
    CHECKED = 4
};

typedef struct Attention {
    AlisaBuffer q, y, keys, values, slots, tiles;
    uint16_t *kv;  /* [MOST_KV] keys and values alike */
    float *q_host; /* [MOST_Q] */
    float *y_host;
    int32_t *list;                 /* of the case, [MOST_TOKENS] */
    AlisaAttentionTile *tile_list; /* [MOST_Q / 64] */
    AlisaAttention *attention;     /* of the case, with what it runs over */
    AlisaAttentionLists lists;
} Attention;

static bool is_step(const AlisaTrial *trial) {
    return trial->set.family == ALISA_FAMILY_DECODE;
}

static const Shape *shape_of(const AlisaTrial *trial, uint32_t index) {
    if (trial->curve) return &by_length[index];
    return is_step(trial) ? &steps[index] : &prompts[index];
}

static uint32_t row_count(const Shape *shape) {
    return shape->sequences * shape->rows;
}

/* Tokens that row r of its sequence attends to. */
static uint32_t count_of(const Shape *shape, uint32_t row) {
    return shape->tokens - shape->rows + 1 + row % shape->rows;
}

static void list_cases(AlisaTrial *trial) {
    size_t bytes = trial->curve ? sizeof by_length : is_step(trial) ? sizeof steps : sizeof prompts;
    trial->case_count = (uint32_t)(bytes / sizeof *steps);
    for (uint32_t i = 0; i < trial->case_count; i++) {
        const Shape *shape = shape_of(trial, i);
        double pairs = 0.0, elements = (double)shape->sequences * shape->tokens;
        for (uint32_t row = 0; row < row_count(shape); row++)
            pairs += count_of(shape, row);
        elements *= 2.0 * shape->kv_heads * shape->head_dim;
        trial->cases[i] = (AlisaTrialCase){
            .name = shape->name,
            .weight = shape->weight,
            .bytes = sizeof(uint16_t) * elements,
            .flops = 4.0 * pairs * shape->heads * shape->head_dim,
            .length = shape->length,
        };
    }
}

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    const char *what = "a trial of kernels";
    Attention *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    made->q_host = alisa_trial_numbers(MOST_Q, 3, error);
    made->y_host = alisa_allocate(MOST_Q, sizeof(float), what, error);
    made->kv = alisa_allocate(MOST_KV, sizeof *made->kv, what, error);
    made->list = alisa_allocate(MOST_TOKENS, sizeof *made->list, what, error);
    made->tile_list = alisa_allocate(MOST_Q / 64, sizeof *made->tile_list, what, error);
    if (!made->q_host || !made->y_host || !made->kv || !made->list || !made->tile_list)
        return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 4);
    for (size_t i = 0; i < MOST_KV; i++)
        made->kv[i] = alisa_half_from_float(alisa_random_float(&random) - 0.5f);
    uint64_t kv_bytes = MOST_KV * sizeof *made->kv, q_bytes = MOST_Q * sizeof(float);
    AlisaStatus status = alisa_trial_upload(trial, made->kv, kv_bytes, &made->keys, error);
    if (!status) status = alisa_trial_upload(trial, made->kv, kv_bytes, &made->values, error);
    if (!status) status = alisa_trial_upload(trial, made->q_host, q_bytes, &made->q, error);
    if (!status) status = alisa_trial_upload(trial, NULL, q_bytes, &made->y, error);
    if (!status)
        status =
            alisa_trial_upload(trial, NULL, MOST_TOKENS * sizeof *made->list, &made->slots, error);
    if (!status)
        status = alisa_trial_upload(trial, NULL, MOST_Q / 64 * sizeof *made->tile_list,
                                    &made->tiles, error);
    if (!status) list_cases(trial);
    return status;
}

static void destroy(AlisaTrial *trial) {
    Attention *made = trial->state;
    alisa_buffer_destroy(&made->q);
    alisa_buffer_destroy(&made->y);
    alisa_buffer_destroy(&made->keys);
    alisa_buffer_destroy(&made->values);
    alisa_buffer_destroy(&made->slots);
    alisa_buffer_destroy(&made->tiles);
    free(made->kv);
    free(made->q_host);
    free(made->y_host);
    free(made->list);
    free(made->tile_list);
}

static AlisaStatus prepare(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Attention *made = trial->state;
    const Shape *shape = shape_of(trial, index);
    const AlisaAttentionShape attention = {.head_count = shape->heads,
                                           .kv_head_count = shape->kv_heads,
                                           .head_dim = shape->head_dim,
                                           .rope_dim = shape->head_dim,
                                           .scale = 1.0f / sqrtf((float)shape->head_dim),
                                           .key_type = ALISA_KV_F16,
                                           .value_type = ALISA_KV_F16};
    AlisaStatus status = alisa_attention_create(ops, &attention, row_count(shape), shape->tokens,
                                                &made->attention, error);
    if (status != ALISA_OK) return status;
    uint32_t entries = shape->sequences * shape->tokens, tiles = 0;
    uint32_t tile_rows = alisa_attention_tile_rows(made->attention);
    for (uint32_t i = 0; i < entries; i++)
        made->list[i] = (int32_t)(i * shape->step);
    for (uint32_t s = 0; s < shape->sequences; s++)
        for (uint32_t row = 0; row < shape->rows; row += tile_rows) {
            uint32_t left = shape->rows - row;
            made->tile_list[tiles++] =
                (AlisaAttentionTile){.first_row = s * shape->rows + row,
                                     .row_count = left < tile_rows ? left : tile_rows,
                                     .list_offset = s * shape->tokens,
                                     .first_count = count_of(shape, row)};
        }
    made->lists = (AlisaAttentionLists){.slots = &made->slots,
                                        .tiles = &made->tiles,
                                        .tile_count = tiles,
                                        .longest = shape->tokens};
    status = alisa_buffer_write(trial->device, &made->slots, 0, made->list,
                                entries * sizeof *made->list, error);
    if (status != ALISA_OK) return status;
    return alisa_buffer_write(trial->device, &made->tiles, 0, made->tile_list,
                              tiles * sizeof *made->tile_list, error);
}

static void release(AlisaTrial *trial) {
    Attention *made = trial->state;
    alisa_attention_destroy(made->attention);
    made->attention = NULL;
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Attention *made = trial->state;
    (void)ops;
    (void)index;
    return alisa_attention_run(made->attention, (AlisaVector){&made->q, 0}, &made->keys,
                               &made->values, &made->lists, (AlisaVector){&made->y, 0}, NULL,
                               error);
}

/* y of a row and head, as doubles make it. `weights`: [count]. */
static bool is_right(const Attention *made, const Shape *shape, uint32_t row, uint32_t head,
                     double *weights) {
    uint32_t dim = shape->head_dim, count = count_of(shape, row);
    size_t q_row = ((size_t)row * shape->heads + head) * dim;
    size_t kv_head = (size_t)(head / (shape->heads / shape->kv_heads)) * dim;
    const int32_t *list = made->list + (size_t)(row / shape->rows) * shape->tokens;
    double total = 0.0;
    for (uint32_t j = 0; j < count; j++) {
        const uint16_t *key = made->kv + (size_t)list[j] * shape->kv_heads * dim + kv_head;
        double score = 0.0;
        for (uint32_t d = 0; d < dim; d++)
            score += (double)made->q_host[q_row + d] * alisa_half_to_float(key[d]);
        weights[j] = exp(score / sqrt((double)dim));
        total += weights[j];
    }
    for (uint32_t d = 0; d < dim; d++) {
        double sum = 0.0;
        for (uint32_t j = 0; j < count; j++) {
            size_t at = (size_t)list[j] * shape->kv_heads * dim + kv_head + d;
            sum += weights[j] * alisa_half_to_float(made->kv[at]);
        }
        if (!(fabs(made->y_host[q_row + d] - sum / total) <= 1e-5)) return false;
    }
    return true;
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    Attention *made = trial->state;
    const Shape *shape = shape_of(trial, index);
    uint32_t rows = row_count(shape);
    uint64_t bytes = sizeof(float) * rows * shape->heads * shape->head_dim;
    double *weights = alisa_allocate(shape->tokens, sizeof *weights, "a trial of kernels", error);
    if (!weights) return ALISA_ERROR_MEMORY;
    AlisaStatus status = launch(trial, ops, index, error);
    if (status == ALISA_OK)
        status = alisa_buffer_read(trial->device, &made->y, 0, made->y_host, bytes, error);
    *right = status == ALISA_OK;
    for (uint32_t i = 0; i < CHECKED && *right; i++)
        *right = is_right(made, shape, i * (rows - 1) / (CHECKED - 1),
                          i * (shape->heads - 1) / (CHECKED - 1), weights);
    free(weights);
    return status;
}

const AlisaTrialKind alisa_trial_attention = {.create = create,
                                              .destroy = destroy,
                                              .prepare = prepare,
                                              .release = release,
                                              .check = check,
                                              .launch = launch};
