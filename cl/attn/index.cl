/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small copy of all keys, 2 bits an element, for choosing tokens by the current query.
 *
 * A group is up to 32 neighbouring elements of a head (the last one of a head may be shorter). Some
 * channels of keys are far larger than others and would leave the others nothing of 2 bits, so groups are
 * mixed first: y = H x in spans of 32, 16 or 8 elements, where H_ij = (-1)^popcount(i & j) (Walsh and
 * Hadamard), and the query alike; q . x = (H q / span) . (H x). Mixed elements are nearly normally
 * distributed, and the best four equidistant levels for those are 0.9957 standard deviations apart
 * (Max 1960, table II): y = scale (code - 3/2), code 0..3, with a half as the scale of a group.
 *
 * Tokens come in tiles of 64, innermost in a tile, so that a vector of them, or neighbouring work-items,
 * share an element, and a head is read from its first byte to its last:
 *   codes  [sequence][kv_head][tile][HEAD_DIM / 4][64]  uchar: element 4i in the lowest bits
 *   scales [sequence][kv_head][tile][GROUPS][64]        half
 * context is a multiple of 64; tokens that were never stored are zero.
 *
 * index_store quantises rows of keys, rotated on the way. Global size: GROUPS x KV_HEADS x rows.
 *   k [rows][KV_HEADS][HEAD_DIM]; rotations [rows][ROPE_DIM / 2]; tokens (sequence, position)
 *
 * index_score leaves what attention would leave of a row over all its tokens (attn/scores.clh), but stats
 * for each part of the tokens:
 *   scores [row][HEADS][score_stride]  s_j in base 2;  stats [row][HEADS][parts]  (m, l)
 *   q [..][HEADS][HEAD_DIM]; rows (row of q, sequence, count, -)
 * A work-group of GROUP work-items does a part of so many tokens (a multiple of LANES, where there are
 * several) for HEAD_BLOCK heads that share a KV head, LANES tokens at a time. Global size: (GROUP rows) x
 * (HEADS / HEAD_BLOCK) x parts.
 *
 * index_merge makes stats [row][HEADS] of those of several parts. Global size: (GROUP rows) x HEADS.
 *
 * Needs -DHEADS -DKV_HEADS -DHEAD_DIM -DROPE_DIM -DHEAD_BLOCK -DLANES (4 or 16) -DGROUP; -DSINKS=1,
 * -DSOFT_CAP: attn/softmax.clh.
 */
#include "attn/rotate.clh"
#include "attn/softmax.clh"

#define RATIO       (HEADS / KV_HEADS)
#define GROUP_SIZE  32
#define GROUPS      ((HEAD_DIM + GROUP_SIZE - 1) / GROUP_SIZE)
#define GROUP_BYTES (GROUP_SIZE / 4)
#define TILE        64

/* Elements that are mixed with each other, of a group of so many. */
static inline uint span_of(uint size)
{
    return size == 32 || size == 16 ? size : 8;
}

/* H of eight: each pass takes the lowest bit of the place and makes it the highest. shuffle2 and not
 * (float8)(sum, difference): oclgrind crashes on the undefined lanes that the compiler makes of that. */
static inline float8 mixed_eight(float8 x)
{
    const uint8 joined = (uint8)(0, 1, 2, 3, 4, 5, 6, 7);
    x = shuffle2(x.even + x.odd, x.even - x.odd, joined);
    x = shuffle2(x.even + x.odd, x.even - x.odd, joined);
    return shuffle2(x.even + x.odd, x.even - x.odd, joined);
}

