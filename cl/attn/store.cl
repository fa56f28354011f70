/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotates q and k and puts k and v into their caches, all rows in one launch.
 *
 *   q    [rows][HEADS][HEAD_DIM]     rotated in place
 *   k    [rows][KV_HEADS][HEAD_DIM]  rotated into keys[row_slots[r]][g]
 *   v    [rows][KV_HEADS][HEAD_DIM]  into values[row_slots[r]][g]; with KV_I8 on either side both go to
 *                                    row ~row_slots[r] of the tails (attn/kv.clh)
 *   rotations [rows][ROPE_DIM / 2]   (cosine, sine) of each adjacent pair
 *
 * Global size: (HEAD_DIM / 8) x (HEADS + 2 KV_HEADS) x rows; one work-item does 8 elements of one head.
 * Needs -DHEADS -DKV_HEADS -DHEAD_DIM -DROPE_DIM -DKEY_TYPE -DVALUE_TYPE.
 */
#include "attn/kv.clh"
#include "attn/rotate.clh"

/* Elements first..first+7 of a head as they are stored: keys turned, values (no rotation) as they are. */
static inline float8 stored(__global const float *x, __global const float *rotation, uint first)
{
    float8 y = vload8(0, x + first);
    return rotation ? rotated(y, rotation, first) : y;
}

#if KEY_TYPE == KV_Q8_0 || VALUE_TYPE == KV_Q8_0
/* The largest element, by size, of the group around `first`; NaN if one is. Each of the work-items that
 * store the group finds it again: no barrier, and no second shape of launch for this type. */
static inline float group_largest(__global const float *x, __global const float *rotation, uint first)
{
    uint begin = first / KV_GROUP * KV_GROUP;
    float8 m = 0.0f;
    int8 odd = 0;
    for (uint i = begin; i < begin + KV_GROUP; i += 8) {
        float8 y = stored(x, rotation, i);
        m = fmax(m, fabs(y));
        odd |= isnan(y);
    }
    float largest = fmax(fmax(fmax(m.s0, m.s4), fmax(m.s2, m.s6)),
                         fmax(fmax(m.s1, m.s5), fmax(m.s3, m.s7)));
    return any(odd) ? NAN : largest;
}
#endif

/* Where the row goes: to its slot, or with tails to row ~slot of them. */
#if KV_TAILS
#define STORE_TAIL_PARAMETERS                                                                      \
    , uint fresh_rows, __global KEY_TAIL *key_fresh, __global KEY_TAIL *key_tail,                  \
        __global VALUE_TAIL *value_fresh, __global VALUE_TAIL *value_tail
#define BASE(side, slots, stride)                                                                  \
    ((uint)~slot < fresh_rows ? side##_fresh + (size_t)(uint)~slot * stride                        \
                              : side##_tail + (size_t)((uint)~slot - fresh_rows) * stride)
#else
#define STORE_TAIL_PARAMETERS
#define BASE(side, slots, stride) (slots + (size_t)slot * stride)
#endif

/* What store8 takes between the elements and the row. */
#define SCALE_0(x, rotation)
#define SCALE_1(x, rotation)
#define SCALE_2(x, rotation) group_largest(x, rotation, first),
#define SCALE_3(x, rotation)

__kernel void attn_store(__global float *q, ulong q_offset, __global const float *k,
                         ulong k_offset, __global const float *v, ulong v_offset,
                         __global const float *rotations, __global const int *row_slots,
                         __global KEY *keys, __global VALUE *values STORE_TAIL_PARAMETERS)
{
    uint first = 8 * get_global_id(0);
    uint head = get_global_id(1);
    size_t row = get_global_id(2);
    __global const float *rotation = rotations + row * ROPE_DIM, *none = 0;

    if (head < HEADS) {
        __global float *x = q + q_offset + (row * HEADS + head) * HEAD_DIM;
        vstore8(stored(x, rotation, first), 0, x + first);
        return;
    }
    head -= HEADS;
    int slot = row_slots[row];
    if (head < KV_HEADS) {
        __global const float *x = k + k_offset + (row * KV_HEADS + head) * HEAD_DIM;
        key_store8(stored(x, rotation, first), KV_OF(SCALE_, KEY_TYPE)(x, rotation)
                   BASE(key, keys, KEY_STRIDE), head, first);
        return;
    }
    head -= KV_HEADS;
    __global const float *x = v + v_offset + (row * KV_HEADS + head) * HEAD_DIM;
    value_store8(stored(x, none, first), KV_OF(SCALE_, VALUE_TYPE)(x, none)
                 BASE(value, values, VALUE_STRIDE), head, first);
}
