/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/tiers.h"

#include <stdlib.h>

struct AlisaTiers {
    AlisaDevice *device;
    AlisaRowStoreShape shape;
    AlisaRowStore store;
    AlisaStaging *staging;
    AlisaResidency *residency;
    AlisaMovePlan plan;
    AlisaBuffer *row_slots; /* [layer_count] int32[max_rows] */
    int32_t *lists;         /* [layers_a_post][2][max_rows] */
    uint32_t max_rows;
    uint32_t layers_a_post;
};

AlisaStatus alisa_tiers_create(AlisaDevice *device, const AlisaRowStoreShape *shape,
                               uint32_t max_rows, AlisaStaging *staging, AlisaTiers **tiers,
                               AlisaError *error) {
    *tiers = NULL;
    const AlisaResidencyShape *residency = &shape->residency;
    if ((uint64_t)residency->sequence_count * residency->context_length > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%u sequences of %u tokens are more than 2^31 tokens: lower the "
                               "context (-c) or the batch (--batch)",
                               residency->sequence_count, residency->context_length);
    }
    size_t layers_a_post = alisa_staging_post_limit(staging) / 2 / max_rows;
    if (layers_a_post == 0) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%u rows a step are too many for the staging memory: lower -ub",
                               max_rows);
    }
    if (layers_a_post > residency->layer_count) layers_a_post = residency->layer_count;
    AlisaTiers *made = alisa_allocate_zeroed(1, sizeof *made, shape->what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->device = device;
    made->shape = *shape;
    made->staging = staging;
    made->max_rows = max_rows;
    made->layers_a_post = (uint32_t)layers_a_post;
    made->row_slots =
        alisa_allocate_zeroed(residency->layer_count, sizeof *made->row_slots, shape->what, error);
    made->lists =
        alisa_allocate(layers_a_post * 2 * max_rows, sizeof *made->lists, shape->what, error);
    AlisaStatus status = made->row_slots && made->lists ? ALISA_OK : ALISA_ERROR_MEMORY;
    if (status == ALISA_OK) status = alisa_residency_create(residency, &made->residency, error);
    if (status == ALISA_OK) status = alisa_row_store_init(device, shape, &made->store, error);
    for (uint32_t i = 0; status == ALISA_OK && i < residency->layer_count; i++) {
        status = alisa_buffer_create(device, max_rows * sizeof(int32_t), ALISA_BUFFER_READ_WRITE,
                                     "row slots", &made->row_slots[i], error);
    }
    if (status != ALISA_OK) {
        alisa_tiers_destroy(made);
        return status;
    }
    *tiers = made;
    return ALISA_OK;
}

void alisa_tiers_destroy(AlisaTiers *tiers) {
    if (!tiers) return;
    alisa_staging_reset(tiers->staging);
    for (uint32_t i = 0; tiers->row_slots && i < tiers->shape.residency.layer_count; i++)
        alisa_buffer_destroy(&tiers->row_slots[i]);
    alisa_row_store_finish(&tiers->store);
    alisa_residency_destroy(tiers->residency);
    alisa_move_plan_finish(&tiers->plan);
    free(tiers->row_slots);
    free(tiers->lists);
    free(tiers);
}

/* Starts the moves that an operation left in the plan, also where it failed half-way. */
static AlisaStatus start_moves(AlisaTiers *tiers, AlisaStatus operation, AlisaError *error) {
    AlisaError *report = operation == ALISA_OK ? error : NULL;
    AlisaStatus status =
        alisa_staging_offload(tiers->staging, &tiers->store, &tiers->plan.offloads, report);
    if (status == ALISA_OK)
        status = alisa_staging_load(tiers->staging, &tiers->store, &tiers->plan.loads, report);
    return operation == ALISA_OK ? status : operation;
}

/* ---- New tokens --------------------------------------------------------------------------- */

/* Rows from `first` on that are consecutive tokens of one sequence. */
static uint32_t run_length(const AlisaTokenRow *rows, uint32_t first, uint32_t count) {
    uint32_t run = 1;
    while (first + run < count && rows[first + run].sequence == rows[first].sequence &&
           rows[first + run].position == rows[first].position + run)
        run++;
    return run;
}

