/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of placement share: placement.c makes it and learns from steps, placement_step.c
 * carries out a step, placement_lists.c reads lists of chosen tokens back, placement_sequence.c
 * moves whole sequences.
 */
#ifndef ALISA_ENGINE_PLACEMENT_INTERNAL_H
#define ALISA_ENGINE_PLACEMENT_INTERNAL_H

#include "engine/placement.h"
#include "sched/observe.h"

/* A layer's lists on the host: uint32[sequence][list][capacity]. */
typedef struct AlisaReadLists {
    AlisaEvent event;
    uint32_t *counts; /* [sequence] tokens of the step each is for; 0: not read */
} AlisaReadLists;

struct AlisaPlacement {
    AlisaDevice *device; /* not owned */
    AlisaKv *kv;         /* not owned */
    AlisaTiers *tiers;   /* of kv */
    AlisaSparse *sparse; /* not owned; NULL: every row attends to everything */
    AlisaPlacementShape shape;
    AlisaSchedProblem problem;
    AlisaSchedPlan plan;
    AlisaSchedStep step;   /* what the plan has for the step, by the longest sequence with a row */
    AlisaSchedStep before; /* what it had for the step before */
    AlisaSchedCost predicted;
    AlisaSchedObserver observer;
    uint32_t observed_length; /* tokens of the longest sequence in the last step observed */
    double copied;            /* seconds of all copies up to the end of that step */
    uint32_t replanned;
    AlisaResidencyUse use;
    bool ahead; /* the tokens of two layers fit side by side */
    bool late;  /* the lists of the step are picked in the middle of their layers */
    const AlisaPlacementTurn *turns; /* [turn_count] of the step */
    uint32_t turn_count;
    uint32_t needed;           /* layers whose tokens are on their way */
    uint32_t *away;            /* [sequence] leading tokens that the plan has on the host */
    uint32_t *dropped;         /* [sequence] leading tokens that are kept as layer inputs only */
    AlisaTokenRow *input_rows; /* [max_rows] tokens of the step whose layer inputs are kept */
    uint32_t *input_sources;   /* [max_rows] the rows of the step that those tokens are */
    uint32_t list_count;       /* lists of a layer and sequence */
    uint32_t capacity;         /* positions that a list has room for */
    AlisaPinned pinned;        /* lists that were read back, [layer][sequence][list][capacity] */
    AlisaReadLists *read;      /* [layer] */
    AlisaTokenList *lists;     /* [sequence * list] of the layer in hand */
    AlisaTokenRange *ranges;   /* [sequence * layer] to be offloaded together */
    uint32_t *leaving;         /* [turn] leading tokens that are to be on the host after the step */
    uint32_t *others;          /* [context] tokens that a list leaves out */
};

/* Starts to read the lists of a layer: those of this step where they are picked late, else of the
 * next one. */
AlisaStatus alisa_placement_read_lists(AlisaPlacement *placement, uint32_t layer,
                                       AlisaError *error);
/* Waits for the lists of a layer that are being read. */
AlisaStatus alisa_placement_await_lists(AlisaPlacement *placement, uint32_t layer,
                                        AlisaError *error);
/* The lists of a sequence in the step with `count` tokens, of which `placed` have slots: those that
 * were read back if the row is `chosen`, else one of all tokens. Returns how many, list_count at
 * most. */
uint32_t alisa_placement_add_lists(const AlisaPlacement *placement, uint32_t layer,
                                   uint32_t sequence, uint32_t count, uint32_t placed, bool chosen,
                                   AlisaTokenList *lists);

#endif
