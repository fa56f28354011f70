#include "engine/session.h"

/*
 * The forward pass of the LLaMA family (Touvron et al., 2023), layer by layer:
 *   x <- embedding[token]
 *   every layer:  n = norm(x);  q, k, v = n Wq, n Wk, n Wv;  rotate q, k;  store k, v
 *                 x <- x + attention(q, K, V) Wo
 *                 n = norm(x);  x <- x + (silu(n Wgate) * (n Wup)) Wdown
 *   logits = norm(x) Whead, for the rows that want them.
 * Once a call fails, the rest of the step does nothing: the status is carried along.
 */
typedef struct Step {
    AlisaSession *session;
    AlisaOps *ops;
    const AlisaShape *shape;
    uint32_t rows;
    AlisaStatus status;
    AlisaError *error;
} Step;

static AlisaVector whole(const AlisaBuffer *buffer) {
    return (AlisaVector){buffer, 0};
}

static void upload(Step *step, const AlisaBuffer *buffer, const void *data, uint64_t bytes) {
    if (step->status != ALISA_OK || bytes == 0) return;
    step->status =
        alisa_buffer_write(step->session->engine->device, buffer, 0, data, bytes, step->error);
    step->session->host_to_device_bytes += bytes;
}

static void matmul(Step *step, const AlisaMatrix *weights, const AlisaBuffer *x,
                   const AlisaBuffer *y, bool accumulate) {
    if (step->status != ALISA_OK) return;
    step->status = alisa_ops_matmul(step->ops, weights, whole(x), step->rows, whole(y), accumulate,
                                    step->error);
}

static void norm(Step *step, const AlisaBuffer *x, AlisaVector weight, const AlisaBuffer *y) {
    if (step->status != ALISA_OK) return;
    step->status =
        alisa_ops_rms_norm(step->ops, whole(x), weight, step->shape->norm_epsilon, step->rows,
                           step->shape->embedding_length, whole(y), step->error);
}

static void upload_inputs(Step *step) {
    const AlisaStepInputs *inputs = &step->session->inputs;
    const AlisaStepBuffers *buffers = &step->session->buffers;
    uint64_t rows = inputs->row_count;
    upload(step, &buffers->tokens, inputs->tokens, rows * sizeof *inputs->tokens);
    upload(step, &buffers->row_slots, inputs->row_slots, rows * sizeof *inputs->row_slots);
    upload(step, &buffers->rotations, inputs->rotations,
           rows * step->shape->rope.dim * sizeof *inputs->rotations);
    upload(step, &buffers->tiles, inputs->tiles, inputs->tile_count * sizeof *inputs->tiles);
    upload(step, &buffers->logit_rows, inputs->logit_rows,
           inputs->logit_count * sizeof *inputs->logit_rows);
    AlisaSession *session = step->session;
    if (step->status == ALISA_OK && session->sparse) {
        step->status =
            alisa_sparse_begin(session->sparse, inputs->sparse, inputs->row_count, step->error);
    }
    if (step->status != ALISA_OK || !session->tails) return;
    uint64_t bytes;
    step->status =
        alisa_kv_tails_upload(session->engine->device, session->tails, &bytes, step->error);
    session->host_to_device_bytes += bytes;
}

/* The tails of a layer as attention takes them. */
static AlisaAttentionTails tails_of(const AlisaKvTails *tails, uint32_t layer) {
    const AlisaKvTailLayer *of = &tails->layers[layer];
    return (AlisaAttentionTails){.key_params = &of->key_params,
                                 .key_fresh = &tails->key_fresh,
                                 .key_tail = &of->key_tail,
                                 .value_params = &of->value_params,
                                 .value_fresh = &tails->value_fresh,
                                 .value_tail = &of->value_tail,
                                 .fresh_rows = tails->blocks.row_capacity};
}

static AlisaAttentionBlocks blocks_of(const AlisaKvMoveBuffers *buffers, uint32_t count) {
    return (AlisaAttentionBlocks){&buffers->tokens, &buffers->slots, &buffers->param_rows, count};
}

/* Stores k and v of the step's rows: blocks that a sequence was cut back into get their halves
 * again first, and blocks that are full now are sealed, since later rows of this step see their
 * codes. */
static void store(Step *step, uint32_t layer, const AlisaAttentionTails *tails) {
    AlisaSession *session = step->session;
    const AlisaStepBuffers *buffers = &session->buffers;
    const AlisaBuffer *keys = alisa_kv_keys(session->kv, layer);
    const AlisaBuffer *values = alisa_kv_values(session->kv, layer);
    if (tails && session->tails->blocks.unseal.count > 0) {
        AlisaAttentionBlocks blocks =
            blocks_of(&session->tails->unseal, session->tails->blocks.unseal.count);
        step->status =
            alisa_attention_unseal(session->attention, &blocks, keys, values, tails, step->error);
        if (step->status != ALISA_OK) return;
    }
    step->status = alisa_attention_store(
        session->attention, whole(&buffers->query), whole(&buffers->key), whole(&buffers->value),
        &buffers->rotations, &buffers->row_slots, step->rows, keys, values, tails, step->error);
    if (step->status != ALISA_OK || !tails || session->tails->blocks.seal.count == 0) return;
    AlisaAttentionBlocks blocks =
        blocks_of(&session->tails->seal, session->tails->blocks.seal.count);
    step->status =
        alisa_attention_seal(session->attention, &blocks, keys, values, tails, step->error);
}

