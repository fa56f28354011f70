/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the heads of a row made of each token, in integers, so that sums over rows are exact and a row
 * can be taken off again.
 *
 *   weights[tile][list][j] = rint(unit * sum_h 2^(s[h][j] - m[h]) / l[h])  over the heads h of the list
 *   below[tile]           += pairs (h, j) with 2^(s[h][j] - m[h]) < 1 %    (with -DBELOW=1)
 *
 * With -DWORTH=1 a token that weighs less than `worth` times the mean of its list ranks by its place in
 * the list instead, below all others: a choice among tokens that hardly matter falls on the newest, and
 * so stays the same from step to step.
 *   least         = worth unit heads / count, rounded down
 *   weights[..j]  = j, or floor(j least / count) where there are more tokens than numbers below least
 *
 *   tiles   uint4 (first_row, 1, list_offset, count)
 *   scores  [tile][list][heads][score_stride], stats alike without score_stride  (attn/scores.clh)
 *   weights [tile][list][score_stride]         uint
 *   below   [tile]                             uint
 *
 * Global size: ceil(longest / BLOCK) x lists x tiles; a work-item does BLOCK tokens, LANES at a time.
 * The heads are added in their order. With 16 lanes the last vector of a list is read and written
 * whole; what it holds past the end does not count.
 * Needs -DLANES -DBLOCK -DBELOW -DWORTH: 16 lanes and blocks of several vectors where a work-item does a long
 * vector job, 1 and 1 where neighbours do neighbouring tokens.
 */
#include "prelude.clh"
#include "attn/softmax.clh"

#define ROW_PASTE(a, b)    a##b
#define ROW_OF(what, type) ROW_PASTE(what, type)
#if LANES == 1
#define FLOATS      float
#define UINTS       uint
#define LOAD(p)     (*(p))
#define STORE(v, p) (*(p) = (v))
#else
#define FLOATS      ROW_OF(float, LANES)
#define UINTS       ROW_OF(uint, LANES)
#define LOAD(p)     ROW_OF(vload, LANES)(0, p)
#define STORE(v, p) ROW_OF(vstore, LANES)(v, 0, p)
#endif
#define EXP2        ROW_OF(exp2_, LANES)
#define TO_UINTS    ROW_OF(convert_, UINTS)
#if LANES == 16
#define PLACES      (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#else
#define PLACES      0u
#endif

#define SMALL_WEIGHT 0.01f /* of the largest of the row */

__kernel void attn_row(__global const uint4 *tiles, __global const float *scores,
                       __global const float2 *stats, uint score_stride, uint heads, float unit,
                       __global uint *weights
#if BELOW
                       , __global uint *below
#endif
#if WORTH
                       , uint worth
#endif
)
{
    size_t list = get_global_id(2) * get_global_size(1) + get_global_id(1);
    uint begin = BLOCK * get_global_id(0);
    uint end = min(begin + BLOCK, tiles[get_global_id(2)].w);
    scores += list * heads * score_stride;
    stats += list * heads;
    weights += list * score_stride;

#if BELOW
    uint small = 0;
#endif
#if WORTH
    uint count = tiles[get_global_id(2)].w;
    uint least = (uint)min((ulong)worth * (ulong)unit * heads / count, (ulong)UINT_MAX);
    uint scale = least < count ? (uint)(((ulong)least << 32) / count) : 0;
#endif
    for (uint first = begin; first < end; first += LANES) {
        FLOATS sum = 0.0f;
        for (uint h = 0; h < heads; h++) {
            float2 stat = stats[h];
            FLOATS w = EXP2(LOAD(scores + (size_t)h * score_stride + first) - stat.x);
            sum = fma(w, (FLOATS)(1.0f / stat.y), sum);
#if BELOW
            float lane[LANES];
            STORE(w, lane);
            for (uint j = 0; j < LANES; j++)
                small += lane[j] < SMALL_WEIGHT && first + j < end;
#endif
        }
        UINTS weight = TO_UINTS(rint(sum * unit));
#if WORTH
        UINTS place = first + PLACES;
        if (scale)
            place = mul_hi(place, (UINTS)scale);
        weight = select(weight, place, weight < (UINTS)least);
#endif
        STORE(weight, weights + first);
    }
#if BELOW
    if (small > 0)
        atomic_add(below + get_global_id(2), small);
#endif
}
