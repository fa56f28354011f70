/*
 * The rows a running sum still holds, so that each can be subtracted again when it is too old:
 * which row lies where in a ring. Pure; the same for all lists and layers of a sequence, since it
 * depends on numbers of tokens only. The numbers themselves lie with the host twin or on the
 * device; both do what the moves say.
 *
 * Storage of a list: sums uint32[context]; a ring of codes, one an entry; a ring of places, the
 * positions of those entries that are sinks and globals (those of the locals follow from the
 * first).
 */
#ifndef ALISA_ATTN_WINDOW_H
#define ALISA_ATTN_WINDOW_H

#include "attn/select.h"

/* Weights as they are added and kept: 12 significant bits, the rest cut off.
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

/* Numbers of rows, codes and places there is room for; all 0 where no row is subtracted. */
typedef struct AlisaWindowLimits {
    uint32_t rows;
    uint32_t codes;
    uint32_t places;
} AlisaWindowLimits;

/* Room for every window of sparse rows up to `context` tokens, and for those that begin with dense
 * rows of up to seed_rows tokens. Dense rows of more tokens are taken too, but fewer at a time: the
 * oldest leave early. */
AlisaStatus alisa_window_limits(const AlisaSelectOptions *options, uint32_t context,
                                uint32_t seed_rows, AlisaWindowLimits *limits, AlisaError *error);

typedef enum AlisaWindowAction {
    ALISA_WINDOW_ADD,    /* sums += row */
    ALISA_WINDOW_PUSH,   /* the same, and the row into the ring */
    ALISA_WINDOW_EXPIRE, /* sums -= row of the ring */
    ALISA_WINDOW_CLEAR,  /* sums[first_local .. first_local + entries) = 0 */
} AlisaWindowAction;

/* Entry i of a row is token places[i] for i < placed, else first_local + i - placed. On the device
 * the same eight uints. */
typedef struct AlisaWindowMove {
    uint32_t action; /* AlisaWindowAction */
    uint32_t source; /* row of the input (add, push) */
    uint32_t entries;
    uint32_t placed;
    uint32_t first_local;
    uint32_t first_code; /* in the rings, which go on at their beginning */
    uint32_t first_place;
    uint32_t count; /* tokens of the step the row is of */
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
/* Takes a zeroed window. */
void alisa_window_finish(AlisaWindow *window);

/* Most moves one call of the functions below gives. */
uint32_t alisa_window_max_moves(const AlisaWindow *window);

/* The moves, in order, that take a row of the step with `count` tokens; their number. The window
 * then is that of the step with count + 1 tokens. `source` is passed on. */
uint32_t alisa_window_feed(AlisaWindow *window, uint32_t count, bool dense, uint32_t source,
                           AlisaWindowMove *moves);
uint32_t alisa_window_truncate(AlisaWindow *window, uint32_t count, AlisaWindowMove *moves);

#endif
