/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage types that C11 has no name for: IEEE 754 binary16 and bfloat16, kept as uint16_t.
 */
#ifndef ALISA_BASE_HALF_H
#define ALISA_BASE_HALF_H

#include <stdint.h>

/* The exact value of a half, also of subnormals, infinities and NaN. */
float alisa_half_to_float(uint16_t half);
/* The nearest half, ties to even; a value too large for one becomes infinity. */
uint16_t alisa_half_from_float(float value);

/* The exact value of a bfloat. */
float alisa_bfloat_to_float(uint16_t bfloat);

#endif
