/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fields.h"

#include <stddef.h>

#define IN_LAYER(name) offsetof(AlisaLayerWeights, name)
#define OUTSIDE(name)  offsetof(AlisaOuterWeights, name)

#define LAYER_MATRIX(role, name)                                                                   \
    { ALISA_ROLE_##role, ALISA_FIELD_MATRIX, false, IN_LAYER(name) }
#define TURNED_MATRIX(role, name)                                                                  \
    { ALISA_ROLE_##role, ALISA_FIELD_MATRIX, true, IN_LAYER(name) }
#define LAYER_VECTOR(role, name)                                                                   \
    { ALISA_ROLE_##role, ALISA_FIELD_VECTOR, false, IN_LAYER(name) }
#define TURNED_VECTOR(role, name)                                                                  \
    { ALISA_ROLE_##role, ALISA_FIELD_VECTOR, true, IN_LAYER(name) }
#define OUTER_MATRIX(role, name)                                                                   \
    { ALISA_ROLE_##role, ALISA_FIELD_MATRIX, false, OUTSIDE(name) }
#define OUTER_VECTOR(role, name)                                                                   \
    { ALISA_ROLE_##role, ALISA_FIELD_VECTOR, false, OUTSIDE(name) }
#define OUTER_HOST(role, name)                                                                     \
    { ALISA_ROLE_##role, ALISA_FIELD_HOST, false, OUTSIDE(name) }

static const AlisaField fields[] = {
    OUTER_MATRIX(EMBEDDING, embedding),
    OUTER_MATRIX(POSITIONS, positions),
    OUTER_HOST(ROPE_DIVISORS, rope_divisors),
    OUTER_HOST(ROPE_LONG, rope_long),
    OUTER_HOST(ROPE_SHORT, rope_short),
    LAYER_VECTOR(ATTENTION_NORM, attention_norm),
    LAYER_VECTOR(ATTENTION_NORM_BIAS, attention_norm_bias),
    LAYER_VECTOR(ATTENTION_NORM_2, attention_norm_2),
    LAYER_VECTOR(ATTENTION_NORM_2_BIAS, attention_norm_2_bias),
    TURNED_MATRIX(QUERY, query),
    TURNED_MATRIX(KEY, key),
    LAYER_MATRIX(VALUE, value),
    TURNED_VECTOR(QUERY_BIAS, query_bias),
    TURNED_VECTOR(KEY_BIAS, key_bias),
    LAYER_VECTOR(VALUE_BIAS, value_bias),
    TURNED_VECTOR(QUERY_NORM, query_norm),
    TURNED_VECTOR(KEY_NORM, key_norm),
    TURNED_VECTOR(QUERY_NORM_EACH, query_norm),
    TURNED_VECTOR(KEY_NORM_EACH, key_norm),
    TURNED_VECTOR(QUERY_NORM_ROW, query_norm),
    TURNED_VECTOR(KEY_NORM_ROW, key_norm),
    LAYER_VECTOR(SINKS, sinks),
    LAYER_MATRIX(ATTENTION_OUTPUT, attention_output),
    LAYER_VECTOR(ATTENTION_OUTPUT_BIAS, attention_output_bias),
    LAYER_VECTOR(ATTENTION_POST_NORM, attention_post_norm),
    LAYER_VECTOR(FEED_FORWARD_NORM, feed_forward_norm),
    LAYER_VECTOR(FEED_FORWARD_NORM_BIAS, feed_forward_norm_bias),
    LAYER_MATRIX(GATE, gate),
    LAYER_MATRIX(UP, up),
    LAYER_MATRIX(DOWN, down),
    LAYER_VECTOR(GATE_BIAS, gate_bias),
    LAYER_VECTOR(UP_BIAS, up_bias),
    LAYER_VECTOR(DOWN_BIAS, down_bias),
    LAYER_VECTOR(FEED_FORWARD_POST_NORM, feed_forward_post_norm),
    LAYER_MATRIX(ROUTER, router),
    LAYER_VECTOR(ROUTER_BIAS, router_bias),
    LAYER_MATRIX(EXPERT_GATE, expert_gate),
    LAYER_MATRIX(EXPERT_UP, expert_up),
    LAYER_MATRIX(EXPERT_DOWN, expert_down),
    LAYER_VECTOR(EXPERT_GATE_BIAS, expert_gate_bias),
    LAYER_VECTOR(EXPERT_UP_BIAS, expert_up_bias),
    LAYER_VECTOR(EXPERT_DOWN_BIAS, expert_down_bias),
    LAYER_MATRIX(SHARED_ROUTER, shared_router),
    LAYER_MATRIX(SHARED_GATE, shared_gate),
    LAYER_MATRIX(SHARED_UP, shared_up),
    LAYER_MATRIX(SHARED_DOWN, shared_down),
    OUTER_VECTOR(OUTPUT_NORM, output_norm),
    OUTER_VECTOR(OUTPUT_NORM_BIAS, output_norm_bias),
    OUTER_MATRIX(HEAD, head),
    OUTER_VECTOR(HEAD_BIAS, head_bias),
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

AlisaRoles alisa_field_roles(void) {
    AlisaRoles roles = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        roles |= ALISA_ROLES(fields[i].role);
    return roles;
}

const AlisaField *alisa_field_of(AlisaRole role) {
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].role == role) return &fields[i];
    return NULL;
}
