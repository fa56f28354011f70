/* SPDX-License-Identifier: Apache-2.0 */
#include "base/weight_blocks.h"

#include <string.h>

#include "formats/numbers.clh"

static const int8_t values_iq4[16] = {VALUES_IQ4}, values_fp4[16] = {VALUES_FP4},
                    values_iq1[16] = {VALUES_IQ1}, values_iq2[16] = {VALUES_IQ2},
                    values_iq3_xxs[16] = {VALUES_IQ3_XXS}, values_iq3_s[16] = {VALUES_IQ3_S};

static uint16_t read_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t read_u32(const uint8_t *bytes) {
    return read_u16(bytes) | (uint32_t)read_u16(bytes + 2) << 16;
}

/* Minima are added here; files of the types K have what is taken off. */
static uint16_t negative(uint16_t half) {
    return half ^ 0x8000;
}

/* ---- Blocks of 32: half scale, half minimum, codes ------------------------------------------ */

/* Low nibbles are the first `half` weights, high ones the others. */
static void unpack_nibbles(const uint8_t *bytes, uint32_t half, uint8_t *codes) {
    for (uint32_t i = 0; i < half; i++)
        codes[i] = bytes[i] & 15;
    for (uint32_t i = 0; i < half; i++)
        codes[half + i] = bytes[i] >> 4;
}

static void unpack_q4_0(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpack_nibbles(block + 2, 16, unpacked->codes);
}

static void unpack_q4_1(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpacked->minimum = read_u16(block + 2);
    unpack_nibbles(block + 4, 16, unpacked->codes);
}

/* Four bytes with the fifth bit of each code, then nibbles. */
static void unpack_fives(const uint8_t *bytes, uint8_t *codes) {
    unpack_nibbles(bytes + 4, 16, codes);
    for (uint32_t i = 0; i < 32; i++)
        codes[i] |= (uint8_t)((bytes[i / 8] >> i % 8 & 1) << 4);
}

static void unpack_q5_0(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpack_fives(block + 2, unpacked->codes);
}

static void unpack_q5_1(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpacked->minimum = read_u16(block + 2);
    unpack_fives(block + 4, unpacked->codes);
}

/* Bytes with a sign become codes from 0 on. */
static void unpack_q8_0(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    for (uint32_t i = 0; i < 32; i++)
        unpacked->codes[i] = block[2 + i] ^ 128;
}

const AlisaCoding alisa_coding_q4_0 = {unpack_q4_0, .zero = 8, .shared = 32, .factor = 1},
                  alisa_coding_q4_1 = {unpack_q4_1, .shared = 32, .factor = 1, .has_minima = true},
                  alisa_coding_q5_0 = {unpack_q5_0, .zero = 16, .shared = 32, .factor = 1},
                  alisa_coding_q5_1 = {unpack_q5_1, .shared = 32, .factor = 1, .has_minima = true},
                  alisa_coding_q8_0 = {unpack_q8_0, .zero = 128, .shared = 32, .factor = 1},
                  alisa_coding_iq4_nl = {unpack_q4_0, values_iq4, .shared = 32, .factor = 1};

/* ---- Small floats --------------------------------------------------------------------------- */

/* An exponent e stands for 2^(e - 128), half of what it does in OCP's MX: values are doubled. */
static void unpack_mxfp4(const uint8_t *block, AlisaWeightBlock *unpacked) {
    uint32_t exponent = block[0];
    unpacked->scales[0] =
        (uint16_t)(exponent < 2 ? 0x20u << exponent : (uint32_t)(exponent - 1) << 7);
    unpack_nibbles(block + 1, 16, unpacked->codes);
}

/* A float of 4 bits of exponent and 3 of fraction without a sign, halved as values are doubled, as
 * a bfloat; its highest bit is not looked at. The largest one stands for nothing, and 0xff is past
 * it. */
static uint16_t bfloat_of_e4m3(uint8_t byte) {
    uint32_t exponent = byte >> 3 & 15, fraction = byte & 7;
    if (byte == 0x7f || (exponent == 0 && fraction == 0)) return 0;
    if (exponent == 0) { /* fraction 2^-10 */
        exponent = 1;
        for (; fraction < 8; fraction *= 2)
            exponent--;
        fraction &= 7;
        return (uint16_t)((exponent + 127 - 8) << 7 | fraction << 4);
    }
    return (uint16_t)((exponent + 127 - 8) << 7 | fraction << 4);
}

