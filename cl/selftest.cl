/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start-up self-test: small kernels whose results the host knows (src/device/selftest.c holds the
 * same formulas in C). Each exercises one thing that the real kernels rely on and that some driver
 * has been seen, or could be expected, to get wrong without saying so.
 *
 * All take (in, out, variant); work-groups of GROUP work-items.
 */
#define GROUP 32

/* One work-item: in[0] rounds over in[1 + i]; out[i] is the state after them. */
__kernel void selftest_loop(__global const uint *in, __global uint *out, uint variant) {
    const size_t i = get_global_id(0);
    const uint rounds = in[0];
    uint state = in[1 + i];
    for (uint r = 0; r < rounds; r++) {
        state = state * 1664525u + 1013904223u + variant;
        state ^= state >> 13;
    }
    out[i] = state;
}

/* out[i] = in[i] + the sum over the work-group, added as a tree in local memory; variant: rounds of
 * it, each starting from the sums of the round before (modulo 1024, so that all stays exact). */
__kernel void selftest_group_sum(__global const float *in, __global float *out, uint variant) {
    __local float part[GROUP];
    const size_t i = get_global_id(0);
    const uint lane = get_local_id(0);
    float value = in[i];
    for (uint round = 0; round < variant; round++) {
        part[lane] = value;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint stride = GROUP / 2; stride > 0; stride /= 2) {
            if (lane < stride) part[lane] += part[lane + stride];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        value = in[i] + (float)((uint)part[0] & 1023u);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    out[i] = value;
}

/* out[j] = in[1 + j] for 16 elements a work-item; variant: elements a load. Element 1 is at an address
 * that is a multiple of 2 bytes only. */
__kernel void selftest_half_load(__global const half *in, __global float *out, uint variant) {
    const size_t first = get_global_id(0) * 16;
    in += 1 + first;
    out += first;
    for (uint j = 0; j < 16; j += variant) {
        switch (variant) {
        case 1:
            out[j] = vload_half(0, in + j);
            break;
        case 4:
            vstore4(vload_half4(0, in + j), 0, out + j);
            break;
        case 8:
            vstore8(vload_half8(0, in + j), 0, out + j);
            break;
        default:
            vstore16(vload_half16(0, in + j), 0, out + j);
        }
    }
}

/* out[1 + j] = in[j], rounded to nearest even; out[0] = in[0]; variant: elements a store. */
__kernel void selftest_half_store(__global const float *in, __global half *out, uint variant) {
    const size_t first = get_global_id(0) * 16;
    if (first == 0) vstore_half(in[0], 0, out);
    in += first;
    out += 1 + first;
    for (uint j = 0; j < 16; j += variant) {
        switch (variant) {
        case 1:
            vstore_half(in[j], 0, out + j);
            break;
        case 4:
            vstore_half4_rte(vload4(0, in + j), 0, out + j);
            break;
        case 8:
            vstore_half8_rte(vload8(0, in + j), 0, out + j);
            break;
        default:
            vstore_half16(vload16(0, in + j), 0, out + j);
        }
    }
}

/* out[1 + j] = 2 in[3 + j] for 16 elements a work-item, out[0] = in[0]; variant: elements a load. The
 * addresses are multiples of 4 bytes only. */
__kernel void selftest_vectors(__global const float *in, __global float *out, uint variant) {
    const size_t first = get_global_id(0) * 16;
    if (first == 0) out[0] = in[0];
    in += 3 + first;
    out += 1 + first;
    for (uint j = 0; j < 16; j += variant) {
        switch (variant) {
        case 2:
            vstore2(vload2(0, in + j) * 2.0f, 0, out + j);
            break;
        case 4:
            vstore4(vload4(0, in + j) * 2.0f, 0, out + j);
            break;
        case 8:
            vstore8(vload8(0, in + j) * 2.0f, 0, out + j);
            break;
        default:
            vstore16(vload16(0, in + j) * 2.0f, 0, out + j);
        }
    }
}

/* 4 bytes a work-item, from an odd address: as signed numbers (variant 0), low nibbles less 8 (1), high
 * nibbles less 8 (2). */
__kernel void selftest_bytes(__global const uchar *in, __global float *out, uint variant) {
    const size_t first = get_global_id(0) * 4;
    const uchar4 bytes = vload4(0, in + 1 + first);
    float4 value;
    if (variant == 0) {
        value = convert_float4(as_char4(bytes));
    } else {
        const uchar4 nibbles = variant == 1 ? bytes & (uchar4)15 : bytes >> (uchar4)4;
        value = convert_float4(nibbles) - 8.0f;
    }
    vstore4(value, 0, out + first);
}

/* in[0] is a row length in bytes; out[3 i], out[3 i + 1] are the words of the 64-bit offset of row
 * in[1 + i], out[3 i + 2] the word of `in` that lies at that offset modulo `variant`. */
__kernel void selftest_offsets(__global const uint *in, __global uint *out, uint variant) {
    const size_t i = get_global_id(0);
    const ulong offset = (ulong)in[1 + i] * in[0] + 8u;
    __global const uchar *bytes = (__global const uchar *)in;
    out[3 * i] = (uint)offset;
    out[3 * i + 1] = (uint)(offset >> 32);
    out[3 * i + 2] = *(__global const uint *)(bytes + offset % variant);
}

/* out[i] = f(in[i], in[N + i], in[2 N + i]) for N work-items; f is chosen by variant. */
__kernel void selftest_arithmetic(__global const float *in, __global float *out, uint variant) {
    const size_t i = get_global_id(0), n = get_global_size(0);
    const float x = in[i], y = in[n + i], z = in[2 * n + i];
    float result;
    switch (variant) {
    case 0:
        result = fma(x, y, z);
        break;
    case 1:
        result = x / y;
        break;
    case 2:
        result = sqrt(x);
        break;
    case 3:
        result = exp(x);
        break;
    case 4:
        result = exp2(x);
        break;
    case 5:
        result = sin(x);
        break;
    case 6:
        result = cos(x);
        break;
    default:
        /* y is minus infinity, as masks are: it vanishes in exp and max, and stays in a sum. */
        result = exp(y - x) + max(y, x) + (x + y == y ? 1.0f : 1000.0f);
    }
    out[i] = result;
}
