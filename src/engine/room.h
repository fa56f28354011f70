/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many rows of a call find room on the device in one step, where tokens may be elsewhere.
 *
 * New tokens hold a slot in every layer from the beginning of the step until their layer has run,
 * and beside them lie, in the layer that runs, the older tokens that the step's rows attend to. The
 * first layer needs the most.
 */
#ifndef ALISA_ENGINE_ROOM_H
#define ALISA_ENGINE_ROOM_H

#include "engine/stage.h"

/* Of the rows that a call goes on with, the leading ones that a step of the stage has slots for: at
 * least one of them, which also a session that can be opened may not have room for, if a prompt is
 * longer than placement.prompt_length says. */
size_t alisa_room_rows(AlisaStage *stage, const AlisaTimeline *timeline, const AlisaRow *rows,
                       size_t count);

#endif
