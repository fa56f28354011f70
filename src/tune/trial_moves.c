/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of keys and values that leave their slots packed, and that come back into slots.
 */
#include <stdlib.h>
#include <string.h>

#include "base/kv_type.h"
#include "kv/staging.h"
#include "tune/trial_internal.h"

enum {
    WIDTH = 1024, /* elements of K: 8 heads of 128 */
    SLOTS = 4096,
    MOST_ROWS = 512,
    MOST_PART = 2 * WIDTH, /* bytes of a row in keys, and in values */
    PASSES = 16            /* launches of a pass, as of so many layers */
};

static const struct {
    const char *name;
    AlisaKvType type;
    bool out;
    uint32_t rows;
} cases[] = {
    {"32 rows out, f16", ALISA_KV_F16, true, 32},
    {"32 rows in, f16", ALISA_KV_F16, false, 32},
    {"512 rows out, f16", ALISA_KV_F16, true, 512},
    {"512 rows in, f16", ALISA_KV_F16, false, 512},
    {"512 rows out, q8_0", ALISA_KV_Q8_0, true, 512},
    {"512 rows in, q8_0", ALISA_KV_Q8_0, false, 512},
};

/* Parts of rows that are verified beside those of the cases: units of every size, odd numbers of
 * them, and no values. */
static const uint32_t parts[][2] = {{1040, 528}, {34, 34}, {33, 1}, {20, 52}, {72, 0}};

typedef struct Moves {
    AlisaBuffer packed; /* [MOST_ROWS] rows */
    AlisaBuffer lists;  /* int32[2][MOST_ROWS] slots and tokens */
    int32_t slots[MOST_ROWS], tokens[MOST_ROWS];
    uint8_t *given;               /* [SLOTS] parts of random bytes */
    uint8_t *taken;               /* [SLOTS] parts as they are read back */
    uint8_t *packed_host;         /* [MOST_ROWS] rows */
    int32_t pages[2 * MOST_ROWS]; /* as they are read back */
    AlisaRowStore store;          /* of the case */
} Moves;

static AlisaStatus create(AlisaTrial *trial, AlisaError *error) {
    const char *what = "a trial of kernels";
    Moves *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    trial->state = made;
    uint64_t rows = (uint64_t)MOST_ROWS * 2 * MOST_PART;
    made->given = alisa_allocate((size_t)SLOTS * MOST_PART, 1, what, error);
    made->taken = alisa_allocate((size_t)SLOTS * MOST_PART, 1, what, error);
    made->packed_host = alisa_allocate(rows, 1, what, error);
    if (!made->given || !made->taken || !made->packed_host) return ALISA_ERROR_MEMORY;
    AlisaRandom random;
    alisa_random_seed(&random, 11);
    for (size_t i = 0; i < (size_t)SLOTS * MOST_PART; i++)
        made->given[i] = (uint8_t)alisa_random_next(&random);
    for (int32_t i = 0; i < MOST_ROWS; i++) {
        made->slots[i] = (i * 43 + 5) % SLOTS;
        made->tokens[i] = 2 * i + 1;
    }
    trial->case_count = sizeof cases / sizeof *cases;
    for (uint32_t i = 0; i < trial->case_count; i++) {
        double row = 2.0 * (double)alisa_kv_type_row_bytes(cases[i].type, WIDTH);
        trial->cases[i] = (AlisaTrialCase){
            .name = cases[i].name, .weight = 1.0, .bytes = PASSES * cases[i].rows * 2.0 * row};
    }
    AlisaStatus status = alisa_trial_upload(trial, NULL, rows, &made->packed, error);
    if (status != ALISA_OK) return status;
    return alisa_trial_upload(trial, NULL, sizeof made->slots + sizeof made->tokens, &made->lists,
                              error);
}

static void destroy(AlisaTrial *trial) {
    Moves *made = trial->state;
    alisa_buffer_destroy(&made->packed);
    alisa_buffer_destroy(&made->lists);
    free(made->given);
    free(made->taken);
    free(made->packed_host);
}

