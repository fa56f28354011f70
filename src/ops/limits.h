/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels and devices limit parameters by, for their checks and their defaults. */
#ifndef ALISA_OPS_LIMITS_H
#define ALISA_OPS_LIMITS_H

#include "ops/parameters.h"

/* Sums in registers of matmul in layout item. */
enum { ALISA_OPS_SUM_ROWS = 12, ALISA_OPS_SUM_VECTORS = 2 };

/* Whether a group of that size can add up by lanes (cl/lanes.clh). */
static inline bool alisa_limits_has_lanes(uint32_t group, const AlisaDeviceInfo *info) {
    return info->capabilities & ALISA_CAPABILITY_SUBGROUPS ||
           (info->capabilities & ALISA_CAPABILITY_PTX && group % 32 == 0);
}

/* Local memory of matmul_item: a panel together with the copied rows of x. */
static inline uint64_t alisa_limits_item_bytes(uint32_t depth) {
    enum { PANEL = 16 * ALISA_OPS_SUM_VECTORS, PADDING = 16 };
    return (depth * PANEL + ALISA_OPS_SUM_ROWS * ((uint64_t)depth + PADDING)) * sizeof(float);
}

#endif
