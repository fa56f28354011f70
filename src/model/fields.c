/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fields.h"

#include <stddef.h>

#define LAYER_FIELD(name) offsetof(AlisaLayerWeights, name)
#define OUTER_FIELD(name) offsetof(AlisaOuterWeights, name)

/* Fields lie in AlisaLayerWeights for roles of layers, in AlisaOuterWeights for others. */
static const struct {
    AlisaRole role;
    size_t offset;
} fields[] = {
    {ALISA_ROLE_EMBEDDING, OUTER_FIELD(embedding)},
    {ALISA_ROLE_ATTENTION_NORM, LAYER_FIELD(attention_norm)},
    {ALISA_ROLE_QUERY, LAYER_FIELD(query)},
    {ALISA_ROLE_KEY, LAYER_FIELD(key)},
    {ALISA_ROLE_VALUE, LAYER_FIELD(value)},
    {ALISA_ROLE_ATTENTION_OUTPUT, LAYER_FIELD(attention_output)},
    {ALISA_ROLE_FEED_FORWARD_NORM, LAYER_FIELD(feed_forward_norm)},
    {ALISA_ROLE_GATE, LAYER_FIELD(gate)},
    {ALISA_ROLE_UP, LAYER_FIELD(up)},
    {ALISA_ROLE_DOWN, LAYER_FIELD(down)},
    {ALISA_ROLE_OUTPUT_NORM, OUTER_FIELD(output_norm)},
    {ALISA_ROLE_HEAD, OUTER_FIELD(head)},
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

AlisaRoles alisa_field_roles(void) {
    AlisaRoles roles = ALISA_ROLES(ALISA_ROLE_ROPE_DIVISORS);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        roles |= ALISA_ROLES(fields[i].role);
    return roles;
}

void *alisa_field_of(AlisaRole role, AlisaLayerWeights *layer, AlisaOuterWeights *outer) {
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].role == role)
            return (alisa_role_in_layers(role) ? (char *)layer : (char *)outer) + fields[i].offset;
    return NULL;
}
