/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sequences have their tokens on the device, where whole sequences come and go (policy vllm):
 * decided in sched/queue.h, told here what the sequences hold. engine/admit.h carries it out.
 */
#ifndef ALISA_ENGINE_ADMISSION_H
#define ALISA_ENGINE_ADMISSION_H

#include "engine/session.h"

AlisaStatus alisa_admission_create(AlisaSession *session, AlisaError *error);
/* Takes NULL. */
void alisa_admission_destroy(AlisaAdmission *admission);

/* Tells the queue what every sequence holds and how many rows it wants: wanted [sequence_count]. */
void alisa_admission_describe(AlisaSession *session, const uint32_t *wanted);

/* Finds blocks for the rows of the call: ALISA_ERROR_MEMORY where a sequence would have to leave or
 * to come back for them. */
AlisaStatus alisa_admission_reserve(AlisaSession *session, AlisaError *error);

#endif
