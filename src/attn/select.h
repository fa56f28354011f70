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
#include "base/status.h"

/* Names as users give them ("swa", "query", "kv-head"); static storage. */
const char *alisa_selector_kind_name(AlisaSelectKind kind);
const char *alisa_selector_scores_name(AlisaSelectScores scores);
const char *alisa_selector_lists_name(AlisaSelectLists lists);

/* Dense attention, and the numbers that alisa_select_options_defaults tells for the other kinds. */
void alisa_selector_options_defaults(AlisaSelectOptions *options);

/* NULL, or what is wrong: a sentence that names the flags. */
const char *alisa_selector_check(const AlisaSelectOptions *options);

/* ---- Budget -------------------------------------------------------------------------------- */

/* How many tokens a list has of each sort: positions [0, sinks), some of [sinks, n - locals),
 * [n - locals, n). */
typedef struct AlisaSelectBudget {
    uint32_t sinks;
    uint32_t globals;
    uint32_t locals;
} AlisaSelectBudget;

/* k = max(1, n (1 - sparsity) / 2), halves rounded up; at least keep / 2, where n is that many.
 * Exact: sparsity counts in millionths. */
uint32_t alisa_selector_half_budget(const AlisaSelectOptions *options, uint32_t count);
/* Rows that the sums of Sparse Window Attention hold in that step: those of the k steps before it,
 * at most `window`. */
uint32_t alisa_selector_window_rows(const AlisaSelectOptions *options, uint32_t count);
/* Of the step with `count` tokens: 2k tokens in all, or count locals where that is no more. */
AlisaSelectBudget alisa_selector_budget(const AlisaSelectOptions *options, uint32_t count);
uint32_t alisa_selector_kept(AlisaSelectBudget budget);

/* What the globals are chosen by. */
typedef enum AlisaSelectSource {
    ALISA_SELECT_BY_RULE,   /* position alone */
    ALISA_SELECT_BY_SUMS,   /* sums of past rows: needs feeding */
    ALISA_SELECT_BY_ROW,    /* a row over all tokens, given to the pick */
    ALISA_SELECT_BY_CHANCE, /* alisa_selector_key */
} AlisaSelectSource;

AlisaSelectSource alisa_selector_source(const AlisaSelectOptions *options);

/* Rows of weights w <= heads are written as w 2^shift, rounded: the largest shift with which sums
 * of as many rows as this selector adds up stay below 2^32. */
uint32_t alisa_selector_unit_shift(const AlisaSelectOptions *options, uint32_t context,
                                   uint32_t heads_per_list);

/* Random globals are those with the largest keys. */
uint32_t alisa_selector_stream(uint64_t seed, uint32_t layer, uint32_t sequence, uint32_t list,
                               uint32_t count);
uint32_t alisa_selector_key(uint32_t stream, uint32_t position);

/* ---- Host twin ----------------------------------------------------------------------------- */

/* The lists of one layer of one sequence. */
typedef struct AlisaSelectState AlisaSelectState;

typedef struct AlisaSelectShape {
    uint32_t context;    /* most tokens */
    uint32_t list_count; /* 1, or the KV heads */
    uint32_t seed_rows;  /* rows over all tokens of a prompt are expected up to this many tokens:
                            sizes the window (attn/window.h) */
    uint32_t layer;      /* these two tell random streams apart */
    uint32_t sequence;
} AlisaSelectShape;

AlisaStatus alisa_selector_state_create(const AlisaSelectOptions *options,
                                        const AlisaSelectShape *shape, AlisaSelectState **state,
                                        AlisaError *error);
void alisa_selector_state_destroy(AlisaSelectState *state);

/* Takes the rows of the step with `count` tokens, list g at rows + g * stride. Sparse rows
 * (`dense` false) are in the order of the lists last picked, which must be those of that step;
 * dense ones have an entry for each of the count tokens, as the last rows of a prompt and those of
 * dense scores. Steps come in order; does nothing where the globals are not chosen by sums. */
void alisa_selector_state_feed(AlisaSelectState *state, uint32_t count, bool dense,
                               const uint32_t *rows, size_t stride);

/* Makes the lists of the step with `count` tokens and returns their length. rows (list g at
 * rows + g * stride, an entry a token): only read where the globals are chosen by a row. */
uint32_t alisa_selector_state_pick(AlisaSelectState *state, uint32_t count, const uint32_t *rows,
                                   size_t stride);
/* The list made last: ascending positions. */
const uint32_t *alisa_selector_state_list(const AlisaSelectState *state, uint32_t list);

/* Forgets tokens `count` and later. Rows that had left the window before stay out of it, so for
 * the next steps the window is shorter; h2o keeps what later rows gave to earlier tokens. */
void alisa_selector_state_truncate(AlisaSelectState *state, uint32_t count);

/* ---- Statistics ---------------------------------------------------------------------------- */

/* What the lists of one layer of one sequence were. */
typedef struct AlisaSelectHistory AlisaSelectHistory;

AlisaStatus alisa_selector_history_create(const AlisaSelectOptions *options, uint32_t context,
                                          uint32_t list_count, AlisaSelectHistory **history,
                                          AlisaError *error);
void alisa_selector_history_destroy(AlisaSelectHistory *history);
/* Adds the list of the step with `count` tokens to *counts, all but its weights. Steps come in
 * order; what was before the first one, or before a gap, is taken for dense. */
void alisa_selector_history_observe(AlisaSelectHistory *history, uint32_t list, uint32_t count,
                                    const uint32_t *positions, AlisaSelectCounts *counts);

#endif
