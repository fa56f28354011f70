/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/experts.h"

#include "ops/experts.h"

bool alisa_experts_in(const AlisaLayerWeights *weights) {
    return weights->router.buffer;
}

static bool are_biased(const AlisaLayerWeights *weights) {
    return weights->expert_gate_bias.buffer || weights->expert_up_bias.buffer;
}

/* ---- Routing ------------------------------------------------------------------------------- */

static AlisaStatus add_bias(AlisaStage *stage, AlisaVector y, AlisaVector bias, uint32_t columns,
                            uint32_t rows, AlisaError *error) {
    const AlisaBiased biased = {y, bias, columns};
    if (!bias.buffer) return ALISA_OK;
    return alisa_ops_add_bias_each(stage->setup.shard->ops, &biased, 1, rows, error);
}

/* Chooses the experts of the rows, and packs x by them. */
static AlisaStatus route(AlisaStage *stage, const AlisaLayerWeights *weights, const AlisaBuffer *x,
                         uint32_t rows, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaShard *shard = stage->setup.shard;
    AlisaExpertRows *sorted = &stage->experts;
    uint32_t slots = rows * shape->experts.used;
    uint64_t bytes = slots * sizeof(int32_t);
    AlisaVector logits = alisa_scratch_all(&scratch->router);
    AlisaShares shares = shape->architecture->gating == ALISA_GATING_SOFTMAX
                             ? ALISA_SHARES_OF_ALL
                             : ALISA_SHARES_OF_CHOSEN;
    AlisaStatus status = alisa_ops_matmul(shard->ops, &weights->router, alisa_scratch_all(x), rows,
                                          logits, false, error);
    if (status == ALISA_OK)
        status = add_bias(stage, logits, weights->router_bias, shape->experts.count, rows, error);
    if (status == ALISA_OK)
        status =
            alisa_ops_route(shard->ops, logits, rows, shape->experts.count, shape->experts.used,
                            shares, &scratch->chosen, &scratch->shares, error);
    if (status == ALISA_OK)
        status =
            alisa_buffer_read(shard->device, &scratch->chosen, 0, sorted->chosen, bytes, error);
    if (status != ALISA_OK) return status;
    alisa_expert_rows_sort(sorted, &shape->experts, rows);
    stage->device_to_host_bytes += bytes;
    stage->host_to_device_bytes += 2 * bytes;
    /* The host sorts again only after it has read what the next layer chose, behind this write. */
    status = alisa_buffer_write_later(shard->device, &scratch->order, 0, sorted->order, 2 * bytes,
                                      error);
    if (status != ALISA_OK) return status;
    return alisa_ops_gather_rows(shard->ops, alisa_scratch_all(x), &scratch->order, slots,
                                 shape->embedding_length, alisa_scratch_all(&scratch->packed),
                                 error);
}

/* ---- Products ------------------------------------------------------------------------------ */

/* The next expert that rows take. */
static bool next_run(const AlisaStage *stage, AlisaExpertRun *run) {
    return alisa_expert_rows_next(&stage->experts, &stage->setup.engine->shape.experts, run);
}

static AlisaVector from_row(const AlisaBuffer *buffer, uint64_t row, uint32_t columns) {
    return (AlisaVector){buffer, row * columns};
}

/* Of one expert: its part of biases that all have. */
static AlisaVector bias_of(AlisaVector biases, uint32_t expert, uint32_t columns) {
    return (AlisaVector){biases.buffer, biases.offset + (uint64_t)expert * columns};
}

/* gate = act(gate + b) * (up + c), from the same place of both on. */
static AlisaStatus activate(AlisaStage *stage, uint64_t offset, AlisaVector gate_bias,
                            AlisaVector up_bias, uint32_t rows, uint32_t columns,
                            AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    const AlisaActivated what = {.activation = stage->setup.engine->shape.architecture->activation,
                                 .x = {&scratch->gate, offset},
                                 .x_bias = gate_bias,
                                 .up = {&scratch->up, offset},
                                 .up_bias = up_bias};
    return alisa_ops_activate(stage->setup.shard->ops, &what, rows, columns, what.x, error);
}

/* Products, and where each expert has biases of its own the activation. */
static AlisaStatus expand_expert(AlisaStage *stage, const AlisaLayerWeights *weights,
                                 const AlisaExpertRun *run, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaScratch *scratch = &stage->scratch;
    uint32_t forward = shape->experts.forward;
    const AlisaProduct products[] = {
        {alisa_matrix_rows(&weights->expert_gate, run->expert * forward, forward),
         from_row(&scratch->gate, run->first, forward)},
        {alisa_matrix_rows(&weights->expert_up, run->expert * forward, forward),
         from_row(&scratch->up, run->first, forward)}};
    AlisaStatus status = alisa_ops_matmul_each(
        stage->setup.shard->ops, products, 2,
        from_row(&scratch->packed, run->first, shape->embedding_length), run->rows, error);
    if (status != ALISA_OK || !are_biased(weights)) return status;
    return activate(
        stage, products[0].y.offset, bias_of(weights->expert_gate_bias, run->expert, forward),
        bias_of(weights->expert_up_bias, run->expert, forward), run->rows, forward, error);
}

