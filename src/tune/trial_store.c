/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of steps and prompts that are rotated and stored as keys and values.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "base/half.h"
#include "base/kv_type.h"
#include "tune/trial_internal.h"

enum {
    HEADS = 32,
    KV_HEADS = 8,
    HEAD_DIM = 128,
    WIDTH = KV_HEADS * HEAD_DIM,
    Q_WIDTH = HEADS * HEAD_DIM,
    MOST_ROWS = 512,
    SLOTS = 1024,
    GROUP = 32,  /* elements of q8_0 that share a scale */
    PASSES = 16, /* launches of a pass, as of so many layers */
    CHECKED = 4  /* rows */
};

static const struct {
    const char *name;
    AlisaKvType type;
    uint32_t rows;
    double weight;
} cases[] = {
    {"1 row, f16", ALISA_KV_F16, 1, 2},        {"16 rows, f16", ALISA_KV_F16, 16, 1},
    {"512 rows, f16", ALISA_KV_F16, 512, 1},   {"1 row, q8_0", ALISA_KV_Q8_0, 1, 1},
    {"512 rows, q8_0", ALISA_KV_Q8_0, 512, 1},
};

typedef struct Store {
    AlisaBuffer q, k, v, rotations, slots, keys, values;
    float *numbers; /* [MOST_ROWS][Q_WIDTH]; the first ones of it are k, the last ones v */
    float *angles;  /* [MOST_ROWS][HEAD_DIM / 2] (cosine, sine) */
    float *q_host;  /* [MOST_ROWS][Q_WIDTH] */
    uint8_t *cache; /* [SLOTS] rows of the larger type */
    AlisaAttention *attention; /* of the case */
} Store;

static const float *k_of(const Store *made) {
    return made->numbers;
}

static const float *v_of(const Store *made) {
    return made->numbers + (size_t)MOST_ROWS * (Q_WIDTH - WIDTH);
}

/* Every row another slot. */
static int32_t slot_of(uint32_t row) {
    return (int32_t)((row * 7 + 3) % SLOTS);
}

static AlisaStatus make_buffers(AlisaTrial *trial, AlisaError *error) {
    Store *made = trial->state;
    uint64_t row = sizeof(float) * MOST_ROWS;
    uint64_t cache = (uint64_t)SLOTS * alisa_kv_type_row_bytes(ALISA_KV_F16, WIDTH);
    int32_t slots[MOST_ROWS];
    for (uint32_t i = 0; i < MOST_ROWS; i++)
        slots[i] = slot_of(i);
    AlisaStatus status = alisa_trial_upload(trial, NULL, row * Q_WIDTH, &made->q, error);
    if (!status) status = alisa_trial_upload(trial, k_of(made), row * WIDTH, &made->k, error);
    if (!status) status = alisa_trial_upload(trial, v_of(made), row * WIDTH, &made->v, error);
    if (!status)
        status = alisa_trial_upload(trial, made->angles, row * HEAD_DIM, &made->rotations, error);
    if (!status) status = alisa_trial_upload(trial, slots, sizeof slots, &made->slots, error);
    if (!status) status = alisa_trial_upload(trial, NULL, cache, &made->keys, error);
    if (!status) status = alisa_trial_upload(trial, NULL, cache, &made->values, error);
    return status;
}

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    const char *what = "a trial of kernels";
    Store *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    uint64_t cache = (uint64_t)SLOTS * alisa_kv_type_row_bytes(ALISA_KV_F16, WIDTH);
    made->numbers = alisa_trial_numbers((uint64_t)MOST_ROWS * Q_WIDTH, 9, error);
    made->angles = alisa_allocate((size_t)MOST_ROWS * HEAD_DIM, sizeof(float), what, error);
    made->q_host = alisa_allocate((size_t)MOST_ROWS * Q_WIDTH, sizeof(float), what, error);
    made->cache = alisa_allocate(cache, 1, what, error);
    if (!made->numbers || !made->angles || !made->q_host || !made->cache) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < MOST_ROWS * HEAD_DIM; i += 2) {
        float angle = 6.0f * made->numbers[i];
        made->angles[i] = cosf(angle);
        made->angles[i + 1] = sinf(angle);
    }
    trial->case_count = sizeof cases / sizeof *cases;
    for (uint32_t i = 0; i < trial->case_count; i++) {
        double read = sizeof(float) * (2.0 * Q_WIDTH + 2.0 * WIDTH + HEAD_DIM);
        double stored = 2.0 * (double)alisa_kv_type_row_bytes(cases[i].type, WIDTH);
        trial->cases[i] = (AlisaTrialCase){.name = cases[i].name,
                                           .weight = cases[i].weight,
                                           .bytes = PASSES * cases[i].rows * (read + stored)};
    }
    return make_buffers(trial, error);
}

static void destroy(AlisaTrial *trial) {
    Store *made = trial->state;
    alisa_buffer_destroy(&made->q);
    alisa_buffer_destroy(&made->k);
    alisa_buffer_destroy(&made->v);
    alisa_buffer_destroy(&made->rotations);
    alisa_buffer_destroy(&made->slots);
    alisa_buffer_destroy(&made->keys);
    alisa_buffer_destroy(&made->values);
    free(made->numbers);
    free(made->angles);
    free(made->q_host);
    free(made->cache);
}

static AlisaStatus prepare(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    Store *made = trial->state;
    const AlisaAttentionShape shape = {.head_count = HEADS,
                                       .kv_head_count = KV_HEADS,
                                       .head_dim = HEAD_DIM,
                                       .rope_dim = HEAD_DIM,
                                       .scale = 1.0f,
                                       .key_type = cases[index].type,
                                       .value_type = cases[index].type};
    return alisa_attention_create(ops, &shape, 1, GROUP, &made->attention, error);
}

