/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/advance.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/room.h"
#include "engine/step.h"

/* ---- Truncations --------------------------------------------------------------------------- */

AlisaStatus alisa_advance_again(AlisaSession *session, uint32_t sequence, AlisaError *error) {
    AlisaTimeline *timeline = &session->timeline;
    uint32_t length = timeline->lengths[sequence];
    const int32_t *text = alisa_timeline_tokens(timeline, sequence);
    AlisaRow *rows = alisa_allocate(length, sizeof *rows, "rows to compute again", error);
    if (!rows) return ALISA_ERROR_MEMORY;
    for (uint32_t i = 0; i < length; i++)
        rows[i] = (AlisaRow){text[i], sequence, false};
    timeline->lengths[sequence] = 0;
    alisa_timeline_begin(timeline, rows, length);
    AlisaStatus status = alisa_advance(session, rows, length, error);
    if (status != ALISA_ERROR_DEVICE) timeline->lengths[sequence] = length;
    free(rows);
    return status;
}

/* Whether the sequence holds nothing on the device. */
static bool is_away(const AlisaSession *session, uint32_t sequence) {
    const AlisaAdmission *admission = session->admission;
    return admission && admission->queue.sequences[sequence].state != ALISA_SCHED_RUNNING;
}

static AlisaStatus truncate(AlisaSession *session, uint32_t sequence, AlisaError *error) {
    AlisaTimeline *timeline = &session->timeline;
    uint32_t length = timeline->cuts[sequence];
    AlisaStatus status = ALISA_OK;
    bool reaches = true;
    for (uint32_t s = 0; s < session->stage_count; s++)
        reaches = reaches && alisa_stage_reaches(&session->stages[s], sequence, length);
    for (uint32_t s = 0; s < session->stage_count && status == ALISA_OK; s++)
        status = alisa_stage_truncate(&session->stages[s], sequence, reaches ? length : 0, error);
    if (status != ALISA_OK) return status;
    alisa_timeline_told(timeline, sequence);
    if (reaches) return ALISA_OK;
    if (is_away(session, sequence)) {
        alisa_sched_queue_drop(&session->admission->queue, sequence);
        return ALISA_OK;
    }
    status = alisa_advance_again(session, sequence, error);
    if (status == ALISA_OK) return ALISA_OK;
    /* The next call tries it again. */
    timeline->cuts[sequence] = timeline->lengths[sequence];
    for (uint32_t s = 0; s < session->stage_count; s++)
        session->stages[s].reached[sequence] = UINT32_MAX;
    return status;
}

AlisaStatus alisa_advance_truncate(AlisaSession *session, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < session->timeline.sequence_count && status == ALISA_OK; i++)
        if (session->timeline.cuts[i] != ALISA_TIMELINE_UNCUT) status = truncate(session, i, error);
    return status;
}

void alisa_advance_lose(AlisaSession *session) {
    for (uint32_t i = 0; i < session->stage_count; i++)
        alisa_kv_reset(session->stages[i].kv);
    for (uint32_t i = 0; i < session->options.sequence_count; i++)
        alisa_timeline_truncate(&session->timeline, i, 0);
}

/* ---- Records ------------------------------------------------------------------------------- */

/* Whether every sequence that has rows in the call has one, and its logits are wanted. */
static bool is_decode(const AlisaSession *session) {
    const AlisaStep *step = &session->step;
    if (step->logit_count != step->row_count) return false;
    for (uint32_t i = 0; i < step->row_count; i++)
        if (session->timeline.call_rows[step->rows[i].sequence] != 1) return false;
    return true;
}

static AlisaStatus keep_record(AlisaSession *session, const AlisaStepRecord *record,
                               AlisaError *error) {
    if (session->record_count == session->record_capacity) {
        size_t larger = session->record_capacity ? 2 * session->record_capacity : 1024;
        AlisaStepRecord *records = realloc(session->records, larger * sizeof *records);
        if (!records) {
            return alisa_error_set(error, ALISA_ERROR_MEMORY,
                                   "cannot allocate host memory for records of %zu steps", larger);
        }
        session->records = records;
        session->record_capacity = larger;
    }
    session->records[session->record_count++] = *record;
    return ALISA_OK;
}

/* What the step took, and what it was predicted to take; and the stages learn from that. */
static void compare_with_plan(AlisaSession *session, AlisaStepRecord *record) {
    for (uint32_t i = 0; i < session->stage_count; i++) {
        AlisaPlacement *placement = session->stages[i].placement;
        record->measured_seconds += session->stages[i].seconds;
        if (!placement) continue;
        uint32_t phase = alisa_placement_step(placement)->phase;
        if (phase > record->phase) record->phase = phase;
        record->predicted_seconds += alisa_placement_predicted(placement);
        alisa_placement_observe(placement, session->stages[i].seconds);
    }
}