static void unpack_nvfp4(const uint8_t *block, AlisaWeightBlock *unpacked) {
    for (uint32_t i = 0; i < 4; i++) {
        unpacked->scales[i] = bfloat_of_e4m3(block[i]);
        unpack_nibbles(block + 4 + 8 * i, 8, unpacked->codes + 16 * i);
    }
}

const AlisaCoding alisa_coding_mxfp4 = {unpack_mxfp4, values_fp4, .shared = 32, .factor = 1,
                                        .is_bfloat = true},
                  alisa_coding_nvfp4 = {unpack_nvfp4, values_fp4, .shared = 16, .factor = 1,
                                        .is_bfloat = true};

/* ---- Types K: blocks of 256 ----------------------------------------------------------------- */

/* Twos of the weights i, i + 32, i + 64 and i + 96 of each 128, lowest first, in byte i. */
static void unpack_twos(const uint8_t *bytes, uint8_t *codes) {
    for (uint32_t half = 0; half < 2; half++)
        for (uint32_t shift = 0; shift < 4; shift++)
            for (uint32_t i = 0; i < 32; i++)
                codes[128 * half + 32 * shift + i] = bytes[32 * half + i] >> 2 * shift & 3;
}

static void unpack_q2_k(const uint8_t *block, AlisaWeightBlock *unpacked) {
    for (uint32_t i = 0; i < 16; i++) {
        unpacked->part_scales[i] = block[i] & 15;
        unpacked->part_minima[i] = (int8_t)(block[i] >> 4);
    }
    unpack_twos(block + 16, unpacked->codes);
    unpacked->scales[0] = read_u16(block + 80);
    unpacked->minimum = negative(read_u16(block + 82));
}

/* Scales of 6 bits: low nibbles in eight bytes, high twos in four. */
static void unpack_q3_k(const uint8_t *block, AlisaWeightBlock *unpacked) {
    const uint8_t *scales = block + 96;
    unpack_twos(block + 32, unpacked->codes);
    for (uint32_t part = 0; part < 8; part++)
        for (uint32_t i = 0; i < 32; i++)
            unpacked->codes[32 * part + i] |= (uint8_t)((block[i] >> part & 1) << 2);
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t low = scales[i % 8] >> i / 8 * 4 & 15, high = scales[8 + i % 4] >> i / 4 * 2 & 3;
        unpacked->part_scales[i] = (int8_t)((int32_t)(low | high << 4) - 32);
    }
    unpacked->scales[0] = read_u16(block + 108);
}

/* Scales and minima of 6 bits in twelve bytes: those of the first four parts in the low bits of the
 * first eight bytes; of the other parts the low nibbles in the last four bytes, and the high twos
 * above those six bits. */
static void unpack_sixes(const uint8_t *block, AlisaWeightBlock *unpacked) {
    const uint8_t *bytes = block + 4;
    unpacked->scales[0] = read_u16(block);
    unpacked->minimum = negative(read_u16(block + 2));
    for (uint32_t i = 0; i < 4; i++) {
        unpacked->part_scales[i] = bytes[i] & 63;
        unpacked->part_minima[i] = bytes[4 + i] & 63;
        unpacked->part_scales[4 + i] = (int8_t)((bytes[8 + i] & 15) | (bytes[i] >> 6) << 4);
        unpacked->part_minima[4 + i] = (int8_t)(bytes[8 + i] >> 4 | (bytes[4 + i] >> 6) << 4);
    }
}

static void unpack_q4_k(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpack_sixes(block, unpacked);
    for (uint32_t i = 0; i < 4; i++)
        unpack_nibbles(block + 16 + 32 * i, 32, unpacked->codes + 64 * i);
}

static void unpack_q5_k(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpack_sixes(block, unpacked);
    for (uint32_t i = 0; i < 4; i++)
        unpack_nibbles(block + 48 + 32 * i, 32, unpacked->codes + 64 * i);
    for (uint32_t part = 0; part < 8; part++)
        for (uint32_t i = 0; i < 32; i++)
            unpacked->codes[32 * part + i] |= (uint8_t)((block[16 + i] >> part & 1) << 4);
}

static void unpack_q6_k(const uint8_t *block, AlisaWeightBlock *unpacked) {
    uint8_t high[ALISA_BLOCK_WEIGHTS];
    for (uint32_t i = 0; i < 2; i++)
        unpack_nibbles(block + 64 * i, 64, unpacked->codes + 128 * i);
    unpack_twos(block + 128, high);
    for (uint32_t i = 0; i < ALISA_BLOCK_WEIGHTS; i++)
        unpacked->codes[i] |= (uint8_t)(high[i] << 4);
    memcpy(unpacked->part_scales, block + 192, 16);
    unpacked->scales[0] = read_u16(block + 208);
}

