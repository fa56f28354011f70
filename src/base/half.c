/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"

#include <string.h>

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float alisa_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0x1f) return float_from_bits(sign | 0x7f800000u | (mantissa << 13));
    if (exponent != 0) return float_from_bits(sign | ((exponent + 112) << 23) | (mantissa << 13));
    /* Subnormal: mantissa * 2^-24, which float holds exactly. */
    float magnitude = (float)mantissa * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

uint16_t alisa_half_from_float(float value) {
    uint32_t bits = bits_from_float(value);
    uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7e00u;
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u; /* 65520 and above round to infinity */
    if (magnitude < 0x38800000u) {
        /* Below 2^-14 a half counts units of 2^-24. Adding 0.5 leaves exactly those units in the
         * low bits of a float (its unit there is 2^-24), rounded to nearest even by the addition.
         */
        float shifted = float_from_bits(magnitude) + 0.5f;
        return sign | (uint16_t)(bits_from_float(shifted) - 0x3f000000u);
    }
    uint32_t odd = (magnitude >> 13) & 1u;
    uint32_t rounded = magnitude + 0xfffu + odd;
    return sign | (uint16_t)((rounded - 0x38000000u) >> 13);
}

float alisa_bfloat_to_float(uint16_t bfloat) {
    return float_from_bits((uint32_t)bfloat << 16);
}
