/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/kv.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/half.h"

enum { GROUP = 32, BLOCK = 64, LARGEST_CODE = 127, CODES = 255 };
static const float half_max = 65504.0f;

/* The least half not below x >= 0; NaN stays NaN. */
static uint16_t half_above(float x) {
    uint16_t half = alisa_half_from_float(x);
    return alisa_half_to_float(half) < x ? half + 1 : half;
}

void oracle_q8_0_store(const float *x, uint32_t width, void *row) {
    int8_t *codes = row;
    for (uint32_t group = 0; group < width / GROUP; group++) {
        const float *in = x + group * GROUP;
        float largest = 0;
        for (int i = 0; i < GROUP; i++)
            if (!(fabsf(in[i]) <= largest)) largest = isnan(largest) ? largest : fabsf(in[i]);
        float scale = largest * (1.0f / LARGEST_CODE);
        uint16_t half = half_above(scale > half_max ? half_max : scale);
        scale = alisa_half_to_float(half);
        memcpy(codes + width + 2 * group, &half, sizeof half);
        for (int i = 0; i < GROUP; i++) {
            float code = scale > 0 ? rintf(in[i] / scale) : 0;
            codes[group * GROUP + i] = (int8_t)fmaxf(-LARGEST_CODE, fminf(LARGEST_CODE, code));
        }
    }
}

void oracle_q8_0_load(const void *row, uint32_t width, float *x) {
    const int8_t *codes = row;
    for (uint32_t i = 0; i < width; i++) {
        uint16_t half;
        memcpy(&half, codes + width + i / GROUP * 2, sizeof half);
        x[i] = (float)codes[i] * alisa_half_to_float(half);
    }
}

void oracle_i8_seal(const uint16_t *halves, uint32_t width, uint8_t *codes, uint16_t *params) {
    for (uint32_t channel = 0; channel < width; channel++) {
        float least = INFINITY, most = -INFINITY;
        bool odd = false;
        for (int token = 0; token < BLOCK; token++) {
            float x = alisa_half_to_float(halves[token * width + channel]);
            odd = odd || isnan(x);
            least = fminf(least, x);
            most = fmaxf(most, x);
        }
        uint16_t step = odd ? 0 : half_above((most - least) * (1.0f / CODES));
        float lambda = alisa_half_to_float(step);
        params[channel] = odd ? 0x7e00 : alisa_half_from_float(least);
        params[width + channel] = step;
        for (int token = 0; token < BLOCK; token++) {
            float x = alisa_half_to_float(halves[token * width + channel]);
            codes[token * width + channel] =
                lambda > 0 ? (uint8_t)fminf(CODES, rintf((x - least) / lambda)) : 0;
        }
    }
}

void oracle_i8_load(const uint8_t *codes, const uint16_t *params, uint32_t width, float *x) {
    for (uint32_t i = 0; i < width; i++)
        x[i] = fmaf((float)codes[i], alisa_half_to_float(params[width + i]),
                    alisa_half_to_float(params[i]));
}
