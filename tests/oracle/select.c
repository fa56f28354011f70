/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

OracleSelect oracle_select_make(const AlisaSelectOptions *options, uint32_t context) {
    OracleSelect oracle = {*options, context, 1, NULL};
    oracle.rows = calloc((size_t)(context + 1) * context, sizeof *oracle.rows);
    return oracle;
}

void oracle_select_free(OracleSelect *oracle) {
    free(oracle->rows);
}

/* 12 significant bits. */
static uint32_t cut(uint32_t weight) {
    uint32_t unit = 1;
    while (weight / unit > 4095)
        unit *= 2;
    return weight / unit * unit;
}

void oracle_select_feed(OracleSelect *oracle, uint32_t count, const uint32_t *positions,
                        uint32_t entries, const uint32_t *weights) {
    uint32_t *row = oracle->rows + (size_t)count * oracle->context;
    for (uint32_t i = 0; i < entries; i++)
        row[positions[i]] = cut(weights[i]);
}

void oracle_select_truncate(OracleSelect *oracle, uint32_t count) {
    size_t context = oracle->context;
    memset(oracle->rows + (count + 1) * context, 0,
           (context - count) * context * sizeof *oracle->rows);
}

uint32_t oracle_select_pick(const OracleSelect *oracle, uint32_t count, const uint32_t *row,
                            uint32_t *list) {
    const AlisaSelectOptions *options = &oracle->options;
    double half = round(count * (1 - options->sparsity) / 2 + 1e-9);
    half = fmin(fmax(half, fmax(1, ceil(options->keep / 2.0))), count);
    uint32_t k = (uint32_t)half, length = 0;
    bool *kept = calloc(count, sizeof *kept);
    uint64_t *sums = calloc(count, sizeof *sums);
    for (uint32_t position = 0; position < count; position++) {
        bool cumulative = options->kind == ALISA_SELECT_H2O;
        uint32_t rows = options->window && options->window < k ? options->window : k;
        uint32_t from = cumulative || rows >= count ? oracle->first_row : count - rows;
        if (from < oracle->first_row) from = oracle->first_row;
        for (uint32_t step = from; step < count; step++)
            sums[position] += oracle->rows[(size_t)step * oracle->context + position];
        if (row) sums[position] = row[position];
        kept[position] = 2 * k >= count || position < (options->sinks < k ? options->sinks : k) ||
                         position + k >= count;
        length += kept[position];
    }
    for (; 2 * k < count && length < 2 * k; length++) {
        uint32_t best = count;
        for (uint32_t position = 0; position < count; position++)
            if (!kept[position] && (best == count || sums[position] > sums[best])) best = position;
        kept[best] = true;
    }
    length = 0;
    for (uint32_t position = 0; position < count; position++)
        if (kept[position]) list[length++] = position;
    free(kept);
    free(sums);
    return length;
}

void oracle_select_weights(AlisaRandom *random, uint32_t count, const uint32_t *positions,
                           uint32_t entries, uint32_t *weights) {
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t age = count - 1 - positions[i];
        double weight = 3000.0 / (1 + age);
        /* One token in sixteen matters for long, whatever its age. */
        if (alisa_selector_key(1, positions[i]) % 16 == 0) weight += 200;
        weight *= exp(1.5 * alisa_random_normal(random));
        if (alisa_random_below(random, 64) == 0) weight *= 1e5; /* wants more than 12 bits */
        weights[i] = weight < 5e6 ? (uint32_t)(weight / 16) : 5000000;
    }
}
