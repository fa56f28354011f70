/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mixture of experts does beside its products: choosing experts for rows, and adding up what
 * they give (Shazeer et al., "Outrageously Large Neural Networks: The Sparsely-Gated
 * Mixture-of-Experts Layer", 2017).
 */
#ifndef ALISA_OPS_EXPERTS_H
#define ALISA_OPS_EXPERTS_H

#include "ops/ops.h"

/* Where the shares of a row's experts come from; all are positive. */
typedef enum AlisaShares {
    ALISA_SHARES_OF_ALL,   /* a softmax over all experts: the shares add up to less than 1 */
    ALISA_SHARES_OF_CHOSEN /* a softmax over the chosen ones: the shares add up to 1 */
} AlisaShares;

/* The `used` experts with the largest logits of each row, the largest first, the lower index first
 * among equals; not-a-number counts as largest and makes a row's shares not-a-number.
 * logits: rows x experts; chosen: int32[rows][used] and shares: float[rows][used] on the device;
 * 0 < used <= experts. */
AlisaStatus alisa_ops_route(AlisaOps *ops, AlisaVector logits, uint32_t rows, uint32_t experts,
                            uint32_t used, AlisaShares kind, const AlisaBuffer *chosen,
                            const AlisaBuffer *shares, AlisaError *error);

/* y[r] = sum_j shares[r][j] x[places[r][j]], or y[r] += it; rows of `columns` floats. places:
 * int32[rows][used], from element `places_offset` on; shares: float[rows][used]; both on the
 * device. */
AlisaStatus alisa_ops_combine(AlisaOps *ops, AlisaVector x, const AlisaBuffer *places,
                              uint64_t places_offset, const AlisaBuffer *shares, uint32_t rows,
                              uint32_t used, uint32_t columns, bool accumulate, AlisaVector y,
                              AlisaError *error);

/* y[r][i] *= 1 / (1 + exp(-logits[r])); y: rows x columns. */
AlisaStatus alisa_ops_weigh(AlisaOps *ops, AlisaVector logits, uint32_t rows, uint32_t columns,
                            AlisaVector y, AlisaError *error);

#endif
