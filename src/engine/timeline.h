/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline of a session: what tokens each sequence holds, and the rows of the call in hand. It
 * knows no device.
 */
#ifndef ALISA_ENGINE_TIMELINE_H
#define ALISA_ENGINE_TIMELINE_H

#include "base/status.h"

/* A row of a step. */
typedef struct AlisaStepRow {
    int32_t token;
    uint32_t sequence;
    uint32_t position; /* of the token in its sequence */
    uint32_t call_end; /* tokens of the sequence when the call is done */
    bool prompt;       /* one of several rows of its sequence in the call: attends to everything */
    bool logits;       /* those that follow the token are wanted */
} AlisaStepRow;

/* Tokens of the row's sequence up to its own, that included. */
static inline uint32_t alisa_step_row_count(const AlisaStepRow *row) {
    return row->position + 1;
}

/* Rows that are computed together, those of a sequence in the order of their positions. */
typedef struct AlisaStep {
    AlisaStepRow *rows; /* [row_count] */
    uint32_t row_count;
    uint32_t logit_count; /* rows with logits */
} AlisaStep;

#define ALISA_TIMELINE_UNCUT UINT32_MAX

typedef struct AlisaTimeline {
    uint32_t sequence_count;
    uint32_t context_length; /* tokens a sequence can hold */
    int32_t *tokens;         /* [sequence][context_length] */
    uint32_t *lengths;       /* [sequence] tokens each holds */
    uint32_t *call_rows;     /* [sequence] rows of the call */
    uint32_t *call_ends;     /* [sequence] lengths at the end of the call */
    uint32_t *cuts;          /* [sequence] the least length since the stages were last told of it
                                (alisa_timeline_told); ALISA_TIMELINE_UNCUT: it was not cut since */
} AlisaTimeline;

AlisaStatus alisa_timeline_init(AlisaTimeline *timeline, uint32_t sequence_count,
                                uint32_t context_length, AlisaError *error);
/* Takes a zeroed or half-built one. */
void alisa_timeline_finish(AlisaTimeline *timeline);

/* Whether every row can be appended: ALISA_ERROR_ARGUMENT, or ALISA_ERROR_CONTEXT_LENGTH, with the
 * row or sequence that cannot. logit_rows: the most rows with logits. */
AlisaStatus alisa_timeline_check(AlisaTimeline *timeline, const AlisaRow *rows, size_t count,
                                 uint32_t vocabulary_size, uint32_t logit_rows, AlisaError *error);

/* Begins a call of so many rows: call_rows and call_ends. */
void alisa_timeline_begin(AlisaTimeline *timeline, const AlisaRow *rows, size_t count);

/* Whether the row of a sequence comes alone in its call, after other tokens. */
bool alisa_timeline_is_alone(const AlisaTimeline *timeline, uint32_t sequence);

/* Appends rows of the call, as many as a step takes, and describes them. step->rows has room for
 * `count`. sparse: rows that come alone for their sequence attend to chosen tokens. */
void alisa_timeline_append(AlisaTimeline *timeline, const AlisaRow *rows, uint32_t count,
                           bool sparse, AlisaStep *step);
/* Takes the rows of a step that failed back. */
void alisa_timeline_undo(AlisaTimeline *timeline, const AlisaStep *step);

/* Cuts a sequence back to `length` tokens; longer than it is: no effect. */
void alisa_timeline_truncate(AlisaTimeline *timeline, uint32_t sequence, uint32_t length);
/* The stages, which keep K and V of tokens, know now how a sequence was cut. */
void alisa_timeline_told(AlisaTimeline *timeline, uint32_t sequence);

/* Leading tokens of a sequence that are those of `tokens`, `count` at most. */
uint32_t alisa_timeline_common(const AlisaTimeline *timeline, uint32_t sequence,
                               const int32_t *tokens, size_t count);

/* The tokens of a sequence. */
const int32_t *alisa_timeline_tokens(const AlisaTimeline *timeline, uint32_t sequence);

#endif
