/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/admission.h"

#include <stdlib.h>

AlisaStatus alisa_admission_create(AlisaSession *session, AlisaError *error) {
    AlisaAdmission *made = alisa_allocate_zeroed(1, sizeof *made, "admission", error);
    if (!made) return ALISA_ERROR_MEMORY;
    session->admission = made;
    AlisaSchedStage *stages =
        alisa_allocate(session->stage_count, sizeof *stages, "admission", error);
    AlisaStatus status = stages ? ALISA_OK : ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < session->stage_count && status == ALISA_OK; i++) {
        const AlisaPlacement *placement = session->stages[i].placement;
        stages[i] =
            (AlisaSchedStage){alisa_placement_problem(placement), alisa_placement_plan(placement)};
    }
    if (status == ALISA_OK)
        status = alisa_sched_queue_init(&made->queue, stages, session->stage_count, error);
    free(stages);
    return status;
}

void alisa_admission_destroy(AlisaAdmission *admission) {
    if (!admission) return;
    alisa_sched_queue_finish(&admission->queue);
    free(admission);
}

/* Tokens for which a sequence needs blocks: its own, and those of a block of i8 that it was cut
 * back into, whose codes it has until it goes on. */
static uint32_t occupied(const AlisaSession *session, uint32_t sequence) {
    uint32_t length = session->timeline.lengths[sequence], most = length;
    bool waits = session->admission->queue.sequences[sequence].state == ALISA_SCHED_WAITING;
    for (uint32_t i = 0; i < session->stage_count && !waits; i++) {
        uint32_t here = alisa_stage_occupied(&session->stages[i], sequence, length);
        if (here > most) most = here;
    }
    return most;
}

void alisa_admission_describe(AlisaSession *session, const uint32_t *wanted) {
    AlisaSchedQueue *queue = &session->admission->queue;
    for (uint32_t i = 0; i < session->options.sequence_count; i++) {
        alisa_sched_queue_resize(queue, i, occupied(session, i));
        queue->sequences[i].wanted = wanted[i];
    }
}

AlisaStatus alisa_admission_reserve(AlisaSession *session, AlisaError *error) {
    AlisaSchedQueue *queue = &session->admission->queue;
    alisa_admission_describe(session, session->timeline.call_rows);
    if (alisa_sched_queue_grow(queue)) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "policy vllm: the rows of this call need a sequence that is not on the "
                           "device, or more than the %u free of its %u blocks of %d tokens: ask "
                           "alisa_session_admit which sequences may go on, or raise --device-mem",
                           queue->free_blocks, queue->block_count, ALISA_SCHED_BLOCK);
}
