/*
 * The selectors of attn/select.h on a device: sums, windows and lists of every sequence and list of
 * some layers, and the kernels that feed rows and pick. Lists are those of the host twin, bit for
 * bit.
 *
 * A step of a decoder, layer by layer: translate the lists that are there into slots; attend; feed
 * the rows and pick the lists of the next step, which depend on nothing that comes later. So one
 * plan (the same for all layers, only numbers of tokens are in it) serves all of a step.
 */
#ifndef ALISA_ATTN_SELECTION_H
#define ALISA_ATTN_SELECTION_H

#include "attn/select.h"
#include "ops/ops.h"

typedef struct AlisaSelectionShape {
    uint32_t layer_count;
    uint32_t first_layer; /* of the model: tells random streams apart */
    uint32_t sequence_count;
    uint32_t list_count; /* 1, or the KV heads */
    uint32_t context;
    uint32_t seed_rows;   /* dense rows of a prompt are expected up to this many tokens: sizes the
                             windows (attn/window.h) */
    uint32_t max_updates; /* of one plan */
    uint32_t max_rows;    /* rows fed by one plan */
} AlisaSelectionShape;

typedef struct AlisaSelection AlisaSelection;

/* Bytes of device memory that a selection takes; 0 with an error set if it cannot be made. */
uint64_t alisa_selection_bytes(const AlisaSelectOptions *options, const AlisaSelectionShape *shape,
                               AlisaError *error);

/* Every sequence starts empty. */
AlisaStatus alisa_selection_create(AlisaOps *ops, const AlisaSelectOptions *options,
                                   const AlisaSelectionShape *shape, AlisaSelection **selection,
                                   AlisaError *error);
void alisa_selection_destroy(AlisaSelection *selection);

/* What one run does for a sequence: feeds rows, then picks. */
typedef struct AlisaSelectionUpdate {
    uint32_t sequence;
    uint32_t row_count;   /* rows to feed, of consecutive steps; 0: none */
    uint32_t first_row;   /* of them in the rows of the run */
    uint32_t first_count; /* tokens of the step of the first row */
    bool dense; /* the rows have an entry for each token; else there is one row, in the order
                   of the sequence's list */
    uint32_t pick_count; /* tokens of the step to pick for; 0: none */
    uint32_t pick_row;   /* where globals are chosen by a row: which */
} AlisaSelectionUpdate;

/* Advances the windows by these updates and hands them to the device. A sequence may have several
 * updates, but not in one run. */
AlisaStatus alisa_selection_plan(AlisaSelection *selection, const AlisaSelectionUpdate *updates,
                                 uint32_t update_count, AlisaError *error);

/* Rows as attn_row leaves them: uint32[row][list][stride]. */
typedef struct AlisaSelectionRows {
    const AlisaBuffer *buffer; /* NULL where no update reads one */
    uint32_t stride;
} AlisaSelectionRows;

/* Does updates [first, first + count) of the plan for a layer (0 .. layer_count - 1). To be done
 * for every layer before the next plan. */
AlisaStatus alisa_selection_run(AlisaSelection *selection, uint32_t layer, uint32_t first,
                                uint32_t count, AlisaSelectionRows rows, AlisaError *error);

/* Forgets tokens `count` and later of a sequence in all layers; its lists have to be picked anew.
 * See alisa_selector_state_truncate. */
AlisaStatus alisa_selection_truncate(AlisaSelection *selection, uint32_t sequence, uint32_t count,
                                     AlisaError *error);

/* Positions: uint32[layer][sequence][list][capacity], ascending. */
const AlisaBuffer *alisa_selection_lists(const AlisaSelection *selection);
uint32_t alisa_selection_capacity(const AlisaSelection *selection);
/* First element of the lists of a sequence in that buffer; list g comes g * capacity later. */
uint64_t alisa_selection_list_offset(const AlisaSelection *selection, uint32_t layer,
                                     uint32_t sequence);

/* Lists of a sequence that attention is to read. */
typedef struct AlisaSelectionTarget {
    uint32_t sequence;
    uint32_t count;       /* entries of each of its lists */
    uint32_t list_offset; /* where the first goes in the slots; list g goes g * list_stride later */
    /* Where tokens are in a cache of 8-bit blocks. */
    uint32_t first_block; /* row of params of the sequence's block 0 */
    uint32_t sealed;      /* tokens in sealed blocks; those after them are in the tails, */
    uint32_t first_half;  /* the first of them in this row, the others in the rows after it */
} AlisaSelectionTarget;

/* Hands up to max_updates of them to the device, for all layers of a step. */
AlisaStatus alisa_selection_set_targets(AlisaSelection *selection,
                                        const AlisaSelectionTarget *targets, uint32_t target_count,
                                        AlisaError *error);

typedef struct AlisaSelectionSlots {
    const AlisaBuffer *pages; /* int32: slot of position p of sequence s is at page_offset +
                                 s * page_stride + p */
    uint64_t page_offset;
    uint32_t page_stride;
    const AlisaBuffer *slots;  /* int32: written with slots; with `blocks`, a token that is not
                                  sealed has ~(first_half + position - sealed) */
    const AlisaBuffer *blocks; /* int32: written with first_block + position / 64; NULL where no
                                  side of the cache has blocks */
    uint32_t list_stride;
} AlisaSelectionSlots;

AlisaStatus alisa_selection_translate(AlisaSelection *selection, uint32_t layer,
                                      const AlisaSelectionSlots *slots, AlisaError *error);

#endif