static AlisaStatus make_store(AlisaTrial *trial, AlisaOps *ops, uint32_t key_bytes,
                              uint32_t value_bytes, AlisaError *error) {
    Moves *made = trial->state;
    const AlisaRowStoreShape shape = {.residency = {.layer_count = 1,
                                                    .sequence_count = 1,
                                                    .context_length = 2 * MOST_ROWS,
                                                    .arena_count = 1,
                                                    .device_slots = SLOTS,
                                                    .host_slots = 1},
                                      .key_bytes = key_bytes,
                                      .value_bytes = value_bytes,
                                      .row_group = alisa_ops_parameters(ops)->move.group,
                                      .what = "a trial of kernels"};
    return alisa_row_store_init(trial->device, &shape, &made->store, error);
}

static AlisaStatus prepare(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    uint32_t bytes = (uint32_t)alisa_kv_type_row_bytes(cases[index].type, WIDTH);
    return make_store(trial, ops, bytes, bytes, error);
}

static void release(AlisaTrial *trial) {
    Moves *made = trial->state;
    alisa_row_store_finish(&made->store);
}

static AlisaStatus move(const Moves *made, bool out, uint32_t rows, AlisaError *error) {
    const AlisaPosted lists = {&made->lists, 0};
    const AlisaPackedRows packed = {&made->packed, 0, rows};
    return out ? alisa_row_store_gather(&made->store, 0, &lists, &packed, error)
               : alisa_row_store_scatter(&made->store, 0, &lists, &packed, error);
}

static AlisaStatus write_lists(AlisaTrial *trial, uint32_t rows, AlisaError *error) {
    const Moves *made = trial->state;
    uint64_t bytes = rows * sizeof(int32_t);
    AlisaStatus status =
        alisa_buffer_write(trial->device, &made->lists, 0, made->slots, bytes, error);
    if (status != ALISA_OK) return status;
    return alisa_buffer_write(trial->device, &made->lists, bytes, made->tokens, bytes, error);
}

static AlisaStatus launch(AlisaTrial *trial, AlisaOps *ops, uint32_t index, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    (void)ops;
    for (int i = 0; i < PASSES && status == ALISA_OK; i++)
        status = move(trial->state, cases[index].out, cases[index].rows, error);
    return status;
}

/* Keys and values in the slots are the given bytes, the values from the end on. */
static const uint8_t *given_part(const Moves *made, bool values, uint32_t slot) {
    uint32_t bytes = values ? made->store.value_bytes : made->store.key_bytes;
    return made->given + (values ? (size_t)(SLOTS - 1 - slot) : slot) * bytes;
}

static AlisaStatus check_out(AlisaTrial *trial, uint32_t rows, bool *right, AlisaError *error) {
    Moves *made = trial->state;
    const AlisaRowStore *store = &made->store;
    size_t row_bytes = store->key_bytes + store->value_bytes;
    AlisaStatus status = alisa_buffer_write(trial->device, &store->keys[0], 0, made->given,
                                            (uint64_t)SLOTS * store->key_bytes, error);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        memcpy(made->taken + (size_t)slot * store->value_bytes, given_part(made, true, slot),
               store->value_bytes);
    if (!status && store->value_bytes > 0)
        status = alisa_buffer_write(trial->device, &store->values[0], 0, made->taken,
                                    (uint64_t)SLOTS * store->value_bytes, error);
    /* What a candidate before has packed is not this one's. */
    memset(made->packed_host, 0, rows * row_bytes);
    if (!status)
        status = alisa_buffer_write(trial->device, &made->packed, 0, made->packed_host,
                                    rows * row_bytes, error);
    if (!status) status = move(made, true, rows, error);
    if (!status)
        status = alisa_buffer_read(trial->device, &made->packed, 0, made->packed_host,
                                   rows * row_bytes, error);
    *right = status == ALISA_OK;
    for (uint32_t i = 0; i < rows && *right; i++) {
        const uint8_t *row = made->packed_host + i * row_bytes;
        uint32_t slot = (uint32_t)made->slots[i];
        *right =
            memcmp(row, given_part(made, false, slot), store->key_bytes) == 0 &&
            memcmp(row + store->key_bytes, given_part(made, true, slot), store->value_bytes) == 0;
    }
    return status;
}

