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
    if (status == ALISA_OK && admission) status = alisa_admission_reserve(session, error);
    if (status == ALISA_OK) status = alisa_advance(session, rows, count, error);
    if (admission) admission->seconds = admission->predicted = 0.0;
    return status;
}

uint32_t alisa_engine_session_keep(AlisaSession *session, uint32_t sequence, const int32_t *tokens,
                                   size_t count) {
    AlisaTimeline *timeline = &session->timeline;
    uint32_t kept = alisa_timeline_common(timeline, sequence, tokens, count);
    bool gone = session->options.placement.policy == ALISA_POLICY_H2O;
    if (gone && (kept < count || kept < timeline->lengths[sequence])) kept = 0;
    alisa_timeline_truncate(timeline, sequence, kept);
    return kept;
}
