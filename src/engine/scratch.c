#include "engine/scratch.h"

#include <string.h>

#include "engine/rows.h"

typedef struct Part {
    AlisaBuffer *buffer;
    uint64_t bytes;
    const char *what;
} Part;

enum { PARTS = 11 };

/* One row a buffer: the size of each in one place. */
static void list_parts(AlisaScratch *scratch, const AlisaSetup *setup, Part list[PARTS]) {
    const AlisaShape *shape = &setup->engine->shape;
    uint64_t row_floats = setup->options->micro_batch * sizeof(float);
    const AlisaLayerShape *layer = &shape->layers[setup->shard->first_layer];
    uint64_t heads = (uint64_t)layer->head_count * layer->head_dim;
    uint64_t kv_heads = (uint64_t)layer->kv_head_count * layer->head_dim;
    uint64_t feed_forward = alisa_shape_feed_forward(shape);
    uint64_t logit_rows = setup->options->logit_rows;
    const Part all[PARTS] = {
        {&scratch->rows, alisa_rows_bytes(setup), "rows of a step (-ub)"},
        {&scratch->residual, row_floats * shape->embedding_length, "residual stream (-ub)"},
        {&scratch->normed, row_floats * shape->embedding_length, "normed stream (-ub)"},
        {&scratch->query, row_floats * heads, "queries (-ub)"},
        {&scratch->key, row_floats * kv_heads, "keys (-ub)"},
        {&scratch->value, row_floats * kv_heads, "values (-ub)"},
        {&scratch->attended, row_floats * heads, "attention output (-ub)"},
        {&scratch->gate, row_floats * feed_forward, "feed-forward gate (-ub)"},
        {&scratch->up, row_floats * feed_forward, "feed-forward up (-ub)"},
        {&scratch->logits, logit_rows * shape->vocabulary_size * sizeof(float), "logits"},
        {&scratch->choices, logit_rows * sizeof(int32_t), "likeliest tokens"},
    };
    memcpy(list, all, sizeof all);
}

uint64_t alisa_scratch_bytes(const AlisaSetup *setup) {
    AlisaScratch none;
    Part list[PARTS];
    list_parts(&none, setup, list);
    uint64_t bytes = alisa_ops_scratch_bytes(setup->shard->ops);
    for (size_t i = 0; i < PARTS; i++)
        bytes += list[i].bytes;
    return bytes;
}

AlisaStatus alisa_scratch_init(AlisaScratch *scratch, const AlisaSetup *setup, uint64_t *bytes,
                               AlisaError *error) {
    Part list[PARTS];
    list_parts(scratch, setup, list);
    *bytes = 0;
    for (size_t i = 0; i < PARTS; i++) {
        AlisaStatus status =
            alisa_buffer_create(setup->shard->device, list[i].bytes, ALISA_BUFFER_READ_WRITE,
                                list[i].what, list[i].buffer, error);
        if (status != ALISA_OK) return status;
        *bytes += list[i].bytes;
    }
    return ALISA_OK;
}

void alisa_scratch_finish(AlisaScratch *scratch) {
    AlisaBuffer *const buffers[] = {&scratch->rows,     &scratch->residual, &scratch->normed,
                                    &scratch->query,    &scratch->key,      &scratch->value,
                                    &scratch->attended, &scratch->gate,     &scratch->up,
                                    &scratch->logits,   &scratch->choices};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
}
