/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing of blocks of keys and values: halves become codes of 8 bits.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "base/half.h"
#include "base/kv_type.h"
#include "tune/trial_internal.h"

enum {
    KV_HEADS = 8,
    HEAD_DIM = 128,
    WIDTH = KV_HEADS * HEAD_DIM,
    BLOCK = ALISA_KV_BLOCK,
    MOST_BLOCKS = 64,
    TOKENS = MOST_BLOCKS * BLOCK
};

static const struct {
    const char *name;
    uint32_t blocks;
} cases[] = {{"1 block", 1}, {"8 blocks", 8}, {"64 blocks", 64}};

/* Keys and values are alike. */
typedef struct Seal {
    AlisaBuffer tokens, slots, param_rows;
    AlisaBuffer fresh;                         /* half[TOKENS][WIDTH] */
    AlisaBuffer codes[2], params[2];           /* of keys and of values */
    uint16_t *given;                           /* what is in `fresh` */
    uint8_t *codes_host;                       /* [TOKENS][WIDTH] */
    uint16_t *params_host;                     /* [MOST_BLOCKS][2][WIDTH] */
    int32_t entries[TOKENS], slots_of[TOKENS]; /* in the order of blocks */
    AlisaAttention *attention;                 /* of the case */
} Seal;

static AlisaStatus make_buffers(AlisaTrial *trial, AlisaError *error) {
    Seal *made = trial->state;
    int32_t rows[MOST_BLOCKS];
    for (int32_t i = 0; i < MOST_BLOCKS; i++)
        rows[i] = MOST_BLOCKS - 1 - i;
    /* Every token another row and another slot. */
    for (int32_t i = 0; i < TOKENS; i++) {
        made->entries[i] = ~(TOKENS - 1 - i);
        made->slots_of[i] = (i * 5 + 1) % TOKENS;
    }
    uint64_t bytes = (uint64_t)TOKENS * WIDTH;
    AlisaStatus status = alisa_trial_upload(trial, made->given, 2 * bytes, &made->fresh, error);
    if (!status)
        status =
            alisa_trial_upload(trial, made->entries, sizeof made->entries, &made->tokens, error);
    if (!status)
        status =
            alisa_trial_upload(trial, made->slots_of, sizeof made->slots_of, &made->slots, error);
    if (!status) status = alisa_trial_upload(trial, rows, sizeof rows, &made->param_rows, error);
    for (int side = 0; side < 2 && status == ALISA_OK; side++) {
        status = alisa_trial_upload(trial, NULL, bytes, &made->codes[side], error);
        if (!status)
            status = alisa_trial_upload(trial, NULL, sizeof(uint16_t) * MOST_BLOCKS * 2 * WIDTH,
                                        &made->params[side], error);
    }
    return status;
}

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    const char *what = "a trial of kernels";
    Seal *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    made->given = alisa_allocate((size_t)TOKENS * WIDTH, sizeof *made->given, what, error);
    made->codes_host = alisa_allocate((size_t)TOKENS * WIDTH, 1, what, error);
    made->params_host =
        alisa_allocate((size_t)MOST_BLOCKS * 2 * WIDTH, sizeof *made->params_host, what, error);
    if (!made->given || !made->codes_host || !made->params_host) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 10);
    for (size_t i = 0; i < (size_t)TOKENS * WIDTH; i++)
        made->given[i] = alisa_half_from_float(alisa_random_float(&random) * 4.0f - 2.0f);
    trial->case_count = sizeof cases / sizeof *cases;
    for (uint32_t i = 0; i < trial->case_count; i++) {
        double channels = 2.0 * WIDTH * cases[i].blocks;
        trial->cases[i] = (AlisaTrialCase){
            .name = cases[i].name,
            .weight = 1.0,
            .bytes = channels * (BLOCK * (sizeof(uint16_t) + 1.0) + 2.0 * sizeof(uint16_t))};
    }
    return make_buffers(trial, error);
}

static void destroy(AlisaTrial *trial) {
    Seal *made = trial->state;
    alisa_buffer_destroy(&made->tokens);
    alisa_buffer_destroy(&made->slots);
    alisa_buffer_destroy(&made->param_rows);
    alisa_buffer_destroy(&made->fresh);
    for (int side = 0; side < 2; side++) {
        alisa_buffer_destroy(&made->codes[side]);
        alisa_buffer_destroy(&made->params[side]);
    }
    free(made->given);
    free(made->codes_host);
    free(made->params_host);
}

