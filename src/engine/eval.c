/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/eval.h"

#include "engine/admission.h"
#include "engine/advance.h"

AlisaStatus alisa_engine_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                                      AlisaError *error) {
    AlisaAdmission *admission = session->admission;
    session->logits_valid = 0;
    AlisaStatus status = alisa_timeline_check(&session->timeline, rows, count,
                                              session->engine->shape.vocabulary_size,
                                              session->options.logit_rows, error);
    if (status == ALISA_OK) status = alisa_advance_truncate(session, error);
    if (status == ALISA_OK) alisa_timeline_begin(&session->timeline, rows, count);
    if (status == ALISA_OK && admission) status = alisa_admission_reserve(session, error);
    if (status == ALISA_OK) status = alisa_advance(session, rows, count, error);
    if (admission) admission->seconds = admission->predicted = 0.0;
    return status;
}

uint32_t alisa_engine_session_keep(AlisaSession *session, uint32_t sequence, const int32_t *tokens,
                                   size_t count) {
    AlisaTimeline *timeline = &session->timeline;
    uint32_t kept = alisa_timeline_common(timeline, sequence, tokens, count);
    const AlisaSelectOptions *attention = &session->options.attention;
    bool dense = attention->kind == ALISA_SELECT_DENSE;
    bool is_cut = kept < timeline->lengths[sequence];
    bool gone = session->options.placement.policy == ALISA_POLICY_H2O;
    /* Sums of past rows are no longer those of a text that was cut back. */
    bool summed = alisa_selector_source(attention) == ALISA_SELECT_BY_SUMS;
    /* A row that came alone would be a step over chosen tokens, not the end of a prompt. */
    if (!dense && kept == count && kept > 0) kept--;
    for (uint32_t i = 0; i < session->stage_count; i++)
        if (!alisa_stage_reaches(&session->stages[i], sequence, kept)) kept = 0;
    if ((gone && (kept < count || is_cut)) || (!dense && summed && is_cut)) kept = 0;
    alisa_timeline_truncate(timeline, sequence, kept);
    return kept;
}
