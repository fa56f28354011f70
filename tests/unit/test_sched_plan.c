/* SPDX-License-Identifier: Apache-2.0 */
/* Placement policies, the search for phases, the queue of sequences and the simulator. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "unit/sched_support.h"

static AlisaSchedResult simulate(const AlisaSchedProblem *problem) {
    AlisaSchedResult result;
    AlisaError error = {0};
    if (alisa_sched_simulate(problem, 1, &result, &error) != ALISA_OK)
        fail_msg("%s", error.message);
    return result;
}

static double seconds_of(const AlisaSchedProblem *problem) {
    AlisaSchedResult result = simulate(problem);
    double seconds = result.prefill_seconds + result.decode_seconds;
    alisa_sched_result_finish(&result);
    return seconds;
}

/* ---- Capacity ------------------------------------------------------------------------------ */

/* The longest sequence the device holds alone, as the refusals of policy device find it. */
static uint32_t tokens_that_fit(const char *model, const char *device, uint32_t batch) {
    AlisaSchedProblem problem = problem_of(model, device, ALISA_POLICY_DEVICE, batch);
    problem.run.prompt_length = 1;
    uint32_t low = 1, high = 1u << 20;
    while (low + 1 < high) {
        uint32_t middle = (low + high) / 2;
        problem.run.generate_length = middle - 1;
        AlisaSchedPlan plan;
        if (problem.policy->solve(&problem, &plan, NULL) == ALISA_OK) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Weights counted to the last element, FP16 KV, 1 GiB of scratch. */
static void test_capacity(void **state) {
    (void)state;
    static const struct {
        const char *model, *device;
        uint32_t tokens[3]; /* at batch 4, 16, 64 */
    } known[] = {
        {"opt-6.7b", "V100-16", {1329, 332, 83}},
        {"opt-6.7b", "V100-32", {9521, 2380, 595}},
        {"opt-13b", "V100-32", {2312, 578, 144}},
        {"opt-30b", "H100-80", {4518, 1129, 282}},
    };
    static const uint32_t batches[] = {4, 16, 64};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        for (size_t j = 0; j < 3; j++) {
            assert_int_equal(tokens_that_fit(known[i].model, known[i].device, batches[j]),
                             known[i].tokens[j]);
        }
    }
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void expect_sentence(const AlisaSchedProblem *problem, const char *const *parts) {
    AlisaSchedResult result;
    AlisaError error = {0};
    assert_int_equal(alisa_sched_simulate(problem, 1, &result, &error), ALISA_ERROR_MEMORY);
    for (; *parts; parts++) {
        if (!strstr(error.message, *parts)) fail_msg("'%s' lacks '%s'", error.message, *parts);
    }
}

static void test_refusals(void **state) {
    (void)state;
    AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_DEVICE, 64);
    expect_sentence(&problem, (const char *[]){"policy device, 64 sequences", "at 640 tokens",
                                               "20.00 GiB of device memory", "18.60 GiB",
                                               "1.40 GiB are missing", "--policy alisa",
                                               "--device-mem", NULL});
    problem = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_ACCELERATE, 64);
    problem.run.host_bytes = (uint64_t)15 << 30;
    expect_sentence(&problem, (const char *[]){"policy accelerate", "20.00 GiB of host memory",
                                               "5.00 GiB are missing", "--host-mem", NULL});
    problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_ALISA, 1024);
    expect_sentence(&problem, (const char *[]){"policy alisa", "of device memory", "are missing",
                                               "--kv-sparsity", NULL});
    problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_VLLM, 4);
    problem.run.generate_length = 10000;
    expect_sentence(&problem, (const char *[]){"policy vllm: one sequence of 10128 tokens",
                                               "are missing", "-ctk q8_0", NULL});

    /* What is advised helps. */
    problem = problem_of("opt-6.7b", "V100-16", ALISA_POLICY_ALISA, 64);
    problem.run.key_type = problem.run.value_type = ALISA_KV_I8;
    alisa_sched_kv_bytes(&problem.model, ALISA_KV_I8, ALISA_KV_I8, &problem.bytes);
    expect_sentence(&problem, (const char *[]){"1.16 GiB are missing", "-ctk q8_0", NULL});
    problem.run.key_type = problem.run.value_type = ALISA_KV_Q8_0;
    alisa_sched_kv_bytes(&problem.model, ALISA_KV_Q8_0, ALISA_KV_Q8_0, &problem.bytes);
    assert_true(seconds_of(&problem) > 0.0);

    AlisaSchedProfile profile;
    AlisaSchedModel model;
    AlisaError error;
    assert_int_equal(alisa_sched_profile_find("V100-32", &profile, &error), ALISA_OK);
    assert_int_equal(alisa_sched_model_find("opt-30b", &model, &error), ALISA_OK);
    AlisaSchedRun run = problem.run;
    run.device_bytes = profile.device_bytes;
    assert_int_equal(
        alisa_sched_problem_init(&problem, &profile, &model, &run, ALISA_POLICY_ALISA, &error),
        ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "the weights of opt-30b take 55.83 GiB"));
    assert_non_null(strstr(error.message, "24.83 GiB are missing"));
    run.sparsity = 1.0;
    assert_int_equal(
        alisa_sched_problem_init(&problem, &profile, &model, &run, ALISA_POLICY_ALISA, &error),
        ALISA_ERROR_ARGUMENT);
}

