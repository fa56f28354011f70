/*
 * Whole sequences come and go (policy vllm): which of them have their tokens on the device is
 * decided in sched/queue.h, and carried out here. A sequence that is away is on the host, or its
 * text is remembered and its K and V are computed from it again when it comes back.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "engine/session.h"

AlisaStatus alisa_session_create_admission(AlisaSession *session, AlisaError *error) {
    const AlisaSessionOptions *options = &session->options;
    const char *what = "text of sequences";
    AlisaAdmission *made = alisa_allocate_zeroed(1, sizeof *made, what, error);
    if (!made) return ALISA_ERROR_MEMORY;
    session->admission = made;
    made->tokens = alisa_allocate((size_t)options->sequence_count * options->context_length,
                                  sizeof *made->tokens, what, error);
    made->rows = alisa_allocate(options->context_length, sizeof *made->rows, what, error);
    if (!made->tokens || !made->rows) return ALISA_ERROR_MEMORY;
    return alisa_sched_queue_init(&made->queue, alisa_placement_problem(session->placement),
                                  alisa_placement_plan(session->placement), error);
}

void alisa_session_destroy_admission(AlisaSession *session) {
    AlisaAdmission *admission = session->admission;
    if (!admission) return;
    alisa_sched_queue_finish(&admission->queue);
    free(admission->tokens);
    free(admission->rows);
    free(admission);
}

/* Tokens for which a sequence needs blocks: its own, and those of a block of i8 that it was cut
 * back into, whose codes it has until it goes on. */
static uint32_t occupied(const AlisaSession *session, uint32_t sequence) {
    uint32_t length = session->lengths[sequence];
    bool away = session->admission->queue.sequences[sequence].state == ALISA_SCHED_WAITING;
    if (away || !session->tails ||
        !alisa_kv_blocks_unseals(&session->tails->blocks, sequence, length))
        return length;
    return (length / ALISA_KV_BLOCK + 1) * ALISA_KV_BLOCK;
}

/* Of those, the ones that have slots. */
static uint32_t placed(const AlisaSession *session, uint32_t sequence) {
    uint32_t tokens = occupied(session, sequence);
    return session->tails ? tokens / ALISA_KV_BLOCK * ALISA_KV_BLOCK : tokens;
}

static void describe_queue(AlisaSession *session, const uint32_t *wanted) {
    AlisaSchedQueue *queue = &session->admission->queue;
    for (uint32_t i = 0; i < session->options.sequence_count; i++) {
        alisa_sched_queue_resize(queue, alisa_placement_problem(session->placement), i,
                                 occupied(session, i));
        queue->sequences[i].wanted = wanted[i];
    }
}

AlisaStatus alisa_session_reserve(AlisaSession *session, AlisaError *error) {
    AlisaSchedQueue *queue = &session->admission->queue;
    describe_queue(session, session->call_rows);
    if (alisa_sched_queue_grow(queue, alisa_placement_problem(session->placement))) return ALISA_OK;
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "policy vllm: the rows of this call need a sequence that is not on the "
                           "device, or more than the %u free of its %u blocks of %d tokens: ask "
                           "alisa_session_admit which sequences may go on, or raise --device-mem",
                           queue->free_blocks, queue->block_count, ALISA_SCHED_BLOCK);
}

/* ---- Leaving and coming back --------------------------------------------------------------- */

static AlisaStatus compute_again(AlisaSession *session, uint32_t sequence, AlisaError *error) {
    AlisaAdmission *admission = session->admission;
    uint32_t length = session->lengths[sequence];
    const int32_t *text = admission->tokens + (uint64_t)sequence * session->options.context_length;
    for (uint32_t i = 0; i < length; i++)
        admission->rows[i] = (AlisaRow){text[i], sequence, false};
    session->lengths[sequence] = 0;
    AlisaStatus status = alisa_session_append(session, admission->rows, length, error);
    if (status != ALISA_ERROR_DEVICE) session->lengths[sequence] = length;
    return status;
}

static AlisaStatus carry_out(AlisaSession *session, const AlisaSchedAction *action,
                             AlisaError *error) {
    uint32_t sequence = action->sequence;
    switch (action->kind) {
    case ALISA_SCHED_PREFILL:
        return compute_again(session, sequence, error);
    case ALISA_SCHED_SWAP_IN:
        return alisa_placement_swap_in(session->placement, sequence, placed(session, sequence),
                                       error);
    case ALISA_SCHED_SWAP_OUT:
        return alisa_placement_swap_out(session->placement, sequence, placed(session, sequence),
                                        error);
    default:
        return alisa_placement_truncate(session->placement, sequence, 0, error);
    }
}

/* Carries out what the queue has decided. Where that fails, those that were to leave or to come
 * back hold nothing any more, and wait to be computed again. */
static AlisaStatus carry_out_all(AlisaSession *session, AlisaError *error) {
    AlisaSchedQueue *queue = &session->admission->queue;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < queue->action_count; i++) {
        uint32_t sequence = queue->actions[i].sequence;
        if (status == ALISA_OK) status = carry_out(session, &queue->actions[i], error);
        if (status == ALISA_OK) continue;
        alisa_placement_truncate(session->placement, sequence, 0, NULL);
        alisa_sched_queue_drop(queue, alisa_placement_problem(session->placement), sequence);
    }
    if (status == ALISA_ERROR_DEVICE) alisa_session_lose(session);
    return status;
}

static AlisaStatus admit(AlisaSession *session, const uint32_t *wanted, AlisaError *error) {
    AlisaAdmission *admission = session->admission;
    const AlisaSchedProblem *problem = alisa_placement_problem(session->placement);
    AlisaSchedCost cost;
    uint64_t begun = alisa_clock_now();
    AlisaStatus status = alisa_session_forget(session, error);
    if (status != ALISA_OK) return status;
    describe_queue(session, wanted);
    alisa_sched_queue_admit(&admission->queue, problem);
    alisa_sched_queue_cost(&admission->queue, problem, alisa_placement_plan(session->placement),
                           &cost);
    status = carry_out_all(session, error);
    admission->predicted = cost.total;
    admission->seconds = (double)(alisa_clock_now() - begun) * 1e-9;
    return status;
}

AlisaStatus alisa_session_admit(AlisaSession *session, const uint32_t *wanted, bool *admitted,
                                AlisaError *error) {
    AlisaStatus status = session->admission ? admit(session, wanted, error) : ALISA_OK;
    for (uint32_t i = 0; i < session->options.sequence_count; i++) {
        bool here = !session->admission ||
                    session->admission->queue.sequences[i].state == ALISA_SCHED_RUNNING;
        admitted[i] = status == ALISA_OK && here && wanted[i] > 0;
    }
    return status;
}
