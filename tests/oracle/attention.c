/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle/attention.h"

#include <math.h>
#include <stdlib.h>

static const double unit = 0x1p-24;

typedef struct Score {
    double value; /* in base 2 */
    double error; /* of the float one */
    double weight;
} Score;

static const float *row_of(const OracleAttention *attention, const float *cache, int32_t slot,
                           uint32_t kv_head) {
    return cache + ((size_t)slot * attention->kv_head_count + kv_head) * attention->head_dim;
}

static void score_head(const OracleAttention *attention, uint32_t kv_head, const float *q,
                       const int32_t *slots, uint32_t count, Score *scores) {
    uint32_t dim = attention->head_dim;
    double scale = attention->scale * 1.4426950408889634;
    for (uint32_t j = 0; j < count; j++) {
        const float *key = row_of(attention, attention->keys, slots[j], kv_head);
        double sum = 0, size = 0;
        for (uint32_t d = 0; d < dim; d++) {
            sum += (double)q[d] * key[d];
            size += fabs((double)q[d] * key[d]);
        }
        scores[j].value = sum * scale;
        scores[j].error = (dim + 4) * unit * size * scale;
        if (attention->soft_cap > 0) {
            /* tanh is nowhere steeper than 1; its own error, that of the scale divided by the cap,
             * and that of the cap in base 2. */
            double cap = attention->soft_cap * 1.4426950408889634;
            scores[j].value = cap * tanh(scores[j].value / cap);
            scores[j].error += unit * size * scale + 16 * unit * fabs(scores[j].value);
        }
    }
}

static double value_of(const OracleAttention *attention, const int32_t *slots, uint32_t tokens,
                       uint32_t j, uint32_t kv_head, uint32_t d) {
    return j < tokens ? row_of(attention, attention->values, slots[j], kv_head)[d] : 0;
}

/* A sink is a token behind the others whose value is 0: `scores` has room for it. */
static void attend_head(const OracleAttention *attention, uint32_t head, uint32_t kv_head,
                        const float *q, const int32_t *slots, uint32_t tokens, Score *scores,
                        double *y, double *bounds) {
    uint32_t dim = attention->head_dim, count = tokens;
    double largest = -INFINITY, smallest = INFINITY;
    score_head(attention, kv_head, q, slots, tokens, scores);
    if (attention->sinks) {
        double sink = attention->sinks[head] * 1.4426950408889634;
        scores[count++] = (Score){.value = sink, .error = 2 * unit * fabs(sink)};
    }
    for (uint32_t j = 0; j < count; j++) {
        largest = fmax(largest, scores[j].value);
        smallest = fmin(smallest, scores[j].value);
    }
    double total = 0, expected = 0;
    for (uint32_t j = 0; j < count; j++) {
        scores[j].weight = exp2(scores[j].value - largest);
        total += scores[j].weight;
    }
    for (uint32_t j = 0; j < count; j++) {
        /* score - maximum, and the steps of the maximum up to the last: they add up to no more than
         * the range of the scores, each rounded once. */
        double exponent = scores[j].error + unit * 2 * (largest - smallest);
        /* 2^x: 8 units; a product with a factor when the maximum rises, once in a block of 16
         * tokens at most: 8 for the factor, 2 for products. */
        double rest = (8 + 10.0 * (count / 16 + 1)) * unit;
        scores[j].weight /= total;
        scores[j].error = (exp2(exponent) - 1 + rest) * 1.01;
        expected += scores[j].weight * scores[j].error;
    }
    for (uint32_t d = 0; d < dim; d++) {
        double sum = 0, size = 0, moved = 0;
        for (uint32_t j = 0; j < count; j++) {
            double v = value_of(attention, slots, tokens, j, kv_head, d);
            sum += scores[j].weight * v;
            size += scores[j].weight * fabs(v);
        }
        for (uint32_t j = 0; j < count; j++) {
            double v = value_of(attention, slots, tokens, j, kv_head, d);
            moved += scores[j].weight * scores[j].error * fabs(v - sum);
        }
        y[d] = sum;
        /* Sums of `count` terms above and below, the division; weights held at 2^-126. */
        bounds[d] = expected < 0.5 ? moved / (1 - expected) + (2.0 * count + 8) * unit * size * 2
                                   : INFINITY;
        bounds[d] += count * 0x1p-120;
    }
}