/* ---- Conservation -------------------------------------------------------------------------- */

/* Every token of every step is in exactly one place, and no step takes more than there is. */
static void check_static(const AlisaSchedProblem *problem, const AlisaSchedPlan *plan) {
    AlisaSchedStep before;
    alisa_sched_place(problem, plan, problem->run.prompt_length, &before);
    for (uint32_t n = problem->run.prompt_length; n <= alisa_sched_final_length(problem); n++) {
        AlisaSchedStep step;
        alisa_sched_place(problem, plan, n, &step);
        assert_int_equal(step.length, n);
        assert_true(step.inputs_end <= step.host_end && step.host_end + step.forgotten <= n);
        assert_true(step.inputs_end <= step.inputs_saved);
        assert_true(step.inputs_on_device <= step.inputs_saved);
        assert_true(step.hot <= step.host_end && step.kept <= n && step.locals <= step.kept);
        assert_true(step.phase == 1 ? step.host_end == 0 : true);
        assert_true(step.phase < 3 ? step.inputs_end == 0 : true);
        assert_true(step.phase >= before.phase);
        AlisaSchedDemand demand = alisa_sched_demand(problem, &step);
        assert_true(demand.device <= alisa_sched_pool_bytes(problem) * (1 + 1e-12));
        assert_true(demand.host <= (double)problem->run.host_bytes * (1 + 1e-12));
        before = step;
    }
}

static void test_conservation(void **state) {
    (void)state;
    static const char *const setups[][2] = {
        {"opt-6.7b", "V100-16"}, {"opt-13b", "V100-32"}, {"llama-3-8b", "RX-7900-XTX"}};
    AlisaRandom random;
    alisa_random_seed(&random, 17);
    for (int trial = 0; trial < 60; trial++) {
        const char *const *setup = setups[trial % 3];
        AlisaPolicy policy = (AlisaPolicy)alisa_random_below(&random, ALISA_POLICY_COUNT);
        AlisaSchedProblem problem =
            problem_of(setup[0], setup[1], policy, 1 + alisa_random_below(&random, 80));
        problem.run.prompt_length = 1 + alisa_random_below(&random, 300);
        problem.run.generate_length = 1 + alisa_random_below(&random, 600);
        problem.run.sparsity = alisa_random_double(&random) * 0.95;
        problem.run.schedule = (AlisaSchedule)alisa_random_below(&random, 2);
        problem.run.scores = (AlisaSelectScores)alisa_random_below(&random, 3);
        AlisaScheduler *scheduler;
        AlisaError error;
        AlisaStatus status = alisa_sched_create(&problem, 1, &scheduler, &error);
        if (status != ALISA_OK) {
            assert_int_equal(status, ALISA_ERROR_MEMORY);
            continue;
        }
        const AlisaSchedPlan *plan = alisa_sched_plan(scheduler, 0);
        if (!problem.policy->by_blocks) check_static(&problem, plan);
        uint64_t tokens = 0;
        for (const AlisaSchedDecision *d; (d = alisa_sched_next(scheduler));) {
            const char *wrong = alisa_sched_queue_check(alisa_sched_queue(scheduler));
            if (wrong) fail_msg("%s", wrong);
            assert_true(isfinite(d->cost.total) && d->cost.total > 0);
            tokens += d->running;
        }
        /* Preempted or not, every sequence got all its tokens once. */
        assert_int_equal(tokens, (uint64_t)problem.run.batch * problem.run.generate_length);
        alisa_sched_destroy(scheduler);
    }
}

