/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step through a stage: its rows described and uploaded, its layers run, its logits read.
 */
#ifndef ALISA_ENGINE_STEP_H
#define ALISA_ENGINE_STEP_H

#include "engine/stage.h"

/* Describes the step to the stage and to its device, once alisa_stage_take took the rows. */
AlisaStatus alisa_step_begin(AlisaStage *stage, const AlisaStep *step, AlisaError *error);

/* Launches all layers of the stage, and what the model has before the first and behind the last of
 * its layers where they are the stage's. residual: float[row_count][E] that the stage before left;
 * not read by the first. */
AlisaStatus alisa_step_run(AlisaStage *stage, const float *residual, AlisaError *error);
/* After the last launch: tokens go where the plan has them, and the next step's come. Hands the
 * work to the device, without waiting for it. */
AlisaStatus alisa_step_end(AlisaStage *stage, AlisaError *error);

/* Reads what the stage left, and waits for it: the last stage leaves float[logit_count][V] in
 * results, or with likeliest_only int32[logit_count]; every other float[row_count][E] in residual.
 */
AlisaStatus alisa_step_read(AlisaStage *stage, float *residual, void *results, AlisaError *error);

#endif
