/*
 * What steps that were timed as a whole tell of a device, once everything else is known of it.
 */
#ifndef ALISA_SCHED_LEARN_H
#define ALISA_SCHED_LEARN_H

#include "sched/plan.h"

/* A step in which each of so many sequences gets one token more, all they have on the device. */
typedef struct AlisaSchedTimed {
    uint32_t sequences;
    uint32_t length; /* of each, that token included */
    double seconds;
} AlisaSchedTimed;

typedef struct AlisaSchedLearned {
    double attention; /* bytes of K and V a second, by the way the policy attends */
    double step_overhead;
    double row_overhead;
} AlisaSchedLearned;

/* one: of one sequence; all, longest: of all of them, with fewer and with more tokens. What the
 * problem's profile says of these three figures does not matter. */
AlisaSchedLearned alisa_sched_learn(const AlisaSchedProblem *problem, const AlisaSchedTimed *one,
                                    const AlisaSchedTimed *all, const AlisaSchedTimed *longest);

#endif
