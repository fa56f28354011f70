/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tokens of a sequence a step attends to: pure functions, numbers in, numbers out.
 *
 * The step with n tokens has the query of position n - 1, whose K and V are there already. It
 * attends to a *list* of positions, ascending: first the sinks (0, 1, ..), then the globals, then
 * the locals (the last ones). A *row* is what a step's query gave to the tokens of its list: uint32
 * weights, summed over the heads that share the list. Sparse Window Attention (Zhao et al.,
 * "ALISA", ISCA 2024, algorithm 1) keeps k = n r / 2 locals and the k others with the largest sum
 * over the last k rows; every other kind keeps as many tokens as that one.
 *
 * AlisaSelectState does it all on the host and is the twin of the kernels (attn/selection.h): equal
 * rows give equal lists, ties included.
 */
#ifndef ALISA_ATTN_SELECT_H
#define ALISA_ATTN_SELECT_H

#include "alisa/bench.h"
#include "alisa/select.h"
#include "base/status.h"

/* Names as users give them ("swa", "query", "kv-head"); static storage. */
const char *alisa_selector_kind_name(AlisaSelectKind kind);
const char *alisa_selector_scores_name(AlisaSelectScores scores);
const char *alisa_selector_lists_name(AlisaSelectLists lists);

/* Dense attention, and the numbers that alisa_select_options_defaults tells for the other kinds. */
void alisa_selector_options_defaults(AlisaSelectOptions *options);

/* NULL, or a sentence about what is wrong, which names the flags. */
const char *alisa_selector_check(const AlisaSelectOptions *options);

/* ---- Budget -------------------------------------------------------------------------------- */

/* How many tokens the list of a step with n tokens has of each sort. */
typedef struct AlisaSelectBudget {
    uint32_t sinks;   /* positions [0, sinks) */
    uint32_t globals; /* so many of the positions [sinks, n - locals) */
    uint32_t locals;  /* positions [n - locals, n) */
} AlisaSelectBudget;

/* k of the step with `count` = n tokens: n (1 - sparsity) / 2 rounded to the nearest integer,
 * halves up, but keep / 2 at least (1 if `keep` is 0), and n at most. Sparsity is taken in
 * millionths, so that the result is exact. */
uint32_t alisa_selector_half_budget(const AlisaSelectOptions *options, uint32_t count);
/* How many rows the sums of Sparse Window Attention hold in the step with `count` tokens: those of
 * the k steps before it, but at most options->window. */
uint32_t alisa_selector_window_rows(const AlisaSelectOptions *options, uint32_t count);
/* The budget of the step with `count` tokens: 2k tokens in all; `count` locals if 2k is not less.
 */
AlisaSelectBudget alisa_selector_budget(const AlisaSelectOptions *options, uint32_t count);
/* The tokens of a list with this budget. */
uint32_t alisa_selector_kept(AlisaSelectBudget budget);
/* Different tokens, of the first `placed`, in the lists of a sequence of `count` tokens: so many at
 * most in `lists` lists, which differ in their globals only. */
uint32_t alisa_selector_reads(const AlisaSelectOptions *options, uint32_t lists, uint32_t count,
                              uint32_t placed);

/* What the globals are chosen by. */
typedef enum AlisaSelectSource {
    ALISA_SELECT_BY_RULE,   /* by their position alone */
    ALISA_SELECT_BY_SUMS,   /* by the sums of past rows, which have to be fed */
    ALISA_SELECT_BY_ROW,    /* by a dense row, which is given to the pick */
    ALISA_SELECT_BY_CHANCE, /* by alisa_selector_key */
} AlisaSelectSource;

AlisaSelectSource alisa_selector_source(const AlisaSelectOptions *options);

/* Rows of weights are written as integers in units of 2^-shift. This is the largest shift with
 * which the sums of as many rows as the selector adds up stay below 2^32; the weight of a token in
 * a row is at most the number of heads that share the list. */
uint32_t alisa_selector_unit_shift(const AlisaSelectOptions *options, uint32_t context,
                                   uint32_t heads_per_list);

/* The random stream of one list in the step with `count` tokens. */
uint32_t alisa_selector_stream(uint64_t seed, uint32_t layer, uint32_t sequence, uint32_t list,
                               uint32_t count);
/* The key of a position in a stream; globals chosen at random are those with the largest keys. */
uint32_t alisa_selector_key(uint32_t stream, uint32_t position);

/* ---- Host twin ----------------------------------------------------------------------------- */

/* What the selector keeps of one layer of one sequence: windows, sums and lists. */
typedef struct AlisaSelectState AlisaSelectState;

typedef struct AlisaSelectShape {
    uint32_t context;    /* most tokens of the sequence */
    uint32_t list_count; /* lists of the layer: 1, or one for each KV head */
    uint32_t seed_rows;  /* tokens up to which dense rows of a prompt are expected: the window has
                            room for them (attn/window.h) */
    uint32_t layer;      /* layer and sequence tell random streams apart */
    uint32_t sequence;
} AlisaSelectShape;

AlisaStatus alisa_selector_state_create(const AlisaSelectOptions *options,
                                        const AlisaSelectShape *shape, AlisaSelectState **state,
                                        AlisaError *error);
void alisa_selector_state_destroy(AlisaSelectState *state);

/* Feeds the rows of the step with `count` tokens; that of list g is at rows + g * stride. A dense
 * row has an entry for each of the `count` tokens, as the last rows of a prompt and those of dense
 * scores do. A sparse row is in the order of the list picked last, which must be that of the step.
 * Steps come in order. Nothing happens if the globals are not chosen by sums. */
void alisa_selector_state_feed(AlisaSelectState *state, uint32_t count, bool dense,
                               const uint32_t *rows, size_t stride);

/* Picks the lists of the step with `count` tokens and returns their length. `rows` is read only if
 * the globals are chosen by a row: the dense row of list g is at rows + g * stride. */
uint32_t alisa_selector_state_pick(AlisaSelectState *state, uint32_t count, const uint32_t *rows,
                                   size_t stride);
/* The list that was picked last: positions, ascending. */
const uint32_t *alisa_selector_state_list(const AlisaSelectState *state, uint32_t list);

/* Truncates the sequence to `count` tokens. Rows that had left the window stay out of it, so the
 * window is shorter in the next steps; h2o keeps what the rows that are cut off gave to earlier
 * tokens. */
void alisa_selector_state_truncate(AlisaSelectState *state, uint32_t count);

/* ---- Statistics ---------------------------------------------------------------------------- */

/* The lists that one layer of one sequence had so far, for statistics. */
typedef struct AlisaSelectHistory AlisaSelectHistory;

AlisaStatus alisa_selector_history_create(const AlisaSelectOptions *options, uint32_t context,
                                          uint32_t list_count, AlisaSelectHistory **history,
                                          AlisaError *error);
void alisa_selector_history_destroy(AlisaSelectHistory *history);
/* Adds the list of the step with `count` tokens to *counts, except for the counts of weights. Steps
 * come in order; the step before the first one, or before a gap, counts as dense. */
void alisa_selector_history_observe(AlisaSelectHistory *history, uint32_t list, uint32_t count,
                                    const uint32_t *positions, AlisaSelectCounts *counts);

#endif