void oracle_attention(const OracleAttention *attention, const float *q, const int32_t *slots,
                      uint32_t count, double *y, double *bounds) {
    Score *scores = malloc((count + 1) * sizeof *scores);
    uint32_t ratio = attention->head_count / attention->kv_head_count, dim = attention->head_dim;
    for (uint32_t h = 0; h < attention->head_count; h++)
        attend_head(attention, h, h / ratio, q + (size_t)h * dim,
                    slots + (size_t)(h / ratio) * attention->list_stride, count, scores,
                    y + (size_t)h * dim, bounds + (size_t)h * dim);
    free(scores);
}

void oracle_attention_scores(const OracleAttention *attention, const float *q, const int32_t *slots,
                             uint32_t count, double *scores, double *bounds) {
    Score *head = malloc(count * sizeof *head);
    uint32_t ratio = attention->head_count / attention->kv_head_count;
    for (uint32_t h = 0; h < attention->head_count; h++) {
        score_head(attention, h / ratio, q + (size_t)h * attention->head_dim,
                   slots + (size_t)(h / ratio) * attention->list_stride, count, head);
        for (uint32_t j = 0; j < count; j++) {
            scores[(size_t)h * count + j] = head[j].value;
            bounds[(size_t)h * count + j] = head[j].error;
        }
    }
    free(head);
}

OracleStats oracle_attention_stats(const float *scores, uint32_t count, const float *sink) {
    OracleStats stats = {.m = -INFINITY};
    float first = sink ? *sink * 1.44269504f : 0;
    if (sink) stats.m = first;
    for (uint32_t j = 0; j < count; j++)
        stats.m = fmax(stats.m, scores[j]);
    for (uint32_t j = 0; j < count + (sink != NULL); j++) {
        double below = stats.m - (j < count ? scores[j] : first), weight = exp2(-below);
        stats.l += weight;
        /* Score less the maximum then, and the steps of the maximum up to the last: together
         * `below`, each rounded. 2^x and products as in attend_head, and the sum. */
        double exponent = unit * 2 * below;
        double rest = (8 + 10.0 * (count / 16 + 1) + count) * unit;
        stats.l_bound += weight * (exp2(exponent) - 1 + rest) + 0x1p-120;
    }
    return stats;
}

void oracle_attention_row(const float *scores, const float *stats, uint32_t heads, uint32_t stride,
                          uint32_t count, double scale, double *row, double *bounds,
                          uint64_t below[2]) {
    below[0] = below[1] = 0;
    for (uint32_t j = 0; j < count; j++) {
        double sum = 0, error = 0;
        for (uint32_t h = 0; h < heads; h++) {
            double distance = scores[(size_t)h * stride + j] - (double)stats[2 * h];
            double weight = exp2(distance), share = weight / stats[2 * h + 1];
            sum += share;
            /* The difference rounded, 2^x as in attend_head, 1 / l, and the sum over the heads. */
            error += share * (fabs(distance) + 8 + 3 + heads) * unit + 0x1p-120;
            below[0] += weight < 0.01 * (1 - 100 * unit);
            below[1] += weight < 0.01 * (1 + 100 * unit);
        }
        row[j] = sum * scale;
        bounds[j] = error * scale + 0.5; /* to a whole number: of a float, exact below 2^24 */
    }
}

void oracle_rope(const float *x, const float *rotation, uint32_t head_dim, uint32_t rope_dim,
                 double *y, double *bounds) {
    for (uint32_t d = 0; d < head_dim; d += 2) {
        double cosine = d < rope_dim ? rotation[d] : 1, sine = d < rope_dim ? rotation[d + 1] : 0;
        double a = x[d], b = x[d + 1];
        y[d] = a * cosine - b * sine;
        y[d + 1] = a * sine + b * cosine;
        bounds[d] = d < rope_dim ? 3 * unit * (fabs(a * cosine) + fabs(b * sine)) : 0;
        bounds[d + 1] = d < rope_dim ? 3 * unit * (fabs(a * sine) + fabs(b * cosine)) : 0;
    }
}
