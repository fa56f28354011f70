/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that rates are measured with: like the one at hand, but small, with everything on the
 * device and numbers in every buffer.
 */
#ifndef ALISA_ENGINE_MEASURED_H
#define ALISA_ENGINE_MEASURED_H

#include "engine/session.h"
#include "sched/profile.h"

enum { ALISA_MEASURED_SEQUENCES = 64 /* most */ };

/* The options of the session to measure a shard with, for one that has the options `wanted`. */
AlisaSetupOptions alisa_measured_options(const AlisaEngine *engine, const AlisaShard *shard,
                                         const AlisaSetupOptions *wanted);

/* A session whose only stage is that of the shard: its steps begin with a residual stream where the
 * stages before would have left one, and end with one where it has no head. rates: what is known so
 * far, for the plan of the session. The caller ends it with alisa_engine_session_free. */
AlisaStatus alisa_measured_open(const AlisaEngine *engine, const AlisaShard *shard,
                                const AlisaSetupOptions *options, const AlisaSchedProfile *rates,
                                AlisaSession **session, AlisaError *error);

#endif
