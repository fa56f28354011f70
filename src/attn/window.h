/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window: which rows a running sum still holds, and where in a ring each of them lies, so that
 * it can be subtracted again when it is too old. Pure, and the same for all lists and layers of a
 * sequence, since it depends on numbers of tokens only. The weights of the rows are with the host
 * twin or on the device, and both do what the moves of the window say.
 *
 * A list has sums, uint32[context]; a ring of codes, one for each entry of a row; and a ring of
 * places, the positions of entries that are sinks and globals. (The positions of locals follow from
 * that of the first.)
 */
#ifndef ALISA_ATTN_WINDOW_H
#define ALISA_ATTN_WINDOW_H

#include "attn/select.h"

/* A weight as it is added and kept: 12 significant bits, the rest cut off.
 * code = (shift << 11) + (weight >> shift) with the least shift that leaves 12 bits. */
static inline uint16_t alisa_window_encode(uint32_t weight) {
    uint32_t shift = 0;
    while (weight >> shift >= 4096)
        shift++;
    return (uint16_t)((shift << 11) + (weight >> shift));
}

static inline uint32_t alisa_window_decode(uint16_t code) {
    uint32_t shift = code < 4096 ? 0 : (code >> 11) - 1u;
    return (code - (shift << 11)) << shift;
}

/* The rows, codes and places that a ring has room for; all 0 if no row is ever subtracted. */
typedef struct AlisaWindowLimits {
    uint32_t rows;
    uint32_t codes;
    uint32_t places;
} AlisaWindowLimits;

/* Computes the room for every window of sparse rows of a sequence of up to `context` tokens, and
 * for windows that begin with dense rows of up to `seed_rows` tokens. Dense rows of more tokens are
 * taken too, but fewer of them fit: the oldest leave early. */
AlisaStatus alisa_window_limits(const AlisaSelectOptions *options, uint32_t context,
                                uint32_t seed_rows, AlisaWindowLimits *limits, AlisaError *error);

typedef enum AlisaWindowAction {
    ALISA_WINDOW_ADD,    /* sums += row */
    ALISA_WINDOW_PUSH,   /* sums += row, and the row goes into the ring */
    ALISA_WINDOW_EXPIRE, /* sums -= row, which leaves the ring */
    ALISA_WINDOW_CLEAR,  /* sums[first_local .. first_local + entries) = 0 */
} AlisaWindowAction;

/* What is done with a row. Its entry i is of the token at places[i] if i < placed, else at
 * first_local + i - placed. The device reads the same eight uints. */
typedef struct AlisaWindowMove {
    uint32_t action;      /* AlisaWindowAction */
    uint32_t source;      /* the row of the input that is added or pushed */
    uint32_t entries;     /* of the row */
    uint32_t placed;      /* entries that are sinks and globals */
    uint32_t first_local; /* position of the first local */
    uint32_t first_code;  /* where the row begins in the ring of codes, which wraps around */
    uint32_t first_place; /* where it begins in the ring of places, which wraps around */
    uint32_t count;       /* tokens of the step that the row is of */
} AlisaWindowMove;

typedef struct AlisaWindow {
    AlisaSelectOptions options;
    uint32_t context;
    AlisaWindowLimits limits;
    AlisaWindowMove *rows; /* ring of limits.rows; the oldest is rows[first] */
    uint32_t first, row_count;
    uint32_t used_codes, used_places;
} AlisaWindow;

AlisaStatus alisa_window_init(AlisaWindow *window, const AlisaSelectOptions *options,
                              uint32_t context, uint32_t seed_rows, AlisaError *error);
/* Frees the ring; a zeroed window is allowed. */
void alisa_window_finish(AlisaWindow *window);

/* The most moves that one call of alisa_window_feed or alisa_window_truncate gives. */
uint32_t alisa_window_max_moves(const AlisaWindow *window);

/* Feeds a row of the step with `count` tokens: writes the moves that do it, in order, and returns
 * how many there are. The window is then that of the step with count + 1 tokens. `source` goes into
 * the moves. */
uint32_t alisa_window_feed(AlisaWindow *window, uint32_t count, bool dense, uint32_t source,
                           AlisaWindowMove *moves);
/* Truncates the sequence to `count` tokens: writes the moves that do it, and returns how many there
 * are. */
uint32_t alisa_window_truncate(AlisaWindow *window, uint32_t count, AlisaWindowMove *moves);

#endif
