/*
 * Random numbers with their state passed in: the same seed gives the same numbers on every machine.
 * PCG-XSH-RR 64/32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation", 2014).
 */
#ifndef ALISA_BASE_RANDOM_H
#define ALISA_BASE_RANDOM_H

#include <stdint.h>

typedef struct AlisaRandom {
    uint64_t state;
} AlisaRandom;

void alisa_random_seed(AlisaRandom *random, uint64_t seed);
uint32_t alisa_random_next(AlisaRandom *random);
/* Uniform in [0, 1), 24 random bits. */
float alisa_random_float(AlisaRandom *random);
/* Uniform in [0, 1), 53 random bits. */
double alisa_random_double(AlisaRandom *random);
/* Uniform in [0, bound), without bias; bound > 0. */
uint32_t alisa_random_below(AlisaRandom *random, uint32_t bound);
/* Standard normal. */
float alisa_random_normal(AlisaRandom *random);

#endif
