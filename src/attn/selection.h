/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selectors of attn/select.h on a device: sums, windows and lists of all sequences in a run of
 * layers, and the kernels that feed rows and pick. Lists are those of the host twin, bit for bit.
 *
 * A step of a decoder does this in each layer: translate the lists that were picked into slots;
 * attend; feed the rows and pick the lists of the next step, which depend on nothing that comes
 * later. A plan holds only numbers of tokens, which are the same in all layers, so one plan serves
 * a step.
 */
#ifndef ALISA_ATTN_SELECTION_H
#define ALISA_ATTN_SELECTION_H

#include "attn/select.h"
#include "ops/ops.h"

typedef struct AlisaSelectionShape {
    uint32_t layer_count;
    uint32_t
        first_layer; /* number of the first layer in the model, which tells random streams apart */
    uint32_t sequence_count;
    uint32_t list_count; /* lists of a layer and sequence: 1, or one for each KV head */
    uint32_t context;    /* most tokens of a sequence */
    uint32_t seed_rows;  /* tokens up to which dense rows of a prompt are expected: the windows have
                            room for them (attn/window.h) */
    uint32_t max_updates; /* most updates of one plan */
    uint32_t max_rows;    /* most rows that one plan feeds */
} AlisaSelectionShape;

typedef struct AlisaSelection AlisaSelection;

/* Bytes that a selection takes on the device; 0, with *error set, if it cannot be made. */
uint64_t alisa_selection_bytes(const AlisaSelectOptions *options, const AlisaSelectionShape *shape,
                               AlisaError *error);

/* Creates a selection in which every sequence is empty. */
AlisaStatus alisa_selection_create(AlisaOps *ops, const AlisaSelectOptions *options,
                                   const AlisaSelectionShape *shape, AlisaSelection **selection,
                                   AlisaError *error);
void alisa_selection_destroy(AlisaSelection *selection);

/* What a run does for one sequence: it feeds rows, then picks lists. */
typedef struct AlisaSelectionUpdate {
    uint32_t sequence;
    uint32_t row_count;   /* rows to feed, one each of consecutive steps; 0: none */
    uint32_t first_row;   /* where these rows begin among the rows of the run */
    uint32_t first_count; /* tokens of the step that the first row is of */
    bool dense; /* rows have an entry for each token; false: there is one row, in the order of the
                   sequence's list */
    uint32_t pick_count; /* tokens of the step whose lists are picked; 0: none are picked */
    uint32_t pick_row;   /* the dense row that globals are chosen by, if they are chosen by a row */
} AlisaSelectionUpdate;

/* Makes a plan of these updates: advances the windows and hands the updates to the device. A
 * sequence may have several updates in a plan, but not in one run. */
AlisaStatus alisa_selection_plan(AlisaSelection *selection, const AlisaSelectionUpdate *updates,
                                 uint32_t update_count, AlisaError *error);

/* Rows of weights as alisa_attention_row leaves them: uint32[row][list][stride]. */
typedef struct AlisaSelectionRows {
    const AlisaBuffer *buffer; /* NULL if no update reads a row */
    uint32_t stride;
} AlisaSelectionRows;

/* Carries out updates [first, first + count) of the plan in a layer (0 .. layer_count - 1). All
 * updates have to be carried out in every layer before the next plan is made. */
AlisaStatus alisa_selection_run(AlisaSelection *selection, uint32_t layer, uint32_t first,
                                uint32_t count, AlisaSelectionRows rows, AlisaError *error);

/* Truncates a sequence to `count` tokens in all layers, as alisa_selector_state_truncate does; its
 * lists have to be picked anew. */
AlisaStatus alisa_selection_truncate(AlisaSelection *selection, uint32_t sequence, uint32_t count,
                                     AlisaError *error);

/* All lists, as ascending positions: uint32[layer][sequence][list][capacity]. */
const AlisaBuffer *alisa_selection_lists(const AlisaSelection *selection);
/* The most entries of a list. */
uint32_t alisa_selection_capacity(const AlisaSelection *selection);
/* The element of alisa_selection_lists at which the lists of a sequence begin; list g begins
 * g * capacity later. */
uint64_t alisa_selection_list_offset(const AlisaSelection *selection, uint32_t layer,
                                     uint32_t sequence);

/* Where the lists of a sequence go, translated into slots, for attention to read. */
typedef struct AlisaSelectionTarget {
    uint32_t sequence;
    uint32_t count;       /* entries of each list */
    uint32_t list_offset; /* the element of the slots at which list 0 goes; list g goes g *
                             list_stride later */
    /* The next three are read only if keys or values are i8 (AlisaKvTailPlace). */
    uint32_t first_block; /* row of params of the sequence's block 0 */
    uint32_t sealed;     /* leading tokens that are in sealed blocks; the others are in the tails */
    uint32_t first_half; /* row of the tails of the first token that is not in a sealed block */
} AlisaSelectionTarget;

/* Hands at most max_updates targets to the device, for all layers of a step. */
AlisaStatus alisa_selection_set_targets(AlisaSelection *selection,
                                        const AlisaSelectionTarget *targets, uint32_t target_count,
                                        AlisaError *error);

/* The slots of a layer's tokens, and where lists of slots are written to. */
typedef struct AlisaSelectionSlots {
    const AlisaBuffer *pages; /* int32: the slot of position p of sequence s is element
                                 page_offset + s * page_stride + p */
    uint64_t page_offset;
    uint32_t page_stride;
    const AlisaBuffer *slots;  /* int32, written: the slot of each entry; if `blocks` is not NULL, a
                                  token that is not in a sealed block has
                                  ~(first_half + position - sealed) instead */
    const AlisaBuffer *blocks; /* int32, written: first_block + position / 64 of each entry; NULL
                                  unless keys or values are i8 */
    uint32_t list_stride;      /* elements from list to list of a target */
} AlisaSelectionSlots;

/* Launches the kernel that translates the lists of all targets in a layer into slots. */
AlisaStatus alisa_selection_translate(AlisaSelection *selection, uint32_t layer,
                                      const AlisaSelectionSlots *slots, AlisaError *error);

#endif
