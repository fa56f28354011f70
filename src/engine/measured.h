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

/* The options of the session to measure with, for one that has the options `wanted`. */
AlisaSetupOptions alisa_measured_options(const AlisaEngine *engine,
                                         const AlisaSetupOptions *wanted);

/* rates: what is known so far, for the plan of the session. The caller ends it with
 * alisa_engine_session_free. */
AlisaStatus alisa_measured_open(AlisaEngine *engine, const AlisaSetupOptions *options,
                                const AlisaSchedProfile *rates, AlisaSession **session,
                                AlisaError *error);

#endif
