/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing experts and adding up what they give, in plain C and double. */
#ifndef TESTS_ORACLE_EXPERTS_H
#define TESTS_ORACLE_EXPERTS_H

#include <stdbool.h>
#include <stdint.h>

/* The `used` largest of a row, the lowest index first among equals, by picking the largest of what
 * is left again and again; their shares of a softmax over the chosen ones or over all. */
void oracle_route(const float *logits, uint32_t experts, uint32_t used, bool over_chosen,
                  int32_t *chosen, double *shares);

/* y[i] += sum_j shares[j] x[places[j]][i] of one row; magnitudes[i] is the same sum of absolute
 * values, by which the error of floats is bounded. */
void oracle_combine(const float *x, const int32_t *places, const float *shares, uint32_t used,
                    uint32_t columns, double *y, double *magnitudes);

#endif
