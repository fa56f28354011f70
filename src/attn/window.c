/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/window.h"

#include <stdlib.h>

static bool keeps_rows(const AlisaSelectOptions *options) {
    return options->kind == ALISA_SELECT_SWA &&
           alisa_selector_source(options) == ALISA_SELECT_BY_SUMS;
}

/* Tokens of the oldest row in the window of the step with `count` tokens. */
static uint32_t oldest_count(const AlisaSelectOptions *options, uint32_t count) {
    return count - alisa_selector_window_rows(options, count);
}

static uint64_t row_entries(const AlisaSelectOptions *options, uint32_t count, uint32_t seed_rows) {
    if (count <= seed_rows || options->scores == ALISA_SELECT_SCORES_DENSE) return count;
    return alisa_selector_kept(alisa_selector_budget(options, count));
}

AlisaStatus alisa_window_limits(const AlisaSelectOptions *options, uint32_t context,
                                uint32_t seed_rows, AlisaWindowLimits *limits, AlisaError *error) {
    *limits = (AlisaWindowLimits){0};
    if (!keeps_rows(options)) return ALISA_OK;
    uint64_t rows = alisa_selector_window_rows(options, context), most = context, inside = 0;
    uint64_t places = rows * alisa_selector_half_budget(options, context);
    for (uint32_t count = 1, oldest = 1; count < context; count++) {
        inside += row_entries(options, count, seed_rows);
        for (; oldest < oldest_count(options, count + 1); oldest++)
            inside -= row_entries(options, oldest, seed_rows);
        if (inside > most) most = inside;
    }
    if (most > UINT32_MAX / 2 || places > UINT32_MAX / 2) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "the rows that Sparse Window Attention sums over %u tokens are too "
                               "many to number; choose a smaller --swa-window, a higher "
                               "--kv-sparsity or a smaller --ctx-size",
                               context);
    }
    *limits = (AlisaWindowLimits){(uint32_t)rows, (uint32_t)most, (uint32_t)places};
    return ALISA_OK;
}

AlisaStatus alisa_window_init(AlisaWindow *window, const AlisaSelectOptions *options,
                              uint32_t context, uint32_t seed_rows, AlisaError *error) {
    *window = (AlisaWindow){.options = *options, .context = context};
    AlisaStatus status = alisa_window_limits(options, context, seed_rows, &window->limits, error);
    if (status) return status;
    window->rows =
        alisa_allocate(window->limits.rows, sizeof *window->rows, "selection window", error);
    return window->rows ? ALISA_OK : ALISA_ERROR_MEMORY;
}

void alisa_window_finish(AlisaWindow *window) {
    free(window->rows);
    *window = (AlisaWindow){0};
}

uint32_t alisa_window_max_moves(const AlisaWindow *window) {
    return window->limits.rows + 1;
}

static AlisaWindowMove *row_at(AlisaWindow *window, uint32_t i) {
    return &window->rows[(window->first + i) % window->limits.rows];
}

static AlisaWindowMove expire(AlisaWindow *window, uint32_t i) {
    AlisaWindowMove move = *row_at(window, i);
    window->used_codes -= move.entries;
    window->used_places -= move.placed;
    window->row_count--;
    move.action = ALISA_WINDOW_EXPIRE;
    return move;
}

static uint32_t expire_oldest(AlisaWindow *window, AlisaWindowMove *moves) {
    *moves = expire(window, 0);
    window->first = (window->first + 1) % window->limits.rows;
    return 1;
}

/* Where the newest row ends is where the next begins. */
static void place_row(AlisaWindow *window, AlisaWindowMove *row) {
    if (window->row_count) {
        const AlisaWindowMove *newest = row_at(window, window->row_count - 1);
        row->first_code = (newest->first_code + newest->entries) % window->limits.codes;
        row->first_place = (newest->first_place + newest->placed) % window->limits.places;
    }
    window->used_codes += row->entries;
    window->used_places += row->placed;
    *row_at(window, window->row_count++) = *row;
}

uint32_t alisa_window_feed(AlisaWindow *window, uint32_t count, bool dense, uint32_t source,
                           AlisaWindowMove *moves) {
    if (alisa_selector_source(&window->options) != ALISA_SELECT_BY_SUMS) return 0;
    AlisaSelectBudget budget = alisa_selector_budget(&window->options, count);
    if (dense) budget = (AlisaSelectBudget){.locals = count};
    AlisaWindowMove row = {.action = ALISA_WINDOW_ADD,
                           .source = source,
                           .entries = alisa_selector_kept(budget),
                           .placed = budget.sinks + budget.globals,
                           .first_local = count - budget.locals,
                           .count = count};
    uint32_t made = 0;
    if (window->limits.rows) {
        row.action = ALISA_WINDOW_PUSH;
        uint32_t oldest = oldest_count(&window->options, count + 1);
        while (window->row_count &&
               (row_at(window, 0)->count < oldest || window->row_count == window->limits.rows ||
                window->used_codes + row.entries > window->limits.codes ||
                window->used_places + row.placed > window->limits.places))
            made += expire_oldest(window, moves + made);
        place_row(window, &row);
    }
    moves[made++] = row;
    return made;
}

uint32_t alisa_window_truncate(AlisaWindow *window, uint32_t count, AlisaWindowMove *moves) {
    if (alisa_selector_source(&window->options) != ALISA_SELECT_BY_SUMS) return 0;
    if (count == 0 || window->limits.rows == 0) {
        window->row_count = window->used_codes = window->used_places = 0;
        *moves = (AlisaWindowMove){
            .action = ALISA_WINDOW_CLEAR, .entries = window->context - count, .first_local = count};
        return 1;
    }
    uint32_t made = 0;
    while (window->row_count && row_at(window, window->row_count - 1)->count > count)
        moves[made++] = expire(window, window->row_count - 1);
    return made;
}
