/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logits to a token: the work behind the sampler of the public header, function by function.
 */
#ifndef ALISA_SAMPLE_SAMPLER_H
#define ALISA_SAMPLE_SAMPLER_H

#include "base/status.h"

AlisaStatus alisa_sample_create(const AlisaSamplerOptions *options, uint32_t vocabulary_size,
                                AlisaSampler **sampler, AlisaError *error);
void alisa_sample_destroy(AlisaSampler *sampler);
void alisa_sample_accept(AlisaSampler *sampler, int32_t token);
void alisa_sample_ignore(AlisaSampler *sampler, int32_t token);
AlisaStatus alisa_sample_draw(AlisaSampler *sampler, const float *logits, int32_t *token,
                              AlisaError *error);

void alisa_sample_log_softmax(const float *logits, size_t count, float *out);

#endif
