/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What src/device/probe.c measures a device with. All take the same arguments:
 *
 *   data    float16 [items * count]
 *   sums    float [items]
 *   count   vectors of each work-item
 *   next    vectors from the first one of a work-item to that of the next work-item
 *   stride  vectors from one of a work-item to the next one of it
 *
 * next = count, stride = 1: each work-item reads a run of its own (what suits a CPU). next = 1, stride =
 * items: work-items that run together read side by side (what suits a GPU).
 */
__kernel void probe_fill(__global float16 *data, __global float *sums, uint count, ulong next,
                         ulong stride) {
    __global float16 *at = data + get_global_id(0) * next;
    for (uint i = 0; i < count; i++) at[i * stride] = (float16)((float)(i & 1023u));
    sums[get_global_id(0)] = 0.0f;
}

/* Four sums, so that additions do not wait for one another; count is a multiple of 4. */
__kernel void probe_read(__global const float16 *data, __global float *sums, uint count, ulong next,
                         ulong stride) {
    __global const float16 *at = data + get_global_id(0) * next;
    float16 a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (uint i = 0; i < count; i += 4) {
        a += at[i * stride];
        b += at[(i + 1) * stride];
        c += at[(i + 2) * stride];
        d += at[(i + 3) * stride];
    }
    a += b + c + d;
    sums[get_global_id(0)] = dot(a.s0123, (float4)(1.0f)) + dot(a.s4567, (float4)(1.0f)) +
                             dot(a.s89ab, (float4)(1.0f)) + dot(a.scdef, (float4)(1.0f));
}

/* Only its launch takes time. */
__kernel void probe_launch(__global float16 *data, __global float *sums, uint count, ulong next,
                           ulong stride) {
    if (count == 0) sums[get_global_id(0)] = (float)(next + stride) + data[0].s0;
}
