/* Attention in plain C and double, with how far floats may be off. */
#ifndef TESTS_ORACLE_ATTENTION_H
#define TESTS_ORACLE_ATTENTION_H

#include <stdint.h>

typedef struct OracleAttention {
    uint32_t head_count, kv_head_count, head_dim;
    float scale;
    const float *keys; /* [slot][kv_head][head_dim], as stored */
    const float *values;
} OracleAttention;

/* One row: q, y and bounds are [head][head_dim]; `slots`: the `count` tokens it sees.
 *
 * With true weights w_j and computed ones w_j (1 + e_j) before the division by their sum,
 * y' - y = sum_j w_j e_j (v_j - y) / (1 + sum_j w_j e_j); |e_j| <= 2^d - 1 and then some, where d
 * is the error of the score in base 2, (head_dim + 4) 2^-24 sum_d |q_d k_d| scale log2(e), plus
 * that of the differences between scores and maxima. Comments in the code count the rest. */
void oracle_attention(const OracleAttention *attention, const float *q, const int32_t *slots,
                      uint32_t count, double *y, double *bounds);

/* Turns the pairs (2i, 2i+1), i < rope_dim / 2, of a head by rotation[i] = (cosine, sine). */
void oracle_rope(const float *x, const float *rotation, uint32_t head_dim, uint32_t rope_dim,
                 double *y, double *bounds);

#endif
