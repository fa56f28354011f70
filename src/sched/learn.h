/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learns the figures of a device that only the times of complete steps tell, once all others are
 * known.
 */
#ifndef ALISA_SCHED_LEARN_H
#define ALISA_SCHED_LEARN_H

#include "sched/plan.h"

/* A timed step in which each of the sequences gets one token more, with all tokens on the device.
 */
typedef struct AlisaSchedTimed {
    uint32_t sequences;
    uint32_t length; /* tokens of each sequence, the new one included */
    double seconds;
} AlisaSchedTimed;

/* What the times tell. */
typedef struct AlisaSchedLearned {
    double attention;     /* bytes/s of K and V, in the way in which the policy attends */
    double step_overhead; /* as in AlisaSchedProfile */
    double row_overhead;  /* as in AlisaSchedProfile */
} AlisaSchedLearned;

/* Learns from three steps: `one` is of one sequence, `all` of every sequence with a short context,
 * `longest` of every sequence with the full context. The three figures that are learned may be
 * anything in the problem's profile. */
AlisaSchedLearned alisa_sched_learn(const AlisaSchedProblem *problem, const AlisaSchedTimed *one,
                                    const AlisaSchedTimed *all, const AlisaSchedTimed *longest);

#endif
