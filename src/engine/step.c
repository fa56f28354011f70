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

/* y = x weights^T for `count` matrices. */
static void matmul_each(Step *step, const AlisaProduct *products, uint32_t count,
                        const AlisaBuffer *x) {
    if (step->status != ALISA_OK) return;
    step->status =
        alisa_ops_matmul_each(step->ops, products, count, whole(x), step->rows, step->error);
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

/* ---- Two tiers ----------------------------------------------------------------------------- */

/* Blocks that sequences were cut back into get their halves again, from codes that may be on the
 * host; the codes' places are given up, as the blocks will be sealed anew. */
static void unseal_from_tiers(Step *step) {
    AlisaSession *session = step->session;
    const AlisaKvBlocks *blocks = &session->tails->blocks;
    AlisaTiers *tiers = alisa_kv_tiers(session->kv);
    uint32_t context = session->options.context_length;
    uint32_t count = blocks->unseal.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = (uint32_t)blocks->unseal.slots[(size_t)i * ALISA_KV_BLOCK];
        session->turns[i] = (AlisaPlacementTurn){.sequence = first / context,
                                                 .placed = first % context + ALISA_KV_BLOCK};
    }
    session->turn_count = count;
    step->status = alisa_placement_begin(session->placement, NULL, 0, session->turns,
                                         session->turn_count, step->error);
    for (uint32_t layer = 0; layer < step->shape->layer_count && step->status == ALISA_OK;
         layer++) {
        AlisaAttentionTails tails = tails_of(session->tails, layer);
        AlisaAttentionBlocks moves = blocks_of(&session->tails->unseal, count);
        step->status = alisa_placement_need(session->placement, layer, step->error);
        if (step->status == ALISA_OK)
            step->status = alisa_placement_arrive(session->placement, layer, step->error);
        if (step->status == ALISA_OK) {
            step->status = alisa_kv_tails_resolve(
                session->tails, &session->tails->unseal.slots, alisa_kv_pages(session->kv, layer),
                (uint64_t)count * ALISA_KV_BLOCK, &session->layer_lists, step->error);
        }
        moves.slots = &session->layer_lists;
        if (step->status == ALISA_OK) {
            step->status = alisa_attention_unseal(
                session->attention, &moves, alisa_kv_keys(session->kv, layer),
                alisa_kv_values(session->kv, layer), &tails, step->error);
        }
        alisa_tiers_end(tiers, layer);
    }
    for (uint32_t i = 0; i < count && step->status == ALISA_OK; i++) {
        const AlisaPlacementTurn *turn = &session->turns[i];
        step->status = alisa_placement_truncate(session->placement, turn->sequence,
                                                turn->placed - ALISA_KV_BLOCK, step->error);
    }
    if (step->status == ALISA_OK) alisa_kv_blocks_unsealed(&session->tails->blocks);
}

/* Which tokens get slots in the step, and what each sequence will have. */
static void describe_placement(AlisaSession *session) {
    const AlisaStepInputs *inputs = &session->inputs;
    uint32_t context = session->options.context_length;
    bool by_lists = session->sparse && !alisa_sparse_reads_all(session->sparse);
    session->placed_count = session->turn_count = 0;
    for (uint32_t i = 0; i < inputs->row_count; i++) {
        const AlisaSparseRow *row = &inputs->sparse[i];
        uint32_t placed =
            session->tails ? row->count / ALISA_KV_BLOCK * ALISA_KV_BLOCK : row->count;
        uint32_t t = 0;
        while (t < session->turn_count && session->turns[t].sequence != row->sequence)
            t++;
        if (t == session->turn_count) session->turn_count++;
        session->turns[t] =
            (AlisaPlacementTurn){row->sequence, row->count, placed, by_lists && !row->prompt};
        if (!session->tails)
            session->placed[session->placed_count++] =
                (AlisaTokenRow){row->sequence, row->count - 1};
    }
    if (!session->tails) return;
    const AlisaKvMoves *seal = &session->tails->blocks.seal;
    session->placed_count = seal->count * ALISA_KV_BLOCK;
    for (uint32_t i = 0; i < session->placed_count; i++) {
        uint32_t slot = (uint32_t)seal->slots[i];
        session->placed[i] = (AlisaTokenRow){slot / context, slot % context};
    }
}

static void begin_placement(Step *step) {
    AlisaSession *session = step->session;
    if (step->status != ALISA_OK || !session->placement) return;
    if (session->tails && session->tails->blocks.unseal.count > 0) unseal_from_tiers(step);
    if (step->status != ALISA_OK) return;
    describe_placement(session);
    step->status = alisa_placement_begin(session->placement, session->placed, session->placed_count,
                                         session->turns, session->turn_count, step->error);
}