static void unpack_iq4_xs(const uint8_t *block, AlisaWeightBlock *unpacked) {
    uint32_t high = read_u16(block + 2);
    unpacked->scales[0] = read_u16(block);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t low = block[4 + i / 2] >> i % 2 * 4 & 15;
        unpacked->part_scales[i] = (int8_t)((int32_t)(low | (high >> 2 * i & 3) << 4) - 32);
        unpack_nibbles(block + 8 + 16 * i, 16, unpacked->codes + 32 * i);
    }
}

#define OF_256 .shared = 256, .factor = 1

const AlisaCoding alisa_coding_q2_k = {unpack_q2_k, .part = 16, .has_minima = true, OF_256},
                  alisa_coding_q3_k = {unpack_q3_k, .zero = 4, .part = 16, OF_256},
                  alisa_coding_q4_k = {unpack_q4_k, .part = 32, .has_minima = true, OF_256},
                  alisa_coding_q5_k = {unpack_q5_k, .part = 32, .has_minima = true, OF_256},
                  alisa_coding_q6_k = {unpack_q6_k, .zero = 32, .part = 16, OF_256},
                  alisa_coding_iq4_xs = {unpack_iq4_xs, values_iq4, .part = 32, OF_256};

/* ---- Three values ---------------------------------------------------------------------------- */

/* Bytes of five digits to the base 3, as a fraction of 256: a digit is what three times it has
 * above 256. Digits of the same rank lie together. */
static uint8_t *unpack_threes(const uint8_t *bytes, uint32_t count, uint32_t digits,
                              uint8_t *codes) {
    static const uint8_t powers[] = {1, 3, 9, 27, 81};
    for (uint32_t digit = 0; digit < digits; digit++)
        for (uint32_t i = 0; i < count; i++)
            *codes++ = (uint8_t)((uint8_t)(bytes[i] * powers[digit]) * 3 >> 8);
    return codes;
}

static void unpack_tq1_0(const uint8_t *block, AlisaWeightBlock *unpacked) {
    uint8_t *codes = unpack_threes(block, 32, 5, unpacked->codes);
    codes = unpack_threes(block + 32, 16, 5, codes);
    unpack_threes(block + 48, 4, 4, codes);
    unpacked->scales[0] = read_u16(block + 52);
}

static void unpack_tq2_0(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpack_twos(block, unpacked->codes);
    unpacked->scales[0] = read_u16(block + 64);
}

const AlisaCoding alisa_coding_tq1_0 = {unpack_tq1_0, .zero = 1, OF_256},
                  alisa_coding_tq2_0 = {unpack_tq2_0, .zero = 1, OF_256};

/* ---- Codebooks ------------------------------------------------------------------------------- */

enum { NEGATIVE = 8 }; /* the bit of a code by which its value has the other sign */

/* Eight weights: an entry of two bits each, or two entries of four bits each; signs[bit i] is that
 * of weight i. */
static void unpack_eight(uint32_t entry, uint32_t width, uint32_t signs, uint8_t *codes) {
    for (uint32_t i = 0; i < 8; i++)
        codes[i] =
            (uint8_t)((entry >> width * i & 7 & ((1u << width) - 1)) | (signs >> i & 1) * NEGATIVE);
}

/* Seven signs, and the eighth that makes their number even. */
static uint32_t even_signs(uint32_t seven) {
    uint32_t parity = seven ^ seven >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return seven | (parity & 1) << 7;
}

/* Scales of four bits stand for odd numbers of halves. */
static int8_t odd(uint32_t scale) {
    return (int8_t)(2 * scale + 1);
}

static void unpack_iq2_xxs(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    for (uint32_t part = 0; part < 8; part++) {
        const uint8_t *entries = block + 2 + 8 * part;
        uint32_t rest = read_u32(entries + 4);
        unpacked->part_scales[part] = odd(rest >> 28);
        for (uint32_t i = 0; i < 4; i++)
            unpack_eight(alisa_grid_iq2_xxs[entries[i]], 2, even_signs(rest >> 7 * i & 127),
                         unpacked->codes + 32 * part + 8 * i);
    }
}

