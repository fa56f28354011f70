/* SPDX-License-Identifier: Apache-2.0 */
#include "attn/select.h"

#include <stdlib.h>
#include <string.h>

#include "attn/window.h"

struct AlisaSelectState {
    AlisaSelectOptions options;
    AlisaSelectShape shape;
    uint32_t capacity; /* of a list */
    AlisaWindow window;
    AlisaWindowMove *moves;
    uint32_t *sums;   /* [list][context] */
    uint16_t *codes;  /* [list][window.limits.codes] */
    uint32_t *places; /* [list][window.limits.places] */
    uint32_t *keys;   /* [context]: drawn for a pick */
    uint32_t *sorted; /* [context] */
    uint32_t *lists;  /* [list][capacity] */
};

AlisaStatus alisa_selector_state_create(const AlisaSelectOptions *options,
                                        const AlisaSelectShape *shape, AlisaSelectState **state,
                                        AlisaError *error) {
    *state = NULL;
    const char *wrong = alisa_selector_check(options);
    if (wrong) return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "%s", wrong);
    AlisaSelectState *made = alisa_allocate_zeroed(1, sizeof *made, "selector", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->options = *options;
    made->shape = *shape;
    made->capacity = alisa_selector_kept(alisa_selector_budget(options, shape->context));
    AlisaStatus status =
        alisa_window_init(&made->window, options, shape->context, shape->seed_rows, error);
    if (status) goto fail;
    const AlisaWindowLimits *limits = &made->window.limits;
    size_t lists = shape->list_count, context = shape->context;
    status = ALISA_ERROR_MEMORY;
    made->moves = alisa_allocate(alisa_window_max_moves(&made->window), sizeof *made->moves,
                                 "selector's moves", error);
    if (!made->moves) goto fail;
    made->sums = alisa_allocate_zeroed(lists * context, sizeof *made->sums, "sums", error);
    if (!made->sums) goto fail;
    made->codes = alisa_allocate(lists * limits->codes, sizeof *made->codes, "rows", error);
    if (!made->codes) goto fail;
    made->places = alisa_allocate(lists * limits->places, sizeof *made->places, "places", error);
    if (!made->places) goto fail;
    made->keys = alisa_allocate(context, sizeof *made->keys, "keys of a pick", error);
    if (!made->keys) goto fail;
    made->sorted = alisa_allocate(context, sizeof *made->sorted, "sorted keys", error);
    if (!made->sorted) goto fail;
    made->lists = alisa_allocate(lists * made->capacity, sizeof *made->lists, "lists", error);
    if (!made->lists) goto fail;
    *state = made;
    return ALISA_OK;
fail:
    alisa_selector_state_destroy(made);
    return status;
}

void alisa_selector_state_destroy(AlisaSelectState *state) {
    if (!state) return;
    alisa_window_finish(&state->window);
    free(state->moves);
    free(state->sums);
    free(state->codes);
    free(state->places);
    free(state->keys);
    free(state->sorted);
    free(state->lists);
    free(state);
}

/* ---- Feeding ------------------------------------------------------------------------------- */

static void add_row(AlisaSelectState *state, uint32_t list, const AlisaWindowMove *move,
                    const uint32_t *row) {
    const AlisaWindowLimits *limits = &state->window.limits;
    uint32_t *sums = state->sums + (size_t)list * state->shape.context;
    uint16_t *codes = state->codes + (size_t)list * limits->codes;
    uint32_t *places = state->places + (size_t)list * limits->places;
    const uint32_t *positions = state->lists + (size_t)list * state->capacity;
    for (uint32_t i = 0; i < move->entries; i++) {
        uint32_t position = move->first_local + i - move->placed;
        uint16_t code = alisa_window_encode(row[i]);
        if (i < move->placed) position = positions[i];
        sums[position] += alisa_window_decode(code);
        if (move->action == ALISA_WINDOW_ADD) continue;
        codes[(move->first_code + (uint64_t)i) % limits->codes] = code;
        if (i < move->placed) places[(move->first_place + (uint64_t)i) % limits->places] = position;
    }
}

static void subtract_row(AlisaSelectState *state, uint32_t list, const AlisaWindowMove *move) {
    const AlisaWindowLimits *limits = &state->window.limits;
    uint32_t *sums = state->sums + (size_t)list * state->shape.context;
    const uint16_t *codes = state->codes + (size_t)list * limits->codes;
    const uint32_t *places = state->places + (size_t)list * limits->places;
    for (uint32_t i = 0; i < move->entries; i++) {
        uint32_t position = move->first_local + i - move->placed;
        if (i < move->placed) position = places[(move->first_place + (uint64_t)i) % limits->places];
        sums[position] -=
            alisa_window_decode(codes[(move->first_code + (uint64_t)i) % limits->codes]);
    }
}