static AlisaStatus place_layer(AlisaTiers *tiers, uint32_t layer, const AlisaTokenRow *rows,
                               uint32_t count, AlisaError *error) {
    for (uint32_t row = 0, run; row < count; row += run) {
        run = run_length(rows, row, count);
        alisa_move_plan_clear(&tiers->plan);
        AlisaStatus status = alisa_residency_place(tiers->residency, layer, rows[row].sequence,
                                                   rows[row].position, run, &tiers->plan, error);
        status = start_moves(tiers, status, error);
        for (uint32_t i = row; i < row + run && status == ALISA_OK; i++) {
            int32_t slot = alisa_residency_device_slot(tiers->residency, layer, rows[i].sequence,
                                                       rows[i].position);
            status = alisa_staging_settle(tiers->staging, &tiers->store,
                                          layer % tiers->store.arena_count, slot, error);
        }
        if (status != ALISA_OK) return status;
    }
    return ALISA_OK;
}

static AlisaStatus launch_place(AlisaTiers *tiers, uint32_t layer, const AlisaPosted *lists,
                                uint64_t offset, uint32_t count, const AlisaBuffer *row_slots,
                                AlisaError *error) {
    offset += lists->offset;
    const AlisaLaunch launch = {{count, 1, 1}, {1, 1, 1}};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(lists->buffer), ALISA_ARG(offset),
                                       ALISA_ARG_BUFFER(&tiers->store.pages[layer]),
                                       ALISA_ARG_BUFFER(row_slots)};
    return alisa_kernel_launch(tiers->store.place, &launch, arguments, 4, error);
}

/* Enters the slots of the rows into the pages of some layers. */
static AlisaStatus enter_layers(AlisaTiers *tiers, uint32_t first_layer, uint32_t layer_count,
                                const AlisaTokenRow *rows, uint32_t count, AlisaError *error) {
    uint32_t context = tiers->shape.residency.context_length;
    for (uint32_t i = 0; i < layer_count; i++) {
        int32_t *slots = tiers->lists + (size_t)i * 2 * count, *tokens = slots + count;
        for (uint32_t row = 0; row < count; row++) {
            slots[row] = alisa_residency_device_slot(tiers->residency, first_layer + i,
                                                     rows[row].sequence, rows[row].position);
            tokens[row] = (int32_t)(rows[row].sequence * context + rows[row].position);
        }
    }
    AlisaPosted lists;
    AlisaStatus status = alisa_staging_post(tiers->staging, tiers->lists,
                                            (size_t)layer_count * 2 * count, &lists, error);
    for (uint32_t i = 0; i < layer_count && status == ALISA_OK; i++) {
        uint32_t layer = first_layer + i;
        status = launch_place(tiers, layer, &lists, (uint64_t)i * 2 * count, count,
                              &tiers->row_slots[layer], error);
    }
    return status;
}

AlisaStatus alisa_tiers_place(AlisaTiers *tiers, const AlisaTokenRow *rows, uint32_t count,
                              AlisaError *error) {
    uint32_t layers = tiers->shape.residency.layer_count;
    AlisaStatus status = ALISA_OK;
    if (count > tiers->max_rows) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%u rows in a step made for %u", count,
                               tiers->max_rows);
    }
    for (uint32_t layer = 0; layer < layers && status == ALISA_OK; layer++)
        status = place_layer(tiers, layer, rows, count, error);
    for (uint32_t layer = 0; layer < layers && status == ALISA_OK; layer += tiers->layers_a_post) {
        uint32_t left = layers - layer;
        status =
            enter_layers(tiers, layer, left < tiers->layers_a_post ? left : tiers->layers_a_post,
                         rows, count, error);
    }
    return status;
}

const AlisaBuffer *alisa_tiers_row_slots(const AlisaTiers *tiers, uint32_t layer) {
    return &tiers->row_slots[layer];
}

/* ---- A layer ------------------------------------------------------------------------------ */

AlisaStatus alisa_tiers_need(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                             size_t list_count, AlisaResidencyUse use, AlisaError *error) {
    alisa_move_plan_clear(&tiers->plan);
    if (alisa_residency_pass(tiers->residency, layer)) return ALISA_OK;
    AlisaStatus status =
        alisa_residency_need(tiers->residency, layer, lists, list_count, use, &tiers->plan, error);
    return start_moves(tiers, status, error);
}

const AlisaMoves *alisa_tiers_rebuilds(const AlisaTiers *tiers) {
    return &tiers->plan.rebuilds;
}

void alisa_tiers_abandon(AlisaTiers *tiers) {
    alisa_residency_abandon(tiers->residency, &tiers->plan.rebuilds);
    tiers->plan.rebuilds.count = 0;
}

