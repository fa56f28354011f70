/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in the words of the scheduler: what it is to do, and what its plan is made from.
 */
#ifndef ALISA_ENGINE_PROBLEM_H
#define ALISA_ENGINE_PROBLEM_H

#include "engine/setup.h"
#include "sched/plan.h"

/* What the session is to do; device_bytes and host_bytes are left 0. */
AlisaSchedRun alisa_problem_run(const AlisaStageSetup *setup);
/* What its plan is made from. memory: NULL where everything is on the device. */
AlisaStatus alisa_problem_describe(const AlisaStageSetup *setup, const AlisaSchedProfile *rates,
                                   const AlisaKvMemory *memory, AlisaSchedProblem *problem,
                                   AlisaError *error);
/* The device bytes of a problem whose cache has so many slots for tokens of one layer, over all
 * layers. */
uint64_t alisa_problem_device_bytes(const AlisaStageSetup *setup, const AlisaSchedProblem *problem,
                                    uint64_t slots);

#endif
