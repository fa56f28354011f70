/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many slots a tiered KV cache has on the device and on the host; numbers in, numbers out.
 */
#ifndef ALISA_KV_FIT_H
#define ALISA_KV_FIT_H

#include "kv/residency.h"
#include "kv/shape.h"

typedef struct AlisaKvFit {
    AlisaResidencyShape rows;   /* slots for K and V */
    AlisaResidencyShape inputs; /* slots for layer inputs; all 0 if none are kept */
    uint64_t staging_bytes;     /* staging memory of each direction */
} AlisaKvFit;

/* Divides the memory into slots. No buffer has more than `largest_buffer` bytes. If the memory does
 * not hold the rows of one step, fails with ALISA_ERROR_MEMORY and a sentence that says what the
 * step needs and what there is. */
AlisaStatus alisa_kv_fit(const AlisaKvShape *shape, const AlisaKvMemory *memory,
                         uint64_t largest_buffer, AlisaKvFit *fit, AlisaError *error);

#endif
