/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <math.h>

#define MULTIPLIER 6364136223846793005u
#define INCREMENT  1442695040888963407u

void alisa_random_seed(AlisaRandom *random, uint64_t seed) {
    random->state = 0;
    alisa_random_next(random);
    random->state += seed;
    alisa_random_next(random);
}

uint32_t alisa_random_next(AlisaRandom *random) {
    uint64_t old = random->state;
    random->state = old * MULTIPLIER + INCREMENT;
    uint32_t shifted = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t rotation = (uint32_t)(old >> 59);
    return (shifted >> rotation) | (shifted << ((32 - rotation) & 31));
}

float alisa_random_float(AlisaRandom *random) {
    return (float)(alisa_random_next(random) >> 8) * 0x1p-24f;
}

double alisa_random_double(AlisaRandom *random) {
    uint64_t high = alisa_random_next(random) >> 5;
    uint64_t low = alisa_random_next(random) >> 6;
    return (double)(high * 67108864u + low) * 0x1p-53;
}

uint32_t alisa_random_below(AlisaRandom *random, uint32_t bound) {
    uint32_t threshold = (0u - bound) % bound;
    for (;;) {
        uint32_t draw = alisa_random_next(random);
        if (draw >= threshold) return draw % bound;
    }
}

float alisa_random_normal(AlisaRandom *random) {
    /* Box-Muller; 1 - u is in (0, 1], so the logarithm is finite. */
    double radius = sqrt(-2.0 * log(1.0 - alisa_random_double(random)));
    return (float)(radius * cos(6.283185307179586 * alisa_random_double(random)));
}
