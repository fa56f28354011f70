/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/tails.h"

#include <stdlib.h>

#define WHAT "KV tails (-c, --batch and -ub set their size)"

bool alisa_kv_tails_needed(const AlisaKvShape *shape) {
    return alisa_kv_type_info(shape->key_type)->blocks ||
           alisa_kv_type_info(shape->value_type)->blocks;
}

static uint32_t width_of(const AlisaKvShape *shape) {
    return shape->kv_head_count * shape->head_dim;
}

/* A row of a tail: halves, or as in a slot for a type without blocks. */
static uint64_t row_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    uint64_t halves = alisa_kv_type_tail_bytes(type, width_of(shape));
    return halves ? halves : alisa_kv_type_row_bytes(type, width_of(shape));
}

static uint64_t params_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    return alisa_kv_type_params_bytes(type, width_of(shape)) *
           alisa_kv_blocks_params(shape->sequence_count, shape->context_length);
}

static uint64_t tail_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    return row_bytes(shape, type) * shape->sequence_count * ALISA_KV_BLOCK;
}

static uint32_t layers_of(const AlisaKvShape *shape) {
    return shape->layer_count + shape->window_layer_count;
}

uint64_t alisa_kv_tails_bytes(const AlisaKvShape *shape, uint32_t rows) {
    if (!alisa_kv_tails_needed(shape)) return 0;
    uint64_t layer = 0, fresh = 0;
    const AlisaKvType types[] = {shape->key_type, shape->value_type};
    for (int side = 0; side < 2; side++) {
        layer += params_bytes(shape, types[side]) + tail_bytes(shape, types[side]);
        fresh += row_bytes(shape, types[side]) * rows;
    }
    uint64_t entries = alisa_kv_blocks_entries(shape->sequence_count, shape->context_length, rows);
    uint64_t moves = alisa_kv_blocks_moves(shape->sequence_count, rows), window = 0;
    if (shape->window_layer_count > 0) window = entries + 2 * moves * ALISA_KV_BLOCK;
    return layer * layers_of(shape) + fresh + (2 * entries + window) * sizeof(int32_t) +
           2 * moves * (2 * ALISA_KV_BLOCK + 1) * sizeof(int32_t);
}

/* A buffer for the driver to refuse if it must; none for no bytes. */
static AlisaStatus create(AlisaDevice *device, uint64_t bytes, AlisaBuffer *buffer,
                          AlisaError *error) {
    if (bytes == 0) return ALISA_OK;
    return alisa_buffer_create(device, bytes, ALISA_BUFFER_READ_WRITE, WHAT, buffer, error);
}

static AlisaStatus create_layer(AlisaDevice *device, const AlisaKvShape *shape,
                                AlisaKvTailLayer *layer, AlisaError *error) {
    AlisaStatus status =
        create(device, params_bytes(shape, shape->key_type), &layer->key_params, error);
    if (!status)
        status =
            create(device, params_bytes(shape, shape->value_type), &layer->value_params, error);
    if (!status)
        status = create(device, tail_bytes(shape, shape->key_type), &layer->key_tail, error);
    if (!status)
        status = create(device, tail_bytes(shape, shape->value_type), &layer->value_tail, error);
    return status;
}

static AlisaStatus create_moves(AlisaDevice *device, uint64_t count, AlisaKvMoveBuffers *moves,
                                AlisaError *error) {
    uint64_t tokens = count * ALISA_KV_BLOCK * sizeof(int32_t);
    AlisaStatus status = create(device, tokens, &moves->tokens, error);
    if (!status) status = create(device, tokens, &moves->slots, error);
    return status ? status : create(device, count * sizeof(int32_t), &moves->param_rows, error);
}

static AlisaStatus create_lists(AlisaDevice *device, AlisaKvTails *tails, AlisaError *error) {
    const AlisaKvBlocks *blocks = &tails->blocks;
    uint64_t bytes = blocks->list_length * sizeof(int32_t);
    AlisaStatus status = create(device, bytes, &tails->slots, error);
    if (!status) status = create(device, bytes, &tails->param_rows, error);
    if (!status) status = alisa_buffer_write(device, &tails->slots, 0, blocks->slots, bytes, error);
    if (!status)
        status =
            alisa_buffer_write(device, &tails->param_rows, 0, blocks->param_rows, bytes, error);
    return status;
}

static AlisaStatus create_window(AlisaDevice *device, AlisaKvTails *tails, AlisaError *error) {
    AlisaStatus status = create(device, tails->slots.size, &tails->window_lists, error);
    if (!status) status = create(device, tails->seal.slots.size, &tails->window_seals, error);
    return status ? status
                  : create(device, tails->unseal.slots.size, &tails->window_unseals, error);
}

