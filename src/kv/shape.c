/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/shape.h"

uint64_t alisa_kv_row_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    return alisa_kv_type_row_bytes(type, shape->kv_head_count * shape->head_dim);
}

uint64_t alisa_kv_layer_bytes(const AlisaKvShape *shape) {
    return alisa_kv_row_bytes(shape, shape->key_type) +
           alisa_kv_row_bytes(shape, shape->value_type);
}

uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape) {
    return shape->layer_count * alisa_kv_layer_bytes(shape);
}

uint64_t alisa_kv_window_bytes(const AlisaKvShape *shape) {
    if (shape->window_layer_count == 0) return 0;
    uint64_t slots = (uint64_t)shape->sequence_count * shape->window_tokens;
    return slots * shape->window_layer_count * alisa_kv_layer_bytes(shape) +
           (uint64_t)shape->sequence_count * shape->context_length * sizeof(int32_t);
}
