/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scratch.h"

#include <stddef.h>
#include <string.h>

#include "engine/rows.h"

typedef struct Part {
    size_t field; /* of AlisaScratch */
    uint64_t bytes;
    const char *what;
} Part;

enum { PARTS = 16 };

#define FIELD(name) offsetof(AlisaScratch, name)

/* One row a buffer: the size of each in one place. */
static void list_parts(const AlisaStageSetup *setup, Part list[PARTS]) {
    const AlisaShape *shape = &setup->engine->shape;
    const AlisaShard *shard = setup->shard;
    const AlisaLayerShape *layer = &shape->layers[shard->first_layer];
    uint64_t row_floats = setup->options->micro_batch * sizeof(float);
    uint64_t heads = (uint64_t)layer->head_count * layer->head_dim;
    uint64_t kv_heads = (uint64_t)layer->kv_head_count * layer->head_dim;
    const AlisaExpertShape *experts = &shape->experts;
    uint64_t feed_forward = alisa_shape_feed_forward(shape);
    bool has_head = alisa_engine_has_head(setup->engine, shard);
    uint64_t logit_rows = has_head ? setup->options->logit_rows : 0;
    const Part all[PARTS] = {
        {FIELD(rows), alisa_rows_bytes(setup), "rows of a step (-ub)"},
        {FIELD(residual), row_floats * shape->embedding_length, "residual stream (-ub)"},
        {FIELD(normed), row_floats * shape->embedding_length, "normed stream (-ub)"},
        {FIELD(query), row_floats * heads, "queries (-ub)"},
        {FIELD(key), row_floats * kv_heads, "keys (-ub)"},
        {FIELD(value), row_floats * kv_heads, "values (-ub)"},
        {FIELD(attended), row_floats * heads, "attention output (-ub)"},
        {FIELD(gate), row_floats * feed_forward, "feed-forward gate (-ub)"},
        {FIELD(up), row_floats * feed_forward, "feed-forward up (-ub)"},
        {FIELD(router), row_floats * experts->count, "logits of experts (-ub)"},
        {FIELD(chosen), row_floats * experts->used, "chosen experts (-ub)"},
        {FIELD(shares), row_floats * experts->used, "shares of experts (-ub)"},
        {FIELD(order), 2 * row_floats * experts->used, "rows of experts (-ub)"},
        {FIELD(packed), row_floats * experts->used * shape->embedding_length,
         "activations of experts (-ub)"},
        {FIELD(logits), logit_rows * shape->vocabulary_size * sizeof(float), "logits"},
        {FIELD(choices), logit_rows * sizeof(int32_t), "likeliest tokens"},
    };
    memcpy(list, all, sizeof all);
}

/* The buffers of AlisaScratch are all that is in it. */
_Static_assert(sizeof(AlisaScratch) == PARTS * sizeof(AlisaBuffer), "a part is not listed");

static AlisaBuffer *buffer_of(AlisaScratch *scratch, size_t field) {
    return (AlisaBuffer *)(void *)((char *)scratch + field);
}

uint64_t alisa_scratch_bytes(const AlisaStageSetup *setup) {
    Part list[PARTS];
    list_parts(setup, list);
    uint64_t bytes = alisa_ops_scratch_bytes(setup->shard->ops);
    for (size_t i = 0; i < PARTS; i++)
        bytes += list[i].bytes;
    return bytes;
}

AlisaStatus alisa_scratch_init(AlisaScratch *scratch, const AlisaStageSetup *setup,
                               AlisaError *error) {
    Part list[PARTS];
    list_parts(setup, list);
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < PARTS && status == ALISA_OK; i++)
        status = alisa_buffer_create(setup->shard->device, list[i].bytes, ALISA_BUFFER_READ_WRITE,
                                     list[i].what, buffer_of(scratch, list[i].field), error);
    return status;
}

void alisa_scratch_finish(AlisaScratch *scratch) {
    for (size_t i = 0; i < PARTS; i++)
        alisa_buffer_destroy(buffer_of(scratch, i * sizeof(AlisaBuffer)));
}