static void carry_out(AlisaSelectState *state, uint32_t move_count, const uint32_t *rows,
                      size_t stride) {
    for (uint32_t list = 0; list < state->shape.list_count; list++)
        for (uint32_t i = 0; i < move_count; i++) {
            const AlisaWindowMove *move = &state->moves[i];
            if (move->action == ALISA_WINDOW_CLEAR) {
                memset(state->sums + (size_t)list * state->shape.context + move->first_local, 0,
                       move->entries * sizeof *state->sums);
            } else if (move->action == ALISA_WINDOW_EXPIRE) {
                subtract_row(state, list, move);
            } else if (rows) { /* truncating has none and adds none */
                add_row(state, list, move, rows + list * stride);
            }
        }
}

void alisa_selector_state_feed(AlisaSelectState *state, uint32_t count, bool dense,
                               const uint32_t *rows, size_t stride) {
    uint32_t moves = alisa_window_feed(&state->window, count, dense, 0, state->moves);
    carry_out(state, moves, rows, stride);
}

void alisa_selector_state_truncate(AlisaSelectState *state, uint32_t count) {
    carry_out(state, alisa_window_truncate(&state->window, count, state->moves), NULL, 0);
}

/* ---- Picking ------------------------------------------------------------------------------- */

static int compare_descending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* Positions in [first, end) of the `wanted` > 0 largest values, ascending; of equal ones the lower.
 */
static void pick_largest(const uint32_t *values, uint32_t first, uint32_t end, uint32_t wanted,
                         uint32_t *sorted, uint32_t *picked) {
    memcpy(sorted, values + first, (end - first) * sizeof *sorted);
    qsort(sorted, end - first, sizeof *sorted, compare_descending);
    uint32_t threshold = sorted[wanted - 1], equal = wanted;
    for (uint32_t i = 0; i < wanted; i++)
        equal -= sorted[i] > threshold;
    for (uint32_t position = first; wanted; position++) {
        if (values[position] < threshold) continue;
        if (values[position] == threshold) {
            if (equal == 0) continue;
            equal--;
        }
        *picked++ = position;
        wanted--;
    }
}

/* Distances from the newest token are multiples of the spacing, rounded down. */
static void pick_evenly(uint32_t first, uint32_t count, uint32_t wanted, uint32_t *picked) {
    for (uint32_t i = 0; i < wanted; i++)
        picked[i] = count - 1 - (uint32_t)((uint64_t)(wanted - 1 - i) * (count - first) / wanted);
}

/* What the globals of a list are chosen by; rows are those given to the pick. */
static const uint32_t *values_of(AlisaSelectState *state, uint32_t list, uint32_t count,
                                 const uint32_t *rows, size_t offset) {
    const AlisaSelectShape *shape = &state->shape;
    switch (alisa_selector_source(&state->options)) {
    case ALISA_SELECT_BY_ROW:
        return rows + offset;
    case ALISA_SELECT_BY_CHANCE: {
        uint32_t stream =
            alisa_selector_stream(state->options.seed, shape->layer, shape->sequence, list, count);
        for (uint32_t position = 0; position < count; position++)
            state->keys[position] = alisa_selector_key(stream, position);
        return state->keys;
    }
    default:
        return state->sums + (size_t)list * shape->context;
    }
}

uint32_t alisa_selector_state_pick(AlisaSelectState *state, uint32_t count, const uint32_t *rows,
                                   size_t stride) {
    AlisaSelectBudget budget = alisa_selector_budget(&state->options, count);
    bool rule = alisa_selector_source(&state->options) == ALISA_SELECT_BY_RULE;
    for (uint32_t list = 0; list < state->shape.list_count; list++) {
        uint32_t *at = state->lists + (size_t)list * state->capacity;
        for (uint32_t i = 0; i < budget.sinks; i++)
            *at++ = i;
        if (budget.globals && rule) {
            pick_evenly(budget.sinks, count, budget.globals, at);
        } else if (budget.globals) {
            pick_largest(values_of(state, list, count, rows, list * stride), budget.sinks,
                         count - budget.locals, budget.globals, state->sorted, at);
        }
        at += budget.globals;
        for (uint32_t i = 0; i < budget.locals; i++)
            *at++ = count - budget.locals + i;
    }
    return alisa_selector_kept(budget);
}

const uint32_t *alisa_selector_state_list(const AlisaSelectState *state, uint32_t list) {
    return state->lists + (size_t)list * state->capacity;
}