static void unpack_odd_nibbles(const uint8_t *bytes, uint32_t count, AlisaWeightBlock *unpacked) {
    for (uint32_t i = 0; i < count; i++) {
        unpacked->part_scales[2 * i] = odd(bytes[i] & 15);
        unpacked->part_scales[2 * i + 1] = odd(bytes[i] >> 4);
    }
}

static void unpack_iq2_xs(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpack_odd_nibbles(block + 66, 8, unpacked);
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t entry = read_u16(block + 2 + 2 * i);
        unpack_eight(alisa_grid_iq2_xs[entry & 511], 2, even_signs(entry >> 9),
                     unpacked->codes + 8 * i);
    }
}

static void unpack_iq2_s(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpack_odd_nibbles(block + 74, 8, unpacked);
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t entry = block[2 + i] | (block[66 + i / 4] >> i % 4 * 2 & 3u) << 8;
        unpack_eight(alisa_grid_iq2_s[entry], 2, block[34 + i], unpacked->codes + 8 * i);
    }
}

static void unpack_iq3_xxs(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    for (uint32_t part = 0; part < 8; part++) {
        const uint8_t *entries = block + 2 + 8 * part;
        uint32_t rest = read_u32(block + 66 + 4 * part);
        unpacked->part_scales[part] = odd(rest >> 28);
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t both = alisa_grid_iq3_xxs[entries[2 * i]] |
                            (uint32_t)alisa_grid_iq3_xxs[entries[2 * i + 1]] << 16;
            unpack_eight(both, 4, even_signs(rest >> 7 * i & 127),
                         unpacked->codes + 32 * part + 8 * i);
        }
    }
}

static void unpack_iq3_s(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    unpack_odd_nibbles(block + 106, 4, unpacked);
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t high = block[66 + i / 4] >> i % 4 * 2;
        uint32_t both = alisa_grid_iq3_s[block[2 + 2 * i] | (high & 1) << 8] |
                        (uint32_t)alisa_grid_iq3_s[block[3 + 2 * i] | (high >> 1 & 1) << 8] << 16;
        unpack_eight(both, 4, block[74 + i], unpacked->codes + 8 * i);
    }
}

/* All weights are shifted by an eighth, down where the bit after the scale is set. */
static void unpack_iq1_s(const uint8_t *block, AlisaWeightBlock *unpacked) {
    unpacked->scales[0] = read_u16(block);
    for (uint32_t part = 0; part < 8; part++) {
        uint32_t rest = read_u16(block + 34 + 2 * part);
        unpacked->part_scales[part] = odd(rest >> 12 & 7);
        for (uint32_t i = 0; i < 4; i++)
            unpack_eight(alisa_grid_iq1[block[2 + 4 * part + i] | (rest >> 3 * i & 7) << 8], 2,
                         rest & 0x8000 ? 255 : 0, unpacked->codes + 32 * part + 8 * i);
    }
}

/* The nibbles of the scale are above those of the parts. */
static void unpack_iq1_m(const uint8_t *block, AlisaWeightBlock *unpacked) {
    uint32_t scale = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t scales = read_u16(block + 48 + 2 * i);
        scale |= scales >> 12 << 4 * i;
        for (uint32_t part = 0; part < 4; part++)
            unpacked->part_scales[4 * i + part] = odd(scales >> 3 * part & 7);
    }
    unpacked->scales[0] = (uint16_t)scale;
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t rest = block[32 + i / 2] >> i % 2 * 4;
        unpack_eight(alisa_grid_iq1[block[i] | (rest & 7) << 8], 2, rest & 8 ? 255 : 0,
                     unpacked->codes + 8 * i);
    }
}

#define EIGHTHS .shared = 256, .factor = 0.125f

const AlisaCoding alisa_coding_iq1_s = {unpack_iq1_s, values_iq1, .part = 32, EIGHTHS},
                  alisa_coding_iq1_m = {unpack_iq1_m, values_iq1, .part = 16, EIGHTHS},
                  alisa_coding_iq2_xxs = {unpack_iq2_xxs, values_iq2, .part = 32, EIGHTHS},
                  alisa_coding_iq2_xs = {unpack_iq2_xs, values_iq2, .part = 16, EIGHTHS},
                  alisa_coding_iq2_s = {unpack_iq2_s, values_iq2, .part = 16, EIGHTHS},
                  alisa_coding_iq3_xxs = {unpack_iq3_xxs, values_iq3_xxs, .part = 32, .shared = 256,
                                          .factor = 0.25f},
                  alisa_coding_iq3_s = {unpack_iq3_s, values_iq3_s, .part = 32, OF_256};
