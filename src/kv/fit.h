/*
 * How a KV cache over two tiers is cut: numbers in, numbers out.
 */
#ifndef ALISA_KV_FIT_H
#define ALISA_KV_FIT_H

#include "kv/residency.h"
#include "kv/shape.h"

typedef struct AlisaKvFit {
    AlisaResidencyShape rows;   /* of K and V */
    AlisaResidencyShape inputs; /* of layer inputs; device_slots 0: none are kept */
    uint64_t staging_bytes;     /* of each direction */
} AlisaKvFit;

/* `largest_buffer`: bytes the device allows one. Too little memory for the rows of one step:
 * ALISA_ERROR_MEMORY that says how much is missing. */
AlisaStatus alisa_kv_fit(const AlisaKvShape *shape, const AlisaKvMemory *memory,
                         uint64_t largest_buffer, AlisaKvFit *fit, AlisaError *error);

#endif
