/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out, step by step, what a policy's plan says of where tokens are: new tokens get slots,
 * what a layer attends to is brought to the device, what is to be elsewhere leaves.
 *
 * The list of a layer for the next step is known once the layer has run: it is read back while the
 * layers after it run, so that what it misses is on its way before the step ends. A list that was
 * not read back (there was no need to know it, or it was made anew after a truncation) is taken for
 * all tokens of its sequence. Lists that are picked in the middle of their layer are read there.
 */
#ifndef ALISA_ENGINE_PLACEMENT_H
#define ALISA_ENGINE_PLACEMENT_H

#include "engine/sparse.h"
#include "kv/kv.h"
#include "sched/plan.h"

typedef struct AlisaPlacementShape {
    uint32_t layer_count;
    uint32_t sequence_count;
    uint32_t context_length;
    uint32_t row_tokens; /* tokens get slots so many at a time: 1, or those of a block */
    uint32_t max_rows;   /* tokens that get slots in a step */
} AlisaPlacementShape;

typedef struct AlisaPlacement AlisaPlacement;

/* plan: what the policy of `problem` solved it by. kv: tiered; sparse: NULL where every row attends
 * to everything. Both must outlive the placement. */
AlisaStatus alisa_placement_create(AlisaDevice *device, const AlisaPlacementShape *shape,
                                   const AlisaSchedProblem *problem, const AlisaSchedPlan *plan,
                                   AlisaKv *kv, AlisaSparse *sparse, AlisaPlacement **placement,
                                   AlisaError *error);
void alisa_placement_destroy(AlisaPlacement *placement);

/* A sequence that has rows in the step. */
typedef struct AlisaPlacementTurn {
    uint32_t sequence;
    uint32_t count; /* tokens of the sequence at the end of the step */
    uint32_t
        placed;  /* leading tokens that have slots then; the others are in an unfinished block */
    bool chosen; /* whether the row of the sequence attends to its list only */
} AlisaPlacementTurn;

/* Before the layers: slots for new tokens. turns must stay until alisa_placement_end. */
AlisaStatus alisa_placement_begin(AlisaPlacement *placement, const AlisaTokenRow *rows,
                                  uint32_t row_count, const AlisaPlacementTurn *turns,
                                  uint32_t turn_count, AlisaError *error);
/* Keeps the layer inputs that the plan wants: x is float[rows][columns], its rows are those that
 * were given to alisa_placement_begin. Has no effect where the plan keeps none. */
AlisaStatus alisa_placement_keep_inputs(AlisaPlacement *placement, uint32_t layer,
                                        const AlisaBuffer *x, AlisaError *error);
/* Before a layer's first launch: starts loading what the layer needs, and what the next one does.
 */
AlisaStatus alisa_placement_need(AlisaPlacement *placement, uint32_t layer, AlisaError *error);
/* After the launches that choose the layer's list: where the layer's own queries choose
 * (alisa_sparse_chooses_late), the host waits for the list and starts to load its tokens. */
AlisaStatus alisa_placement_chosen(AlisaPlacement *placement, uint32_t layer, AlisaError *error);
/* Before the launches that read the layer's tokens: they wait for the loads. */
AlisaStatus alisa_placement_arrive(AlisaPlacement *placement, uint32_t layer, AlisaError *error);
/* After the launches that read the layer's tokens, and after those that choose its next list. */
AlisaStatus alisa_placement_leave(AlisaPlacement *placement, uint32_t layer, AlisaError *error);
/* After the last launch of the step, before the host waits: moves tokens that the plan has
 * elsewhere, and starts to load those that the next step will miss. */
AlisaStatus alisa_placement_end(AlisaPlacement *placement, AlisaError *error);

/* With a policy by blocks, between steps: all `placed` tokens that a sequence has in slots go to
 * the host, or come back. After a failure half-way the sequence is to be truncated to 0. */
AlisaStatus alisa_placement_swap_out(AlisaPlacement *placement, uint32_t sequence, uint32_t placed,
                                     AlisaError *error);
AlisaStatus alisa_placement_swap_in(AlisaPlacement *placement, uint32_t sequence, uint32_t placed,
                                    AlisaError *error);

/* Tells how long a step took in which each sequence had one row. Where eight such steps were off
 * from alisa_placement_predicted by more than 25 % in the median, predictions are corrected and the
 * plan is made anew for the rest of the text. */
void alisa_placement_observe(AlisaPlacement *placement, double seconds);
/* How often the plan was made anew. */
uint32_t alisa_placement_replanned(const AlisaPlacement *placement);

const AlisaSchedProblem *alisa_placement_problem(const AlisaPlacement *placement);
const AlisaSchedPlan *alisa_placement_plan(const AlisaPlacement *placement);

/* Tokens, of the first `placed` of a sequence, that a layer reads at most in the sequence's next
 * rows. chosen: there is one row, with which it has `count` tokens, and it attends to its list. */
uint32_t alisa_placement_reads(const AlisaPlacement *placement, uint32_t sequence, uint32_t count,
                               uint32_t placed, bool chosen);

/* What the plan has for the step that alisa_placement_begin began, and its predicted time. */
const AlisaSchedStep *alisa_placement_step(const AlisaPlacement *placement);
double alisa_placement_predicted(const AlisaPlacement *placement);

/* For measuring steps: tokens `first` and later up to `length` of every sequence are placed as if
 * steps had computed them, and some of the first sequence's go to the host, so that steps do all
 * that they do where not every token is on the device. */
AlisaStatus alisa_placement_pretend(AlisaPlacement *placement, uint32_t first, uint32_t length,
                                    AlisaError *error);

/* Tokens `length` and later of a sequence are gone. */
AlisaStatus alisa_placement_truncate(AlisaPlacement *placement, uint32_t sequence, uint32_t length,
                                     AlisaError *error);

#endif