__kernel void index_store(__global const float *k, ulong k_offset, __global const float *rotations,
                          __global const uint2 *tokens, uint context, __global uchar *codes,
                          ulong codes_offset, __global half *scales, ulong scales_offset)
{
    uint group = get_global_id(0), head = get_global_id(1);
    size_t row = get_global_id(2);
    uint2 token = tokens[row];
    size_t plane = (size_t)token.x * KV_HEADS + head;
    uint first = GROUP_SIZE * group, size = min(HEAD_DIM - first, (uint)GROUP_SIZE);
    uint eights = size / 8, span = span_of(size) / 8;
    k += k_offset + (row * KV_HEADS + head) * HEAD_DIM + first;
    size_t tile = (plane * context + token.y) / TILE;
    codes += codes_offset + (tile * (HEAD_DIM / 4) + first / 4) * TILE + token.y % TILE;
    scales += scales_offset + (tile * GROUPS + group) * TILE + token.y % TILE;

    /* Loops over all eights of a whole group, so that they can be unrolled and x is in registers; those
     * that a shorter one lacks are zeros. */
    float8 x[GROUP_SIZE / 8];
#pragma unroll
    for (uint i = 0; i < GROUP_SIZE / 8; i++) {
        x[i] = 0.0f;
        if (i < eights)
            x[i] = mixed_eight(rotated(vload8(i, k), rotations + row * ROPE_DIM, first + 8 * i));
    }
#pragma unroll
    for (uint bit = 1; bit < GROUP_SIZE / 8; bit *= 2) {
        if (bit >= span)
            continue;
#pragma unroll
        for (uint i = 0; i < GROUP_SIZE / 8; i++) {
            if (i & bit)
                continue;
            float8 a = x[i], b = x[i + bit];
            x[i] = a + b;
            x[i + bit] = a - b;
        }
    }
    float8 squares = 0.0f;
#pragma unroll
    for (uint i = 0; i < GROUP_SIZE / 8; i++)
        squares = fma(x[i], x[i], squares);
    float4 fours = squares.lo + squares.hi;
    float2 twos = fours.lo + fours.hi;
    vstore_half_rte(0.9957f * sqrt((twos.x + twos.y) / size), 0, scales);
    float scale = vload_half(0, scales);
    float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
#pragma unroll
    for (uint i = 0; i < GROUP_SIZE / 8; i++) {
        if (i >= eights)
            continue;
        uint8 code = convert_uint8(clamp(floor(x[i] * inverse) + 2.0f, 0.0f, 3.0f));
        codes[(2 * i + 0) * TILE] = (uchar)(code.s0 | code.s1 << 2 | code.s2 << 4 | code.s3 << 6);
        codes[(2 * i + 1) * TILE] = (uchar)(code.s4 | code.s5 << 2 | code.s6 << 4 | code.s7 << 6);
    }
}

#if LANES == 16
#define FLOATS         float16
#define UINTS          uint16
#define CODES_AT(p)    vload16(0, p)
#define TO_UINTS       convert_uint16
#define AS_FLOATS      as_float16
#define HALVES_AT(p)   vload_half16(0, p)
#define FLOATS_AT(p)   vload16(0, p)
#define STORE(v, p)    vstore16(v, 0, p)
#define EXP2           exp2_16
#define CAPPED         capped_16
#else
#define FLOATS         float4
#define UINTS          uint4
#define CODES_AT       aligned_uchar4
#define TO_UINTS       convert_uint4
#define AS_FLOATS      as_float4
#define HALVES_AT      aligned_half4
#define FLOATS_AT      aligned_float4
#define STORE(v, p)    (*(__global float4 *)(p) = (v))
#define EXP2           exp2_4
#define CAPPED         capped_4
DEFINE_EXP2(exp2_4, float4, convert_int4, as_float4)
#endif

/* 1 + code / 4 of the codes at this bit of each byte, put into the float's fraction: GPUs convert
 * integers at a fraction of the rate of everything else. */
static inline FLOATS levels(UINTS four, uint bit)
{
    return AS_FLOATS((four << (21 - bit) & 0x00600000u) | 0x3f800000u);
}

/* Sums of a head, because one would wait for itself; of four heads that many do not fit into the registers
 * of Intel's GPUs. */
#define SUMS (HEAD_BLOCK > 2 && !PROCESSOR ? 2 : 4)

