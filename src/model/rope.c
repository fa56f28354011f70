/* SPDX-License-Identifier: Apache-2.0 */
#include "model/shape.h"

#include <math.h>

#define TWO_PI 6.283185307179586

/* Index of the pair that turns `turns` times over the original context (YaRN, section 3.2). */
static double yarn_pair(const AlisaRope *rope, double turns) {
    return rope->dim * log(rope->original_context / (turns * TWO_PI)) / (2.0 * log(rope->base));
}

float alisa_rope_frequencies(const AlisaRope *rope, const float *divisors, double *frequencies) {
    double low = 0.0, high = 0.0, factor = rope->attention_factor;
    if (rope->scaling == ALISA_ROPE_STILL) {
        for (uint32_t i = 0; i < rope->dim / 2; i++)
            frequencies[i] = 0.0;
        return 1.0f;
    }
    if (rope->scaling == ALISA_ROPE_YARN) {
        low = yarn_pair(rope, rope->beta_fast);
        high = yarn_pair(rope, rope->beta_slow);
        low = fmax(rope->exact_ramp ? low : floor(low), 0.0);
        high = fmin(rope->exact_ramp ? high : ceil(high), rope->dim - 1.0);
        if (rope->factor > 1.0f) factor *= 1.0 + 0.1 * log(rope->factor);
    }
    for (uint32_t i = 0; i < rope->dim / 2; i++) {
        double frequency = pow(rope->base, -2.0 * i / rope->dim);
        if (divisors) frequency /= divisors[i];
        if (rope->scaling == ALISA_ROPE_LINEAR) {
            frequency /= rope->factor;
        } else if (rope->scaling == ALISA_ROPE_YARN) {
            double ramp = fmin(fmax((i - low) / fmax(high - low, 0.001), 0.0), 1.0);
            frequency = frequency / rope->factor * ramp + frequency * (1.0 - ramp);
        }
        frequencies[i] = frequency;
    }
    return (float)factor;
}

void alisa_rope_rotations(const double *frequencies, uint32_t pairs, float factor,
                          uint32_t position, float *rotations) {
    for (uint32_t i = 0; i < pairs; i++) {
        double angle = position * frequencies[i];
        rotations[2 * i] = (float)(factor * cos(angle));
        rotations[2 * i + 1] = (float)(factor * sin(angle));
    }
}