/* What vLLM does when blocks run out: the latest goes, tokens survive, swapped bytes return to 0.
 */
static void test_preemption(void **state) {
    (void)state;
    AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_VLLM, 64);
    AlisaScheduler *scheduler;
    AlisaError error;
    assert_int_equal(alisa_sched_create(&problem, 1, &scheduler, &error), ALISA_OK);
    uint32_t out = 0, in = 0, first_out = 0;
    bool gone[64] = {0};
    for (const AlisaSchedDecision *d; (d = alisa_sched_next(scheduler));) {
        for (size_t i = 0; i < d->action_count; i++) {
            const AlisaSchedAction *action = &d->actions[i];
            if (action->kind == ALISA_SCHED_SWAP_OUT || action->kind == ALISA_SCHED_DROP) {
                if (out++ == 0) {
                    first_out = action->length;
                    assert_int_equal(action->sequence, 63);
                }
                assert_false(gone[action->sequence]);
                gone[action->sequence] = true;
            } else if (action->length > problem.run.prompt_length) {
                assert_true(gone[action->sequence]);
                gone[action->sequence] = false;
                in++;
            }
        }
    }
    assert_true(out > 0 && in == out);
    assert_true(first_out >= 576 && first_out <= 595); /* 595 fit, in blocks of 16 */
    assert_int_equal(alisa_sched_queue(scheduler)->swapped_tokens, 0);
    alisa_sched_destroy(scheduler);
}

/* ---- Solving ------------------------------------------------------------------------------- */