/* One side of the slots: the rows' own parts, and zeros in all others. */
static AlisaStatus check_side(AlisaTrial *trial, uint32_t rows, bool values, bool *right,
                              AlisaError *error) {
    Moves *made = trial->state;
    const AlisaRowStore *store = &made->store;
    size_t row_bytes = store->key_bytes + store->value_bytes;
    size_t bytes = values ? store->value_bytes : store->key_bytes, nonzero = 0;
    if (bytes == 0) return ALISA_OK;
    AlisaStatus status =
        alisa_buffer_read(trial->device, values ? &store->values[0] : &store->keys[0], 0,
                          made->taken, SLOTS * bytes, error);
    for (uint32_t i = 0; i < rows && *right && status == ALISA_OK; i++) {
        const uint8_t *row = made->given + i * row_bytes + (values ? store->key_bytes : 0);
        uint8_t *slot = made->taken + (size_t)made->slots[i] * bytes;
        *right = memcmp(row, slot, bytes) == 0;
        memset(slot, 0, bytes);
    }
    for (size_t i = 0; i < SLOTS * bytes; i++)
        nonzero += made->taken[i] != 0;
    *right = *right && nonzero == 0;
    return status;
}

static AlisaStatus check_in(AlisaTrial *trial, uint32_t rows, bool *right, AlisaError *error) {
    Moves *made = trial->state;
    const AlisaRowStore *store = &made->store;
    uint64_t packed = (uint64_t)rows * (store->key_bytes + store->value_bytes);
    memset(made->taken, 0, (size_t)SLOTS * MOST_PART);
    memset(made->pages, 0xff, sizeof made->pages);
    AlisaStatus status = alisa_buffer_write(trial->device, &store->keys[0], 0, made->taken,
                                            (uint64_t)SLOTS * store->key_bytes, error);
    if (!status && store->value_bytes > 0)
        status = alisa_buffer_write(trial->device, &store->values[0], 0, made->taken,
                                    (uint64_t)SLOTS * store->value_bytes, error);
    if (!status)
        status = alisa_buffer_write(trial->device, &store->pages[0], 0, made->pages,
                                    sizeof made->pages, error);
    if (!status)
        status = alisa_buffer_write(trial->device, &made->packed, 0, made->given, packed, error);
    if (!status) status = move(made, false, rows, error);
    *right = status == ALISA_OK;
    for (int side = 0; side < 2 && status == ALISA_OK; side++)
        status = check_side(trial, rows, side == 1, right, error);
    if (!status)
        status = alisa_buffer_read(trial->device, &store->pages[0], 0, made->pages,
                                   sizeof made->pages, error);
    for (uint32_t i = 0; i < MOST_ROWS && *right && status == ALISA_OK; i++)
        *right =
            made->pages[2 * i + 1] == (i < rows ? made->slots[i] : -1) && made->pages[2 * i] == -1;
    return status;
}

/* Ends with the lists and bytes that a pass moves. */
static AlisaStatus check(AlisaTrial *trial, AlisaOps *ops, uint32_t index, bool *right,
                         AlisaError *error) {
    uint32_t rows = cases[index].rows;
    (void)ops;
    AlisaStatus status = write_lists(trial, rows, error);
    if (status != ALISA_OK) return status;
    return cases[index].out ? check_out(trial, rows, right, error)
                            : check_in(trial, rows, right, error);
}

static AlisaStatus verify(AlisaTrial *trial, AlisaOps *ops, bool *right, AlisaError *error) {
    enum { ROWS = 37 };
    AlisaStatus status = write_lists(trial, ROWS, error);
    *right = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status && *right; i++) {
        status = make_store(trial, ops, parts[i][0], parts[i][1], error);
        if (!status) status = check_out(trial, ROWS, right, error);
        if (!status && *right) status = check_in(trial, ROWS, right, error);
        alisa_opencl_finish(trial->device, NULL);
        release(trial);
    }
    return status;
}

const AlisaTrialKind alisa_trial_moves = {.create = create,
                                          .destroy = destroy,
                                          .prepare = prepare,
                                          .release = release,
                                          .check = check,
                                          .verify = verify,
                                          .launch = launch};