/* The shared expert's activations lie behind those of the others. */
static uint64_t shared_offset(const AlisaStage *stage, uint32_t rows) {
    const AlisaExpertShape *experts = &stage->setup.engine->shape.experts;
    return (uint64_t)rows * experts->used * experts->forward;
}

static AlisaStatus expand_shared(AlisaStage *stage, const AlisaLayerWeights *weights,
                                 const AlisaBuffer *x, uint32_t rows, AlisaError *error) {
    const AlisaScratch *scratch = &stage->scratch;
    AlisaOps *ops = stage->setup.shard->ops;
    AlisaVector all = alisa_scratch_all(x), share = alisa_scratch_all(&scratch->router);
    AlisaVector gate = {&scratch->gate, shared_offset(stage, rows)};
    const AlisaProduct products[] = {{weights->shared_gate, gate},
                                     {weights->shared_up, {&scratch->up, gate.offset}}};
    if (!weights->shared_up.buffer) return ALISA_OK;
    AlisaStatus status = alisa_ops_matmul_each(ops, products, 2, all, rows, error);
    if (status == ALISA_OK)
        status = activate(stage, gate.offset, (AlisaVector){0}, (AlisaVector){0}, rows,
                          weights->shared_up.rows, error);
    if (status != ALISA_OK || !weights->shared_router.buffer) return status;
    status = alisa_ops_matmul(ops, &weights->shared_router, all, rows, share, false, error);
    if (status != ALISA_OK) return status;
    return alisa_ops_weigh(ops, share, rows, weights->shared_up.rows, gate, error);
}

AlisaStatus alisa_experts_expand(AlisaStage *stage, const AlisaLayerWeights *weights,
                                 const AlisaBuffer *x, uint32_t rows, AlisaError *error) {
    const AlisaExpertShape *experts = &stage->setup.engine->shape.experts;
    AlisaStatus status = route(stage, weights, x, rows, error);
    AlisaExpertRun run = {0};
    while (status == ALISA_OK && next_run(stage, &run))
        status = expand_expert(stage, weights, &run, error);
    /* Without biases rows are alike: one launch in place of one an expert. */
    if (status == ALISA_OK && !are_biased(weights))
        status = activate(stage, 0, (AlisaVector){0}, (AlisaVector){0}, rows * experts->used,
                          experts->forward, error);
    return status == ALISA_OK ? expand_shared(stage, weights, x, rows, error) : status;
}

/* What the expert gives takes the place of what it took. */
static AlisaStatus contract_expert(AlisaStage *stage, const AlisaLayerWeights *weights,
                                   const AlisaExpertRun *run, AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    uint32_t width = shape->embedding_length;
    AlisaMatrix down = alisa_matrix_rows(&weights->expert_down, run->expert * width, width);
    AlisaVector y = from_row(&stage->scratch.packed, run->first, width);
    AlisaStatus status =
        alisa_ops_matmul(stage->setup.shard->ops, &down,
                         from_row(&stage->scratch.gate, run->first, shape->experts.forward),
                         run->rows, y, false, error);
    if (status != ALISA_OK) return status;
    return add_bias(stage, y, bias_of(weights->expert_down_bias, run->expert, width), width,
                    run->rows, error);
}

AlisaStatus alisa_experts_contract(AlisaStage *stage, const AlisaLayerWeights *weights,
                                   uint32_t rows, AlisaVector y, bool accumulate,
                                   AlisaError *error) {
    const AlisaShape *shape = &stage->setup.engine->shape;
    const AlisaScratch *scratch = &stage->scratch;
    AlisaOps *ops = stage->setup.shard->ops;
    uint32_t used = shape->experts.used;
    AlisaStatus status = ALISA_OK;
    AlisaExpertRun run = {0};
    while (status == ALISA_OK && next_run(stage, &run))
        status = contract_expert(stage, weights, &run, error);
    if (status == ALISA_OK)
        status = alisa_ops_combine(ops, alisa_scratch_all(&scratch->packed), &scratch->order,
                                   (uint64_t)rows * used, &scratch->shares, rows, used,
                                   shape->embedding_length, accumulate, y, error);
    if (status != ALISA_OK || !weights->shared_down.buffer) return status;
    return alisa_ops_matmul(ops, &weights->shared_down,
                            (AlisaVector){&scratch->gate, shared_offset(stage, rows)}, rows, y,
                            true, error);
}
