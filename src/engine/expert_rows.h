/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a step sorted by the experts that they take; no device. A row that takes U experts is
 * U packed rows, those of one expert one after the other, in the order of the rows.
 */
#ifndef ALISA_ENGINE_EXPERT_ROWS_H
#define ALISA_ENGINE_EXPERT_ROWS_H

#include "model/shape.h"

/* Zeroed for models without experts. R: the most rows of a step; each takes U of X experts. */
typedef struct AlisaExpertRows {
    int32_t *chosen; /* [rows][U] experts of each row: the caller fills it in */
    int32_t
        *order; /* [2][rows U]: the row of each packed one, then the packed one of each choice */
    uint32_t
        *first; /* [X + 1] the first packed row of each expert, and the end of the last one's */
} AlisaExpertRows;

/* Takes a zeroed one, for at most so many rows. */
AlisaStatus alisa_expert_rows_init(AlisaExpertRows *sorted, const AlisaExpertShape *shape,
                                   uint32_t rows, AlisaError *error);
void alisa_expert_rows_finish(AlisaExpertRows *sorted);

/* Fills in order and first, of the chosen experts of so many rows; each is less than X. */
void alisa_expert_rows_sort(AlisaExpertRows *sorted, const AlisaExpertShape *shape, uint32_t rows);

/* The packed rows of one expert. */
typedef struct AlisaExpertRun {
    uint32_t expert, first, rows;
} AlisaExpertRun;

/* Goes to the next expert that has rows; false past the last. Begin with a zeroed one. */
bool alisa_expert_rows_next(const AlisaExpertRows *sorted, const AlisaExpertShape *shape,
                            AlisaExpertRun *run);

#endif
