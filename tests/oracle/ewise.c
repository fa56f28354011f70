/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/ewise.h"

#include <float.h>
#include <math.h>

static const double unit = 0x1p-24; /* relative error of one rounding; an ulp is two of it */

static void norm_row(const OracleNorm *how, const float *weight, const float *x, const float *added,
                     uint32_t columns, double *y, double *bounds) {
    /* Each term passes columns / 64 roundings, 15 of a tail, 8 of the tree. */
    double sum_error = (columns / 64 + 15 + 8) * unit;
    double mean = 0, size = 0, squares = 0, deviation = 0;
    for (uint32_t i = 0; i < columns; i++) {
        mean += x[i];
        size += fabs((double)x[i]);
    }
    mean = how->kind == ALISA_NORM_LAYER ? mean / columns : 0;
    /* Of the mean: its sum and a division. */
    double mean_error = how->kind == ALISA_NORM_LAYER ? (sum_error + 5 * unit) * size / columns : 0;
    for (uint32_t i = 0; i < columns; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
        deviation += fabs(x[i] - mean);
    }
    double variance = squares / columns + how->epsilon, factor = 1 / sqrt(variance);
    /* Of the root's argument: the sum, a division, + epsilon, and what the mean's error does. */
    double argument = sum_error + 6 * unit + 2 * mean_error * deviation / columns / variance +
                      mean_error * mean_error / variance;
    if (how->kind == ALISA_NORM_LAYER) argument += 2 * unit;
    for (uint32_t i = 0; i < columns; i++) {
        double n = (x[i] - mean) * factor * weight[i];
        double far = (mean_error + unit * fabs(x[i] - mean)) * factor * fabs((double)weight[i]);
        /* Half of the argument's error; root 6, division 5, two products 2. */
        bounds[i] = fabs(n) * (argument / 2 + 13 * unit) * 1.01 +
                    (how->kind == ALISA_NORM_LAYER ? far * 1.01 : 0) +
                    FLT_MIN * (1 + fabs(weight[i]));
        y[i] = n + (how->bias ? how->bias[i] : 0);
        bounds[i] += how->bias ? unit * fabs(y[i]) * 1.01 : 0;
        y[i] += added ? added[i] : 0;
        bounds[i] += added ? unit * fabs(y[i]) * 1.01 : 0;
    }
}

void oracle_norm(const OracleNorm *how, const float *x, uint32_t rows, uint32_t columns, double *y,
                 double *bounds) {
    for (uint32_t r = 0; r < rows; r++) {
        uint64_t first = (uint64_t)r * columns;
        norm_row(how, how->weight + (uint64_t)(r % how->weight_rows) * columns, x + first,
                 how->added ? how->added + first : NULL, columns, y + first, bounds + first);
    }
}

/* f(a), and how far it may be off for a that is exact. */
static double activated(AlisaActivation activation, double a, double *bound) {
    double inner = sqrt(2 / 3.14159265358979323846) * (a + 0.044715 * a * a * a);
    double f = 0;
    switch (activation) {
    case ALISA_ACTIVATION_RELU:
        *bound = 0;
        return a > 0 ? a : 0;
    case ALISA_ACTIVATION_RELU_SQUARED:
        f = a > 0 ? a * a : 0;
        *bound = unit * f;
        return f;
    case ALISA_ACTIVATION_GELU:
        /* erf 32 and what its argument's roundings do, sum 1, products 2: of |a|/2 each. */
        *bound = fabs(a) / 2 * 40 * unit;
        return a / 2 * (1 + erf(a / sqrt(2)));
    case ALISA_ACTIVATION_GELU_TANH:
        /* tanh 10, its argument (7 roundings, where they matter: |inner| < 10), sum, products. */
        *bound = fabs(a) / 2 *
                 (14 + 7 * fmin(fabs(inner), 10) / pow(cosh(fmin(fabs(inner), 10)), 2)) * unit;
        return a / 2 * (1 + tanh(inner));
    default:
        f = a / (1 + exp(-a));
        /* exp 6, sum 1, division 5. */
        *bound = 12 * unit * fabs(f) + 100 * FLT_MIN;
        return f;
    }
}

void oracle_activate(const OracleActivated *what, uint32_t rows, uint32_t columns, double *y,
                     double *bounds) {
    for (uint64_t i = 0; i < (uint64_t)rows * columns; i++) {
        double a = (double)what->x[i] + (what->x_bias ? what->x_bias[i % columns] : 0);
        double up = what->up ? what->up[i] : 1;
        if (what->up_bias) up += what->up_bias[i % columns];
        double f = activated(what->activation, a, &bounds[i]);
        /* A rounded sum moves f by as much as it is steep: 2a of a square, 1.13 of others. */
        double steep = what->activation == ALISA_ACTIVATION_RELU_SQUARED ? 2 * fabs(a) : 1.13;
        if (what->x_bias) bounds[i] += unit * fabs(a) * steep;
        y[i] = f * up;
        bounds[i] =
            (bounds[i] * fabs(up) + 2 * unit * fabs(y[i])) * 1.01 + FLT_MIN * (1 + fabs(up));
    }
}

void oracle_scale(const float *x, float scale, float cap, uint64_t count, double *y,
                  double *bounds) {
    for (uint64_t i = 0; i < count; i++) {
        double v = (double)scale * x[i];
        y[i] = cap > 0 ? cap * tanh(v / cap) : v;
        /* The product 1, the division 5, tanh 10, the product 1. */
        bounds[i] = (cap > 0 ? 17 : 1) * unit * fabs(y[i]) * 1.01 + FLT_MIN * (1 + cap);
    }
}

int32_t oracle_likeliest(const float *x, uint32_t columns) {
    int32_t best = 0;
    for (uint32_t i = 0; i < columns; i++) {
        if (isnan(x[i]) || x[i] == INFINITY) return -1;
        if (x[i] > x[best]) best = (int32_t)i;
    }
    return best;
}