/* Lists of the step that name tokens by their place in the context become slots of the layer. */
static const AlisaBuffer *layer_lists(Step *step, uint32_t layer) {
    AlisaSession *session = step->session;
    if (!session->placement) return &session->tails->slots;
    step->status = alisa_kv_tails_resolve(
        session->tails, &session->tails->slots, alisa_kv_pages(session->kv, layer),
        session->tails->blocks.list_used, &session->layer_lists, step->error);
    return &session->layer_lists;
}

/* ---- A layer ------------------------------------------------------------------------------- */

/* Stores k and v of the step's rows: blocks that a sequence was cut back into get their halves
 * again first, and blocks that are full now are sealed, since later rows of this step see their
 * codes. */
static void store(Step *step, uint32_t layer, const AlisaAttentionTails *tails) {
    AlisaSession *session = step->session;
    const AlisaStepBuffers *buffers = &session->buffers;
    const AlisaBuffer *keys = alisa_kv_keys(session->kv, layer);
    const AlisaBuffer *values = alisa_kv_values(session->kv, layer);
    if (session->sparse) {
        step->status = alisa_sparse_store(session->sparse, layer, whole(&buffers->key),
                                          &buffers->rotations, step->rows, step->error);
        if (step->status != ALISA_OK) return;
    }
    const AlisaBuffer *row_slots = &buffers->row_slots;
    if (session->placement && !tails)
        row_slots = alisa_tiers_row_slots(alisa_kv_tiers(session->kv), layer);
    if (tails && !session->placement && session->tails->blocks.unseal.count > 0) {
        AlisaAttentionBlocks blocks =
            blocks_of(&session->tails->unseal, session->tails->blocks.unseal.count);
        step->status =
            alisa_attention_unseal(session->attention, &blocks, keys, values, tails, step->error);
        if (step->status != ALISA_OK) return;
    }
    step->status = alisa_attention_store(
        session->attention, whole(&buffers->query), whole(&buffers->key), whole(&buffers->value),
        &buffers->rotations, row_slots, step->rows, keys, values, tails, step->error);
    if (step->status != ALISA_OK || !tails || session->tails->blocks.seal.count == 0) return;
    AlisaAttentionBlocks blocks =
        blocks_of(&session->tails->seal, session->tails->blocks.seal.count);
    if (session->placement)
        blocks.slots = alisa_tiers_row_slots(alisa_kv_tiers(session->kv), layer);
    step->status =
        alisa_attention_seal(session->attention, &blocks, keys, values, tails, step->error);
}

static void attend(Step *step, uint32_t layer) {
    if (step->status != ALISA_OK) return;
    AlisaSession *session = step->session;
    const AlisaStepBuffers *buffers = &session->buffers;
    AlisaAttentionTails tails;
    AlisaAttentionLists lists = {.slots = alisa_kv_pages(session->kv, layer),
                                 .tiles = &buffers->tiles,
                                 .tile_count = session->inputs.tile_count,
                                 .longest = session->inputs.longest};
    if (session->tails) {
        tails = tails_of(session->tails, layer);
        lists.blocks = &session->tails->param_rows;
        lists.tails = &tails;
    }
    const AlisaBuffer *keys = alisa_kv_keys(session->kv, layer);
    const AlisaBuffer *values = alisa_kv_values(session->kv, layer);
    const AlisaSparseLayer sparse = {.index = layer,
                                     .attention = session->attention,
                                     .q = whole(&buffers->query),
                                     .keys = keys,
                                     .values = values,
                                     .pages = alisa_kv_pages(session->kv, layer),
                                     .all_tokens = &lists,
                                     .y = whole(&buffers->attended)};
    store(step, layer, lists.tails);
    if (step->status == ALISA_OK && session->sparse)
        step->status = alisa_sparse_choose(session->sparse, &sparse, step->error);
    if (step->status == ALISA_OK && session->placement)
        step->status = alisa_placement_chosen(session->placement, layer, step->error);
    if (step->status == ALISA_OK && session->placement)
        step->status = alisa_session_rebuild(session, layer, step->error);
    if (step->status == ALISA_OK && session->placement)
        step->status = alisa_placement_arrive(session->placement, layer, step->error);
    if (step->status == ALISA_OK && session->tails) lists.slots = layer_lists(step, layer);
    if (step->status == ALISA_OK && session->sparse)
        step->status = alisa_sparse_attend(session->sparse, &sparse, step->error);
    if (step->status != ALISA_OK) return;
    step->status = alisa_attention_run(session->attention, whole(&buffers->query), keys, values,
                                       &lists, whole(&buffers->attended), NULL, step->error);
}

