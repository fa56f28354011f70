/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/kv.h"

#include <stdlib.h>

#include "device/device.h"
#include "kv/fit.h"

/* Keys and values of some layers with as many slots each. */
typedef struct Layers {
    AlisaBuffer *keys;   /* [count] */
    AlisaBuffer *values; /* [count] */
    uint32_t count;
} Layers;

struct AlisaKv {
    AlisaKvShape shape;
    Layers layers; /* of a cache that lies on the device, like slots */
    AlisaBuffer slots;
    AlisaStaging *staging; /* these three: of a tiered cache */
    AlisaTiers *tiers;
    AlisaInputs *inputs;
    Layers window_layers;
    AlisaBuffer window_slots;
};

/* The slot of every position, where each of `tokens` positions of a sequence has its own and later
 * ones take them again. */
static AlisaStatus write_lists(AlisaDevice *device, const AlisaKvShape *shape, uint32_t tokens,
                               AlisaBuffer *slots, AlisaError *error) {
    uint64_t count = (uint64_t)shape->sequence_count * shape->context_length;
    AlisaStatus status = alisa_buffer_create(
        device, count * sizeof(int32_t), ALISA_BUFFER_READ_WRITE, "KV slot lists", slots, error);
    if (status != ALISA_OK) return status;
    int32_t *lists = alisa_allocate((size_t)count, sizeof *lists, "KV slot lists", error);
    if (!lists) return ALISA_ERROR_MEMORY;
    for (uint64_t i = 0; i < count; i++)
        lists[i] =
            (int32_t)(i / shape->context_length * tokens + i % shape->context_length % tokens);
    status = alisa_buffer_write(device, slots, 0, lists, count * sizeof *lists, error);
    free(lists);
    return status;
}

static AlisaStatus create_layers(AlisaDevice *device, const AlisaKvShape *shape, uint32_t count,
                                 uint64_t slots, Layers *layers, AlisaError *error) {
    const char *what = "KV cache (-c and --batch set its size)";
    if (count == 0) return ALISA_OK;
    uint64_t key_bytes = slots * alisa_kv_row_bytes(shape, shape->key_type);
    uint64_t value_bytes = slots * alisa_kv_row_bytes(shape, shape->value_type);
    layers->keys = alisa_allocate_zeroed(count, sizeof *layers->keys, "KV cache", error);
    layers->values = alisa_allocate_zeroed(count, sizeof *layers->values, "KV cache", error);
    AlisaStatus status = layers->keys && layers->values ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (; status == ALISA_OK && layers->count < count; layers->count++) {
        status = alisa_buffer_create(device, key_bytes, ALISA_BUFFER_READ_WRITE, what,
                                     &layers->keys[layers->count], error);
        if (status == ALISA_OK)
            status = alisa_buffer_create(device, value_bytes, ALISA_BUFFER_READ_WRITE, what,
                                         &layers->values[layers->count], error);
    }
    return status;
}

static void destroy_layers(Layers *layers) {
    for (uint32_t i = 0; i < layers->count; i++) {
        alisa_buffer_destroy(&layers->keys[i]);
        alisa_buffer_destroy(&layers->values[i]);
    }
    free(layers->keys);
    free(layers->values);
}

/* The layers that keep the newest tokens only. */
static AlisaStatus create_window(AlisaDevice *device, AlisaKv *kv, AlisaError *error) {
    const AlisaKvShape *shape = &kv->shape;
    if (shape->window_layer_count == 0) return ALISA_OK;
    AlisaStatus status = create_layers(device, shape, shape->window_layer_count,
                                       (uint64_t)shape->sequence_count * shape->window_tokens,
                                       &kv->window_layers, error);
    if (status != ALISA_OK) return status;
    return write_lists(device, shape, shape->window_tokens, &kv->window_slots, error);
}

AlisaStatus alisa_kv_create(AlisaDevice *device, const AlisaKvShape *shape, AlisaKv **kv,
                            AlisaError *error) {
    *kv = NULL;
    uint64_t slot_count = (uint64_t)shape->sequence_count * shape->context_length;
    if (slot_count > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "%u sequences of %u tokens are more than 2^31 KV slots: lower the "
                               "context (-c) or the batch (--batch)",
                               shape->sequence_count, shape->context_length);
    }
    AlisaKv *made = alisa_allocate_zeroed(1, sizeof *made, "KV cache", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    AlisaStatus status =
        create_layers(device, shape, shape->layer_count, slot_count, &made->layers, error);
    if (status == ALISA_OK)
        status = write_lists(device, shape, shape->context_length, &made->slots, error);
    if (status == ALISA_OK) status = create_window(device, made, error);
    if (status != ALISA_OK) {
        alisa_kv_destroy(made);
        return status;
    }
    *kv = made;
    return ALISA_OK;
}