/* Scores of LANES tokens, whose codes and scales start here, for HEAD_BLOCK heads. */
static inline __attribute__((always_inline)) void score_tokens(__local const float (*q)[HEAD_DIM],
                                __local const float (*bias)[GROUPS], __global const uchar *codes,
                                __global const half *scales, FLOATS *score)
{
#pragma unroll
    for (uint h = 0; h < HEAD_BLOCK; h++)
        score[h] = 0.0f;
    /* Unrolled, it makes compilers keep all of q in registers, from one call to the next. */
#pragma unroll 1
    for (uint group = 0; group < GROUPS; group++) {
        uint end = min((group + 1) * GROUP_BYTES, (uint)(HEAD_DIM / 4));
        FLOATS sum[HEAD_BLOCK][SUMS];
#pragma unroll
        for (uint h = 0; h < HEAD_BLOCK; h++)
#pragma unroll
            for (uint i = 0; i < SUMS; i++)
                sum[h][i] = i == 0 ? bias[h][group] : 0.0f;
        /* Unrolled, it spills there too. */
#if HEAD_BLOCK > 2 && !PROCESSOR
#pragma unroll 1
#endif
        for (uint byte = group * GROUP_BYTES; byte < end; byte++) {
            UINTS four = TO_UINTS(CODES_AT(codes + byte * TILE));
#pragma unroll
            for (uint i = 0; i < 4; i++) {
                FLOATS x = levels(four, 2 * i);
#pragma unroll
                for (uint h = 0; h < HEAD_BLOCK; h++)
                    sum[h][i % SUMS] = fma((FLOATS)(q[h][4 * byte + i]), x, sum[h][i % SUMS]);
            }
        }
        FLOATS scale = HALVES_AT(scales + group * TILE);
#pragma unroll
        for (uint h = 0; h < HEAD_BLOCK; h++)
            score[h] = fma(SUMS == 4 ? (sum[h][0] + sum[h][1]) + (sum[h][SUMS - 2] + sum[h][SUMS - 1])
                                     : sum[h][0] + sum[h][1],
                           scale, score[h]);
    }
}

/* i is a constant once the loop around is unrolled: no processor indexes its registers. */
static inline float element(const FLOATS *v, uint i)
{
    return ((const float *)v)[i];
}

/* Element d of the mixed query of a head. */
static inline float mixed_element(__global const float *q, uint d)
{
    uint group = d / GROUP_SIZE * GROUP_SIZE;
    uint span = span_of(min(HEAD_DIM - group, (uint)GROUP_SIZE)), first = d / span * span;
    float sum = 0.0f;
    for (uint i = 0; i < span; i++)
        sum += popcount(i & d) & 1 ? -q[first + i] : q[first + i];
    return sum / span;
}

