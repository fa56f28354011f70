/*
 * Which sequences run. A static batch starts together and runs until its last token. With blocks
 * (vLLM), sequences start when there are free blocks; when there are none, the one that came last
 * is preempted: its blocks are swapped to the host or dropped, to be computed again.
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
    ALISA_SCHED_WAITING, /* holds nothing; tokens it had were dropped */
    ALISA_SCHED_SWAPPED,
    ALISA_SCHED_RUNNING,
    ALISA_SCHED_DONE
} AlisaSchedPlaceOf;

typedef struct AlisaSchedSequence {
    AlisaSchedPlaceOf state;
    uint32_t length;  /* tokens, the prompt's included */
    uint32_t arrival; /* order of its last start; the latest is preempted first */
} AlisaSchedSequence;

typedef struct AlisaSchedQueue {
    AlisaSchedSequence *sequences; /* [batch] */
    AlisaSchedAction *actions;     /* of the last advance, in the order to be carried out */
    size_t action_count, action_capacity;
    uint32_t running;     /* sequences that have a token computed in this step */
    uint32_t free_blocks; /* with blocks only */
    uint32_t arrivals;
    double swapped_bytes; /* on the host */
    uint32_t preempted;   /* so far */
} AlisaSchedQueue;

AlisaStatus alisa_sched_queue_init(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                   const AlisaSchedPlan *plan, AlisaError *error);
/* Takes a zeroed queue. */
void alisa_sched_queue_finish(AlisaSchedQueue *queue);

/* Decides the next step: fills actions, and adds a token to every running sequence. False when
 * none is left. */
bool alisa_sched_queue_advance(AlisaSchedQueue *queue, const AlisaSchedProblem *problem);

/* The sequence has ended, with its last token or before; what it holds is free. */
void alisa_sched_queue_end(AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                           uint32_t sequence);

/* NULL, or what is wrong: blocks are counted once, none are missing. */
const char *alisa_sched_queue_check(const AlisaSchedQueue *queue, const AlisaSchedProblem *problem,
                                    const AlisaSchedPlan *plan);

#endif
