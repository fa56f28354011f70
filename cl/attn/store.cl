/*
 * Rotates q and k and puts k and v into their caches, all rows in one launch.
 *
 *   q    [rows][HEADS][HEAD_DIM]     rotated in place
 *   k    [rows][KV_HEADS][HEAD_DIM]  rotated into keys[row_slots[r]][g]
 *   v    [rows][KV_HEADS][HEAD_DIM]  into values[row_slots[r]][g]
 *   rotations [rows][ROPE_DIM / 2]   (cosine, sine) of each adjacent pair
 *
 * Global size: (HEAD_DIM / 8) x (HEADS + 2 KV_HEADS) x rows; one work-item does 8 elements of one head.
 * Needs -DHEADS -DKV_HEADS -DHEAD_DIM -DROPE_DIM -DKEY_TYPE -DVALUE_TYPE.
 */
#include "attn/kv.clh"

/* Elements first..first+7 of a head, turned. Pairs from ROPE_DIM on stay as they are. */
static inline float8 rotated(float8 x, __global const float *rotation, uint first)
{
    float8 turn = (float8)(1, 0, 1, 0, 1, 0, 1, 0);
    if (first + 8 <= ROPE_DIM) {
        turn = vload8(0, rotation + first);
    } else {
        if (first + 2 <= ROPE_DIM) turn.s01 = vload2(0, rotation + first);
        if (first + 4 <= ROPE_DIM) turn.s23 = vload2(1, rotation + first);
        if (first + 6 <= ROPE_DIM) turn.s45 = vload2(2, rotation + first);
    }
    float4 cosine = turn.even, sine = turn.odd;
    float8 y;
    y.even = x.even * cosine - x.odd * sine;
    y.odd = x.even * sine + x.odd * cosine;
    return y;
}

__kernel void attn_store(__global float *q, ulong q_offset, __global const float *k,
                         ulong k_offset, __global const float *v, ulong v_offset,
                         __global const float *rotations, __global const int *row_slots,
                         __global KEY *keys, __global VALUE *values)
{
    uint first = 8 * get_global_id(0);
    uint head = get_global_id(1);
    size_t row = get_global_id(2);
    __global const float *rotation = rotations + row * ROPE_DIM;

    if (head < HEADS) {
        __global float *x = q + q_offset + (row * HEADS + head) * HEAD_DIM + first;
        vstore8(rotated(vload8(0, x), rotation, first), 0, x);
        return;
    }
    head -= HEADS;
    size_t slot = row_slots[row];
    if (head < KV_HEADS) {
        float8 x = vload8(0, k + k_offset + (row * KV_HEADS + head) * HEAD_DIM + first);
        STORE_KEY8(rotated(x, rotation, first), keys + (slot * KV_HEADS + head) * HEAD_DIM, first);
        return;
    }
    head -= KV_HEADS;
    float8 x = vload8(0, v + v_offset + (row * KV_HEADS + head) * HEAD_DIM + first);
    STORE_VALUE8(x, values + (slot * KV_HEADS + head) * HEAD_DIM, first);
}
