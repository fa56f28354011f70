/*
 * Weight types in plain C and double, written from the format and not from the kernels, and weights
 * made to be hard on them.
 */
#ifndef TESTS_ORACLE_QUANT_H
#define TESTS_ORACLE_QUANT_H

#include "base/random.h"
#include "gguf/gguf.h"

typedef enum OracleWeights {
    ORACLE_WEIGHTS_RANDOM,    /* normal, about 1 */
    ORACLE_WEIGHTS_LARGE,     /* about 1e4, signs alternate */
    ORACLE_WEIGHTS_SUBNORMAL, /* scales and halves below 2^-14 */
    ORACLE_WEIGHTS_EXTREME,   /* every quantised value in turn, -128 and both nibbles included */
    ORACLE_WEIGHTS_LOWEST,    /* every quantised value -128 or -8 */
    ORACLE_WEIGHTS_COUNT
} OracleWeights;

uint64_t oracle_row_bytes(uint32_t type, uint32_t columns);

/* Fills one row of the type. */
void oracle_make_row(uint32_t type, OracleWeights kind, uint32_t columns, AlisaRandom *random,
                     uint8_t *row);

/* The exact values of one row. */
void oracle_dequantise_row(uint32_t type, const uint8_t *row, uint32_t columns, double *values);

#endif