/* What the work-items of a group have, in the order of their numbers. */
static inline float group_max(float own, __local float *shared)
{
#if GROUP > 1
    uint item = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[item] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (item < half_size)
            shared[item] = max(shared[item], shared[item + half_size]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return shared[0];
#else
    return own;
#endif
}

static inline float group_sum(float own, __local float *shared)
{
#if GROUP > 1
    uint item = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[item] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (item < half_size)
            shared[item] += shared[item + half_size];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return shared[0];
#else
    return own;
#endif
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
index_score(__global const float *q, ulong q_offset, __global const uint4 *rows, float scale,
            uint context, __global const uchar *codes, ulong codes_offset,
            __global const half *scales, ulong scales_offset, __global float *scores,
            __global float2 *stats, uint score_stride, uint part SINKS_PARAMETERS)
{
    __local float shared[GROUP];
    __local float query[HEAD_BLOCK][HEAD_DIM]; /* four times what levels are multiplied by */
    __local float bias[HEAD_BLOCK][GROUPS];    /* takes off 1 + 3/2 / 4 of each element */
    uint4 row = rows[get_group_id(0)];
    uint first_head = get_group_id(1) * HEAD_BLOCK;
    uint begin = get_group_id(2) * part, end = min(row.z, begin + part);
    size_t plane = (size_t)row.y * KV_HEADS + first_head / RATIO;
    q += q_offset + ((size_t)row.x * HEADS + first_head) * HEAD_DIM;
    codes += codes_offset + plane * (HEAD_DIM / 4) * context;
    scales += scales_offset + plane * GROUPS * context;
    size_t out = (size_t)get_group_id(0) * HEADS + first_head;
    scores += out * score_stride;
    stats += out * get_num_groups(2) + get_group_id(2);

    for (uint i = get_local_id(0); i < HEAD_BLOCK * HEAD_DIM; i += GROUP)
        query[i / HEAD_DIM][i % HEAD_DIM] =
            4.0f * scale * mixed_element(q + i / HEAD_DIM * HEAD_DIM, i % HEAD_DIM);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = get_local_id(0); i < HEAD_BLOCK * GROUPS; i += GROUP) {
        uint first = i % GROUPS * GROUP_SIZE, size = min(HEAD_DIM - first, (uint)GROUP_SIZE);
        float sum = 0.0f;
        for (uint d = first; d < first + size; d++)
            sum += query[i / GROUPS][d];
        bias[i / GROUPS][i % GROUPS] = -1.375f * sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    FLOATS largest[HEAD_BLOCK]; /* of whole vectors, and of what is left */
    float maximum[HEAD_BLOCK];
#pragma unroll
    for (uint h = 0; h < HEAD_BLOCK; h++)
        largest[h] = maximum[h] = LOWEST;
    for (uint j = begin + LANES * (uint)get_local_id(0); j < end; j += LANES * GROUP) {
        FLOATS score[HEAD_BLOCK];
        uint tile = j / TILE, inside = j % TILE;
        score_tokens(query, bias, codes + tile * (size_t)(HEAD_DIM / 4 * TILE) + inside,
                     scales + tile * (size_t)(GROUPS * TILE) + inside, score);
        uint lanes = min(end - j, (uint)LANES);
#pragma unroll
        for (uint h = 0; h < HEAD_BLOCK; h++) {
            score[h] = CAPPED(score[h]);
            STORE(score[h], scores + h * (size_t)score_stride + j);
            if (lanes == LANES)
                largest[h] = max(largest[h], score[h]);
            else
#pragma unroll
                for (uint i = 0; i < LANES; i++)
                    if (i < lanes)
                        maximum[h] = max(maximum[h], element(&score[h], i));
        }
    }
#pragma unroll
    for (uint h = 0; h < HEAD_BLOCK; h++) {
#pragma unroll
        for (uint i = 0; i < LANES; i++)
            maximum[h] = max(maximum[h], element(&largest[h], i));
        float m = group_max(maximum[h], shared), l = 0.0f;
#if SINKS /* a sink is in the first part */
        float2 before = BEFORE_TOKENS(sinks[sinks_offset + first_head + h]);
        if (begin == 0)
            m = max(m, before.x);
        if (begin == 0 && get_local_id(0) == 0)
            l = before.y * exp2_1(before.x - m);
#endif
        FLOATS sum = 0.0f;
        __global const float *own = scores + h * (size_t)score_stride;
        for (uint j = begin + LANES * (uint)get_local_id(0); j < end; j += LANES * GROUP) {
            FLOATS weight = EXP2(FLOATS_AT(own + j) - m);
            uint lanes = min(end - j, (uint)LANES);
            if (lanes == LANES)
                sum += weight;
            else
#pragma unroll
                for (uint i = 0; i < LANES; i++)
                    if (i < lanes)
                        l += element(&weight, i);
        }
#pragma unroll
        for (uint i = 0; i < LANES; i++)
            l += element(&sum, i);
        l = group_sum(l, shared);
        if (get_local_id(0) == 0)
            stats[h * get_num_groups(2)] = (float2)(m, l);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
index_merge(__global const float2 *partial, uint parts, __global float2 *stats)
{
    __local float shared[GROUP];
    size_t head = get_group_id(0) * HEADS + get_group_id(1);
    partial += head * parts;
    float m = LOWEST, l = 0.0f;
    for (uint i = get_local_id(0); i < parts; i += GROUP)
        m = max(m, partial[i].x);
    m = group_max(m, shared);
    for (uint i = get_local_id(0); i < parts; i += GROUP)
        l = fma(partial[i].y, exp2_1(partial[i].x - m), l);
    l = group_sum(l, shared);
    if (get_local_id(0) == 0)
        stats[head] = (float2)(m, l);
}