static AlisaStatus prepare(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Seal *made = trial->state;
    const AlisaAttentionShape shape = {.head_count = KV_HEADS,
                                       .kv_head_count = KV_HEADS,
                                       .head_dim = HEAD_DIM,
                                       .scale = 1.0f,
                                       .key_type = ALISA_KV_I8,
                                       .value_type = ALISA_KV_I8};
    (void)index;
    return alisa_attention_create(ops, &shape, 1, BLOCK, &made->attention, error);
}

static void release(AlisaTrial *trial) {
    Seal *made = trial->state;
    alisa_attention_destroy(made->attention);
    made->attention = NULL;
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Seal *made = trial->state;
    (void)ops;
    const AlisaAttentionBlocks blocks = {&made->tokens, &made->slots, &made->param_rows,
                                         cases[index].blocks};
    const AlisaAttentionTails tails = {.key_params = &made->params[0],
                                       .key_fresh = &made->fresh,
                                       .key_tail = &made->fresh,
                                       .value_params = &made->params[1],
                                       .value_fresh = &made->fresh,
                                       .value_tail = &made->fresh,
                                       .fresh_rows = TOKENS};
    return alisa_attention_seal(made->attention, &blocks, &made->codes[0], &made->codes[1], &tails,
                                error);
}

/* A channel of a block: its range, and what codes make of it. */
static bool is_sealed(const Seal *made, uint32_t block, uint32_t channel) {
    const uint16_t *params = made->params_host + (size_t)(MOST_BLOCKS - 1 - block) * 2 * WIDTH;
    float least = INFINITY, most = -INFINITY, x[BLOCK];
    for (uint32_t j = 0; j < BLOCK; j++) {
        size_t row = (size_t)~made->entries[block * BLOCK + j];
        x[j] = alisa_half_to_float(made->given[row * WIDTH + channel]);
        least = fminf(least, x[j]);
        most = fmaxf(most, x[j]);
    }
    double step = ((double)most - least) / 255.0;
    float min = alisa_half_to_float(params[channel]);
    float lambda = alisa_half_to_float(params[WIDTH + channel]);
    if (min != least || !(lambda >= step * (1.0 - 1e-6))) return false;
    if (!(lambda <= step * (1.0 + 0x1p-10) + 0x1p-24)) return false;
    for (uint32_t j = 0; j < BLOCK; j++) {
        size_t slot = (size_t)made->slots_of[block * BLOCK + j];
        double back = min + (double)lambda * made->codes_host[slot * WIDTH + channel];
        if (!(fabs(back - x[j]) <= lambda * 0.5001)) return false;
    }
    return true;
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    Seal *made = trial->state;
    AlisaDevice *device = trial->device;
    uint64_t bytes = (uint64_t)TOKENS * WIDTH;
    AlisaStatus status = ALISA_OK;
    memset(made->codes_host, 0, bytes); /* what a candidate before has sealed is not this one's */
    for (int side = 0; side < 2 && status == ALISA_OK; side++)
        status = alisa_buffer_write(device, &made->codes[side], 0, made->codes_host, bytes, error);
    if (!status) status = launch(trial, ops, index, error);
    *right = status == ALISA_OK;
    for (int side = 0; side < 2 && status == ALISA_OK; side++) {
        status = alisa_buffer_read(device, &made->codes[side], 0, made->codes_host, bytes, error);
        if (!status)
            status = alisa_buffer_read(device, &made->params[side], 0, made->params_host,
                                       sizeof(uint16_t) * MOST_BLOCKS * 2 * WIDTH, error);
        for (uint32_t channel = 0; channel < WIDTH && *right && status == ALISA_OK; channel++)
            *right =
                is_sealed(made, 0, channel) && is_sealed(made, cases[index].blocks - 1, channel);
    }
    return status;
}

const AlisaTrialKind alisa_trial_seal = {.create = create,
                                         .destroy = destroy,
                                         .prepare = prepare,
                                         .release = release,
                                         .check = check,
                                         .launch = launch};
