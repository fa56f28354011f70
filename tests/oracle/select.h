/* SPDX-License-Identifier: Apache-2.0 */
/* Selection by definition: every row is kept, sums are made anew for every step. */
#ifndef TESTS_ORACLE_SELECT_H
#define TESTS_ORACLE_SELECT_H

#include "attn/select.h"
#include "base/random.h"

/* One list of one sequence. */
typedef struct OracleSelect {
    AlisaSelectOptions options;
    uint32_t context;
    uint32_t first_row; /* rows of earlier steps are not known */
    uint32_t *rows;     /* [tokens of the step][context]: weights as they are summed */
} OracleSelect;

OracleSelect oracle_select_make(const AlisaSelectOptions *options, uint32_t context);
void oracle_select_free(OracleSelect *oracle);

/* The row of the step with `count` tokens: weight i belongs to positions[i]. */
void oracle_select_feed(OracleSelect *oracle, uint32_t count, const uint32_t *positions,
                        uint32_t entries, const uint32_t *weights);
/* Globals by sums, or by `row` (a weight for each token) if that is not NULL. Returns the length.
 */
uint32_t oracle_select_pick(const OracleSelect *oracle, uint32_t count, const uint32_t *row,
                            uint32_t *list);
void oracle_select_truncate(OracleSelect *oracle, uint32_t count);

/* Weights for the tokens of a list as attention gives them: most go to the newest and to a few
 * others, many are 0 and many are equal. */
void oracle_select_weights(AlisaRandom *random, uint32_t count, const uint32_t *positions,
                           uint32_t entries, uint32_t *weights);

#endif
