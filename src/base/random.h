/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers with their state passed in: the same seed gives the same numbers on every machine.
 * PCG-XSH-RR 64/32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014).
 */
#ifndef ALISA_BASE_RANDOM_H
#define ALISA_BASE_RANDOM_H

#include <stdint.h>

/* State of a generator: copied, it goes on with the same numbers. */
typedef struct AlisaRandom {
    uint64_t state;
} AlisaRandom;

/* Starts the sequence of numbers that belongs to `seed`. */
void alisa_random_seed(AlisaRandom *random, uint64_t seed);
/* 32 uniform bits. */
uint32_t alisa_random_next(AlisaRandom *random);
/* A number uniform in [0, 1), of 24 random bits. */
float alisa_random_float(AlisaRandom *random);
/* A number uniform in [0, 1), of 53 random bits. */
double alisa_random_double(AlisaRandom *random);
/* An integer uniform in [0, bound), without bias; `bound` is not 0. */
uint32_t alisa_random_below(AlisaRandom *random, uint32_t bound);
/* A number from the normal distribution with mean 0 and variance 1. */
float alisa_random_normal(AlisaRandom *random);

#endif
