/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step through a stage: its rows described and uploaded, its layers run, its logits read.
 */
#ifndef ALISA_ENGINE_STEP_H
#define ALISA_ENGINE_STEP_H

#include "engine/stage.h"

/* Describes the step to the stage and to its device, once alisa_stage_take took the rows. */
AlisaStatus alisa_step_begin(AlisaStage *stage, const AlisaStep *step, AlisaError *error);

/* The residual stream of the rows: of the first stage from their tokens, of a later one from that
 * of the stage before. */
AlisaStatus alisa_step_embed(AlisaStage *stage, AlisaError *error);
AlisaStatus alisa_step_hand_over(AlisaStage *from, AlisaStage *to, AlisaError *error);

/* Launches all layers of the stage. */
AlisaStatus alisa_step_run(AlisaStage *stage, AlisaError *error);
/* Launches norm and head of the rows that want logits; of the last stage. */
AlisaStatus alisa_step_run_head(AlisaStage *stage, AlisaError *error);
/* After the last launch: tokens go where the plan has them, and the next step's come. Hands the
 * work to the device, without waiting for it. */
AlisaStatus alisa_step_end(AlisaStage *stage, AlisaError *error);

/* Reads what the head left, and waits for it: float[logit_count][V], or with likeliest_only
 * int32[logit_count]; of the last stage. */
AlisaStatus alisa_step_read(AlisaStage *stage, void *results, AlisaError *error);

#endif