static void attend(Step *step, uint32_t layer) {
    if (step->status != ALISA_OK) return;
    AlisaSession *session = step->session;
    const AlisaStepBuffers *buffers = &session->buffers;
    AlisaAttentionTails tails;
    AlisaAttentionLists lists = {.slots = alisa_kv_slots(session->kv),
                                 .tiles = &buffers->tiles,
                                 .tile_count = session->inputs.tile_count,
                                 .longest = session->inputs.longest};
    if (session->tails) {
        tails = tails_of(session->tails, layer);
        lists.slots = &session->tails->slots;
        lists.blocks = &session->tails->param_rows;
        lists.tails = &tails;
    }
    store(step, layer, lists.tails);
    const AlisaBuffer *keys = alisa_kv_keys(session->kv, layer);
    const AlisaBuffer *values = alisa_kv_values(session->kv, layer);
    if (step->status == ALISA_OK && session->sparse) {
        const AlisaSparseLayer sparse = {.index = layer,
                                         .attention = session->attention,
                                         .q = whole(&buffers->query),
                                         .keys = keys,
                                         .values = values,
                                         .all_slots = lists.slots,
                                         .y = whole(&buffers->attended)};
        step->status = alisa_sparse_attend(session->sparse, &sparse, step->error);
    }
    if (step->status != ALISA_OK) return;
    step->status = alisa_attention_run(session->attention, whole(&buffers->query), keys, values,
                                       &lists, whole(&buffers->attended), NULL, step->error);
}

static void run_layer(Step *step, uint32_t layer) {
    const AlisaLayerWeights *weights = alisa_weights_layer(step->session->engine->weights, layer);
    const AlisaStepBuffers *buffers = &step->session->buffers;

    norm(step, &buffers->residual, weights->attention_norm, &buffers->normed);
    matmul(step, &weights->query, &buffers->normed, &buffers->query, false);
    matmul(step, &weights->key, &buffers->normed, &buffers->key, false);
    matmul(step, &weights->value, &buffers->normed, &buffers->value, false);
    attend(step, layer);
    matmul(step, &weights->attention_output, &buffers->attended, &buffers->residual, true);

    norm(step, &buffers->residual, weights->feed_forward_norm, &buffers->normed);
    matmul(step, &weights->gate, &buffers->normed, &buffers->gate, false);
    matmul(step, &weights->up, &buffers->normed, &buffers->up, false);
    if (step->status == ALISA_OK) {
        step->status = alisa_ops_silu_product(step->ops, whole(&buffers->gate), whole(&buffers->up),
                                              step->rows, step->shape->feed_forward_length,
                                              whole(&buffers->gate), step->error);
    }
    matmul(step, &weights->down, &buffers->gate, &buffers->residual, true);
}

/* Norm and head for the wanted rows only: the head is the largest matrix of a small model. */
static void run_head(Step *step) {
    AlisaSession *session = step->session;
    const AlisaStepBuffers *buffers = &session->buffers;
    const AlisaWeights *weights = session->engine->weights;
    uint32_t wanted = session->inputs.logit_count;
    if (step->status != ALISA_OK || wanted == 0) return;

    step->status =
        alisa_ops_gather_rows(step->ops, whole(&buffers->residual), &buffers->logit_rows, wanted,
                              step->shape->embedding_length, whole(&buffers->normed), step->error);
    step->rows = wanted;
    norm(step, &buffers->normed, alisa_weights_output_norm(weights), &buffers->normed);
    matmul(step, alisa_weights_head(weights), &buffers->normed, &buffers->logits, false);
    if (step->status != ALISA_OK) return;

    size_t vocabulary = step->shape->vocabulary_size;
    uint64_t bytes = wanted * vocabulary * sizeof(float);
    step->status =
        alisa_buffer_read(session->engine->device, &buffers->logits, 0,
                          session->logits + session->logits_valid * vocabulary, bytes, step->error);
    session->device_to_host_bytes += bytes;
    if (step->status == ALISA_OK) session->logits_valid += wanted;
}

AlisaStatus alisa_step_run(AlisaSession *session, AlisaError *error) {
    AlisaEngine *engine = session->engine;
    Step step = {session, engine->ops, &engine->shape, session->inputs.row_count, ALISA_OK, error};
    upload_inputs(&step);
    if (step.status == ALISA_OK) {
        step.status = alisa_ops_embed(step.ops, alisa_weights_embedding(engine->weights),
                                      &session->buffers.tokens, step.rows,
                                      whole(&session->buffers.residual), error);
    }
    for (uint32_t layer = 0; layer < engine->shape.layer_count; layer++)
        run_layer(&step, layer);
    run_head(&step);
    /* Without logits nothing has waited for the device yet: hand it the work, so that it computes
     * while the host prepares the next step. */
    if (step.status == ALISA_OK && session->inputs.logit_count == 0) {
        step.status = alisa_device_flush(engine->device, error);
    }
    return step.status;
}
