/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/halves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "oracle/quant.h"

enum { BLOCK = 32, PART = 16 /* the least that has a scale */ };
#define LARGEST 65504.0
#define TINY    0x1p-25 /* half of the least half above nothing */

/* To the nearest half, to even in the middle; 2^-24 is the least, above LARGEST all is infinite. */
static double round_half(double value) {
    int exponent;
    if (!isfinite(value)) return value;
    frexp(value, &exponent);
    double unit = ldexp(1, exponent < -13 ? -24 : exponent - 11);
    double rounded = rint(value / unit) * unit;
    return fabs(rounded) > LARGEST ? copysign(INFINITY, value) : rounded;
}

/* The halves of a row and the scale of each of its blocks. */
static void halve_row(const float *x, uint32_t columns, double *halves, double *scales) {
    for (uint32_t b = 0; b < columns; b += BLOCK) {
        uint32_t end = b + BLOCK < columns ? b + BLOCK : columns;
        double largest = 0;
        bool finite = true;
        for (uint32_t k = b; k < end; k++) {
            largest = fmax(largest, fabs((double)x[k]));
            finite &= isfinite(x[k]) != 0;
        }
        int exponent;
        frexp(largest, &exponent);
        bool some = finite && largest > 1e-30f;
        scales[b / BLOCK] = !finite ? NAN : some ? ldexp(1, exponent < 126 ? exponent : 126) : 0;
        for (uint32_t k = b; k < end; k++)
            halves[k] = some ? round_half(x[k] / scales[b / BLOCK]) : 0;
    }
}

/* A row of weights as what is multiplied and the scale and the minimum of each part. */
static void read_row(uint32_t type, const uint8_t *row, uint32_t columns, double *codes,
                     double *scales, double *minima) {
    const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
    for (uint32_t k = 0; k < columns; k += info->block_elements, row += info->block_bytes) {
        AlisaWeightBlock block;
        scales[k / PART] = 1;
        if (!info->coding) {
            codes[k] = info->value(row);
            continue;
        }
        info->coding->unpack(row, &block);
        for (uint32_t i = 0; i < info->block_elements; i++) {
            codes[k + i] = alisa_coding_value(info->coding, &block, i);
            scales[(k + i) / PART] = alisa_coding_scale(info->coding, &block, i);
            minima[(k + i) / PART] = alisa_coding_minimum(info->coding, &block, i);
        }
    }
}

/* Of `count` products, and how far these may be from the exact ones: 2^-11 of a half and of each
 * sum on the way for its rounding (no more than 2^-12 of it, and what is below the least one), and
 * a little for the rounding of roundings. */
static double add_up(const double *halves, const double *codes, uint32_t count, double *largest,
                     double *loss) {
    float sum = 0;
    double size = 0, off = 0;
    *largest = 0;
    for (uint32_t k = 0; k < count; k++) {
        float product = (float)(halves[k] * codes[k]); /* exact */
        sum = (float)round_half(product + sum);
        size += fabs(halves[k] * codes[k]);
        off += fabs(codes[k]) * (fabs(halves[k]) * 0x1p-11 + TINY) + size * 0x1p-11 + TINY;
        *largest = fmax(*largest, fabs((double)sum));
    }
    *loss = off;
    return sum;
}

void oracle_matmul_half(uint32_t type, const uint8_t *weights, uint32_t outputs, uint32_t columns,
                        const float *x, uint32_t rows, const float *add, uint32_t depth, bool fused,
                        double *sums, double *bounds, double *losses) {
    double *halves = calloc(columns, sizeof *halves), *codes = calloc(columns, sizeof *codes);
    uint32_t blocks = (columns + BLOCK - 1) / BLOCK;
    double *x_scales = calloc(blocks, sizeof(double));
    double *w_scales = calloc(2 * blocks, sizeof(double)),
           *minima = calloc(2 * blocks, sizeof(double));
    if (!halves || !codes || !x_scales || !w_scales || !minima) abort();
    for (uint32_t r = 0; r < rows; r++) {
        halve_row(x + (uint64_t)r * columns, columns, halves, x_scales);
        for (uint32_t n = 0; n < outputs; n++) {
            double sum = 0, size = 0, doubt = 0, lost = 0;
            read_row(type, weights + n * alisa_weight_type_row_bytes(type, columns), columns, codes,
                     w_scales, minima);
            for (uint32_t k = 0; k < columns; k += depth) {
                double largest, loss, scale = x_scales[k / BLOCK] * w_scales[k / PART];
                uint32_t count = k + depth < columns ? depth : columns - k;
                double part = add_up(halves + k, codes + k, count, &largest, &loss);
                double added = x_scales[k / BLOCK] * minima[k / PART];
                sum += part * scale;
                size += fabs(part * scale);
                for (uint32_t i = 0; i < count; i++) {
                    sum += halves[k + i] * added;
                    size += fabs(halves[k + i] * added) * (1 + count);
                    lost += (fabs(halves[k + i]) * 0x1p-11 + TINY) * fabs(added);
                }
                doubt += (0x1p-10 * largest + TINY) * fabs(scale) * (1 + 2 * count);
                lost += loss * fabs(scale);
                /* What is next to nothing is taken for it. */
                if (x_scales[k / BLOCK] == 0)
                    for (uint32_t i = 0; i < count; i++)
                        lost += 1e-30 *
                                (fabs(codes[k + i] * w_scales[k / PART]) + fabs(minima[k / PART]));
            }
            uint64_t at = (uint64_t)r * outputs + n;
            double before = add ? add[at] : 0, steps = (columns + depth - 1.0) / depth;
            sums[at] = sum + before;
            bounds[at] = ldexp((steps + 3) * size + 2 * fabs(before), -24) + (fused ? doubt : 0);
            losses[at] = lost;
        }
    }
    free(halves);
    free(codes);
    free(x_scales);
    free(w_scales);
    free(minima);
}
