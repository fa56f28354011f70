/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/fit.h"

#include "base/bytes.h"
#include "base/round.h"

/* More does not make the link faster. */
#define MOST_STAGING_BYTES (16u << 20)

typedef struct RowKind {
    uint64_t key_bytes, value_bytes;
    uint64_t device_bytes, host_bytes; /* to be shared out */
    const char *what;
} RowKind;

static uint32_t layers_an_arena(const AlisaKvShape *shape, uint32_t arenas) {
    return alisa_divide_up(shape->layer_count, arenas);
}

/* Slots of an arena: what the memory holds, or all tokens of its layers where that is less. */
static uint64_t slots_an_arena(const AlisaKvShape *shape, const RowKind *kind, uint32_t arenas) {
    uint64_t slots = kind->device_bytes / (kind->key_bytes + kind->value_bytes) / arenas;
    uint64_t all =
        (uint64_t)shape->sequence_count * shape->context_length * layers_an_arena(shape, arenas);
    return slots < all ? slots : all;
}

/* What a step takes at most of an arena, if its rows are as few as can be: slots of its own in all
 * layers of the arena, and those of what a row attends to in one layer. */
static uint64_t least_slots(const AlisaKvMemory *memory, uint32_t layers) {
    uint64_t rows = memory->least_rows > 0 ? memory->least_rows : 1;
    return rows * layers + memory->read_rows;
}

static AlisaStatus fail_small(const AlisaKvShape *shape, const RowKind *kind,
                              const AlisaKvMemory *memory, uint64_t needed, bool for_reading,
                              AlisaError *error) {
    AlisaBytesText needs = alisa_bytes_text((double)needed);
    AlisaBytesText has = alisa_bytes_text((double)kind->device_bytes);
    if (for_reading)
        return alisa_error_set(error, ALISA_ERROR_MEMORY,
                               "%s: a token attends to up to %u others, which together take %s on "
                               "the device in one of %u layers, and there are %s: raise "
                               "--device-mem or lower -c",
                               kind->what, memory->read_rows, needs.text, shape->layer_count,
                               has.text);
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "%s: a step of %u rows (-ub) in %u layers needs %s on the device and "
                           "there are %s: raise --device-mem or lower -ub",
                           kind->what, memory->max_rows, shape->layer_count, needs.text, has.text);
}

static AlisaStatus fit_rows(const AlisaKvShape *shape, const RowKind *kind,
                            const AlisaKvMemory *memory, uint64_t largest_buffer,
                            AlisaResidencyShape *fit, AlisaError *error) {
    uint64_t row = kind->key_bytes + kind->value_bytes;
    uint64_t part = kind->key_bytes > kind->value_bytes ? kind->key_bytes : kind->value_bytes;
    uint64_t most = largest_buffer / part;
    if (most > INT32_MAX / 2) most = INT32_MAX / 2;
    /* The fewer arenas, the freer the layers are to share. */
    uint32_t arenas = 1;
    while (arenas < shape->layer_count && slots_an_arena(shape, kind, arenas) > most)
        arenas++;
    uint64_t slots = slots_an_arena(shape, kind, arenas);
    if (slots > most) slots = most;
    uint32_t layers = layers_an_arena(shape, arenas);
    /* The step's rows in all layers that share the slots, and at least one that is read; but never
     * more than there are tokens. */
    uint64_t tokens = (uint64_t)shape->sequence_count * shape->context_length * layers;
    uint64_t least = (uint64_t)memory->max_rows * layers + 1, alone = least_slots(memory, layers);
    bool for_reading = kind->value_bytes > 0 && alone > least;
    if (for_reading) least = alone;
    if (least > tokens) least = tokens;
    if (slots < least)
        return fail_small(shape, kind, memory, least * row * arenas, for_reading, error);
    uint64_t host = kind->host_bytes / row;
    uint64_t all = (uint64_t)shape->sequence_count * shape->context_length * shape->layer_count;
    uint64_t next_step = (uint64_t)shape->sequence_count * layers;
    if (host > all) host = all;
    if (host > INT32_MAX / 2) host = INT32_MAX / 2;
    *fit =
        (AlisaResidencyShape){.layer_count = shape->layer_count,
                              .sequence_count = shape->sequence_count,
                              .context_length = shape->context_length,
                              .arena_count = arenas,
                              .device_slots = (uint32_t)slots,
                              .host_slots = (uint32_t)host,
                              /* Of a small pool, most is worth more holding tokens. */
                              .reserve = (uint32_t)(next_step < slots / 8 ? next_step : slots / 8)};
    return ALISA_OK;
}

static uint64_t staging_for(const AlisaKvShape *shape, uint64_t row_bytes) {
    uint64_t all =
        (uint64_t)shape->sequence_count * shape->context_length * alisa_kv_token_bytes(shape);
    uint64_t bytes = all / 64 < MOST_STAGING_BYTES ? all / 64 : MOST_STAGING_BYTES;
    /* Each of eight parts holds a few rows at least. */
    uint64_t least = 8 * (4 * row_bytes + 256);
    return bytes > least ? bytes : least;
}

AlisaStatus alisa_kv_fit(const AlisaKvShape *shape, const AlisaKvMemory *memory,
                         uint64_t largest_buffer, AlisaKvFit *fit, AlisaError *error) {
    const RowKind rows = {alisa_kv_row_bytes(shape, shape->key_type),
                          alisa_kv_row_bytes(shape, shape->value_type), memory->device_bytes,
                          memory->host_bytes, "the KV cache"};
    const RowKind inputs = {2 * (uint64_t)memory->input_columns, 0, memory->input_device_bytes,
                            memory->input_host_bytes, "layer inputs kept for recomputation"};
    *fit = (AlisaKvFit){0};
    uint64_t row_bytes = rows.key_bytes + rows.value_bytes;
    AlisaStatus status = fit_rows(shape, &rows, memory, largest_buffer, &fit->rows, error);
    if (status == ALISA_OK && inputs.key_bytes > 0) {
        status = fit_rows(shape, &inputs, memory, largest_buffer, &fit->inputs, error);
        if (row_bytes < inputs.key_bytes) row_bytes = inputs.key_bytes;
    }
    fit->staging_bytes = staging_for(shape, row_bytes);
    return status;
}
