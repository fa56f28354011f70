/*
 * Storage types that C11 has no name for: IEEE 754 binary16 and bfloat16, kept as uint16_t.
 */
#ifndef ALISA_BASE_HALF_H
#define ALISA_BASE_HALF_H

#include <stdint.h>

/* Exact, subnormals, infinities and NaN included. */
float alisa_half_to_float(uint16_t half);
/* Round to nearest even; overflow gives infinity. */
uint16_t alisa_half_from_float(float value);

float alisa_bfloat_to_float(uint16_t bfloat);

#endif
