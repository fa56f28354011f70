/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of every type that is computed with, made to be hard on kernels. */
#ifndef TESTS_ORACLE_QUANT_H
#define TESTS_ORACLE_QUANT_H

#include "base/random.h"
#include "base/weight_type.h"

typedef enum OracleWeights {
    ORACLE_WEIGHTS_RANDOM,    /* normal, about 1 */
    ORACLE_WEIGHTS_LARGE,     /* about 1e4, signs alternate */
    ORACLE_WEIGHTS_SUBNORMAL, /* scales and halves below 2^-14 */
    ORACLE_WEIGHTS_EXTREME,   /* every quantised value in turn, -128 and both nibbles included */
    ORACLE_WEIGHTS_LOWEST,    /* every quantised value -128 or -8 */
    ORACLE_WEIGHTS_COUNT
} OracleWeights;

/* Fills one row of the type. */
void oracle_make_row(uint32_t type, OracleWeights kind, uint32_t columns, AlisaRandom *random,
                     uint8_t *row);

/* What a kernel may add up for each weight of a row of whole blocks: |scale value| + |minimum|,
 * which is the size of the weight where it has no minimum. */
void oracle_sizes(uint32_t type, const uint8_t *row, uint32_t columns, float *sizes);

#endif
