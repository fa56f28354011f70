/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/inputs.h"

#include <stdio.h>
#include <stdlib.h>

struct AlisaInputs {
    AlisaTiers *tiers;
    AlisaStaging *staging;
    AlisaKernel *keep, *recall;
    uint32_t columns;
    uint32_t max_rows;
    uint32_t placed;       /* rows placed last */
    int32_t *sources;      /* [max_rows] of them */
    int32_t *slots;        /* [max_rows] */
    uint32_t *positions;   /* [position_capacity] */
    AlisaTokenList *lists; /* [position_capacity] */
    size_t position_capacity;
};

AlisaStatus alisa_inputs_create(AlisaDevice *device, const AlisaInputsShape *shape,
                                AlisaStaging *staging, AlisaInputs **inputs, AlisaError *error) {
    static const char what[] = "layer inputs kept for recomputation";
    *inputs = NULL;
    AlisaInputs *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->staging = staging;
    made->columns = shape->columns;
    made->max_rows = shape->max_rows;
    made->sources = alisa_allocate(shape->max_rows, sizeof *made->sources, what, error);
    made->slots = alisa_allocate(shape->max_rows, sizeof *made->slots, what, error);
    AlisaStatus status = made->sources && made->slots ? ALISA_OK : ALISA_ERROR_MEMORY;
    const AlisaRowStoreShape rows = {.residency = shape->residency,
                                     .key_bytes = 2 * shape->columns,
                                     .value_bytes = 0,
                                     .row_group = shape->row_group,
                                     .what = what};
    if (status == ALISA_OK)
        status = alisa_tiers_create(device, &rows, shape->max_rows, staging, &made->tiers, error);
    char options[64];
    snprintf(options, sizeof options, "-DCOLUMNS=%u", shape->columns);
    if (status == ALISA_OK) {
        status =
            alisa_kernel_get(device, "kv/inputs.cl", "kv_keep_inputs", options, &made->keep, error);
    }
    if (status == ALISA_OK) {
        status = alisa_kernel_get(device, "kv/inputs.cl", "kv_recall_inputs", options,
                                  &made->recall, error);
    }
    if (status != ALISA_OK) {
        alisa_inputs_destroy(made);
        return status;
    }
    *inputs = made;
    return ALISA_OK;
}

void alisa_inputs_destroy(AlisaInputs *inputs) {
    if (!inputs) return;
    alisa_tiers_destroy(inputs->tiers);
    free(inputs->sources);
    free(inputs->slots);
    free(inputs->positions);
    free(inputs->lists);
    free(inputs);
}

static AlisaLaunch launch_shape(const AlisaInputs *inputs, uint32_t rows) {
    return (AlisaLaunch){{(inputs->columns + 7) / 8, rows, 1}, {1, 1, 1}};
}

AlisaStatus alisa_inputs_place(AlisaInputs *inputs, const AlisaTokenRow *rows,
                               const uint32_t *sources, uint32_t count, AlisaError *error) {
    inputs->placed = 0;
    AlisaStatus status = alisa_tiers_place(inputs->tiers, rows, count, error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < count; i++)
        inputs->sources[i] = (int32_t)sources[i];
    inputs->placed = count;
    return ALISA_OK;
}

AlisaStatus alisa_inputs_keep(AlisaInputs *inputs, uint32_t layer, const AlisaBuffer *x,
                              uint64_t offset, AlisaError *error) {
    if (inputs->placed == 0) return ALISA_OK;
    AlisaPosted sources;
    AlisaStatus status =
        alisa_staging_post(inputs->staging, inputs->sources, inputs->placed, &sources, error);
    if (status != ALISA_OK) return status;
    const AlisaRowStore *store = alisa_tiers_store(inputs->tiers);
    const AlisaLaunch launch = launch_shape(inputs, inputs->placed);
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(x),
        ALISA_ARG(offset),
        ALISA_ARG_BUFFER(sources.buffer),
        ALISA_ARG(sources.offset),
        ALISA_ARG_BUFFER(alisa_tiers_row_slots(inputs->tiers, layer)),
        ALISA_ARG_BUFFER(&store->keys[layer % store->arena_count])};
    return alisa_kernel_launch(inputs->keep, &launch, arguments, 6, error);
}

static AlisaStatus reserve_positions(AlisaInputs *inputs, size_t count, AlisaError *error) {
    if (count <= inputs->position_capacity) return ALISA_OK;
    free(inputs->positions);
    free(inputs->lists);
    inputs->position_capacity = 0;
    inputs->positions = alisa_allocate(2 * count, sizeof *inputs->positions, "inputs", error);
    inputs->lists = alisa_allocate(2 * count, sizeof *inputs->lists, "inputs", error);
    if (!inputs->positions || !inputs->lists) return ALISA_ERROR_MEMORY;
    inputs->position_capacity = 2 * count;
    return ALISA_OK;
}

AlisaStatus alisa_inputs_need(AlisaInputs *inputs, const AlisaMoves *rebuilds, AlisaError *error) {
    if (rebuilds->count == 0) return ALISA_OK;
    AlisaStatus status = reserve_positions(inputs, rebuilds->count, error);
    if (status != ALISA_OK) return status;
    size_t list_count = 0;
    for (size_t i = 0; i < rebuilds->count; i++) {
        const AlisaMove *move = &rebuilds->items[i];
        inputs->positions[i] = move->position;
        if (i == 0 || move->sequence != move[-1].sequence) {
            inputs->lists[list_count++] =
                (AlisaTokenList){move->sequence, 0, inputs->positions + i};
        }
        inputs->lists[list_count - 1].count++;
    }
    return alisa_tiers_need(inputs->tiers, rebuilds->items[0].layer, inputs->lists, list_count,
                            ALISA_USE_KEEP, error);
}

AlisaStatus alisa_inputs_recall(AlisaInputs *inputs, const AlisaMove *moves, uint32_t count,
                                const AlisaBuffer *x, uint64_t offset, AlisaError *error) {
    if (count == 0) return ALISA_OK;
    if (count > inputs->max_rows) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%u inputs at once of at most %u",
                               count, inputs->max_rows);
    }
    uint32_t layer = moves[0].layer;
    AlisaStatus status = alisa_tiers_arrive(inputs->tiers, layer, error);
    for (uint32_t i = 0; i < count; i++) {
        inputs->slots[i] = alisa_residency_device_slot(alisa_tiers_residency(inputs->tiers), layer,
                                                       moves[i].sequence, moves[i].position);
    }
    AlisaPosted slots;
    if (status == ALISA_OK)
        status = alisa_staging_post(inputs->staging, inputs->slots, count, &slots, error);
    if (status != ALISA_OK) return status;
    const AlisaRowStore *store = alisa_tiers_store(inputs->tiers);
    const AlisaLaunch launch = launch_shape(inputs, count);
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&store->keys[layer % store->arena_count]),
                                       ALISA_ARG_BUFFER(slots.buffer), ALISA_ARG(slots.offset),
                                       ALISA_ARG_BUFFER(x), ALISA_ARG(offset)};
    return alisa_kernel_launch(inputs->recall, &launch, arguments, 5, error);
}

void alisa_inputs_end(AlisaInputs *inputs, uint32_t layer) {
    alisa_tiers_end(inputs->tiers, layer);
}

AlisaTiers *alisa_inputs_tiers(AlisaInputs *inputs) {
    return inputs->tiers;
}
