/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of 64 tokens from the tails into slots, where KV_I8 keeps codes of 8 bits, and back.
 *
 *   tokens      [blocks][64]  entries ~t: rows of the tails (attn/kv.clh)
 *   slots_of    [blocks][64]  slots the tokens get, each its own
 *   param_rows  [blocks]      where the ranges of a block go
 *
 * A KV_I8 side is quantised by channel: over the block's halves x, min is their least and lambda the
 * least half not below (max - min) / 255, so that the codes rint((x - min) / lambda) are within 0..255
 * and min + lambda code is off by lambda / 2 at most. A constant channel has lambda 0 and comes back
 * exactly. The halves are finite (attn/store.cl) except that a NaN stays one: it makes min NaN and with
 * it the whole channel, so that a broken model shows. A side of another type is copied.
 *
 * attn_unseal makes rows of the tails again, of what the codes say, rounded to halves: for a sequence
 * that was cut back into a block whose halves are gone.
 *
 * Global size: (KV_WIDTH / 8) x 2 x blocks: a work-item does 8 channels of K or V of one block.
 * Needs -DKV_HEADS -DHEAD_DIM -DKEY_TYPE -DVALUE_TYPE, one of them KV_I8.
 */
#include "attn/kv.clh"

#define BLOCK 64

#define SIDE(name)   KV_PASTE(key_, name)
#define SIDE_TYPE    KEY_TYPE
#define SIDE_ELEMENT KEY
#define SIDE_TAIL    KEY_TAIL
#define SIDE_STRIDE  KEY_STRIDE
#include "attn/seal_side.clh"

#define SIDE(name)   KV_PASTE(value_, name)
#define SIDE_TYPE    VALUE_TYPE
#define SIDE_ELEMENT VALUE
#define SIDE_TAIL    VALUE_TAIL
#define SIDE_STRIDE  VALUE_STRIDE
#include "attn/seal_side.clh"

#define SEAL_PARAMETERS                                                                            \
    __global const int *tokens, __global const int *slots_of, __global const int *param_rows,      \
        uint fresh_rows, __global KEY *keys, __global half *key_params,                            \
        __global KEY_TAIL *key_fresh, __global KEY_TAIL *key_tail, __global VALUE *values,         \
        __global half *value_params, __global VALUE_TAIL *value_fresh,                             \
        __global VALUE_TAIL *value_tail

#define SEAL_EACH(what)                                                                            \
    uint first = 8 * get_global_id(0);                                                             \
    size_t block = get_global_id(2);                                                               \
    tokens += block * BLOCK;                                                                       \
    slots_of += block * BLOCK;                                                                     \
    if (get_global_id(1) == 0)                                                                     \
        key_##what(tokens, slots_of, param_rows[block], fresh_rows, keys, key_params, key_fresh,   \
                   key_tail, first);                                                               \
    else                                                                                           \
        value_##what(tokens, slots_of, param_rows[block], fresh_rows, values, value_params,        \
                     value_fresh, value_tail, first);

__kernel void attn_seal(SEAL_PARAMETERS)
{
    SEAL_EACH(seal)
}

__kernel void attn_unseal(SEAL_PARAMETERS)
{
    SEAL_EACH(unseal)
}
