/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the tests of the scheduler: a problem on published figures.
 */
#ifndef ALISA_TESTS_UNIT_SCHED_SUPPORT_H
#define ALISA_TESTS_UNIT_SCHED_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sched/scheduler.h"

/* The paper's workload: 128 + 512 tokens, 80 % sparsity, FP16. */
static inline AlisaSchedProblem problem_of(const char *model, const char *device,
                                           AlisaPolicy policy, uint32_t batch) {
    AlisaSchedProfile profile;
    AlisaSchedModel shape;
    AlisaError error = {0};
    if (alisa_sched_profile_find(device, &profile, &error) != ALISA_OK)
        fail_msg("%s", error.message);
    if (alisa_sched_model_find(model, &shape, &error) != ALISA_OK) fail_msg("%s", error.message);
    AlisaSchedRun run = {.batch = batch,
                         .prompt_length = 128,
                         .generate_length = 512,
                         .micro_batch = 512,
                         .sparsity = 0.8,
                         .new_pick_rate = 0.02,
                         .recompute = true,
                         .host_share = -1.0,
                         .device_bytes = profile.device_bytes,
                         .host_bytes = profile.host_bytes,
                         .scratch_bytes = 1u << 30};
    AlisaSchedProblem problem;
    if (alisa_sched_problem_init(&problem, &profile, &shape, &run, policy, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    return problem;
}

#endif
