/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage of a session in the words of the scheduler: what it is to do, what its plan is made from,
 * and the plan.
 */
#ifndef ALISA_ENGINE_PROBLEM_H
#define ALISA_ENGINE_PROBLEM_H

#include "engine/setup.h"

/* The layers of the stage as plans see them. */
AlisaSchedModel alisa_problem_model(const AlisaStageSetup *stage);
/* What the stage is to do; device_bytes and host_bytes are left 0. */
AlisaSchedRun alisa_problem_run(const AlisaStageSetup *stage);
/* What the plan of a stage is made from. rates: of its device with its layers. */
AlisaStatus alisa_problem_describe(const AlisaSessionSetup *setup, uint32_t stage,
                                   const AlisaSchedProfile *rates, AlisaSchedProblem *problem,
                                   AlisaError *error);
/* Describes and plans a stage of a tiered session, in setup->plans. Where the plan wants layer
 * inputs, they get some of the memory for K and V, and the problem becomes that of the rest. */
AlisaStatus alisa_problem_solve(AlisaSessionSetup *setup, uint32_t stage,
                                const AlisaSchedProfile *rates, AlisaError *error);
/* The device bytes of a problem whose cache has so many slots for tokens of one layer, over all
 * layers. */
uint64_t alisa_problem_device_bytes(const AlisaStageSetup *stage, const AlisaSchedProblem *problem,
                                    uint64_t slots);

#endif
