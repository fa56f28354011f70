/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sequences run. A static batch starts together and runs until its last token. With blocks
 * (vLLM), sequences start when there are free blocks; when there are none, the sequence that
 * started last is preempted: its tokens are swapped to the host, or dropped, to be computed again.
 * The simulator runs all sequences to the same length; a session says how many rows each sequence
 * wants.
 */
#ifndef ALISA_SCHED_QUEUE_H
#define ALISA_SCHED_QUEUE_H

#include "sched/plan.h"

/* What is done with a sequence before a step. */
typedef enum AlisaSchedActionKind {
    ALISA_SCHED_PREFILL,  /* its tokens so far are computed: a prompt, or dropped tokens again */
    ALISA_SCHED_SWAP_IN,  /* its tokens come back from the host */
    ALISA_SCHED_SWAP_OUT, /* its tokens go to the host */
    ALISA_SCHED_DROP      /* its tokens are dropped */
} AlisaSchedActionKind;

typedef struct AlisaSchedAction {
    AlisaSchedActionKind kind;
    uint32_t sequence;
    uint32_t length; /* tokens of the sequence */
} AlisaSchedAction;

/* Where a sequence is. */
typedef enum AlisaSchedPlaceOf {
    ALISA_SCHED_WAITING, /* nowhere: its tokens, if it has any, are to be computed */
    ALISA_SCHED_SWAPPED, /* on the host */
    ALISA_SCHED_RUNNING, /* on the device, in its blocks, whether it wants rows or not */
    ALISA_SCHED_DONE     /* ended: it holds nothing */
} AlisaSchedPlaceOf;

typedef struct AlisaSchedSequence {
    AlisaSchedPlaceOf state;
    uint32_t length; /* tokens, those of the prompt included */
    uint32_t wanted; /* rows that it wants in the next step */
    uint32_t blocks; /* blocks that it holds; 0 in a static batch */
    uint32_t
        arrival; /* number of its last start; the sequence with the largest is preempted first */
} AlisaSchedSequence;

/* A stage of the run: what its plan is made from, and the plan. Both belong to whoever keeps them,
 * and may change between calls. */
typedef struct AlisaSchedStage {
    const AlisaSchedProblem *problem;
    const AlisaSchedPlan *plan;
} AlisaSchedStage;

typedef struct AlisaSchedQueue {
    AlisaSchedStage *stages; /* [stage_count] */
    uint32_t stage_count;
    uint32_t batch;                /* sequences; the same in all stages */
    uint32_t longest;              /* tokens of a sequence at the end of the run; likewise */
    bool by_blocks;                /* likewise */
    AlisaSchedSequence *sequences; /* [batch] */
    AlisaSchedAction *actions;     /* actions of the last admit, to be carried out in this order */
    size_t action_count, action_capacity;
    uint32_t running;                  /* sequences that get rows in the next step */
    uint32_t block_count, free_blocks; /* of the stage that has fewest; 0 in a static batch */
    uint32_t arrivals;                 /* starts of sequences so far */
    uint64_t swapped_tokens;           /* of swapped sequences, which every stage has on the host */
    uint32_t preempted;                /* preemptions so far */
} AlisaSchedQueue;

/* Makes a queue of waiting sequences without tokens. The layers of a token may lie in several
 * stages: a block is then one block in each of them, a sequence goes and comes in all of them at
 * once, and what that takes is the sum over them. stages: [stage_count], of one run, and so alike
 * in all but their devices, layers and budgets. */
AlisaStatus alisa_sched_queue_init(AlisaSchedQueue *queue, const AlisaSchedStage *stages,
                                   uint32_t stage_count, AlisaError *error);
/* Frees the arrays; a zeroed queue is allowed. */
void alisa_sched_queue_finish(AlisaSchedQueue *queue);

/* Sets the number of tokens of a sequence, more or fewer than before; with none it holds nothing.
 */
void alisa_sched_queue_resize(AlisaSchedQueue *queue, uint32_t sequence, uint32_t length);

/* Decides which sequences get the rows that they want: of those that want rows, all that run when
 * the call returns. Fills the actions and gives the sequences blocks for their rows. If any
 * sequence wants rows, one at least gets them. */
void alisa_sched_queue_admit(AlisaSchedQueue *queue);

/* Gives all sequences blocks for the rows that they want, if none has to leave or come back for it;
 * else changes nothing and returns false. */
bool alisa_sched_queue_grow(AlisaSchedQueue *queue);

/* Drops the tokens of a sequence: it holds nothing, and they are to be computed again. */
void alisa_sched_queue_drop(AlisaSchedQueue *queue, uint32_t sequence);

/* A step of the simulator: every sequence that has not ended wants a row; sequences are admitted,
 * and those that run get a token more. False when no sequence is left. */
bool alisa_sched_queue_advance(AlisaSchedQueue *queue);

/* Predicts what the actions of the last admit cost, in all stages together. */
void alisa_sched_queue_cost(const AlisaSchedQueue *queue, AlisaSchedCost *cost);
/* Bytes of swapped sequences that all stages together have on the host. */
double alisa_sched_queue_swapped_bytes(const AlisaSchedQueue *queue);

/* NULL, or a sentence about what is wrong: every block must be free or held by one sequence. */
const char *alisa_sched_queue_check(const AlisaSchedQueue *queue);

#endif
