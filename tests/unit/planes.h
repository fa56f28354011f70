/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights read back from the planes of a device format (cl/formats), for tests.
 */
#ifndef ALISA_TESTS_PLANES_H
#define ALISA_TESTS_PLANES_H

#include "base/half.h"
#include "base/weight_type.h"
#include "ops/repack.h"

static inline uint16_t planes_half(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* The bits of weight k's code. */
static inline uint32_t planes_code(const AlisaFormatInfo *info, const uint8_t *const rows[],
                                   uint64_t k) {
    if (info->code_bits == 8) return rows[0][k];
    uint8_t byte = rows[0][k / 32 * 16 + k % 16];
    uint32_t low = k % 32 < 16 ? byte & 15 : byte >> 4;
    if (info->code_bits == 4) return low;
    uint32_t shift = k % 16 / 4 * 2;
    return low | (rows[2][k / 32 * 8 + k % 32 / 16 * 4 + k % 4] >> shift & 3) << 4;
}

/* Number 0 or 1, scale or minimum, of the part of weight k. */
static inline float planes_number(const AlisaFormatInfo *info, bool is_bfloat,
                                  const uint8_t *const rows[], uint64_t k, uint32_t number) {
    uint32_t numbers = info->has_minima ? 2 : 1;
    uint64_t at = k / (32 / info->parts) * numbers + number;
    if (info->scales == ALISA_SCALES_BYTES) {
        const uint8_t *supers = rows[info->code_bits == 6 ? 3 : 2];
        return alisa_half_to_float(planes_half(supers + (k / 256 * numbers + number) * 2)) *
               (float)(int8_t)rows[1][at];
    }
    uint16_t bits = planes_half(rows[1] + 2 * at);
    return is_bfloat ? alisa_bfloat_to_float(bits) : alisa_half_to_float(bits);
}

/* Weight k of a row of a matrix that was repacked from the type; rows[i] is the row in plane i. */
static inline float planes_value(const AlisaWeightTypeInfo *type, AlisaFormat format,
                                 const uint8_t *const rows[], uint64_t k) {
    const AlisaFormatInfo *info = alisa_format_info(format);
    const AlisaCoding *coding = type->coding;
    if (!coding) return type->value(rows[0] + k * info->planes[0].bytes);
    uint32_t code = planes_code(info, rows, k);
    float value = coding->values         ? coding->values[code]
                  : info->code_bits == 8 ? (float)(int8_t)code
                                         : (float)((int)code - (int)info->offset);
    value *= coding->factor * planes_number(info, coding->is_bfloat, rows, k, 0);
    return info->has_minima ? value + planes_number(info, coding->is_bfloat, rows, k, 1) : value;
}

#endif