/* Notes how long a step took in which each sequence had one row. */
static AlisaStatus note_step(AlisaSession *session, AlisaError *error) {
    bool wanted = session->options.record_steps || alisa_engine_session_tiered(session);
    if (!wanted || session->measures || !is_decode(session)) return ALISA_OK;
    const AlisaStep *step = &session->step;
    AlisaStepRecord record = {.phase = 1, .running = step->row_count};
    for (uint32_t i = 0; i < step->row_count; i++)
        if (step->rows[i].position >= record.length) record.length = step->rows[i].position + 1;
    AlisaKvUsage usage;
    alisa_engine_session_usage(session, &usage);
    record.bytes_to_device = usage.traffic.bytes_to_device - session->moved.bytes_to_device;
    record.bytes_to_host = usage.traffic.bytes_to_host - session->moved.bytes_to_host;
    session->moved = usage.traffic;
    compare_with_plan(session, &record);
    if (!session->options.record_steps) return ALISA_OK;
    if (session->admission) {
        record.predicted_seconds += session->admission->predicted;
        record.measured_seconds += session->admission->seconds;
    }
    return keep_record(session, &record, error);
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* Where the next logits of the call go. */
static void *results_of(AlisaSession *session) {
    if (session->choices) return session->choices + session->logits_valid;
    return session->logits + (size_t)session->logits_valid * session->engine->shape.vocabulary_size;
}

static AlisaStatus run_step(AlisaSession *session, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    uint64_t begun = alisa_clock_now();
    for (uint32_t i = 0; i < session->stage_count && status == ALISA_OK; i++) {
        AlisaStage *stage = &session->stages[i];
        status = alisa_step_begin(stage, &session->step, error);
        if (status == ALISA_OK) status = alisa_step_run(stage, session->residual, error);
        if (status == ALISA_OK) status = alisa_step_end(stage, error);
        if (status == ALISA_OK)
            status = alisa_step_read(stage, session->residual, results_of(session), error);
        uint64_t ended = alisa_clock_now();
        stage->seconds = (double)(ended - begun) * 1e-9;
        begun = ended;
    }
    return status;
}

/* The failed step's rows are not part of the text. */
static void undo_step(AlisaSession *session, AlisaStatus status) {
    bool tiered = alisa_engine_session_tiered(session);
    if (tiered && status == ALISA_ERROR_DEVICE) alisa_advance_lose(session);
    for (uint32_t i = 0; i < session->stage_count && tiered; i++)
        alisa_tiers_abandon(alisa_kv_tiers(session->stages[i].kv));
    alisa_timeline_undo(&session->timeline, &session->step);
}

static AlisaStatus take_step(AlisaSession *session, const AlisaRow *rows, uint32_t count,
                             AlisaError *error) {
    bool sparse = session->options.attention.kind != ALISA_SELECT_DENSE;
    alisa_timeline_append(&session->timeline, rows, count, sparse, &session->step);
    AlisaStatus status = run_step(session, error);
    if (status == ALISA_OK) status = note_step(session, error);
    if (status != ALISA_OK) {
        undo_step(session, status);
        return status;
    }
    session->logits_valid += session->step.logit_count;
    for (uint32_t i = 0; i < session->stage_count; i++)
        if (session->stages[i].tails) alisa_kv_blocks_commit(&session->stages[i].tails->blocks);
    return ALISA_OK;
}

/* As many rows as every stage has slots for. Stages of a session have the same rows and KV types,
 * and so take the same number of them. */
static uint32_t rows_of_step(AlisaSession *session, const AlisaRow *rows, size_t count) {
    const uint32_t *lengths = session->timeline.lengths;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < session->stage_count; i++)
        count = alisa_room_rows(&session->stages[i], &session->timeline, rows, count);
    for (uint32_t i = 0; i < session->stage_count; i++) {
        uint32_t here = alisa_stage_take(&session->stages[i], rows, count, lengths);
        assert(i == 0 || here == taken);
        taken = here;
    }
    return taken;
}

AlisaStatus alisa_advance(AlisaSession *session, const AlisaRow *rows, size_t count,
                          AlisaError *error) {
    const AlisaSetupOptions *options = &session->options;
    AlisaStatus status = ALISA_OK;
    for (size_t done = 0; status == ALISA_OK && done < count;) {
        if (options->interrupt && options->interrupt(options->interrupt_user)) {
            return alisa_error_set(error, ALISA_ERROR_INTERRUPTED,
                                   "interrupted after %zu of %zu tokens", done, count);
        }
        uint32_t taken = rows_of_step(session, rows + done, count - done);
        status = take_step(session, rows + done, taken, error);
        done += taken;
    }
    return status;
}
