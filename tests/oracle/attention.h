/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in plain C and double, with how far floats may be off. */
#ifndef TESTS_ORACLE_ATTENTION_H
#define TESTS_ORACLE_ATTENTION_H

#include <stdint.h>

typedef struct OracleAttention {
    uint32_t head_count, kv_head_count, head_dim;
    float scale;
    const float *keys; /* [slot][kv_head][head_dim], as stored */
    const float *values;
    uint32_t list_stride; /* KV head g reads the slots from g list_stride on; 0: all the same */
    float soft_cap;       /* c: scores x become c tanh(x / c); 0: they stay as they are */
    const float *sinks;   /* [head] logits that join the softmax and have no value; NULL: none */
} OracleAttention;

/* One row: q, y and bounds are [head][head_dim]; `slots`: the `count` tokens it sees.
 *
 * With true weights w_j and computed ones w_j (1 + e_j) before the division by their sum,
 * y' - y = sum_j w_j e_j (v_j - y) / (1 + sum_j w_j e_j); |e_j| <= 2^d - 1 and then some, where d
 * is the error of the score in base 2, (head_dim + 4) 2^-24 sum_d |q_d k_d| scale log2(e), plus
 * that of the differences between scores and maxima. Comments in the code count the rest. */
void oracle_attention(const OracleAttention *attention, const float *q, const int32_t *slots,
                      uint32_t count, double *y, double *bounds);

/* Scores of one row: scale log2(e) q[h] . keys[slots[j]], [head][count], and their bounds. */
void oracle_attention_scores(const OracleAttention *attention, const float *q, const int32_t *slots,
                             uint32_t count, double *scores, double *bounds);

/* The numbers a row's weights come from, of one head: the largest of `count` scores (exact, as the
 * scores are), and sum_j 2^(scores[j] - m) with its bound. sink: NULL, or the logit that joins
 * them.
 */
typedef struct OracleStats {
    double m, l, l_bound;
} OracleStats;
OracleStats oracle_attention_stats(const float *scores, uint32_t count, const float *sink);

/* From scores [head][stride] and stats (m, l) [head] as floats: row[j] = unit times the sum of the
 * heads' weights 2^(s - m) / l, before it is rounded, with the bound of it rounded; and in
 * `below` how many weights are under 1 % of the largest of their head: at least, at most. */
void oracle_attention_row(const float *scores, const float *stats, uint32_t heads, uint32_t stride,
                          uint32_t count, double unit, double *row, double *bounds,
                          uint64_t below[2]);

/* Turns the pairs (2i, 2i+1), i < rope_dim / 2, of a head by rotation[i] = (cosine, sine). */
void oracle_rope(const float *x, const float *rotation, uint32_t head_dim, uint32_t rope_dim,
                 double *y, double *bounds);

#endif
