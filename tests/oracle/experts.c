/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/experts.h"

#include <math.h>

static bool is_chosen(const int32_t *chosen, uint32_t count, uint32_t expert) {
    for (uint32_t i = 0; i < count; i++)
        if (chosen[i] == (int32_t)expert) return true;
    return false;
}

void oracle_route(const float *logits, uint32_t experts, uint32_t used, bool over_chosen,
                  int32_t *chosen, double *shares) {
    for (uint32_t j = 0; j < used; j++) {
        int32_t best = -1;
        for (uint32_t e = 0; e < experts; e++) {
            if (is_chosen(chosen, j, e)) continue;
            if (best < 0 || logits[e] > logits[best]) best = (int32_t)e;
        }
        chosen[j] = best;
    }
    double sum = 0;
    for (uint32_t e = 0; e < experts; e++)
        if (!over_chosen || is_chosen(chosen, used, e))
            sum += exp((double)logits[e] - logits[chosen[0]]);
    for (uint32_t j = 0; j < used; j++)
        shares[j] = exp((double)logits[chosen[j]] - logits[chosen[0]]) / sum;
}

void oracle_combine(const float *x, const int32_t *places, const float *shares, uint32_t used,
                    uint32_t columns, double *y, double *magnitudes) {
    for (uint32_t i = 0; i < columns; i++) {
        magnitudes[i] = fabs(y[i]);
        for (uint32_t j = 0; j < used; j++) {
            double term = (double)shares[j] * x[(uint64_t)places[j] * columns + i];
            y[i] += term;
            magnitudes[i] += fabs(term);
        }
    }
}