/* ---- Two tiers ---------------------------------------------------------------------------- */

static AlisaRowStoreShape row_shape(const AlisaKvShape *shape, const AlisaKvFit *fit,
                                    uint32_t row_group) {
    return (AlisaRowStoreShape){.residency = fit->rows,
                                .key_bytes = (uint32_t)alisa_kv_row_bytes(shape, shape->key_type),
                                .value_bytes =
                                    (uint32_t)alisa_kv_row_bytes(shape, shape->value_type),
                                .row_group = row_group,
                                .what = "KV cache (--device-mem sets its size)"};
}

AlisaStatus alisa_kv_create_tiered(AlisaDevice *device, const AlisaKvShape *shape,
                                   const AlisaKvMemory *memory, AlisaKv **kv, AlisaError *error) {
    *kv = NULL;
    AlisaKvFit fit;
    AlisaStatus status =
        alisa_kv_fit(shape, memory, alisa_opencl_info(device)->max_allocation, &fit, error);
    if (status != ALISA_OK) return status;
    AlisaKv *made = alisa_allocate_zeroed(1, sizeof *made, "KV cache", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->shape = *shape;
    const AlisaRowStoreShape rows = row_shape(shape, &fit, memory->row_group);
    status = alisa_staging_create(device, fit.staging_bytes, &made->staging, error);
    if (status == ALISA_OK) {
        status =
            alisa_tiers_create(device, &rows, memory->max_rows, made->staging, &made->tiers, error);
    }
    if (status == ALISA_OK && memory->input_columns > 0) {
        const AlisaInputsShape inputs = {fit.inputs, memory->input_columns, memory->max_rows,
                                         memory->row_group};
        status = alisa_inputs_create(device, &inputs, made->staging, &made->inputs, error);
    }
    if (status == ALISA_OK) status = create_window(device, made, error);
    if (status != ALISA_OK) {
        alisa_kv_destroy(made);
        return status;
    }
    *kv = made;
    return ALISA_OK;
}

uint64_t alisa_kv_tiered_overhead(AlisaDevice *device, const AlisaKvShape *shape,
                                  const AlisaKvMemory *memory, AlisaError *error) {
    AlisaKvFit fit;
    if (alisa_kv_fit(shape, memory, alisa_opencl_info(device)->max_allocation, &fit, error))
        return 0;
    AlisaRowStoreShape rows = row_shape(shape, &fit, memory->row_group);
    rows.residency.device_slots = 0;
    uint64_t bytes = alisa_tiers_bytes_of(&rows, memory->max_rows);
    return alisa_staging_bytes_of(fit.staging_bytes) + bytes +
           (memory->input_columns > 0 ? bytes : 0);
}

uint64_t alisa_kv_tiered_bytes(AlisaDevice *device, const AlisaKvShape *shape,
                               const AlisaKvMemory *memory, AlisaError *error) {
    AlisaKvFit fit;
    uint64_t overhead = alisa_kv_tiered_overhead(device, shape, memory, error);
    if (overhead == 0) return 0;
    alisa_kv_fit(shape, memory, alisa_opencl_info(device)->max_allocation, &fit, NULL);
    uint64_t row = alisa_kv_layer_bytes(shape);
    uint64_t input = 2 * (uint64_t)memory->input_columns;
    return overhead + row * fit.rows.arena_count * fit.rows.device_slots +
           input * fit.inputs.arena_count * fit.inputs.device_slots;
}

AlisaTiers *alisa_kv_tiers(AlisaKv *kv) {
    return kv->tiers;
}

AlisaInputs *alisa_kv_inputs(AlisaKv *kv) {
    return kv->inputs;
}

AlisaStatus alisa_kv_truncate(AlisaKv *kv, uint32_t sequence, uint32_t length, AlisaError *error) {
    if (!kv->tiers) return ALISA_OK;
    AlisaStatus inputs = ALISA_OK;
    AlisaStatus rows = alisa_tiers_truncate(kv->tiers, sequence, length, error);
    if (kv->inputs) {
        inputs = alisa_tiers_truncate(alisa_inputs_tiers(kv->inputs), sequence, length,
                                      rows == ALISA_OK ? error : NULL);
    }
    return rows == ALISA_OK ? inputs : rows;
}

void alisa_kv_reset(AlisaKv *kv) {
    if (!kv->tiers) return;
    alisa_staging_reset(kv->staging);
    for (uint32_t sequence = 0; sequence < kv->shape.sequence_count; sequence++)
        alisa_kv_truncate(kv, sequence, 0, NULL);
}

static void count_tokens(const AlisaTiers *tiers, uint32_t layer_count,
                         uint64_t tokens[ALISA_TIER_COUNT]) {
    for (uint32_t layer = 0; layer < layer_count; layer++) {
        const uint64_t *counts = alisa_residency_counts(alisa_tiers_residency(tiers), layer);
        for (int tier = 0; tier < ALISA_TIER_COUNT; tier++)
            tokens[tier] += counts[tier];
    }
}

void alisa_kv_usage(const AlisaKv *kv, AlisaKvUsage *usage) {
    *usage = (AlisaKvUsage){0};
    if (!kv->tiers) return;
    count_tokens(kv->tiers, kv->shape.layer_count, usage->tokens);
    if (kv->inputs)
        count_tokens(alisa_inputs_tiers(kv->inputs), kv->shape.layer_count, usage->inputs);
    usage->traffic = *alisa_staging_traffic(kv->staging);
}

void alisa_kv_note_times(AlisaKv *kv) {
    if (kv->staging) alisa_staging_note_times(kv->staging);
}

/* ---- Both --------------------------------------------------------------------------------- */

void alisa_kv_destroy(AlisaKv *kv) {
    if (!kv) return;
    alisa_inputs_destroy(kv->inputs);
    alisa_tiers_destroy(kv->tiers);
    alisa_staging_destroy(kv->staging);
    destroy_layers(&kv->layers);
    destroy_layers(&kv->window_layers);
    alisa_buffer_destroy(&kv->slots);
    alisa_buffer_destroy(&kv->window_slots);
    free(kv);
}

const AlisaBuffer *alisa_kv_keys(const AlisaKv *kv, uint32_t layer) {
    if (!kv->tiers) return &kv->layers.keys[layer];
    const AlisaRowStore *store = alisa_tiers_store(kv->tiers);
    return &store->keys[layer % store->arena_count];
}

const AlisaBuffer *alisa_kv_values(const AlisaKv *kv, uint32_t layer) {
    if (!kv->tiers) return &kv->layers.values[layer];
    const AlisaRowStore *store = alisa_tiers_store(kv->tiers);
    return &store->values[layer % store->arena_count];
}

const AlisaBuffer *alisa_kv_pages(const AlisaKv *kv, uint32_t layer) {
    return kv->tiers ? &alisa_tiers_store(kv->tiers)->pages[layer] : &kv->slots;
}

uint32_t alisa_kv_list_offset(const AlisaKv *kv, uint32_t sequence) {
    return sequence * kv->shape.context_length;
}

int32_t alisa_kv_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position) {
    return (int32_t)(sequence * kv->shape.context_length + position);
}

const AlisaBuffer *alisa_kv_window_keys(const AlisaKv *kv, uint32_t layer) {
    return &kv->window_layers.keys[layer];
}

const AlisaBuffer *alisa_kv_window_values(const AlisaKv *kv, uint32_t layer) {
    return &kv->window_layers.values[layer];
}

const AlisaBuffer *alisa_kv_window_pages(const AlisaKv *kv) {
    return &kv->window_slots;
}

int32_t alisa_kv_window_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position) {
    uint32_t tokens = kv->shape.window_tokens;
    return (int32_t)(sequence * tokens + position % tokens);
}

uint64_t alisa_kv_bytes(const AlisaKv *kv) {
    uint64_t window = alisa_kv_window_bytes(&kv->shape);
    if (kv->tiers) {
        uint64_t inputs = kv->inputs ? alisa_tiers_bytes(alisa_inputs_tiers(kv->inputs)) : 0;
        return window + alisa_tiers_bytes(kv->tiers) + inputs + alisa_staging_bytes(kv->staging);
    }
    return window + (uint64_t)kv->shape.sequence_count * kv->shape.context_length *
                        (alisa_kv_token_bytes(&kv->shape) + sizeof(int32_t));
}
