/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage types of K and V: the one table that everything about a type on the host comes from.
 * Rows are described in cl/attn/kv.clh.
 */
#ifndef ALISA_BASE_KV_TYPE_H
#define ALISA_BASE_KV_TYPE_H

#include "base/status.h"

/* Tokens of a sequence that a type with `blocks` quantises together. */
enum { ALISA_KV_BLOCK = 64 };

typedef struct AlisaKvTypeInfo {
    const char *name;        /* as users give it (-ctk, -ctv): "q8_0" */
    const char *kernel_name; /* value of -DKEY_TYPE and -DVALUE_TYPE: "KV_Q8_0" */
    uint32_t element_bytes;  /* bytes of each element in a slot */
    uint32_t group;          /* elements of a head that share a scale; 0: there are no scales */
    uint32_t group_bytes;    /* bytes of the scale of a group */
    bool blocks; /* the type quantises each channel over ALISA_KV_BLOCK tokens, once they are there;
                    until then they are kept as halves */
} AlisaKvTypeInfo;

/* The row of a type; NULL for a number that is no type. */
const AlisaKvTypeInfo *alisa_kv_type_info(AlisaKvType type);

/* Bytes that one token's K or V of one layer, `width` elements, takes in a slot. */
uint64_t alisa_kv_type_row_bytes(AlisaKvType type, uint32_t width);

/* Bytes of the ranges of one sealed block, two halves a channel; 0 unless the type has blocks. */
uint64_t alisa_kv_type_params_bytes(AlisaKvType type, uint32_t width);
/* Bytes of one token that is kept as halves; 0 unless the type has blocks. */
uint64_t alisa_kv_type_tail_bytes(AlisaKvType type, uint32_t width);

/* ALISA_OK where heads of `head_dim` elements can be stored as `type`; else ALISA_ERROR_UNSUPPORTED
 * with a sentence that lists the types that can store them. */
AlisaStatus alisa_kv_type_check(AlisaKvType type, uint32_t head_dim, AlisaError *error);

#endif
