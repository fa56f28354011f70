/*
 * Which sequences run. A static batch starts together and runs until its last token. With blocks
 * (vLLM), sequences start when there are free blocks; when there are none, the one that came last
 * is preempted: its blocks are swapped to the host or dropped, to be computed again. The simulator
 * runs all sequences to the same length; a session says which of its own want how many rows.
 */
#ifndef ALISA_SCHED_QUEUE_H
#define ALISA_SCHED_QUEUE_H

#include "sched/plan.h"

typedef enum AlisaSchedActionKind {
    ALISA_SCHED_PREFILL, /* compute the sequence's tokens so far: a prompt, or dropped ones again */
    ALISA_SCHED_SWAP_IN,
    ALISA_SCHED_SWAP_OUT,
    ALISA_SCHED_DROP
} AlisaSchedActionKind;

typedef struct AlisaSchedAction {
    AlisaSchedActionKind kind;
    uint32_t sequence;
    uint32_t length; /* tokens it holds */
} AlisaSchedAction;

typedef enum AlisaSchedPlaceOf {
    ALISA_SCHED_WAITING, /* holds nothing; tokens it has are to be computed, perhaps again */
    ALISA_SCHED_SWAPPED,
    ALISA_SCHED_RUNNING, /* holds its blocks, whether it wants rows or not */
    ALISA_SCHED_DONE
} AlisaSchedPlaceOf;

typedef struct AlisaSchedSequence {
    AlisaSchedPlaceOf state;
    uint32_t length;  /* tokens, the prompt's included */
    uint32_t wanted;  /* rows it is to get */
    uint32_t blocks;  /* it holds; with blocks only */
    uint32_t arrival; /* order of its last start; the latest is preempted first */
} AlisaSchedSequence;

typedef struct AlisaSchedQueue {
    AlisaSchedSequence *sequences; /* [batch] */
    AlisaSchedAction *actions;     /* of the last admit, in the order to be carried out */
    size_t action_count, action_capacity;
    uint32_t running;                  /* sequences that get rows now */
    uint32_t block_count, free_blocks; /* with blocks only */
    uint32_t arrivals;
    double swapped_bytes; /* on the host */
    uint32_t preempted;   /* so far */
} AlisaSchedQueue;

/* No sequence has a token yet. */
AlisaStatus alisa_sched_queue_init(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                   const AlisaSchedPlan *plan, AlisaError *error);
/* Takes a zeroed queue. */
void alisa_sched_queue_finish(AlisaSchedQueue *queue);

/* The sequence has so many tokens now, more or fewer than before; without any it holds nothing. */
void alisa_sched_queue_resize(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                              uint32_t sequence, uint32_t length);

/* Decides which sequences get the rows they want: those that run afterwards. Fills actions, and
 * gives blocks for the rows. Where some want rows, at least one of them gets them. */
void alisa_sched_queue_admit(AlisaSchedQueue *queue, const AlisaSchedProblem *problem);

/* Gives blocks for the rows that sequences want where none has to leave or to come back for it.
 * False: one has, and nothing has changed. */
bool alisa_sched_queue_grow(AlisaSchedQueue *queue, const AlisaSchedProblem *problem);

/* Takes what it holds from a sequence: its tokens are to be computed again. */
void alisa_sched_queue_drop(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                            uint32_t sequence);

/* Every sequence that has not ended wants a row: admits, and adds a token to those that run. False
 * when none is left. */
bool alisa_sched_queue_advance(AlisaSchedQueue *queue, const AlisaSchedProblem *problem);

/* Predicted, of the actions. */
void alisa_sched_queue_cost(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                            const AlisaSchedPlan *plan, AlisaSchedCost *cost);

/* NULL, or what is wrong: blocks are counted once, none are missing. */
const char *alisa_sched_queue_check(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                    const AlisaSchedPlan *plan);

#endif
