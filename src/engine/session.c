/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/session.h"

#include <stdlib.h>

#include "device/link.h"
#include "engine/admission.h"

/* ---- Making -------------------------------------------------------------------------------- */

static AlisaStatus create_results(AlisaSession *session, AlisaError *error) {
    const AlisaSetupOptions *options = &session->options;
    const AlisaShape *shape = &session->engine->shape;
    session->step.rows =
        alisa_allocate(options->micro_batch, sizeof *session->step.rows, "step", error);
    if (options->likeliest_only) {
        session->choices = alisa_allocate(options->logit_rows, sizeof *session->choices,
                                          "likeliest tokens", error);
    } else {
        session->logits = alisa_allocate(options->logit_rows * (size_t)shape->vocabulary_size,
                                         sizeof *session->logits, "logits", error);
    }
    session->residual = alisa_allocate((size_t)options->micro_batch * shape->embedding_length,
                                       sizeof *session->residual, "residual stream", error);
    bool complete =
        session->step.rows && session->residual && (session->choices || session->logits);
    return complete ? ALISA_OK : ALISA_ERROR_MEMORY;
}

static AlisaStatus create_stages(AlisaSession *session, const AlisaSessionSetup *setup,
                                 AlisaError *error) {
    session->stages =
        alisa_allocate_zeroed(setup->stage_count, sizeof *session->stages, "stages", error);
    if (!session->stages) return ALISA_ERROR_MEMORY;
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < setup->stage_count && status == ALISA_OK; i++) {
        const AlisaStageSetup of = {setup->engine, &setup->shards[i], &session->options};
        session->stage_count++;
        status = alisa_stage_init(&session->stages[i], &of, setup->plans ? &setup->plans[i] : NULL,
                                  error);
    }
    return status;
}

AlisaStatus alisa_engine_session_make(const AlisaSessionSetup *setup, AlisaSession **session,
                                      AlisaError *error) {
    *session = NULL;
    AlisaSession *made = alisa_allocate_zeroed(1, sizeof *made, "session", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->engine = setup->engine;
    made->options = setup->options;
    made->not_needed = setup->not_needed;
    AlisaStatus status = create_stages(made, setup, error);
    if (status == ALISA_OK)
        status = alisa_timeline_init(&made->timeline, made->options.sequence_count,
                                     made->options.context_length, error);
    if (status == ALISA_OK) status = create_results(made, error);
    if (status == ALISA_OK && made->options.placement.policy == ALISA_POLICY_VLLM)
        status = alisa_admission_create(made, error);
    if (status != ALISA_OK) {
        alisa_engine_session_free(made);
        return status;
    }
    *session = made;
    return ALISA_OK;
}

void alisa_engine_session_free(AlisaSession *session) {
    if (!session) return;
    alisa_admission_destroy(session->admission);
    for (uint32_t i = 0; i < session->stage_count; i++)
        alisa_stage_finish(&session->stages[i]);
    alisa_timeline_finish(&session->timeline);
    free(session->stages);
    free(session->step.rows);
    free(session->residual);
    free(session->logits);
    free(session->choices);
    free(session->records);
    free(session);
}

/* ---- Reports ------------------------------------------------------------------------------- */

void alisa_engine_session_usage(const AlisaSession *session, AlisaKvUsage *usage) {
    *usage = (AlisaKvUsage){0};
    for (uint32_t i = 0; i < session->stage_count; i++) {
        AlisaKvUsage of;
        alisa_kv_usage(session->stages[i].kv, &of);
        for (int tier = 0; tier < ALISA_TIER_COUNT; tier++) {
            usage->tokens[tier] += of.tokens[tier];
            usage->inputs[tier] += of.inputs[tier];
        }
        usage->traffic.bytes_to_device += of.traffic.bytes_to_device;
        usage->traffic.bytes_to_host += of.traffic.bytes_to_host;
        usage->traffic.seconds += of.traffic.seconds;
    }
}

void alisa_engine_session_memory(const AlisaSession *session, AlisaMemoryUse *use) {
    *use = (AlisaMemoryUse){0};
    for (uint32_t i = 0; i < session->stage_count; i++) {
        const AlisaStage *stage = &session->stages[i];
        use->weight_bytes += alisa_weights_bytes(stage->setup.shard->weights);
        use->host_weight_bytes += alisa_weights_host_bytes(stage->setup.shard->weights);
        use->kv_bytes += alisa_stage_kv_bytes(stage);
        use->scratch_bytes += stage->device_bytes - alisa_stage_kv_bytes(stage);
        use->host_to_device_bytes += stage->host_to_device_bytes;
        use->device_to_host_bytes += stage->device_to_host_bytes;
    }
}

/* Tokens, times layers, of sequences that are to be computed again when they come back. */
static uint64_t waiting_tokens(const AlisaSession *session) {
    const AlisaAdmission *admission = session->admission;
    uint64_t tokens = 0, layers = 0;
    for (uint32_t i = 0; i < session->stage_count; i++)
        layers += session->stages[i].global_layers;
    for (uint32_t i = 0; admission && i < session->options.sequence_count; i++)
        if (admission->queue.sequences[i].state == ALISA_SCHED_WAITING)
            tokens += session->timeline.lengths[i];
    return tokens * layers;
}

void alisa_engine_session_placement(const AlisaSession *session, AlisaPlacementUse *use) {
    AlisaKvUsage kv;
    alisa_engine_session_usage(session, &kv);
    *use = (AlisaPlacementUse){
        .device_tokens = kv.tokens[ALISA_TIER_DEVICE] + kv.tokens[ALISA_TIER_BOTH],
        .host_tokens = kv.tokens[ALISA_TIER_HOST],
        .recomputable_tokens = kv.tokens[ALISA_TIER_DROPPED] + waiting_tokens(session),
        .forgotten_tokens = kv.tokens[ALISA_TIER_FORGOTTEN],
        .bytes_to_device = kv.traffic.bytes_to_device,
        .bytes_to_host = kv.traffic.bytes_to_host,
        .preempted = session->admission ? session->admission->queue.preempted : 0,
        .not_needed = session->not_needed};
    for (uint32_t i = 0; i < session->stage_count; i++) {
        const AlisaStage *stage = &session->stages[i];
        AlisaKvShape shape = alisa_setup_kv_shape(&stage->setup);
        use->device_bytes += alisa_stage_kv_bytes(stage);
        use->recomputed += stage->rebuild.tokens;
        double link = alisa_opencl_emulated_link(stage->setup.shard->device).bytes_per_second;
        if (use->link_rate == 0.0 || (link > 0.0 && link < use->link_rate)) use->link_rate = link;
        if (stage->placement) use->replanned += alisa_placement_replanned(stage->placement);
        AlisaKvUsage of;
        alisa_kv_usage(stage->kv, &of);
        use->host_bytes += (of.tokens[ALISA_TIER_HOST] + of.tokens[ALISA_TIER_BOTH]) *
                           alisa_kv_layer_bytes(&shape);
    }
    for (size_t i = 0; i < session->record_count; i++) {
        const AlisaStepRecord *record = &session->records[i];
        if (record->phase > 1 && use->host_from == 0) use->host_from = record->length;
        if (record->phase > 2 && use->inputs_from == 0) use->inputs_from = record->length;
    }
}