static void test_search(void **state) {
    (void)state;
    static const struct {
        const char *model, *device;
        uint32_t batch;
        AlisaSchedule schedule;
    } cases[] = {
        {"opt-6.7b", "V100-16", 16, ALISA_SCHEDULE_PAPER},
        {"opt-6.7b", "V100-16", 32, ALISA_SCHEDULE_PAPER},
        {"opt-6.7b", "V100-16", 64, ALISA_SCHEDULE_PAPER},
        {"opt-13b", "V100-32", 64, ALISA_SCHEDULE_PAPER},
        {"opt-13b", "V100-32", 64, ALISA_SCHEDULE_OVERLAP},
        {"opt-30b", "H100-80", 64, ALISA_SCHEDULE_PAPER},
        {"opt-30b", "H100-80", 64, ALISA_SCHEDULE_OVERLAP},
        {"llama-33b", "H100-80", 32, ALISA_SCHEDULE_PAPER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AlisaSchedProblem problem =
            problem_of(cases[i].model, cases[i].device, ALISA_POLICY_ALISA, cases[i].batch);
        problem.run.schedule = cases[i].schedule;
        problem.exhaustive = true;
        AlisaSchedPlan plan;
        AlisaError error;
        assert_int_equal(problem.policy->solve(&problem, &plan, &error), ALISA_OK);
        assert_true(plan.best_seconds <= plan.seconds * (1 + 1e-9));
        double gap = plan.seconds / plan.best_seconds - 1.0;
        print_message("%s b=%u: greedy %.2f s, best %.2f s\n", cases[i].model, cases[i].batch,
                      plan.seconds, plan.best_seconds);
        if (gap > 0.05) fail_msg("case %zu: %.1f %% above the best", i, 100 * gap);
        /* The objective is what the simulator finds, but for the lengths that were not computed. */
        double simulated = seconds_of(&problem);
        if (fabs(simulated / plan.seconds - 1.0) > 0.02) {
            fail_msg("case %zu: simulated %.3f s, predicted %.3f s", i, simulated, plan.seconds);
        }
    }
}

/* X of a model that shares its KV heads is no smaller than K and V: nothing is recomputed. */
static void test_grouped_heads(void **state) {
    (void)state;
    for (int schedule = 0; schedule < 2; schedule++) {
        for (uint32_t batch = 32; batch <= 192; batch += 32) {
            AlisaSchedProblem problem =
                problem_of("llama-3-8b", "RX-7900-XTX", ALISA_POLICY_ALISA, batch);
            problem.run.schedule = (AlisaSchedule)schedule;
            problem.exhaustive = true;
            AlisaSchedPlan plan;
            AlisaError error;
            assert_int_equal(problem.policy->solve(&problem, &plan, &error), ALISA_OK);
            assert_true(plan.phases.inputs_share == 0.0 && plan.best.inputs_share == 0.0);
            if (batch >= 160) assert_true(plan.phases.host_share > 0.0);
        }
    }
}

/* The split of the linear program fits to the byte, and no smaller one does. */
static void test_flexgen(void **state) {
    (void)state;
    AlisaSchedProblem problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_FLEXGEN, 32);
    double share = alisa_sched_flexgen_share(&problem);
    assert_true(share > 0.5 && share < 0.65);
    AlisaSchedPlan plan;
    AlisaError error;
    assert_int_equal(problem.policy->solve(&problem, &plan, &error), ALISA_OK);
    problem.run.host_share = share - 0.005;
    assert_int_equal(problem.policy->solve(&problem, &plan, &error), ALISA_ERROR_MEMORY);
    problem.run.host_share = share + 0.1;
    assert_int_equal(problem.policy->solve(&problem, &plan, &error), ALISA_OK);
    double more = seconds_of(&problem);
    problem.run.host_share = -1.0;
    assert_true(seconds_of(&problem) < more);
    problem = problem_of("opt-13b", "V100-32", ALISA_POLICY_FLEXGEN, 4);
    assert_true(alisa_sched_flexgen_share(&problem) == 0.0); /* everything fits */
}

/* More memory, a faster link, more sparsity: never slower. */
static void test_monotonicity(void **state) {
    (void)state;
    static const AlisaPolicy policies[] = {ALISA_POLICY_ACCELERATE, ALISA_POLICY_FLEXGEN,
                                           ALISA_POLICY_VLLM, ALISA_POLICY_ALISA};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-32", policies[i], 96);
        double base = seconds_of(&problem);
        AlisaSchedProblem better = problem;
        better.profile.link_to_device.rates[0] *= 2;
        better.profile.link_to_host.rates[0] *= 2;
        assert_true(seconds_of(&better) <= base * 1.0001);
        better = problem;
        better.profile.device_bandwidth *= 2;
        better.profile.attention_dense *= 2;
        better.profile.attention_gathered *= 2;
        assert_true(seconds_of(&better) <= base * 1.0001);
        better = problem;
        better.run.device_bytes += (uint64_t)8 << 30;
        assert_true(seconds_of(&better) <= base * 1.001);
        better = problem;
        better.run.generate_length += 64;
        assert_true(seconds_of(&better) > base);
    }
    double last = INFINITY;
    for (double sparsity = 0.2; sparsity < 0.95; sparsity += 0.2) {
        AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_ALISA, 96);
        problem.run.sparsity = sparsity;
        problem.run.schedule = ALISA_SCHEDULE_PAPER;
        double seconds = seconds_of(&problem);
        assert_true(seconds < last);
        last = seconds;
    }
}

