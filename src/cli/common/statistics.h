/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of the evaluations: means with their errors, and two predictions compared.
 */
#ifndef ALISA_CLI_COMMON_STATISTICS_H
#define ALISA_CLI_COMMON_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* A sample of values. Zeroed is empty. */
typedef struct Statistic {
    double sum, sum_of_squares;
    double largest; /* of values that are not negative; 0 when there are none */
    uint64_t count;
} Statistic;

void alisa_cli_statistic_add(Statistic *statistic, double value);
void alisa_cli_statistic_merge(Statistic *statistic, const Statistic *other);
/* 0 when empty. */
double alisa_cli_statistic_mean(const Statistic *statistic);
/* Standard error of the mean; 0 for fewer than two values. */
double alisa_cli_statistic_error(const Statistic *statistic);

/* Sorts the values; 0 when there are none. */
double alisa_cli_median(double *values, size_t count);

/* Index of the largest value, the lower one among equals. */
size_t alisa_cli_likeliest(const float *values, size_t count);

/* Kullback-Leibler divergence, in nats, of the distribution with log-probabilities `tested` from
 * the one with log-probabilities `reference`: sum of exp(reference) * (reference - tested). */
double alisa_cli_divergence(const float *reference, const float *tested, size_t count);

#endif
