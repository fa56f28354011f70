/*
 * What a device does with a model, in the numbers the scheduler predicts from: copies, bandwidth
 * and launches as probed (device/probe.h), products of the model's own weights, and steps of a
 * session with the KV types, batch and selector at hand, timed as a whole.
 */
#ifndef ALISA_ENGINE_RATES_H
#define ALISA_ENGINE_RATES_H

#include "engine/session.h"
#include "sched/profile.h"

AlisaSchedModel alisa_rates_model(const AlisaEngine *engine);

/* Takes one or two seconds, and memory for the context of some of the sequences. `session`: of
 * which the figures are wanted; its buffers are used, its text is not. */
AlisaStatus alisa_rates_measure(AlisaSession *session, AlisaSchedProfile *profile,
                                AlisaError *error);

#endif
