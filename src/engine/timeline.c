/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/timeline.h"

#include <stdlib.h>
#include <string.h>

AlisaStatus alisa_timeline_init(AlisaTimeline *timeline, uint32_t sequence_count,
                                uint32_t context_length, AlisaError *error) {
    *timeline = (AlisaTimeline){.sequence_count = sequence_count, .context_length = context_length};
    timeline->tokens = alisa_allocate((size_t)sequence_count * context_length,
                                      sizeof *timeline->tokens, "tokens of sequences", error);
    timeline->lengths = alisa_allocate_zeroed(4 * (size_t)sequence_count, sizeof *timeline->lengths,
                                              "sequence table", error);
    if (!timeline->tokens || !timeline->lengths) return ALISA_ERROR_MEMORY;
    /* One allocation, which `lengths` owns. */
    timeline->call_rows = timeline->lengths + sequence_count;
    timeline->call_ends = timeline->call_rows + sequence_count;
    timeline->cuts = timeline->call_ends + sequence_count;
    for (uint32_t i = 0; i < sequence_count; i++)
        timeline->cuts[i] = ALISA_TIMELINE_UNCUT;
    return ALISA_OK;
}

void alisa_timeline_finish(AlisaTimeline *timeline) {
    free(timeline->tokens);
    free(timeline->lengths);
    *timeline = (AlisaTimeline){0};
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static AlisaStatus check_row(const AlisaTimeline *timeline, const AlisaRow *row, size_t index,
                             uint32_t vocabulary_size, AlisaError *error) {
    if (row->sequence >= timeline->sequence_count) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "row %zu: sequence %u of %u", index,
                               row->sequence, timeline->sequence_count);
    }
    if (row->token < 0 || (uint32_t)row->token >= vocabulary_size) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "row %zu: token %d is outside the vocabulary of %u", index,
                               row->token, vocabulary_size);
    }
    return ALISA_OK;
}

static AlisaStatus check_lengths(const AlisaTimeline *timeline, AlisaError *error) {
    for (uint32_t i = 0; i < timeline->sequence_count; i++) {
        if (timeline->call_ends[i] <= timeline->context_length) continue;
        return alisa_error_set(error, ALISA_ERROR_CONTEXT_LENGTH,
                               "context_length_exceeded: sequence %u would hold %u tokens and "
                               "the context is %u: raise -c or shorten the text",
                               i, timeline->call_ends[i], timeline->context_length);
    }
    return ALISA_OK;
}

AlisaStatus alisa_timeline_check(AlisaTimeline *timeline, const AlisaRow *rows, size_t count,
                                 uint32_t vocabulary_size, uint32_t logit_rows, AlisaError *error) {
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        AlisaStatus status = check_row(timeline, &rows[i], i, vocabulary_size, error);
        if (status != ALISA_OK) return status;
        wanted += rows[i].logits;
    }
    alisa_timeline_begin(timeline, rows, count);
    AlisaStatus status = check_lengths(timeline, error);
    if (status != ALISA_OK || wanted <= logit_rows) return status;
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "logits of %zu rows were asked for and the session was made for "
                           "%u (logit_rows)",
                           wanted, logit_rows);
}

void alisa_timeline_begin(AlisaTimeline *timeline, const AlisaRow *rows, size_t count) {
    memset(timeline->call_rows, 0, timeline->sequence_count * sizeof *timeline->call_rows);
    for (size_t i = 0; i < count; i++)
        timeline->call_rows[rows[i].sequence]++;
    for (uint32_t i = 0; i < timeline->sequence_count; i++)
        timeline->call_ends[i] = timeline->lengths[i] + timeline->call_rows[i];
}

bool alisa_timeline_is_alone(const AlisaTimeline *timeline, uint32_t sequence) {
    return timeline->call_rows[sequence] == 1 && timeline->call_ends[sequence] > 1;
}

void alisa_timeline_append(AlisaTimeline *timeline, const AlisaRow *rows, uint32_t count,
                           bool sparse, AlisaStep *step) {
    step->row_count = count;
    step->logit_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sequence = rows[i].sequence, position = timeline->lengths[sequence]++;
        timeline->tokens[(size_t)sequence * timeline->context_length + position] = rows[i].token;
        step->rows[i] =
            (AlisaStepRow){.token = rows[i].token,
                           .sequence = sequence,
                           .position = position,
                           .call_end = timeline->call_ends[sequence],
                           .prompt = !(sparse && alisa_timeline_is_alone(timeline, sequence)),
                           .logits = rows[i].logits};
        step->logit_count += rows[i].logits;
    }
}

void alisa_timeline_undo(AlisaTimeline *timeline, const AlisaStep *step) {
    for (uint32_t i = 0; i < step->row_count; i++)
        alisa_timeline_truncate(timeline, step->rows[i].sequence, step->rows[i].position);
}

/* ---- Cutting back -------------------------------------------------------------------------- */

void alisa_timeline_truncate(AlisaTimeline *timeline, uint32_t sequence, uint32_t length) {
    if (length >= timeline->lengths[sequence]) return;
    timeline->lengths[sequence] = length;
    if (length < timeline->cuts[sequence]) timeline->cuts[sequence] = length;
}

void alisa_timeline_told(AlisaTimeline *timeline, uint32_t sequence) {
    timeline->cuts[sequence] = ALISA_TIMELINE_UNCUT;
}

uint32_t alisa_timeline_common(const AlisaTimeline *timeline, uint32_t sequence,
                               const int32_t *tokens, size_t count) {
    const int32_t *held = alisa_timeline_tokens(timeline, sequence);
    uint32_t length = timeline->lengths[sequence], same = 0;
    while (same < length && same < count && held[same] == tokens[same])
        same++;
    return same;
}

const int32_t *alisa_timeline_tokens(const AlisaTimeline *timeline, uint32_t sequence) {
    return timeline->tokens + (size_t)sequence * timeline->context_length;
}
