/* SPDX-License-Identifier: Apache-2.0 */
#include "common/statistics.h"

#include <math.h>
#include <stdlib.h>

void alisa_cli_statistic_add(Statistic *statistic, double value) {
    statistic->sum += value;
    statistic->sum_of_squares += value * value;
    if (value > statistic->largest) statistic->largest = value;
    statistic->count++;
}

void alisa_cli_statistic_merge(Statistic *statistic, const Statistic *other) {
    statistic->sum += other->sum;
    statistic->sum_of_squares += other->sum_of_squares;
    if (other->largest > statistic->largest) statistic->largest = other->largest;
    statistic->count += other->count;
}

double alisa_cli_statistic_mean(const Statistic *statistic) {
    return statistic->count ? statistic->sum / (double)statistic->count : 0.0;
}

double alisa_cli_statistic_error(const Statistic *statistic) {
    if (statistic->count < 2) return 0.0;
    double mean = alisa_cli_statistic_mean(statistic);
    double variance = statistic->sum_of_squares / (double)statistic->count - mean * mean;
    return variance > 0.0 ? sqrt(variance / (double)(statistic->count - 1)) : 0.0;
}

static int compare(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

double alisa_cli_median(double *values, size_t count) {
    if (count == 0) return 0.0;
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

size_t alisa_cli_likeliest(const float *values, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (values[i] > values[best]) best = i;
    }
    return best;
}

double alisa_cli_divergence(const float *reference, const float *tested, size_t count) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double share = exp((double)reference[i]);
        /* A token that the reference rules out adds nothing, whatever the other makes of it. */
        if (share > 0.0) sum += share * ((double)reference[i] - (double)tested[i]);
    }
    return sum;
}
