/* SPDX-License-Identifier: Apache-2.0 */
/* A scheduler beside a run: predictions that were wrong, plans made again, figures from steps. */
#include <math.h>

#include "sched/learn.h"
#include "unit/sched_support.h"

/* A link five times slower than predicted: the plan changes, and predictions come close. */
static void test_observe(void **state) {
    (void)state;
    AlisaSchedProblem problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_ALISA, 48);
    problem.run.schedule = ALISA_SCHEDULE_PAPER;
    AlisaScheduler *scheduler;
    AlisaError error;
    assert_int_equal(alisa_sched_create(&problem, 1, &scheduler, &error), ALISA_OK);
    const double slower = 5.0;
    uint32_t resolved = 0, settled = 0, limit = alisa_sched_plan(scheduler, 0)->inputs_saved;
    for (const AlisaSchedDecision *d; (d = alisa_sched_next(scheduler));) {
        double now = alisa_sched_problem(scheduler, 0)->correction.transfer;
        double copies = (d->cost.load + d->cost.store) * slower / now;
        AlisaSchedMeasured measured = {d->cost.total - d->cost.exposed + copies, copies, copies};
        if (copies > 0 && fabs(measured.seconds / d->cost.total - 1.0) < 0.25) settled++;
        if (alisa_sched_observe(scheduler, 0, &measured)) resolved++;
        assert_true(d->steps->inputs_end <= limit);
    }
    assert_true(resolved >= 1 && resolved <= 3);
    assert_true(settled > 300);
    assert_true(fabs(alisa_sched_problem(scheduler, 0)->correction.transfer / slower - 1) < 0.1);
    alisa_sched_destroy(scheduler);

    /* What comes as predicted changes nothing. */
    assert_int_equal(alisa_sched_create(&problem, 1, &scheduler, &error), ALISA_OK);
    for (const AlisaSchedDecision *d; (d = alisa_sched_next(scheduler));) {
        AlisaSchedMeasured measured = {1.2 * d->cost.total, 1.2 * d->cost.exposed,
                                       1.2 * (d->cost.load + d->cost.store)};
        assert_false(alisa_sched_observe(scheduler, 0, &measured));
    }
    alisa_sched_destroy(scheduler);
}

/* Where copies run beside the computation, the one that is slower than predicted is found out by
 * how long the copies alone took, and the plan is made again from where the run is. */
static void test_observe_overlap(void **state) {
    (void)state;
    const struct {
        double compute, copies; /* how many times slower than predicted */
    } cases[] = {{1.0, 30.0}, {4.0, 1.0}, {0.4, 1.0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AlisaSchedProblem problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_ALISA, 48);
        AlisaScheduler *scheduler;
        AlisaError error;
        assert_int_equal(alisa_sched_create(&problem, 1, &scheduler, &error), ALISA_OK);
        const AlisaSchedPhases before = alisa_sched_plan(scheduler, 0)->phases;
        uint32_t corrected = 0, first = 0, far = 0;
        for (const AlisaSchedDecision *d; (d = alisa_sched_next(scheduler));) {
            const AlisaSchedCorrection *now = &alisa_sched_problem(scheduler, 0)->correction;
            double compute = (d->cost.total - d->cost.exposed) * cases[i].compute / now->compute;
            double slower = cases[i].copies / now->transfer;
            double copied = (d->cost.load + d->cost.store) * slower;
            double longest = fmax(d->cost.load, d->cost.store) * slower;
            if (!problem.profile.link_duplex) longest = copied;
            AlisaSchedMeasured measured =
                alisa_sched_attribute(&problem, fmax(longest, compute), copied);
            double ratio = measured.seconds / d->cost.total;
            far += ratio > 1.3 || ratio < 0.75;
            if (!alisa_sched_observe(scheduler, 0, &measured)) continue;
            if (corrected++ == 0) first = d->steps->length;
        }
        const AlisaSchedProblem *after = alisa_sched_problem(scheduler, 0);
        print_message("%u times, %.2f %.2f, %u steps far off\n", corrected,
                      after->correction.compute, after->correction.transfer, far);
        assert_true(corrected >= 1 && corrected <= 4 && far <= 32);
        assert_true(fabs(after->correction.compute / cases[i].compute - 1) < 0.26);
        if (cases[i].copies > 1.0) {
            assert_true(fabs(after->correction.transfer / cases[i].copies - 1) < 0.26);
            /* What is solved again begins where the run was. */
            assert_true(alisa_sched_plan(scheduler, 0)->phases.host_from != before.host_from);
        }
        assert_true(after->start.length >= first && first > 0);
        alisa_sched_destroy(scheduler);
    }
}

/* Step times made from known figures give them back; noise that makes them impossible gives figures
 * that are possible. */
static void test_learn(void **state) {
    (void)state;
    static const AlisaPolicy policies[] = {ALISA_POLICY_FLEXGEN, ALISA_POLICY_ALISA};
    for (size_t i = 0; i < 2; i++) {
        AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-32", policies[i], 16);
        const AlisaSchedPlan plan = {.phases = {UINT32_MAX, UINT32_MAX, 0.0, 0.0}};
        AlisaSchedTimed timed[] = {{1, 200, 0.0}, {16, 200, 0.0}, {16, 640, 0.0}};
        problem.profile.attention_dense = problem.profile.attention_gathered = 123e9;
        problem.profile.step_overhead = 3e-3;
        problem.profile.row_overhead = 2e-4;
        for (size_t j = 0; j < 3; j++) {
            AlisaSchedStep before, step;
            AlisaSchedWork work;
            AlisaSchedCost cost;
            alisa_sched_place(&problem, &plan, timed[j].length - 1, &before);
            alisa_sched_place(&problem, &plan, timed[j].length, &step);
            alisa_sched_work(&problem, &before, &step, timed[j].sequences, &work);
            alisa_sched_time(&problem, &work, &cost);
            timed[j].seconds = cost.total;
        }
        AlisaSchedLearned learned = alisa_sched_learn(&problem, &timed[0], &timed[1], &timed[2]);
        assert_true(fabs(learned.attention / 123e9 - 1) < 1e-9);
        assert_true(fabs(learned.step_overhead / 3e-3 - 1) < 1e-9);
        assert_true(fabs(learned.row_overhead / 2e-4 - 1) < 1e-9);

        timed[2].seconds = timed[1].seconds; /* more tokens took no longer */
        learned = alisa_sched_learn(&problem, &timed[0], &timed[1], &timed[2]);
        assert_true(learned.attention == problem.profile.device_bandwidth);
        timed[0].seconds = 2 * timed[1].seconds; /* and one sequence longer than all */
        learned = alisa_sched_learn(&problem, &timed[0], &timed[1], &timed[2]);
        assert_true(learned.row_overhead == 0 && learned.step_overhead > 3e-3);
        timed[0].seconds = timed[1].seconds = timed[2].seconds = 0;
        learned = alisa_sched_learn(&problem, &timed[0], &timed[1], &timed[2]);
        assert_true(learned.row_overhead == 0 && learned.step_overhead == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observe),
        cmocka_unit_test(test_observe_overlap),
        cmocka_unit_test(test_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
