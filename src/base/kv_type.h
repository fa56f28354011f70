/*
 * The storage types of K and V: the one table that everything about a type on the host comes from.
 * Rows are described in cl/attn/kv.clh.
 */
#ifndef ALISA_BASE_KV_TYPE_H
#define ALISA_BASE_KV_TYPE_H

#include "base/status.h"

enum { ALISA_KV_BLOCK = 64 }; /* tokens of a sequence that are quantised together (`blocks`) */

typedef struct AlisaKvTypeInfo {
    const char *name;        /* as users give it */
    const char *kernel_name; /* as -DKEY_TYPE gives it */
    uint32_t element_bytes;  /* of each element in a slot */
    uint32_t group;          /* elements of a head that share a scale in the slot, 0: none */
    uint32_t group_bytes;    /* of that scale */
    bool blocks; /* quantised by channel over blocks; the newest one is kept as halves */
} AlisaKvTypeInfo;

/* NULL for a number that is no type. */
const AlisaKvTypeInfo *alisa_kv_type_info(AlisaKvType type);

/* Bytes of one token's K or V of one layer in a slot; `width`: its elements. */
uint64_t alisa_kv_type_row_bytes(AlisaKvType type, uint32_t width);

/* Bytes beside the slots: of a block's ranges (two halves a channel), and of a token that is kept
 * as halves. 0 unless the type has blocks. */
uint64_t alisa_kv_type_params_bytes(AlisaKvType type, uint32_t width);
uint64_t alisa_kv_type_tail_bytes(AlisaKvType type, uint32_t width);

/* ALISA_ERROR_UNSUPPORTED, with the types that would do, unless heads of this size can be stored.
 */
AlisaStatus alisa_kv_type_check(AlisaKvType type, uint32_t head_dim, AlisaError *error);

#endif