AlisaStatus alisa_tiers_publish(AlisaTiers *tiers, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *row_slots, AlisaError *error) {
    if (count == 0) return ALISA_OK;
    if (count > tiers->max_rows) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%u rows at once in tiers made for %u",
                               count, tiers->max_rows);
    }
    uint32_t context = tiers->shape.residency.context_length;
    int32_t *slots = tiers->lists, *tokens = slots + count;
    /* Loads of a token into a slot it has lost would enter their old slot afterwards. */
    AlisaStatus status = alisa_tiers_arrive(tiers, moves[0].layer, error);
    for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
        slots[i] = moves[i].device_slot;
        tokens[i] = (int32_t)(moves[i].sequence * context + moves[i].position);
        status = alisa_staging_settle(tiers->staging, &tiers->store,
                                      moves[i].layer % tiers->store.arena_count, slots[i], error);
    }
    if (status != ALISA_OK) return status;
    AlisaPosted lists;
    status = alisa_staging_post(tiers->staging, slots, (size_t)2 * count, &lists, error);
    if (status != ALISA_OK) return status;
    return launch_place(tiers, moves[0].layer, &lists, 0, count, row_slots, error);
}

AlisaStatus alisa_tiers_prefetch(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *lists,
                                 size_t list_count, AlisaError *error) {
    alisa_move_plan_clear(&tiers->plan);
    AlisaStatus status =
        alisa_residency_prefetch(tiers->residency, layer, lists, list_count, &tiers->plan, error);
    return start_moves(tiers, status, error);
}

AlisaStatus alisa_tiers_arrive(AlisaTiers *tiers, uint32_t layer, AlisaError *error) {
    return alisa_staging_arrive(tiers->staging, &tiers->store, layer, error);
}

void alisa_tiers_end(AlisaTiers *tiers, uint32_t layer) {
    alisa_residency_end(tiers->residency, layer);
}

AlisaStatus alisa_tiers_offload(AlisaTiers *tiers, const AlisaTokenRange *ranges,
                                size_t range_count, bool release, AlisaError *error) {
    alisa_move_plan_clear(&tiers->plan);
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < range_count && status == ALISA_OK; i++) {
        const AlisaTokenRange *range = &ranges[i];
        status = alisa_residency_offload(tiers->residency, range->layer, range->sequence,
                                         range->first, range->count, release, &tiers->plan, error);
    }
    return start_moves(tiers, status, error);
}

void alisa_tiers_drop(AlisaTiers *tiers, uint32_t layer, uint32_t sequence, uint32_t first,
                      uint32_t count) {
    alisa_residency_drop(tiers->residency, layer, sequence, first, count);
}

void alisa_tiers_forget(AlisaTiers *tiers, uint32_t layer, const AlisaTokenList *list) {
    alisa_residency_forget(tiers->residency, layer, list);
}

AlisaStatus alisa_tiers_refill(AlisaTiers *tiers, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t arena = 0; arena < tiers->shape.residency.arena_count && status == ALISA_OK;
         arena++) {
        alisa_move_plan_clear(&tiers->plan);
        status = alisa_residency_refill(tiers->residency, arena, &tiers->plan, error);
        status = start_moves(tiers, status, error);
    }
    return status;
}

AlisaStatus alisa_tiers_truncate(AlisaTiers *tiers, uint32_t sequence, uint32_t length,
                                 AlisaError *error) {
    alisa_residency_truncate(tiers->residency, sequence, length);
    /* Loads of tokens that are gone would otherwise enter their slots into the pages after those of
     * the tokens that come in their place. */
    return alisa_staging_arrive_all(tiers->staging, &tiers->store, error);
}

const AlisaRowStore *alisa_tiers_store(const AlisaTiers *tiers) {
    return &tiers->store;
}

const AlisaResidency *alisa_tiers_residency(const AlisaTiers *tiers) {
    return tiers->residency;
}

uint64_t alisa_tiers_bytes_of(const AlisaRowStoreShape *shape, uint32_t max_rows) {
    return alisa_row_store_bytes(shape) +
           (uint64_t)shape->residency.layer_count * max_rows * sizeof(int32_t);
}

uint64_t alisa_tiers_bytes(const AlisaTiers *tiers) {
    return alisa_tiers_bytes_of(&tiers->shape, tiers->max_rows);
}
