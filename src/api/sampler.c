/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/sampler.h"

void alisa_sampler_options_defaults(AlisaSamplerOptions *options) {
    *options = (AlisaSamplerOptions){
        .seed = 0,
        .temperature = 0.80f,
        .top_k = 40,
        .top_p = 0.95f,
        .min_p = 0.05f,
        .repeat_penalty = 1.00f,
        .repeat_last_n = 64,
    };
}

AlisaStatus alisa_sampler_create(const AlisaSamplerOptions *options, uint32_t vocabulary_size,
                                 AlisaSampler **sampler, AlisaError *error) {
    return alisa_sample_create(options, vocabulary_size, sampler, error);
}

void alisa_sampler_destroy(AlisaSampler *sampler) {
    alisa_sample_destroy(sampler);
}

void alisa_sampler_accept(AlisaSampler *sampler, int32_t token) {
    alisa_sample_accept(sampler, token);
}

void alisa_sampler_ignore(AlisaSampler *sampler, int32_t token) {
    alisa_sample_ignore(sampler, token);
}

AlisaStatus alisa_sampler_sample(AlisaSampler *sampler, const float *logits, int32_t *token,
                                 AlisaError *error) {
    return alisa_sample_draw(sampler, logits, token, error);
}

void alisa_log_softmax(const float *logits, size_t count, float *out) {
    alisa_sample_log_softmax(logits, count, out);
}