/* Orders that must hold where the context does not fit, and where it does. */
static void test_policies_compare(void **state) {
    (void)state;
    double seconds[ALISA_POLICY_COUNT];
    for (int policy = ALISA_POLICY_ACCELERATE; policy < ALISA_POLICY_COUNT; policy++) {
        AlisaSchedProblem problem = problem_of("opt-13b", "V100-32", (AlisaPolicy)policy, 64);
        seconds[policy] = seconds_of(&problem);
    }
    assert_true(seconds[ALISA_POLICY_FLEXGEN] < seconds[ALISA_POLICY_ACCELERATE]);
    assert_true(seconds[ALISA_POLICY_ALISA] < seconds[ALISA_POLICY_FLEXGEN] / 3.0);
    assert_true(seconds[ALISA_POLICY_ALISA] < seconds[ALISA_POLICY_VLLM] / 1.9);
    /* It keeps from the start what alisa keeps in the end, and loads nothing. */
    assert_true(seconds[ALISA_POLICY_H2O] <= seconds[ALISA_POLICY_ALISA] * 1.1);
    AlisaSchedProblem small = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_DEVICE, 4);
    double device = seconds_of(&small);
    small = problem_of("opt-6.7b", "V100-32", ALISA_POLICY_ALISA, 4);
    assert_true(seconds_of(&small) < device * 1.05);
    AlisaSchedResult result = simulate(&small);
    assert_true(result.cost.bytes_to_device == 0 && result.cost.bytes_to_host == 0);
    assert_int_equal(result.records[result.record_count - 1].phase, 1);
    alisa_sched_result_finish(&result);
}

/* ---- Stages -------------------------------------------------------------------------------- */

/* The run of `problem` with its layers in two stages, each with the same share of everything. */
static AlisaSchedResult simulate_halves(const AlisaSchedProblem *problem) {
    AlisaSchedProblem halves[2] = {*problem, *problem};
    AlisaSchedResult result;
    AlisaError error = {0};
    for (int i = 0; i < 2; i++) {
        AlisaSchedProblem *half = &halves[i];
        half->model.layer_count /= 2;
        half->model.weight_bytes /= 2;
        half->model.parameter_count /= 2;
        half->run.device_bytes /= 2;
        half->run.scratch_bytes /= 2;
        half->run.host_bytes /= 2;
        if (i == 0) half->model.vocabulary_size = 0; /* the head is in the second */
    }
    if (alisa_sched_simulate(halves, 2, &result, &error) != ALISA_OK) fail_msg("%s", error.message);
    return result;
}

/* Two layers of what is on the host are staged in each stage: where the device is small, that is
 * more than a run in one stage takes, and more tokens are on the host for it. */
#define MORE 1.1
#define LESS 0.97

static void expect_near(const char *policy, const char *what, double halves, double whole) {
    if (halves < LESS * whole || halves > MORE * whole)
        fail_msg("%s: %s %g in two stages, %g in one", policy, what, halves, whole);
}

/* A run takes about as long in two stages as in one; and what it moves and holds adds up. */
static void test_halves(void **state) {
    (void)state;
    for (int policy = 0; policy < ALISA_POLICY_COUNT; policy++) {
        uint32_t batch = policy == ALISA_POLICY_DEVICE ? 4 : 24;
        AlisaSchedProblem problem = problem_of("opt-6.7b", "V100-16", (AlisaPolicy)policy, batch);
        AlisaSchedResult whole = simulate(&problem), halves = simulate_halves(&problem);
        const char *name = problem.policy->name;
        expect_near(name, "seconds of prefill", halves.prefill_seconds, whole.prefill_seconds);
        expect_near(name, "seconds of decode", halves.decode_seconds, whole.decode_seconds);
        expect_near(name, "bytes of devices", halves.peak_device_bytes, whole.peak_device_bytes);
        expect_near(name, "bytes of the host", halves.peak_host_bytes, whole.peak_host_bytes);
        assert_true(halves.generated == whole.generated);
        assert_true(halves.peak_device_bytes <= (double)problem.run.device_bytes);
        alisa_sched_result_finish(&whole);
        alisa_sched_result_finish(&halves);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_conservation),     cmocka_unit_test(test_preemption),
        cmocka_unit_test(test_search),           cmocka_unit_test(test_grouped_heads),
        cmocka_unit_test(test_flexgen),          cmocka_unit_test(test_monotonicity),
        cmocka_unit_test(test_policies_compare), cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
