/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/learn.h"

#include <math.h>

/* Lists that grow by less tell nothing of attention: what a step takes is overhead then. */
#define LEAST_GROWTH 0.25

/* A timed step: what is known of its time, without attention, which reads so many bytes. */
typedef struct Known {
    double seconds, bytes;
} Known;

static Known known_of(const AlisaSchedProblem *problem, const AlisaSchedTimed *timed) {
    const AlisaSchedPlan plan = {.phases = {UINT32_MAX, UINT32_MAX, 0.0, 0.0}};
    AlisaSchedProblem bare = *problem;
    AlisaSchedStep before, step;
    AlisaSchedWork work;
    AlisaSchedCost cost;
    bare.profile.step_overhead = bare.profile.row_overhead = 0.0;
    alisa_sched_place(problem, &plan, timed->length - 1, &before);
    alisa_sched_place(problem, &plan, timed->length, &step);
    alisa_sched_work(problem, &before, &step, timed->sequences, &work);
    double tokens = work.dense + work.gathered;
    work.dense = work.gathered = 0.0;
    alisa_sched_time(&bare, &work, &cost);
    return (Known){cost.total,
                   tokens * problem->bytes.slot * alisa_sched_model_kv_layers(&problem->model)};
}

AlisaSchedLearned alisa_sched_learn(const AlisaSchedProblem *problem, const AlisaSchedTimed *one,
                                    const AlisaSchedTimed *all, const AlisaSchedTimed *longest) {
    Known first = known_of(problem, one), few = known_of(problem, all);
    Known many = known_of(problem, longest);
    /* Seconds for a byte; memory is the limit. */
    double attention = 1.0 / problem->profile.device_bandwidth;
    double bytes = many.bytes - few.bytes;
    double seconds = longest->seconds - many.seconds - (all->seconds - few.seconds);
    if (bytes >= LEAST_GROWTH * few.bytes) attention = fmax(attention, seconds / bytes);

    double rest_few = all->seconds - few.seconds - few.bytes * attention;
    double rest_many = longest->seconds - many.seconds - many.bytes * attention;
    double rest = (rest_few + rest_many) / 2.0;
    double rest_first = one->seconds - first.seconds - first.bytes * attention;
    double row = all->sequences > 1 ? (rest - rest_first) / (all->sequences - 1.0) : 0.0;
    row = fmin(fmax(row, 0.0), fmax(rest, 0.0) / all->sequences);
    return (AlisaSchedLearned){.attention = 1.0 / attention,
                               .step_overhead = fmax(rest - row * all->sequences, 0.0),
                               .row_overhead = row};
}
