#include "kv/kv.h"

#include <stdlib.h>

#include "base/kv_type.h"

struct AlisaKv {
    AlisaKvShape shape;
    AlisaBuffer *keys;   /* [layer_count] */
    AlisaBuffer *values; /* [layer_count] */
    AlisaBuffer slots;
};

static uint64_t token_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    return alisa_kv_type_row_bytes(type, shape->kv_head_count * shape->head_dim);
}

uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape) {
    return shape->layer_count *
           (token_bytes(shape, shape->key_type) + token_bytes(shape, shape->value_type));
}

static AlisaStatus write_lists(AlisaDevice *device, AlisaKv *kv, uint64_t count,
                               AlisaError *error) {
    AlisaStatus status =
        alisa_buffer_create(device, count * sizeof(int32_t), ALISA_BUFFER_READ_WRITE,
                            "KV slot lists", &kv->slots, error);
    if (status != ALISA_OK) return status;
    int32_t *lists = alisa_allocate((size_t)count, sizeof *lists, "KV slot lists", error);
    if (!lists) return ALISA_ERROR_MEMORY;
    for (uint64_t i = 0; i < count; i++)
        lists[i] = (int32_t)i;
    status = alisa_buffer_write(device, &kv->slots, 0, lists, count * sizeof *lists, error);
    free(lists);
    return status;
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
    made->keys = alisa_allocate_zeroed(shape->layer_count, sizeof *made->keys, "KV cache", error);
    made->values =
        alisa_allocate_zeroed(shape->layer_count, sizeof *made->values, "KV cache", error);
    AlisaStatus status = made->keys && made->values ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (uint32_t layer = 0; status == ALISA_OK && layer < shape->layer_count; layer++) {
        status = alisa_buffer_create(
            device, slot_count * token_bytes(shape, shape->key_type), ALISA_BUFFER_READ_WRITE,
            "KV cache (-c and --batch set its size)", &made->keys[layer], error);
        if (status != ALISA_OK) break;
        status = alisa_buffer_create(
            device, slot_count * token_bytes(shape, shape->value_type), ALISA_BUFFER_READ_WRITE,
            "KV cache (-c and --batch set its size)", &made->values[layer], error);
    }
    if (status == ALISA_OK) status = write_lists(device, made, slot_count, error);
    if (status != ALISA_OK) {
        alisa_kv_destroy(made);
        return status;
    }
    *kv = made;
    return ALISA_OK;
}

void alisa_kv_destroy(AlisaKv *kv) {
    if (!kv) return;
    for (uint32_t layer = 0; layer < kv->shape.layer_count; layer++) {
        if (kv->keys) alisa_buffer_destroy(&kv->keys[layer]);
        if (kv->values) alisa_buffer_destroy(&kv->values[layer]);
    }
    alisa_buffer_destroy(&kv->slots);
    free(kv->keys);
    free(kv->values);
    free(kv);
}

const AlisaBuffer *alisa_kv_keys(const AlisaKv *kv, uint32_t layer) {
    return &kv->keys[layer];
}

const AlisaBuffer *alisa_kv_values(const AlisaKv *kv, uint32_t layer) {
    return &kv->values[layer];
}

const AlisaBuffer *alisa_kv_slots(const AlisaKv *kv) {
    return &kv->slots;
}

uint32_t alisa_kv_list_offset(const AlisaKv *kv, uint32_t sequence) {
    return sequence * kv->shape.context_length;
}

int32_t alisa_kv_slot(const AlisaKv *kv, uint32_t sequence, uint32_t position) {
    return (int32_t)(sequence * kv->shape.context_length + position);
}

uint64_t alisa_kv_bytes(const AlisaKv *kv) {
    return (uint64_t)kv->shape.sequence_count * kv->shape.context_length *
           (alisa_kv_token_bytes(&kv->shape) + sizeof(int32_t));
}
