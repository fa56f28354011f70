/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/ewise.h"

#include <float.h>
#include <math.h>

static const double unit = 0x1p-24; /* relative error of one rounding; an ulp is two of it */

void oracle_rms_norm(const float *x, const float *weight, float epsilon, uint32_t rows,
                     uint32_t columns, double *y, double *bounds) {
    /* Each term passes columns / 64 roundings, 15 of a tail, 8 of the tree; the root halves that.
     */
    double sum_error = (columns / 64 + 15 + 8) / 2.0;
    /* Division by the columns (5) and + epsilon (1), halved; root 6, division 5, two products 2. */
    double relative = (sum_error + 3 + 6 + 5 + 2) * unit * 1.01;
    for (uint32_t r = 0; r < rows; r++) {
        double squares = 0;
        for (uint32_t i = 0; i < columns; i++)
            squares += (double)x[i] * x[i];
        double factor = 1 / sqrt(squares / columns + epsilon);
        for (uint32_t i = 0; i < columns; i++) {
            y[i] = x[i] * factor * weight[i];
            bounds[i] = relative * fabs(y[i]) + FLT_MIN * (1 + fabs(weight[i]));
        }
        x += columns;
        y += columns;
        bounds += columns;
    }
}

void oracle_silu_product(const float *gate, const float *up, uint64_t count, double *y,
                         double *bounds) {
    for (uint64_t i = 0; i < count; i++) {
        y[i] = gate[i] / (1 + exp(-(double)gate[i])) * up[i];
        /* exp 6, sum 1, division 5, product 1. */
        bounds[i] = 13 * 1.01 * unit * fabs(y[i]) + 100 * FLT_MIN * (1 + fabs((double)up[i]));
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
