/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole units that hold a number of things: how many they are, and how much they hold.
 * Nothing overflows on the way; a rounded number itself must fit into its type.
 */
#ifndef ALISA_BASE_ROUND_H
#define ALISA_BASE_ROUND_H

#include <stdint.h>

/* Units of `unit` that hold `value`; `unit` is not 0. */
static inline uint32_t alisa_divide_up(uint32_t value, uint32_t unit) {
    return value / unit + (value % unit != 0);
}

static inline uint64_t alisa_divide_up_64(uint64_t value, uint64_t unit) {
    return value / unit + (value % unit != 0);
}

/* The least multiple of `unit` that is `value` or more; `unit` is not 0. */
static inline uint32_t alisa_round_up(uint32_t value, uint32_t unit) {
    return alisa_divide_up(value, unit) * unit;
}

static inline uint64_t alisa_round_up_64(uint64_t value, uint64_t unit) {
    return alisa_divide_up_64(value, unit) * unit;
}

#endif