static void run_layer(Step *step, uint32_t layer) {
    const AlisaLayerWeights *weights = alisa_weights_layer(step->session->engine->weights, layer);
    const AlisaStepBuffers *buffers = &step->session->buffers;

    if (step->status == ALISA_OK && step->session->placement)
        step->status = alisa_placement_need(step->session->placement, layer, step->error);
    norm(step, &buffers->residual, weights->attention_norm, &buffers->normed);
    if (step->status == ALISA_OK && step->session->placement)
        step->status = alisa_placement_keep_inputs(step->session->placement, layer,
                                                   &buffers->normed, step->error);
    const AlisaProduct attended[] = {{weights->query, whole(&buffers->query)},
                                     {weights->key, whole(&buffers->key)},
                                     {weights->value, whole(&buffers->value)}};
    matmul_each(step, attended, 3, &buffers->normed);
    attend(step, layer);
    if (step->status == ALISA_OK && step->session->placement)
        step->status = alisa_placement_leave(step->session->placement, layer, step->error);
    matmul(step, &weights->attention_output, &buffers->attended, &buffers->residual, true);

    norm(step, &buffers->residual, weights->feed_forward_norm, &buffers->normed);
    const AlisaProduct gated[] = {{weights->gate, whole(&buffers->gate)},
                                  {weights->up, whole(&buffers->up)}};
    matmul_each(step, gated, 2, &buffers->normed);
    if (step->status == ALISA_OK) {
        step->status = alisa_ops_silu_product(
            step->ops, whole(&buffers->gate), whole(&buffers->up), step->rows,
            step->shape->layers[layer].feed_forward_length, whole(&buffers->gate), step->error);
    }
    matmul(step, &weights->down, &buffers->gate, &buffers->residual, true);
}

/* Norm and head for the wanted rows only: the head is the largest matrix of a small model. */
static void launch_head(Step *step) {
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
    if (step->status != ALISA_OK || !session->choices) return;
    step->status =
        alisa_ops_likeliest(step->ops, whole(&buffers->logits), wanted,
                            step->shape->vocabulary_size, &buffers->choices, step->error);
}

/* The logits, or the place of the largest of each row. */
static void read_logits(Step *step) {
    AlisaSession *session = step->session;
    AlisaDevice *device = session->engine->device;
    const AlisaStepBuffers *buffers = &session->buffers;
    uint32_t wanted = session->inputs.logit_count;
    if (step->status != ALISA_OK || wanted == 0) return;
    size_t vocabulary = step->shape->vocabulary_size;
    uint64_t bytes = wanted * vocabulary * sizeof(float);
    if (session->choices) {
        bytes = wanted * sizeof *session->choices;
        step->status =
            alisa_buffer_read(device, &buffers->choices, 0,
                              session->choices + session->logits_valid, bytes, step->error);
    } else {
        step->status = alisa_buffer_read(device, &buffers->logits, 0,
                                         session->logits + session->logits_valid * vocabulary,
                                         bytes, step->error);
    }
    session->device_to_host_bytes += bytes;
    if (step->status == ALISA_OK) session->logits_valid += wanted;
}

AlisaStatus alisa_step_run(AlisaSession *session, AlisaError *error) {
    AlisaEngine *engine = session->engine;
    Step step = {session, engine->ops, &engine->shape, session->inputs.row_count, ALISA_OK, error};
    upload_inputs(&step);
    begin_placement(&step);
    if (step.status == ALISA_OK) {
        step.status = alisa_ops_embed(step.ops, alisa_weights_embedding(engine->weights),
                                      &session->buffers.tokens, step.rows,
                                      whole(&session->buffers.residual), error);
    }
    for (uint32_t layer = 0; layer < engine->shape.layer_count; layer++)
        run_layer(&step, layer);
    launch_head(&step);
    if (step.status == ALISA_OK && session->placement)
        step.status = alisa_placement_end(session->placement, error);
    read_logits(&step);
    /* Without logits nothing has waited for the device yet: hand it the work, so that it computes
     * while the host prepares the next step. */
    if (step.status == ALISA_OK && session->inputs.logit_count == 0) {
        step.status = alisa_opencl_flush(engine->device, error);
    }
    return step.status;
}
