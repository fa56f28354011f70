/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/shape.h"

uint64_t alisa_kv_row_bytes(const AlisaKvShape *shape, AlisaKvType type) {
    return alisa_kv_type_row_bytes(type, shape->kv_head_count * shape->head_dim);
}

uint64_t alisa_kv_token_bytes(const AlisaKvShape *shape) {
    return shape->layer_count * (alisa_kv_row_bytes(shape, shape->key_type) +
                                 alisa_kv_row_bytes(shape, shape->value_type));
}