AlisaStatus alisa_kv_tails_create(AlisaDevice *device, const AlisaKvShape *shape, uint32_t rows,
                                  AlisaKvTails **tails, AlisaError *error) {
    *tails = NULL;
    AlisaKvTails *made = alisa_allocate_zeroed(1, sizeof *made, "KV tails", error);
    if (!made) return ALISA_ERROR_MEMORY;
    AlisaStatus status = alisa_kv_blocks_init(&made->blocks, shape->sequence_count,
                                              shape->context_length, rows, error);
    if (status) goto fail;
    status = ALISA_ERROR_MEMORY;
    made->layers = alisa_allocate_zeroed(layers_of(shape), sizeof *made->layers, WHAT, error);
    if (!made->layers) goto fail;
    made->layer_count = layers_of(shape);
    status = create(device, row_bytes(shape, shape->key_type) * rows, &made->key_fresh, error);
    if (!status)
        status =
            create(device, row_bytes(shape, shape->value_type) * rows, &made->value_fresh, error);
    for (uint32_t layer = 0; !status && layer < made->layer_count; layer++)
        status = create_layer(device, shape, &made->layers[layer], error);
    uint32_t moves = alisa_kv_blocks_moves(shape->sequence_count, rows);
    if (!status) status = create_moves(device, moves, &made->seal, error);
    if (!status) status = create_moves(device, moves, &made->unseal, error);
    if (!status) status = create_lists(device, made, error);
    if (!status && shape->window_layer_count > 0) status = create_window(device, made, error);
    if (!status) {
        status = alisa_kernel_get(device, "kv/resolve.cl", "kv_resolve", "", &made->resolve, error);
    }
    if (status) goto fail;
    *tails = made;
    return ALISA_OK;
fail:
    alisa_kv_tails_destroy(made);
    return status;
}

static void destroy_moves(AlisaKvMoveBuffers *moves) {
    alisa_buffer_destroy(&moves->tokens);
    alisa_buffer_destroy(&moves->slots);
    alisa_buffer_destroy(&moves->param_rows);
}

void alisa_kv_tails_destroy(AlisaKvTails *tails) {
    if (!tails) return;
    for (uint32_t layer = 0; layer < tails->layer_count; layer++) {
        alisa_buffer_destroy(&tails->layers[layer].key_params);
        alisa_buffer_destroy(&tails->layers[layer].value_params);
        alisa_buffer_destroy(&tails->layers[layer].key_tail);
        alisa_buffer_destroy(&tails->layers[layer].value_tail);
    }
    alisa_buffer_destroy(&tails->key_fresh);
    alisa_buffer_destroy(&tails->value_fresh);
    alisa_buffer_destroy(&tails->slots);
    alisa_buffer_destroy(&tails->param_rows);
    destroy_moves(&tails->seal);
    destroy_moves(&tails->unseal);
    alisa_buffer_destroy(&tails->window_lists);
    alisa_buffer_destroy(&tails->window_seals);
    alisa_buffer_destroy(&tails->window_unseals);
    alisa_kv_blocks_finish(&tails->blocks);
    free(tails->layers);
    free(tails);
}

typedef struct Upload {
    AlisaDevice *device;
    uint64_t bytes;
    AlisaStatus status;
    AlisaError *error;
} Upload;

static void upload(Upload *upload, const AlisaBuffer *buffer, const int32_t *all, uint64_t first,
                   uint64_t count) {
    if (upload->status || count == 0) return;
    upload->status = alisa_buffer_write(upload->device, buffer, first * sizeof *all, all + first,
                                        count * sizeof *all, upload->error);
    upload->bytes += count * sizeof *all;
}

static void upload_moves(Upload *to, const AlisaKvMoveBuffers *buffers, const AlisaKvMoves *moves) {
    upload(to, &buffers->tokens, moves->tokens, 0, (uint64_t)moves->count * ALISA_KV_BLOCK);
    upload(to, &buffers->slots, moves->slots, 0, (uint64_t)moves->count * ALISA_KV_BLOCK);
    upload(to, &buffers->param_rows, moves->param_rows, 0, moves->count);
}

AlisaStatus alisa_kv_tails_upload(AlisaDevice *device, AlisaKvTails *tails, uint64_t *bytes,
                                  AlisaError *error) {
    const AlisaKvBlocks *blocks = &tails->blocks;
    Upload to = {device, 0, ALISA_OK, error};
    for (uint32_t i = 0; i < blocks->change_count; i++) {
        const AlisaKvChange *change = &blocks->changes[i];
        upload(&to, &tails->slots, blocks->slots, change->first, change->count);
        upload(&to, &tails->param_rows, blocks->param_rows, change->first, change->count);
    }
    upload_moves(&to, &tails->seal, &blocks->seal);
    upload_moves(&to, &tails->unseal, &blocks->unseal);
    *bytes = to.bytes;
    return to.status;
}

AlisaStatus alisa_kv_tails_resolve(const AlisaKvTails *tails, const AlisaBuffer *lists,
                                   const AlisaBuffer *pages, uint64_t count,
                                   const AlisaBuffer *slots, AlisaError *error) {
    const AlisaLaunch launch = {{count, 1, 1}, {1, 1, 1}};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(lists), ALISA_ARG_BUFFER(pages),
                                       ALISA_ARG_BUFFER(slots)};
    return alisa_kernel_launch(tails->resolve, &launch, arguments, 3, error);
}

AlisaStatus alisa_kv_tails_resolve_window(const AlisaKvTails *tails, const AlisaBuffer *pages,
                                          AlisaError *error) {
    const AlisaKvBlocks *blocks = &tails->blocks;
    const struct {
        const AlisaBuffer *from, *to;
        uint64_t count;
    } all[] = {
        {&tails->slots, &tails->window_lists, blocks->list_used},
        {&tails->seal.slots, &tails->window_seals, (uint64_t)blocks->seal.count * ALISA_KV_BLOCK},
        {&tails->unseal.slots, &tails->window_unseals,
         (uint64_t)blocks->unseal.count * ALISA_KV_BLOCK},
    };
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == ALISA_OK; i++)
        if (all[i].count > 0)
            status =
                alisa_kv_tails_resolve(tails, all[i].from, pages, all[i].count, all[i].to, error);
    return status;
}
