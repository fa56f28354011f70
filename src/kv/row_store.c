/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/row_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t alisa_row_store_bytes(const AlisaRowStoreShape *shape) {
    const AlisaResidencyShape *residency = &shape->residency;
    uint64_t pages = (uint64_t)residency->layer_count * residency->sequence_count *
                     residency->context_length * sizeof(int32_t);
    return pages + (uint64_t)residency->arena_count * residency->device_slots *
                       (shape->key_bytes + shape->value_bytes);
}

/* Work-items that share a row: the largest power of two that is not more than `most` or the units
 * there are. */
static uint32_t choose_lanes(uint32_t units, uint32_t most) {
    uint32_t lanes = 1;
    while (2 * lanes <= units && 2 * lanes <= most)
        lanes *= 2;
    return lanes;
}

static AlisaStatus get_kernels(AlisaDevice *device, uint32_t row_group, AlisaRowStore *store,
                               AlisaError *error) {
    store->unit = 16;
    while (store->key_bytes % store->unit || store->value_bytes % store->unit)
        store->unit /= 2;
    store->lanes = choose_lanes((store->key_bytes + store->value_bytes) / store->unit, row_group);
    char options[128];
    snprintf(options, sizeof options, "-DUNIT=%u -DKEY_UNITS=%u -DVALUE_UNITS=%u -DLANES=%u",
             store->unit, store->key_bytes / store->unit, store->value_bytes / store->unit,
             store->lanes);
    AlisaStatus status =
        alisa_kernel_get(device, "kv/gather.cl", "kv_gather", options, &store->gather, error);
    if (status == ALISA_OK) {
        status = alisa_kernel_get(device, "kv/scatter.cl", "kv_scatter", options, &store->scatter,
                                  error);
    }
    if (status != ALISA_OK) return status;
    return alisa_kernel_get(device, "kv/place.cl", "kv_place", "", &store->place, error);
}

static AlisaStatus create_buffers(AlisaDevice *device, const AlisaRowStoreShape *shape,
                                  AlisaRowStore *store, AlisaError *error) {
    const AlisaResidencyShape *residency = &shape->residency;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; status == ALISA_OK && i < store->arena_count; i++) {
        uint64_t slots = residency->device_slots;
        store->filling[i] =
            alisa_allocate_zeroed(slots, sizeof *store->filling[i], shape->what, error);
        if (!store->filling[i]) return ALISA_ERROR_MEMORY;
        status = alisa_buffer_create(device, slots * store->key_bytes, ALISA_BUFFER_READ_WRITE,
                                     shape->what, &store->keys[i], error);
        if (status == ALISA_OK) {
            status =
                alisa_buffer_create(device, slots * store->value_bytes, ALISA_BUFFER_READ_WRITE,
                                    shape->what, &store->values[i], error);
        }
    }
    uint64_t tokens = (uint64_t)residency->sequence_count * residency->context_length;
    for (uint32_t i = 0; status == ALISA_OK && i < store->layer_count; i++) {
        status = alisa_buffer_create(device, tokens * sizeof(int32_t), ALISA_BUFFER_READ_WRITE,
                                     "page table", &store->pages[i], error);
    }
    return status;
}

AlisaStatus alisa_row_store_init(AlisaDevice *device, const AlisaRowStoreShape *shape,
                                 AlisaRowStore *store, AlisaError *error) {
    const AlisaResidencyShape *residency = &shape->residency;
    *store = (AlisaRowStore){.key_bytes = shape->key_bytes,
                             .value_bytes = shape->value_bytes,
                             .arena_count = residency->arena_count,
                             .layer_count = residency->layer_count,
                             .context_length = residency->context_length};
    const char *what = shape->what;
    uint32_t arenas = residency->arena_count;
    store->keys = alisa_allocate_zeroed(arenas, sizeof *store->keys, what, error);
    store->values = alisa_allocate_zeroed(arenas, sizeof *store->values, what, error);
    store->pages = alisa_allocate_zeroed(residency->layer_count, sizeof *store->pages, what, error);
    store->filling = alisa_allocate_zeroed(arenas, sizeof *store->filling, what, error);
    store->arriving =
        alisa_allocate_zeroed(residency->host_slots, sizeof *store->arriving, what, error);
    bool complete =
        store->keys && store->values && store->pages && store->arriving && store->filling;
    AlisaStatus status = complete ? ALISA_OK : ALISA_ERROR_MEMORY;
    if (status == ALISA_OK) status = get_kernels(device, shape->row_group, store, error);
    if (status == ALISA_OK) status = create_buffers(device, shape, store, error);
    if (status == ALISA_OK) {
        status = alisa_host_rows_init(device, residency->host_slots,
                                      shape->key_bytes + shape->value_bytes, &store->host, error);
    }
    if (status != ALISA_OK) alisa_row_store_finish(store);
    return status;
}

void alisa_row_store_finish(AlisaRowStore *store) {
    for (uint32_t i = 0; i < store->arena_count; i++) {
        if (store->keys) alisa_buffer_destroy(&store->keys[i]);
        if (store->values) alisa_buffer_destroy(&store->values[i]);
        if (store->filling) free(store->filling[i]);
    }
    for (uint32_t i = 0; store->pages && i < store->layer_count; i++)
        alisa_buffer_destroy(&store->pages[i]);
    alisa_host_rows_finish(&store->host);
    free(store->keys);
    free(store->values);
    free(store->pages);
    free(store->arriving);
    free(store->filling);
    *store = (AlisaRowStore){0};
}

/* ---- Launches ------------------------------------------------------------------------------ */

static AlisaStatus launch_rows(AlisaKernel *kernel, const AlisaRowStore *store, uint32_t count,
                               const AlisaArgument *arguments, size_t argument_count,
                               AlisaError *error) {
    const AlisaLaunch launch = {{store->lanes, count, 1}, {store->lanes, 1, 1}};
    return alisa_kernel_launch(kernel, &launch, arguments, argument_count, error);
}

AlisaStatus alisa_row_store_gather(const AlisaRowStore *store, uint32_t arena,
                                   const AlisaPosted *slots, const AlisaPackedRows *rows,
                                   AlisaError *error) {
    uint64_t packed_offset = rows->offset / store->unit;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(&store->keys[arena]), ALISA_ARG_BUFFER(&store->values[arena]),
        ALISA_ARG_BUFFER(slots->buffer),       ALISA_ARG(slots->offset),
        ALISA_ARG_BUFFER(rows->buffer),        ALISA_ARG(packed_offset)};
    return launch_rows(store->gather, store, rows->count, arguments, 6, error);
}

AlisaStatus alisa_row_store_scatter(const AlisaRowStore *store, uint32_t layer,
                                    const AlisaPosted *lists, const AlisaPackedRows *rows,
                                    AlisaError *error) {
    uint32_t arena = layer % store->arena_count;
    uint64_t packed_offset = rows->offset / store->unit;
    const AlisaArgument arguments[] = {
        ALISA_ARG_BUFFER(lists->buffer),       ALISA_ARG(lists->offset),
        ALISA_ARG_BUFFER(rows->buffer),        ALISA_ARG(packed_offset),
        ALISA_ARG_BUFFER(&store->keys[arena]), ALISA_ARG_BUFFER(&store->values[arena]),
        ALISA_ARG_BUFFER(&store->pages[layer])};
    return launch_rows(store->scatter, store, rows->count, arguments, 7, error);
}
