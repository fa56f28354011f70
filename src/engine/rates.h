/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device does with a model, in the numbers the scheduler predicts from: copies, bandwidth
 * and launches as probed (device/probe.h), products of the model's own weights, and steps of a
 * session like the one at hand, timed as a whole: of its policy, KV types, selector and batch, with
 * made-up texts that are on the device but for a few tokens, so that steps do what they do when
 * not everything fits.
 */
#ifndef ALISA_ENGINE_RATES_H
#define ALISA_ENGINE_RATES_H

#include "engine/session.h"
#include "sched/profile.h"

/* What the shard's device does with the shard's layers. Finds the figures in the device's cache
 * where a session like the one with `options` was measured before. Else measuring takes one or two
 * seconds, and memory for some of the context of some of the sequences. The options are resolved.
 */
AlisaStatus alisa_rates_measure(const AlisaEngine *engine, const AlisaShard *shard,
                                const AlisaSetupOptions *options, AlisaSchedProfile *profile,
                                AlisaError *error);
/* Removes what was measured, because it turned out to be wrong: the next session with such options
 * is measured anew. */
void alisa_rates_forget(const AlisaEngine *engine, const AlisaShard *shard,
                        const AlisaSetupOptions *options);

#endif
