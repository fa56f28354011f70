/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/admit.h"

#include "base/clock.h"
#include "engine/admission.h"
#include "engine/advance.h"

static AlisaStatus carry_out(AlisaSession *session, AlisaStage *stage,
                             const AlisaSchedAction *action, AlisaError *error) {
    uint32_t sequence = action->sequence;
    uint32_t placed = alisa_stage_placed(stage, sequence, session->timeline.lengths[sequence]);
    switch (action->kind) {
    case ALISA_SCHED_SWAP_IN:
        return alisa_placement_swap_in(stage->placement, sequence, placed, error);
    case ALISA_SCHED_SWAP_OUT:
        return alisa_placement_swap_out(stage->placement, sequence, placed, error);
    default:
        return alisa_placement_truncate(stage->placement, sequence, 0, error);
    }
}

static AlisaStatus carry_out_in_stages(AlisaSession *session, const AlisaSchedAction *action,
                                       AlisaError *error) {
    if (action->kind == ALISA_SCHED_PREFILL)
        return alisa_advance_again(session, action->sequence, error);
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < session->stage_count && status == ALISA_OK; i++)
        status = carry_out(session, &session->stages[i], action, error);
    return status;
}

/* Carries out what the queue has decided. Where that fails, sequences that were to leave or to come
 * back hold nothing any more, and wait to be computed again. */
static AlisaStatus carry_out_all(AlisaSession *session, AlisaError *error) {
    AlisaSchedQueue *queue = &session->admission->queue;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < queue->action_count; i++) {
        uint32_t sequence = queue->actions[i].sequence;
        if (status == ALISA_OK) status = carry_out_in_stages(session, &queue->actions[i], error);
        if (status == ALISA_OK) continue;
        for (uint32_t s = 0; s < session->stage_count; s++)
            alisa_placement_truncate(session->stages[s].placement, sequence, 0, NULL);
        alisa_sched_queue_drop(queue, sequence);
    }
    if (status == ALISA_ERROR_DEVICE) alisa_advance_lose(session);
    return status;
}

static AlisaStatus admit(AlisaSession *session, const uint32_t *wanted, AlisaError *error) {
    AlisaAdmission *admission = session->admission;
    AlisaSchedCost cost;
    uint64_t begun = alisa_clock_now();
    AlisaStatus status = alisa_advance_truncate(session, error);
    if (status != ALISA_OK) return status;
    alisa_admission_describe(session, wanted);
    alisa_sched_queue_admit(&admission->queue);
    alisa_sched_queue_cost(&admission->queue, &cost);
    status = carry_out_all(session, error);
    admission->predicted = cost.total;
    admission->seconds = (double)(alisa_clock_now() - begun) * 1e-9;
    return status;
}

AlisaStatus alisa_engine_session_admit(AlisaSession *session, const uint32_t *wanted,
                                       bool *admitted, AlisaError *error) {
    const AlisaAdmission *admission = session->admission;
    AlisaStatus status = admission ? admit(session, wanted, error) : ALISA_OK;
    for (uint32_t i = 0; i < session->options.sequence_count; i++) {
        bool here = !admission || admission->queue.sequences[i].state == ALISA_SCHED_RUNNING;
        admitted[i] = status == ALISA_OK && here && wanted[i] > 0;
    }
    return status;
}