static void release(AlisaTrial *trial) {
    Store *made = trial->state;
    alisa_attention_destroy(made->attention);
    made->attention = NULL;
}

static AlisaStatus store(Store *made, uint32_t rows, AlisaError *error) {
    return alisa_attention_store(made->attention, (AlisaVector){&made->q, 0},
                                 (AlisaVector){&made->k, 0}, (AlisaVector){&made->v, 0},
                                 &made->rotations, &made->slots, rows, &made->keys, &made->values,
                                 NULL, error);
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    (void)ops;
    for (int i = 0; i < PASSES && status == ALISA_OK; i++)
        status = store(trial->state, cases[index].rows, error);
    return status;
}

/* Element d of a head of a row, rotated. */
static double rotated(const Store *made, uint32_t row, const float *head, uint32_t d) {
    const float *angle = made->angles + (size_t)row * HEAD_DIM + d / 2 * 2;
    double pair = head[d ^ 1];
    return d % 2 ? head[d] * (double)angle[0] + pair * angle[1]
                 : head[d] * (double)angle[0] - pair * angle[1];
}

/* A row of the cache as floats, and how far each of its elements may be off. */
static void read_row(AlisaKvType type, const uint8_t *row, const double *wanted, float *x,
                     double *bounds) {
    for (uint32_t i = 0; i < WIDTH; i++) {
        uint16_t half;
        if (type == ALISA_KV_F16) {
            memcpy(&half, row + 2 * i, sizeof half);
            x[i] = alisa_half_to_float(half);
            bounds[i] = fabs(wanted[i]) * 0x1p-11 + 0x1p-25 + 1e-6;
            continue;
        }
        double largest = 0.0;
        for (uint32_t j = i / GROUP * GROUP; j < i / GROUP * GROUP + GROUP; j++)
            largest = fmax(largest, fabs(wanted[j]));
        memcpy(&half, row + WIDTH + i / GROUP * 2, sizeof half);
        x[i] = (float)(int8_t)row[i] * alisa_half_to_float(half);
        bounds[i] = (largest / 127.0 * (1.0 + 0x1p-10) + 0x1p-24) / 2.0 + 1e-6;
    }
}

static bool is_stored(Store *made, AlisaKvType type, uint32_t row, bool keys) {
    const float *given = (keys ? k_of(made) : v_of(made)) + (size_t)row * WIDTH;
    double wanted[WIDTH], bounds[WIDTH];
    float x[WIDTH];
    for (uint32_t i = 0; i < WIDTH; i++)
        wanted[i] = keys ? rotated(made, row, given + i / HEAD_DIM * HEAD_DIM, i % HEAD_DIM)
                         : (double)given[i];
    size_t bytes = alisa_kv_type_row_bytes(type, WIDTH);
    read_row(type, made->cache + (size_t)slot_of(row) * bytes, wanted, x, bounds);
    for (uint32_t i = 0; i < WIDTH; i++)
        if (!(fabs(x[i] - wanted[i]) <= bounds[i])) return false;
    return true;
}

static bool is_rotated(const Store *made, uint32_t row) {
    for (uint32_t i = 0; i < Q_WIDTH; i++) {
        size_t head = (size_t)row * Q_WIDTH + i / HEAD_DIM * HEAD_DIM;
        double wanted = rotated(made, row, made->numbers + head, i % HEAD_DIM);
        if (!(fabs(made->q_host[head + i % HEAD_DIM] - wanted) <= 1e-6)) return false;
    }
    return true;
}

static uint32_t checked_row(uint32_t rows, uint32_t index) {
    return index * (rows - 1) / (CHECKED - 1);
}

static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    Store *made = trial->state;
    AlisaDevice *device = trial->device;
    AlisaKvType type = cases[index].type;
    uint32_t rows = cases[index].rows;
    uint64_t q_bytes = sizeof(float) * rows * Q_WIDTH;
    uint64_t cache = (uint64_t)SLOTS * alisa_kv_type_row_bytes(type, WIDTH);
    (void)ops;
    AlisaStatus status = alisa_buffer_write(device, &made->q, 0, made->numbers, q_bytes, error);
    memset(made->cache, 0xff, cache); /* what a candidate before has stored is not this one's */
    if (!status) status = alisa_buffer_write(device, &made->keys, 0, made->cache, cache, error);
    if (!status) status = alisa_buffer_write(device, &made->values, 0, made->cache, cache, error);
    if (!status) status = store(made, rows, error);
    if (!status) status = alisa_buffer_read(device, &made->q, 0, made->q_host, q_bytes, error);
    *right = status == ALISA_OK;
    for (uint32_t i = 0; i < CHECKED && *right; i++)
        *right = is_rotated(made, checked_row(rows, i));
    for (int side = 0; side < 2 && status == ALISA_OK; side++) {
        status = alisa_buffer_read(device, side ? &made->values : &made->keys, 0, made->cache,
                                   cache, error);
        for (uint32_t i = 0; i < CHECKED && *right && status == ALISA_OK; i++)
            *right = is_stored(made, type, checked_row(rows, i), side == 0);
    }
    return status;
}

const AlisaTrialKind alisa_trial_store = {.create = create,
                                          .destroy = destroy,
                                          .prepare = prepare,
                                          .release = release,
                                          .check = check,
                                          .launch = launch};
