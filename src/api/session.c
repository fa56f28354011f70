/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/select.h"
#include "engine/admit.h"
#include "engine/eval.h"
#include "engine/open.h"

/* ---- Options ------------------------------------------------------------------------------- */

void alisa_select_options_defaults(AlisaSelectOptions *options) {
    alisa_selector_options_defaults(options);
}

void alisa_placement_options_defaults(AlisaPlacementOptions *options) {
    alisa_setup_placement_defaults(options);
}

void alisa_session_options_defaults(AlisaSessionOptions *options) {
    *options = (AlisaSessionOptions){.sequence_count = 1,
                                     .micro_batch = 512,
                                     .key_type = ALISA_KV_F16,
                                     .value_type = ALISA_KV_F16};
}

/* ---- From tokens to logits ----------------------------------------------------------------- */

AlisaStatus alisa_session_create(AlisaEngine *engine, const AlisaSessionOptions *options,
                                 AlisaSession **session, AlisaError *error) {
    AlisaSetupOptions held = alisa_setup_options(options);
    return alisa_engine_session_open(engine, &held, session, error);
}

void alisa_session_destroy(AlisaSession *session) {
    alisa_engine_session_close(session);
}

AlisaStatus alisa_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                               AlisaError *error) {
    return alisa_engine_session_eval(session, rows, count, error);
}

AlisaStatus alisa_session_admit(AlisaSession *session, const uint32_t *wanted, bool *admitted,
                                AlisaError *error) {
    return alisa_engine_session_admit(session, wanted, admitted, error);
}

void alisa_session_truncate(AlisaSession *session, uint32_t sequence, uint32_t length) {
    if (sequence < session->options.sequence_count)
        alisa_timeline_truncate(&session->timeline, sequence, length);
}

uint32_t alisa_session_keep(AlisaSession *session, uint32_t sequence, const int32_t *tokens,
                            size_t count) {
    if (sequence >= session->options.sequence_count) return 0;
    return alisa_engine_session_keep(session, sequence, tokens, count);
}

float *alisa_session_logits(AlisaSession *session, size_t index) {
    if (index >= session->logits_valid || !session->logits) return NULL;
    return session->logits + index * session->engine->shape.vocabulary_size;
}

int32_t alisa_session_likeliest(const AlisaSession *session, size_t index) {
    return index < session->logits_valid && session->choices ? session->choices[index] : -1;
}

/* ---- What a session is --------------------------------------------------------------------- */

uint32_t alisa_session_context_length(const AlisaSession *session) {
    return session->options.context_length;
}

void alisa_session_options(const AlisaSession *session, AlisaSessionOptions *options) {
    alisa_setup_tell(&session->options, options);
}

uint32_t alisa_session_length(const AlisaSession *session, uint32_t sequence) {
    return sequence < session->options.sequence_count ? session->timeline.lengths[sequence] : 0;
}

void alisa_session_lists(const AlisaSession *session, uint32_t layer, AlisaSelectCounts *counts) {
    *counts = (AlisaSelectCounts){0};
    for (uint32_t i = 0; i < session->stage_count; i++) {
        const AlisaStage *stage = &session->stages[i];
        uint32_t first = stage->setup.shard->first_layer;
        if (layer < first || layer - first >= stage->setup.shard->layer_count) continue;
        const AlisaLayerPlace *place = &stage->places[layer - first];
        const AlisaSelectCounts *of_layer = stage->sparse && place->window == 0
                                                ? alisa_sparse_counts(stage->sparse, place->index)
                                                : NULL;
        if (of_layer) *counts = *of_layer;
    }
}

void alisa_session_memory(const AlisaSession *session, AlisaMemoryUse *use) {
    alisa_engine_session_memory(session, use);
}

void alisa_session_placement(const AlisaSession *session, AlisaPlacementUse *use) {
    alisa_engine_session_placement(session, use);
}

const AlisaStepRecord *alisa_session_steps(const AlisaSession *session, size_t *count) {
    *count = session->record_count;
    return session->records;
}
