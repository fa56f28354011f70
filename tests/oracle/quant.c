/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/quant.h"

#include <math.h>
#include <string.h>

static void write_u16(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* Bits of a half of the kind wanted, sign included: an element of F16, or a block's scale. */
static uint32_t make_half(OracleWeights kind, uint32_t k, AlisaRandom *random) {
    uint32_t sign =
        kind == ORACLE_WEIGHTS_LARGE ? (k & 1) << 15 : alisa_random_next(random) & 0x8000;
    uint32_t fraction = alisa_random_below(random, 1024);
    switch (kind) {
    case ORACLE_WEIGHTS_LARGE:
        return sign | 28u << 10 | fraction; /* 2^13 .. 2^14 */
    case ORACLE_WEIGHTS_SUBNORMAL:
        return sign | (fraction ? fraction : 1);
    default:
        return sign | (12 + alisa_random_below(random, 4)) << 10 | fraction; /* 2^-3 .. 2 */
    }
}

static float make_float(OracleWeights kind, uint32_t k, AlisaRandom *random) {
    float value = alisa_random_normal(random);
    switch (kind) {
    case ORACLE_WEIGHTS_LARGE:
        return (k & 1 ? -1e4f : 1e4f) * (1 + fabsf(value));
    case ORACLE_WEIGHTS_SUBNORMAL:
        return value * 1e-30f; /* float subnormals may be flushed */
    default:
        return value;
    }
}

static void make_block(uint32_t type, OracleWeights kind, uint32_t block, AlisaRandom *random,
                       uint8_t *bytes) {
    uint32_t count = type == ALISA_WEIGHT_Q8_0 ? 32 : 16;
    write_u16(bytes, make_half(kind, block, random));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t in_turn = block * count + i; /* from -128 on; every pair of nibbles */
        uint32_t value = alisa_random_next(random);
        if (kind == ORACLE_WEIGHTS_EXTREME) value = in_turn + 128;
        if (kind == ORACLE_WEIGHTS_LOWEST) value = type == ALISA_WEIGHT_Q8_0 ? 128 : 0;
        bytes[2 + i] = (uint8_t)value;
    }
}

void oracle_make_row(uint32_t type, OracleWeights kind, uint32_t columns, AlisaRandom *random,
                     uint8_t *row) {
    if (type == ALISA_WEIGHT_Q8_0 || type == ALISA_WEIGHT_Q4_0) {
        uint64_t bytes = alisa_weight_type_row_bytes(type, 32);
        for (uint32_t block = 0; block < columns / 32; block++)
            make_block(type, kind, block, random, row + block * bytes);
        return;
    }
    for (uint32_t k = 0; k < columns; k++) {
        float value = make_float(kind, k, random);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        switch (type) {
        case ALISA_WEIGHT_F32:
            memcpy(row + 4 * k, &value, sizeof value);
            break;
        case ALISA_WEIGHT_BF16:
            write_u16(row + 2 * k, bits >> 16);
            break;
        default:
            write_u16(row + 2 * k, make_half(kind, k, random));
            break;
        }
    }
}
